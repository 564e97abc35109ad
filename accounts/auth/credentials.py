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
SIGNATURE_SECRET = "pvt_signature_secret"  # noqa: S105  # the name of a member


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


def signature_secret(doc: Mapping[str, Any]) -> str:
    """Return the secret that the tokens of a user, device or account depend on; empty if it has none yet."""
    secret = doc.get(SIGNATURE_SECRET)
    return secret if isinstance(secret, str) else ""


def new_signature_secret() -> dict[str, str]:
    """Return the private member with a fresh secret, which ends all tokens that depend on the old one."""
    return {SIGNATURE_SECRET: secrets.token_hex(16)}


def with_signature_secret(doc: dict[str, Any]) -> dict[str, Any]:
    """Return a document with the secret that its tokens depend on, a fresh one if it has none."""
    return doc if signature_secret(doc) else {**doc, **new_signature_secret()}


def matches(stored: object, candidate: str) -> bool:
    """Whether a stored hash or key equals a candidate, compared in constant time and regardless of case."""
    return isinstance(stored, str) and hmac.compare_digest(stored.lower().encode(), candidate.lower().encode())
