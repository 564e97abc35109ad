"""What a hook may say of the requests that are sent for it: its address and further headers."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from crossbar.errors import ValidationFailed

SCHEMES = ("http", "https")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}", re.ASCII)
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e]*", re.ASCII)
_OUR_HEADERS = frozenset(
    {
        *("host", "content-length", "transfer-encoding", "connection", "expect", "te", "trailer", "upgrade"),
        *("keep-alive", "proxy-authorization", "proxy-connection", "x-hook-id", "x-account-id", "x-event-id"),
    }
)
"""Headers that the connection or we ourselves decide on."""


def require_sendable(members: Mapping[str, Any]) -> None:
    """Raise ValidationFailed for an address or headers that no request can have; other types are the schema's."""
    errors: dict[str, dict[str, dict[str, Any]]] = {}
    uri = members.get("uri")
    if isinstance(uri, str) and uri and not is_http_address(uri):
        message = "Value is not an http or https address"
        errors["uri"] = {"format": {"message": message, "target": "uri", "value": uri}}
    headers = members.get("custom_request_headers")
    for name, value in headers.items() if isinstance(headers, dict) else ():
        if isinstance(value, str) and not is_allowed_header(name, value):
            message = "The header can't be sent: its name or value is malformed, or it is one of our own"
            errors[f"custom_request_headers.{name}"] = {"forbidden": {"message": message}}
    if errors:
        raise ValidationFailed(errors)


def is_http_address(uri: str) -> bool:
    """Whether a text is an absolute http or https address with a host."""
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError:
        return False
    is_ascii = (parts.hostname or "").isascii()
    is_clean = uri.isprintable() and not re.search(r"[\s\\]", uri)
    return is_clean and parts.scheme in SCHEMES and bool(parts.hostname) and is_ascii and port != 0


def is_allowed_header(name: str, value: str) -> bool:
    """Whether a header may be added to requests: well-formed on one line, and none that the request depends on."""
    is_well_formed = _HEADER_NAME.fullmatch(name) and _HEADER_VALUE.fullmatch(value)
    return bool(is_well_formed) and name.lower() not in _OUR_HEADERS
