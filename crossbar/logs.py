"""Logs as a JSON object per line, with the request's id and without secrets."""

import logging
from contextvars import ContextVar
from typing import Any
from urllib.parse import quote

from pythonjsonlogger.json import JsonFormatter as BaseFormatter

from crossbar.redaction import redact_target, redact_value

request_id: ContextVar[str] = ContextVar("request_id", default="")


class JsonFormatter(BaseFormatter):
    """Formats a record: time, level, logger, message, request_id and, of an error, the traceback; all redacted."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("rename_fields", {"asctime": "time", "levelname": "level", "name": "logger"})
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s", *args, **kwargs)

    def add_fields(self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]) -> None:
        """Add the fields of a line."""
        super().add_fields(log_data, record, message_dict)
        if identifier := getattr(record, "request_id", None) or request_id.get():
            log_data["request_id"] = identifier
        request = log_data.pop("request", None)
        path = getattr(request, "path", None)
        if path and isinstance(log_data.get("message"), str):
            # Django logs the decoded path, which no longer tells where a secret in it ends.
            log_data["message"] = log_data["message"].replace(path, redact_target(quote(path)))

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        """Redact and cut the fields of a line, before they are JSON, which redaction could break."""
        redacted: dict[str, Any] = redact_value(super().process_log_record(log_data))
        return redacted
