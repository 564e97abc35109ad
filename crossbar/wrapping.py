"""What every answer is wrapped in, error or not."""

import hashlib
import json
import socket
import time
from functools import lru_cache
from typing import Any

import orjson

VERSION = "1.0.0"
NODE = f"vmboxes@{socket.gethostname()}"


def digest(data: Any) -> str:
    """A stand-in for a revision where no single document has one."""
    return hashlib.md5(dump(data), usedforsecurity=False).hexdigest()


def dump(value: Any, *, pretty: bool = False) -> bytes:
    """JSON as bytes."""
    try:
        return orjson.dumps(value, option=(orjson.OPT_INDENT_2 if pretty else 0) | orjson.OPT_NON_STR_KEYS)
    except TypeError:
        # Integers past 64 bits, and halves of surrogate pairs: others may have stored them.
        return json.dumps(value, indent=2 if pretty else None).encode()


def wrap(
    data: Any,
    *,
    status: str,
    request_id: str | None,
    auth_token: str | None,
    revision: str | None = None,
    metadata: dict[str, Any] | None = None,
    **beside: Any,
) -> dict[str, Any]:
    """The envelope of any answer; one that is of no document has its data's digest as revision."""
    envelope: dict[str, Any] = {"data": data, "status": status, **beside}
    envelope["metadata"] = metadata or {}
    envelope["revision"] = revision or digest(data)
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
