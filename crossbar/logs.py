"""Logs as a JSON object per line, with the request's id and without secrets."""

import logging
import re
from contextvars import ContextVar
from typing import Any

from pythonjsonlogger.json import JsonFormatter as BaseFormatter

request_id: ContextVar[str] = ContextVar("request_id", default="")

_SECRETS = "auth_token|token|api_key|credentials|password|pin|pvt_api_key|md5hash"
# A listing's filter may hold a secret, too: filter_pin=1234.
_IN_QUERY = re.compile(rf"((?:^|[?&;\s])(?:filter_[\w.]*?)?(?:{_SECRETS})=)[^&;\s\"'\\]+", re.IGNORECASE)
# Quotes may be escaped: a body quoted in a text is JSON within JSON.
_IN_JSON = re.compile(rf"(\\*[\"'](?:{_SECRETS})\\*[\"']\s*:\s*)(\\*\"[^\"]*\"|'[^']*'|[^\s,}}]+)", re.IGNORECASE)
_IN_HEADER = re.compile(r"((?:Basic|Bearer|X-Auth-Token\s*:?)\s+)[A-Za-z0-9+/=._~-]{8,}", re.IGNORECASE)
_IN_URL = re.compile(r"(://[^/\s:@]*:)[^@/\s]+@")
# A signed token has three parts, of which the first two are JSON in base64.
_SIGNED = re.compile(r"eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*", re.ASCII)
_NAME = re.compile(_SECRETS, re.IGNORECASE)


def redact(text: str) -> str:
    """Return a text without the values of tokens, PINs, passwords, credentials and API keys in it."""
    # Most texts have none. To find that out is quicker than to try an expression everywhere.
    if "=" in text:
        text = _IN_QUERY.sub(r"\1***", text)
    if '"' in text or "'" in text:
        text = _IN_JSON.sub(r'\1"***"', text)
    if " " in text or not text.isprintable():  # which it isn't with any other white space
        text = _IN_HEADER.sub(r"\1***", text)
    if "eyJ" in text:
        text = _SIGNED.sub("***", text)
    return _IN_URL.sub(r"\1***@", text) if "://" in text else text


def _redact_value(value: Any) -> Any:
    """Redact a value beside the text of a log record."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {name: "***" if _NAME.fullmatch(str(name)) else _redact_value(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_redact_value(item) for item in value]
    return value if value is None or isinstance(value, bool | int | float) else redact(str(value))


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
        log_data.pop("request", None)

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        """Redact the fields of a line, before they are JSON, which redaction could break."""
        redacted: dict[str, Any] = _redact_value(super().process_log_record(log_data))
        return redacted
