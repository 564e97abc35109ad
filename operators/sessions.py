"""The sessions of operators: one for each browser that is signed in, with its time limits.

Django's session holds the id of a row. Whoever removes the row ends the session, with the next request.
"""

import re
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.auth.authentication import client_address
from desk.models import OperatorSession
from operators import trail

_ID = "operator_session"
_MAX_PRECISION = timedelta(minutes=1)
_BROWSERS = (
    ("Edge", r"Edg(?:e|A|iOS)?/(\d+)"),
    ("Opera", r"OPR/(\d+)"),
    ("Firefox", r"(?:Firefox|FxiOS)/(\d+)"),
    ("Chrome", r"(?:HeadlessChrome|Chrome|CriOS)/(\d+)"),
    ("Safari", r"Version/(\d+)[\d.]* (?:Mobile/\w+ )?Safari"),
)
_SYSTEMS = (
    ("Android", "Android"),
    ("iOS", "iPhone|iPad"),
    ("Windows", "Windows"),
    ("macOS", "Mac OS X|Macintosh"),
    ("ChromeOS", "CrOS"),
    ("Linux", "Linux"),
)


def begin_session(request: HttpRequest, user: Any) -> OperatorSession:
    """Store a session of an operator who has just signed in, and remove those that are too old."""
    now = timezone.now()
    OperatorSession.objects.filter(started_at__lt=now - _lifetime()).delete()
    session = OperatorSession.objects.create(
        operator_id=user.pk,
        used_at=now,
        address=client_address(request)[:100],
        browser=trail.browser_of(request),
        password_tag=_password_tag(user),
    )
    request.session[_ID] = session.pk
    return session


def current(request: HttpRequest) -> OperatorSession | None:
    """Return the session of a signed-in operator's request; None if it was ended.

    One that Django knows and this table doesn't is stored: somebody signed in before there was this table.
    """
    if _ID not in request.session:
        return begin_session(request, request.user)
    session = OperatorSession.objects.filter(pk=request.session[_ID], operator_id=request.user.pk).first()
    if session is not None and session.password_tag != (tag := _password_tag(request.user)):
        session.password_tag = tag  # the operator changed the password in this browser, which goes on
        OperatorSession.objects.filter(pk=session.pk).update(password_tag=tag)
    return session


def note_factor(request: HttpRequest, factor: str, *, is_second: bool) -> None:
    """Note what the operator of a session signed in with, and whether that was more than a password."""
    OperatorSession.objects.filter(pk=request.session[_ID]).update(factor=factor, has_second_factor=is_second)


def note_second_factor(request: HttpRequest) -> None:
    """Note that the operator of a session showed a second factor later on."""
    OperatorSession.objects.filter(pk=request.session[_ID]).update(has_second_factor=True)


def seconds_left(session: OperatorSession) -> float:
    """Return for how many seconds a session goes on without another request."""
    now = timezone.now()
    ends = [session.started_at + _lifetime()]
    if settings.SESSION_IDLE_SECONDS:
        ends.append(session.used_at + timedelta(seconds=settings.SESSION_IDLE_SECONDS))
    return (min(ends) - now).total_seconds()


def touch(request: HttpRequest, session: OperatorSession) -> None:
    """Note that a session is in use, once a minute at most, and from where."""
    now, address, browser = timezone.now(), client_address(request)[:100], trail.browser_of(request)
    is_noted = now - session.used_at < _precision() and (session.address, session.browser) == (address, browser)
    if not is_noted:
        session.used_at, session.address, session.browser = now, address, browser
        # No save(): a session that was ended in the meantime must not come back.
        OperatorSession.objects.filter(pk=session.pk).update(used_at=now, address=address, browser=browser)


def list_of(user: Any) -> list[OperatorSession]:
    """Return an operator's sessions that go on, the one used last first: a new password ended those before it."""
    sessions = OperatorSession.objects.filter(operator_id=user.pk, password_tag=_password_tag(user))
    return [session for session in sessions if seconds_left(session) > 0]


def end_sessions(sessions: Iterable[OperatorSession]) -> int:
    """End sessions; return how many there were."""
    ids = [session.pk for session in sessions]
    return OperatorSession.objects.filter(pk__in=ids).delete()[0]


def end_current(request: HttpRequest) -> bool:
    """Remove the session of a request that signs out; return whether it was there."""
    return bool(OperatorSession.objects.filter(pk=request.session.get(_ID, 0)).delete()[0])


def describe_browser(user_agent: str) -> str:
    """Return what people call a browser, such as ``Firefox 140 on Windows``; what it says itself if it is unknown."""
    names = (f"{name} {match[1]}" for name, pattern in _BROWSERS if (match := re.search(pattern, user_agent)))
    systems = (name for name, pattern in _SYSTEMS if re.search(pattern, user_agent))
    browser, system = next(names, ""), next(systems, "")
    if browser and system:
        return _("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    return browser or user_agent[:60] or _("no name")


def _password_tag(user: Any) -> str:
    """Return what changes whenever Django ends an operator's sessions because the password was changed."""
    return str(user.get_session_auth_hash())[-32:]


def _lifetime() -> timedelta:
    return timedelta(seconds=settings.SESSION_COOKIE_AGE)


def _precision() -> timedelta:
    idle: int = settings.SESSION_IDLE_SECONDS
    return min(_MAX_PRECISION, timedelta(seconds=idle / 10)) if idle else _MAX_PRECISION
