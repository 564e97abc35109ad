"""What is told of an event: the payloads of versions v1 and v2, and the signature of the latter.

v1 is the event's data alone. v2 has them as ``data``, beside the event's name and time, and an HMAC of both where the
hook has a key.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from couch.database import Document

FILTERS = frozenset({"type", "action"})
"""Members of a hook's ``custom_data`` that choose events, and aren't sent."""

Payload = dict[str, Any]


def payload_for(hook: Document, name: str, data: Mapping[str, Any], timestamp: int) -> Payload:
    """Return the payload of an event for a hook; `timestamp` is in Gregorian seconds."""
    merged = {**data, **_custom_data(hook)}
    if hook.get("version") != "v2":
        return merged
    payload = {"action": "event", "name": name, "data": merged, "timestamp": timestamp}
    key = _sha256_key(hook)
    return {**payload, "hmac": sign(key, timestamp, merged)} if key else payload


def sign(key: str, timestamp: int, data: Mapping[str, Any]) -> str:
    """Return base64 of the HMAC-SHA256 of a decimal timestamp and the canonical JSON of data behind it."""
    message = str(timestamp).encode() + canonical_json(data)
    return base64.b64encode(hmac.digest(key.encode(), message, hashlib.sha256)).decode()


def canonical_json(value: Any) -> bytes:
    """Return JSON with sorted keys and without spaces, in UTF-8."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode(errors="surrogatepass")


def form_data(payload: Mapping[str, Any]) -> str:
    """Return a payload as a form or query; members of objects are ``outer[inner]``, items of lists ``outer[]``."""
    return urlencode(list(_fields("", payload)))


def _fields(prefix: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, member in value.items():
            yield from _fields(f"{prefix}[{name}]" if prefix else str(name), member)
    elif isinstance(value, list):
        for item in value:
            yield from _fields(f"{prefix}[]", item)
    elif value is not None:
        yield prefix, value if isinstance(value, str) else canonical_json(value).decode()


def _custom_data(hook: Document) -> dict[str, str]:
    data = hook.get("custom_data")
    members = data.items() if isinstance(data, dict) else ()
    return {name: value for name, value in members if name not in FILTERS}


def _sha256_key(hook: Document) -> str:
    settings = hook.get("security_settings")
    key = settings.get("sha256_key") if isinstance(settings, dict) else None
    return key if isinstance(key, str) else ""
