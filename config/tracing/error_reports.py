"""What Sentry hears of errors: their classes and stacks, where and in which request, and nothing of what was asked.

The SDK collects much more by itself. Of what it collects, `reduce_event` passes on what is listed here, so that a new
version of it can't add anything. The texts of exceptions are left out: numbers, ids and names are often in them.
"""

from pathlib import Path
from typing import Any

import sentry_sdk
from django.conf import settings
from sentry_sdk.integrations.atexit import AtexitIntegration
from sentry_sdk.integrations.excepthook import ExcepthookIntegration
from sentry_sdk.integrations.logging import LoggingIntegration, ignore_logger

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


def start_reporting(dsn: str) -> None:
    """Report errors that are logged or end a command. A thread sends them; what it can't take is dropped."""
    ignore_logger("opentelemetry.*")  # a collector that is away is no error of the service
    sentry_sdk.init(
        dsn=dsn,
        release=f"vmboxes@{VERSION}",
        default_integrations=False,
        auto_enabling_integrations=False,
        integrations=[
            LoggingIntegration(level=None, sentry_logs_level=None),
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
    """Return what of an event is told; None if nothing is."""
    record = hint.get("log_record")
    if record is not None and record.name.startswith("django.") and not record.exc_info:
        # Django logs each response from 500 on. An error of the API was logged before, and a 503 is none.
        return None
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
