"""Authentication of the one admin, by password or by session cookie."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time

from werkzeug import Request

from .errors import unauthorized
from .http import Service

COOKIE = "AuthSession"
_SESSION_SECONDS = 600


def authenticate(service: Service, request: Request) -> str | None:
    """The user's name; None for an anonymous request.  Raises a 401 ``CouchError`` for wrong credentials."""
    authorization = request.authorization
    if authorization is not None and authorization.type == "basic":
        return check_password(service, authorization.username or "", authorization.password or "")
    cookie = request.cookies.get(COOKIE)
    return _from_cookie(service, cookie) if cookie else None


def check_password(service: Service, name: str, password: str) -> str:
    """The name, if the password is right.  Raises a 401 ``CouchError``."""
    credentials = f"{name}:{password}".encode()
    if not hmac.compare_digest(credentials, ":".join(service.admin).encode()):
        raise unauthorized("Name or password is incorrect.")
    return name


def new_cookie(service: Service) -> str:
    """A cookie for a session that starts now."""
    name, started = service.admin[0], int(time.time())
    text = f"{name}:{started:x}:{_signature(service, name, started)}"
    return base64.urlsafe_b64encode(text.encode()).decode()


def _from_cookie(service: Service, cookie: str) -> str | None:
    try:
        name, stamp, signature = base64.urlsafe_b64decode(cookie).decode().rsplit(":", 2)
        started = int(stamp, 16)
    except ValueError as problem:
        raise unauthorized("Malformed AuthSession cookie.") from problem
    expected = _signature(service, name, started)
    fresh = started + _SESSION_SECONDS > time.time()
    return name if fresh and hmac.compare_digest(signature, expected) else None


def _signature(service: Service, name: str, started: int) -> str:
    return hmac.new(service.secret, f"{name}:{started}".encode(), hashlib.sha256).hexdigest()
