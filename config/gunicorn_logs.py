"""gunicorn's logs in the format of all others: a JSON object per line, with the request's id and without secrets."""

import logging
import re
import time
from datetime import timedelta
from typing import Any

from gunicorn import glogging

from crossbar.caching import cache_short_texts
from crossbar.envelope_format import to_json
from crossbar.logs import JsonFormatter
from crossbar.redaction import redact, redact_target, shorten

_MAX_TARGET = 2_000
_MAX_USER_AGENT = 300
_INVALID_REQUEST = re.compile(r"(?s)(Invalid request from ip=[^'\"]*).*")
_redact_user_agent = cache_short_texts(1_000)(redact)


class AccessFormatter(logging.Formatter):
    """Formats the line of a request as `JsonFormatter` would; the record's message is its fields, which are redacted.

    `JsonFormatter` itself would take a sixth of the CPU of a small request.
    """

    def __init__(self) -> None:
        super().__init__()
        self._second, self._time = 0, ""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        fields: Any = record.msg
        second = int(record.created)
        if second != self._second:  # a handler formats one line at a time
            self._second, self._time = second, time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(second))
        head = {"time": f"{self._time},{int(record.msecs):03d}", "level": record.levelname, "logger": record.name}
        return to_json(head | fields).decode()


class Logger(glogging.Logger):
    """Writes the access log to stdout, and errors to stderr."""

    def setup(self, cfg: Any) -> None:
        """Open the logs; again, when gunicorn reloads its configuration."""
        super().setup(cfg)
        # No line names the thread or the process. To leave them out saves a third of the cost of a record.
        logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
        for handler in self.error_log.handlers:
            handler.setFormatter(JsonFormatter())
        for handler in self.access_log.handlers:
            handler.setFormatter(AccessFormatter())

    def warning(self, msg: Any, *args: Any, **kwargs: Any) -> None:
        """Log a warning, without what the client sent if that is no request: secrets in it can't be told apart."""
        super().warning(_INVALID_REQUEST.sub(r"\1 ...", str(msg)), *args, **kwargs)

    def access(self, resp: Any, req: Any, environ: Any, request_time: timedelta) -> None:
        """Log a request that was answered."""
        log = self.access_log
        if not log.isEnabledFor(logging.INFO):
            return
        target = shorten(redact_target(str(environ.get("RAW_URI", ""))), _MAX_TARGET)
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
            "user_agent": shorten(_redact_user_agent(str(environ.get("HTTP_USER_AGENT", ""))), _MAX_USER_AGENT),
        }
        log.handle(logging.LogRecord(log.name, logging.INFO, "", 0, fields, None, None))
