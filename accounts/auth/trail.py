"""What the audit says about the API's callers: who they are, and how they sign in and out."""

from collections.abc import Sequence
from threading import Lock
from typing import Any

from cachetools import TTLCache
from django.conf import settings

from audit.recorder import Caller, current_recorder
from couch.database import Document
from storage import database_names

SIGNED_IN, SIGNED_OUT, REFUSED = "signed in", "signed out", "was refused"
IMPERSONATED, REQUESTED_LINK = "acted as", "requested a link"
_USER, _ACCOUNT = "user", "account"
_refused: TTLCache[tuple[str, ...], bool] = TTLCache(10_000, settings.SIGN_IN_FAILURES_SECONDS)
_refused_lock = Lock()


def identify(caller: Caller) -> None:
    """Note who makes the request that this thread serves."""
    if (recorder := current_recorder()) is not None:
        recorder.identify(caller)


def record_sign_in(account: Document, user: Document | None, method: Any, action: str = SIGNED_IN) -> None:
    """Record that a user, or an account by its API key, signed in or out."""
    if (recorder := current_recorder()) is None:
        return
    subject = account if user is None else user
    name = str(subject.get("username") or subject.get("name") or "")
    user_id = "" if user is None else user["_id"]
    recorder.identify(Caller(account["_id"], user_id, name if user_id else ""))
    recorder.record_action(
        action,
        _ACCOUNT if user is None else _USER,
        account_id=account["_id"],
        document_id=subject["_id"],
        name=name,
        details={"method": method},
    )


def record_refusal(account_ids: Sequence[str], reason: str, *, is_throttled: bool = False) -> None:
    """Record a refused sign-in to an account, or to one of several of the same name.

    Throttled ones are recorded once by each process in the span that failures are counted in: a guesser must not fill
    the table.
    """
    recorder = current_recorder()
    if recorder is None:
        return
    key = (*account_ids, recorder.address)
    if is_throttled:
        with _refused_lock:
            if key in _refused:
                return
            _refused[key] = True
    account_id = account_ids[0] if account_ids and database_names.is_account_id(account_ids[0]) else ""
    name = "" if account_id else ", ".join(account_ids)
    recorder.record_action(
        REFUSED, _ACCOUNT, account_id=account_id, document_id=account_id, name=name, details={"reason": reason}
    )


def record_impersonation(account: Document, user: Document) -> None:
    """Record that the caller got a token to act as a user."""
    if (recorder := current_recorder()) is not None:
        name = str(user.get("username") or "")
        recorder.record_action(IMPERSONATED, _USER, account_id=account["_id"], document_id=user["_id"], name=name)


def record_link_request(account_ids: Sequence[str], username: Any) -> None:
    """Record that somebody had a link for a forgotten password sent, whether there is such a user or not."""
    if (recorder := current_recorder()) is not None:
        account_id = account_ids[0] if account_ids and database_names.is_account_id(account_ids[0]) else ""
        recorder.record_action(REQUESTED_LINK, _USER, account_id=account_id, name=str(username)[:150])
