"""Credentials as Kazoo keeps them: hashes of ``username:password``, and an account's API key.

The hashes (`pvt_md5_auth`, `pvt_sha1_auth`) are Kazoo's algorithms, since Kazoo has to check them as well.
"""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from typing import Any

MD5, SHA = "pvt_md5_auth", "pvt_sha1_auth"
HASHES = (MD5, SHA)


def hash_password(username: str, password: str) -> dict[str, str]:
    """Return the private members by which a user's credentials are checked; the user name is hashed in lower case."""
    content = f"{username.lower()}:{password}".encode()
    return {
        MD5: hashlib.md5(content, usedforsecurity=False).hexdigest(),
        SHA: hashlib.sha1(content, usedforsecurity=False).hexdigest(),
    }


def new_api_key() -> str:
    """Return a fresh API key: 64 hex digits."""
    return secrets.token_hex(32)


def api_key(account: Mapping[str, Any]) -> str:
    """Return an account's API key, empty if it has none."""
    key = account.get("pvt_api_key")
    return key if isinstance(key, str) else ""


def user_secret(user: Mapping[str, Any]) -> str:
    """Return the secret that a user's tokens depend on: it changes with the password."""
    return ":".join(str(user.get(member, "")) for member in HASHES)


def matches(stored: object, candidate: str) -> bool:
    """Whether a stored hash or key equals a candidate, compared in constant time and regardless of case."""
    return isinstance(stored, str) and hmac.compare_digest(stored.lower().encode(), candidate.lower().encode())
