"""The JSON envelope around the data of every response, error or not."""

import hashlib
import json
import socket
import time
from functools import lru_cache
from typing import Any

import orjson

from crossbar.version import VERSION

NODE_PREFIX = "vmboxes@"
NODE = f"{NODE_PREFIX}{socket.gethostname()}"


def content_digest(data: Any) -> str:
    """A digest of JSON data, which stands in for a revision where no single document has one."""
    return hashlib.md5(to_json(data), usedforsecurity=False).hexdigest()


def to_json(value: Any, *, pretty: bool = False) -> bytes:
    """A value as JSON."""
    try:
        return orjson.dumps(value, option=(orjson.OPT_INDENT_2 if pretty else 0) | orjson.OPT_NON_STR_KEYS)
    except TypeError:
        # Stored documents may hold integers past 64 bits and halves of surrogate pairs.
        return json.dumps(value, indent=2 if pretty else None).encode()


def build_envelope(
    data: Any,
    *,
    status: str,
    request_id: str | None,
    auth_token: str | None,
    revision: str | None = None,
    metadata: dict[str, Any] | None = None,
    **members: Any,
) -> dict[str, Any]:
    """Return the envelope of a response. `members` go beside the data, whose digest is the default revision."""
    envelope: dict[str, Any] = {"data": data, "status": status, **members}
    envelope["metadata"] = metadata or {}
    envelope["revision"] = revision or content_digest(data)
    envelope["request_id"] = request_id or ""
    envelope["timestamp"] = _timestamp(int(time.time()))
    envelope["version"] = VERSION
    envelope["node"] = NODE
    if auth_token:
        envelope["auth_token"] = auth_token
    return envelope


@lru_cache(maxsize=4)
def _timestamp(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
