"""Kazoo's hashes of credentials, which stand in a user's document instead of the password."""

import hashlib

VIEWS = {"md5": "creds_by_md5", "sha": "creds_by_sha"}


def md5_hash(username: str, password: str) -> str:
    """`pvt_md5_auth`: what clients send to log in by the method ``md5``. The user name counts in lower case."""
    return hashlib.md5(_spelled(username, password), usedforsecurity=False).hexdigest()


def sha1_hash(username: str, password: str) -> str:
    """`pvt_sha1_auth`: what clients send to log in by the method ``sha``."""
    return hashlib.sha1(_spelled(username, password), usedforsecurity=False).hexdigest()


def stored(username: str, password: str) -> dict[str, str]:
    """The private members that hold a user's credentials."""
    return {"pvt_md5_auth": md5_hash(username, password), "pvt_sha1_auth": sha1_hash(username, password)}


def _spelled(username: str, password: str) -> bytes:
    return f"{username.lower()}:{password}".encode()
