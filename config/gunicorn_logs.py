"""gunicorn's logs in the form of all others: one JSON object per line, with the request's id, without secrets."""

import logging
import time
from datetime import timedelta
from typing import Any
from urllib.parse import unquote_plus

from gunicorn import glogging

from crossbar.caching import cache_short_texts
from crossbar.envelope_format import to_json
from crossbar.logs import JsonFormatter, redact

# Clients are the same few again and again.
_redacted = cache_short_texts(1_000)(redact)


class AccessFormatter(logging.Formatter):
    """What `JsonFormatter` makes of an answered request, whose fields come redacted and are the record's message.

    There is a line per request: made as those of errors are, it would cost a sixth of what the service does for one.
    """

    def __init__(self) -> None:
        super().__init__()
        self._second, self._time = 0, ""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        fields: Any = record.msg
        second = int(record.created)
        if second != self._second:  # its handler asks it for one line at a time
            self._second, self._time = second, time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(second))
        head = {"time": f"{self._time},{int(record.msecs):03d}", "level": record.levelname, "logger": record.name}
        return to_json(head | fields).decode()


class Logger(glogging.Logger):
    """The access log goes to stdout, errors go to stderr."""

    def setup(self, cfg: Any) -> None:
        """Open the logs as configured, and again when the configuration is read again."""
        super().setup(cfg)
        # Which thread of which process answered is in no line: not to look for it saves a third of a record.
        logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
        for handler in self.error_log.handlers:
            handler.setFormatter(JsonFormatter())
        for handler in self.access_log.handlers:
            handler.setFormatter(AccessFormatter())

    def access(self, resp: Any, req: Any, environ: Any, request_time: timedelta) -> None:
        """One answered request."""
        log = self.access_log
        if not log.isEnabledFor(logging.INFO):
            return
        # Undone first, since auth%5Ftoken=... is a token as well.
        target = redact(unquote_plus(str(environ.get("RAW_URI", ""))))
        method, status = environ.get("REQUEST_METHOD"), int(str(resp.status).split(None, 1)[0])
        fields = {
            "message": f"{method} {target} {status}",
            "request_id": next((value for name, value in reversed(resp.headers) if name == "X-Request-ID"), ""),
            "method": method,
            "target": target,
            "status": status,
            "sent_bytes": getattr(resp, "sent", None),
            "seconds": round(request_time.total_seconds(), 4),
            "client": environ.get("REMOTE_ADDR"),
            "user_agent": _redacted(str(environ.get("HTTP_USER_AGENT", ""))),
        }
        log.handle(logging.LogRecord(log.name, logging.INFO, "", 0, fields, None, None))
