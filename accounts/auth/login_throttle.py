"""Throttling of sign-ins: after too many failures for an account from an address, that address has to wait.

Failures are counted in Django's database, so that all workers, and all instances that share it, count together.
Sign-ins by API key are not throttled: nobody guesses 64 random hex digits. Settings: SIGN_IN_FAILURES within
SIGN_IN_FAILURES_SECONDS; 0 failures switch it off.
"""

import hashlib
import logging
import time

from django.conf import settings
from django.db import DatabaseError, IntegrityError, close_old_connections
from django.db.models import F

from accounts.models import FailedSignIns
from crossbar.errors import TooManyRequests

logger = logging.getLogger(__name__)


def check(account: str, address: str) -> None:
    """TooManyRequests, with the seconds to wait, if signing in to the account failed too often from the address."""
    if not settings.SIGN_IN_FAILURES:
        return
    now = int(time.time())
    close_old_connections()  # as Django does at the start of a request, which most of the API does not need
    try:
        failures = FailedSignIns.objects.filter(key=_key(account, address), ends_at__gt=now).first()
    except DatabaseError:
        # Without the table the service still works for users who know their passwords.
        logger.exception("Failed sign-ins can't be counted: was `manage.py migrate` run?")
        return
    if failures is not None and failures.count >= settings.SIGN_IN_FAILURES:
        raise TooManyRequests(failures.ends_at - now)


def count_failure(account: str, address: str) -> None:
    """Count a failed attempt to sign in to the account from the address."""
    if not settings.SIGN_IN_FAILURES:
        return
    try:
        _count(_key(account, address), int(time.time()))
    except DatabaseError:
        logger.exception("A failed sign-in was not counted")


def _count(key: str, now: int) -> None:
    rows = FailedSignIns.objects.filter(key=key)
    first_failure = {"count": 1, "ends_at": now + settings.SIGN_IN_FAILURES_SECONDS}
    for _ in range(2):
        # Each statement is atomic, so that workers don't lose each other's counts.
        if rows.filter(ends_at__gt=now).update(count=F("count") + 1):
            return
        if rows.filter(ends_at__lte=now).update(**first_failure):
            return
        try:
            FailedSignIns.objects.create(key=key, **first_failure)
        except IntegrityError:
            continue  # another worker was quicker
        FailedSignIns.objects.filter(ends_at__lte=now).delete()
        return


def _key(account: str, address: str) -> str:
    return hashlib.sha256(f"{account} {address}".encode()).hexdigest()
