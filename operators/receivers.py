"""Receivers of Django's signals that somebody signs in or out."""

from typing import Any

from operators import language, sessions, trail


def begin_session(request: Any, user: Any, **_: Any) -> None:
    """Store the session of who has just signed in, and load the language that was chosen earlier."""
    sessions.begin_session(request, user)
    language.load_choice(request, user)


def end_session(request: Any, user: Any, **_: Any) -> None:
    """End the session, and record it unless it had ended before."""
    if user is not None and sessions.end_current(request):
        trail.record_trail(request, trail.SIGNED_OUT, user)
