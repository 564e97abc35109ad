"""Credentials as Kazoo keeps them: hashes of ``username:password``, and an account's API key.

The hashes (`pvt_md5_auth`, `pvt_sha1_auth`) are Kazoo's, for it must be able to check them, too.
"""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from typing import Any

MD5, SHA = "pvt_md5_auth", "pvt_sha1_auth"
HASHES = (MD5, SHA)


def hashes(username: str, password: str) -> dict[str, str]:
    """The private members that a user's credentials are checked by; the user name counts in lower case."""
    spelled = f"{username.lower()}:{password}".encode()
    return {
        MD5: hashlib.md5(spelled, usedforsecurity=False).hexdigest(),
        SHA: hashlib.sha1(spelled, usedforsecurity=False).hexdigest(),
    }


def new_api_key() -> str:
    """A fresh API key: 64 hex digits."""
    return secrets.token_hex(32)


def api_key_of(account: Mapping[str, Any]) -> str:
    """An account's API key; empty when it has none."""
    found = account.get("pvt_api_key")
    return found if isinstance(found, str) else ""


def secret_of(user: Mapping[str, Any]) -> str:
    """What a user's tokens hang on: they end when the password changes."""
    return ":".join(str(user.get(key, "")) for key in HASHES)


def same(stored: object, sent: str) -> bool:
    """Whether a stored hash or key is the one that was sent, in a time that tells nothing of where they differ."""
    return isinstance(stored, str) and hmac.compare_digest(stored.lower().encode(), sent.lower().encode())
