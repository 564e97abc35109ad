"""gunicorn's logs in the form of all others: one JSON object per line, with the request's id, without secrets."""

import logging
from datetime import timedelta
from typing import Any
from urllib.parse import unquote_plus

from gunicorn import glogging

from crossbar.logs import JsonFormatter, redact


class Logger(glogging.Logger):
    """The access log goes to stdout, errors go to stderr."""

    def setup(self, cfg: Any) -> None:
        """Open the logs as configured, and again when the configuration is read again."""
        super().setup(cfg)
        for handler in (*self.error_log.handlers, *self.access_log.handlers):
            handler.setFormatter(JsonFormatter())

    def access(self, resp: Any, req: Any, environ: Any, request_time: timedelta) -> None:
        """One answered request."""
        if not self.access_log.isEnabledFor(logging.INFO):
            return
        headers = {name.lower(): value for name, value in resp.headers}
        # Undone first, since auth%5Ftoken=... is a token as well.
        target = redact(unquote_plus(str(environ.get("RAW_URI", ""))))
        fields = {
            "request_id": headers.get("x-request-id", ""),
            "method": environ.get("REQUEST_METHOD"),
            "target": target,
            "status": int(str(resp.status).split(None, 1)[0]),
            "sent_bytes": getattr(resp, "sent", None),
            "seconds": round(request_time.total_seconds(), 4),
            "client": environ.get("REMOTE_ADDR"),
            "user_agent": environ.get("HTTP_USER_AGENT", ""),
        }
        self.access_log.info("%s %s %s", fields["method"], target, fields["status"], extra=fields)
