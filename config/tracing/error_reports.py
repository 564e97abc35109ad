"""What Sentry hears of errors: their classes and stacks, where and in which request, and nothing of what was asked.

The SDK collects much more by itself. Of what it collects, `reduce_event` passes on what is listed here, so that a new
version of it can't add anything. The texts of exceptions are left out: numbers, ids and names are often in them.
"""

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sentry_sdk
from django.conf import settings
from sentry_sdk.integrations.atexit import AtexitIntegration
from sentry_sdk.integrations.excepthook import ExcepthookIntegration
from sentry_sdk.integrations.logging import EventHandler, ignore_logger

from config.routes import current_route
from config.tracing.request_ids import random_id
from crossbar.logs import request_id
from crossbar.redaction import redact
from crossbar.version import VERSION

_MEMBERS = (
    *("event_id", "timestamp", "platform", "level", "logger", "release", "environment"),
    *("server_name", "sdk"),
)
_FRAME_MEMBERS = (
    *("filename", "module", "function", "lineno", "in_app"),
    *("pre_context", "context_line", "post_context"),  # lines of the source
)
_END_SECONDS = 2
_REPORTS_PER_MINUTE = 60


class ReportLimit(logging.Filter):
    """Lets so many errors of a minute through: a report takes 4 ms of CPU, and each request may fail."""

    def __init__(self, limit: int, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._limit, self._clock = limit, clock
        self._lock = threading.Lock()
        self._count, self._ends_at = 0, 0.0

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a record is reported."""
        if record.name.startswith("django.") and not record.exc_info:
            # Django logs each response from 500 on. An error of the API was logged before, and a 503 is none.
            return False
        with self._lock:
            now = self._clock()
            if now >= self._ends_at:
                self._count, self._ends_at = 0, now + 60
            self._count += 1
            return self._count <= self._limit


class ReportHandler(EventHandler):
    """Reports what is logged as an error. A handler of the root logger, in the settings."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.addFilter(ReportLimit(_REPORTS_PER_MINUTE))


def start_reporting(dsn: str) -> None:
    """Report errors that are logged or end a command. A thread sends them; what it can't take is dropped."""
    ignore_logger("opentelemetry.*")  # a collector that is away is no error of the service
    logging.getLogger("gunicorn.error").addHandler(ReportHandler())  # whose records don't get to the root logger
    sentry_sdk.init(
        dsn=dsn,
        release=f"vmboxes@{VERSION}",
        default_integrations=False,
        auto_enabling_integrations=False,
        integrations=[
            ExcepthookIntegration(),
            AtexitIntegration(callback=lambda pending, timeout: None),
        ],
        before_send=reduce_event,
        attach_stacktrace=True,
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        send_client_reports=False,
        auto_session_tracking=False,
        spotlight=False,
        shutdown_timeout=_END_SECONDS,
    )


def reduce_event(event: Any, hint: dict[str, Any]) -> Any:
    """Return what of an event is told."""
    record = hint.get("log_record")
    reduced = {name: event[name] for name in _MEMBERS if name in event}
    for name in ("exception", "threads"):
        if values := (event.get(name) or {}).get("values"):
            reduced[name] = {"values": [_reduce_error(value) for value in values]}
    if trace := (event.get("contexts") or {}).get("trace"):
        ids = {name: trace[name] for name in ("trace_id", "span_id") if name in trace}
        reduced["contexts"] = {"trace": ids}
    if record is not None and _is_own(record.name) and isinstance(record.msg, str):
        reduced["logentry"] = {"message": redact(record.msg)}  # the text of the source, without what is filled in
    if current := current_route():
        reduced["transaction"] = current.name
    if identifier := random_id(request_id.get()):
        reduced["tags"] = {"request_id": identifier}
    return reduced


def _reduce_error(error: dict[str, Any]) -> dict[str, Any]:
    """Return an exception, or the stack of a log line, without values of variables and without its text."""
    reduced = {name: error[name] for name in ("type", "module") if error.get(name)}
    frames = (error.get("stacktrace") or {}).get("frames") or []
    kept = [{name: frame[name] for name in _FRAME_MEMBERS if name in frame} for frame in frames]
    return {**reduced, "stacktrace": {"frames": kept}} if kept else reduced


def _is_own(logger_name: str) -> bool:
    """Whether a logger is one of this project, whose texts are templates. Elsewhere texts are filled in before."""
    return (Path(settings.BASE_DIR) / logger_name.partition(".")[0] / "__init__.py").is_file()
