"""Failed sign-ins are counted per account and address: after too many, that address has to wait.

The counts are in Django's database, so that all workers, and all instances that share it, count together. An API
key is 64 random hex digits: nobody guesses one, and nobody counts. Settings: SIGN_IN_FAILURES within
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


def require_patience(account: str, address: str) -> None:
    """TooManyRequests, with the seconds to wait, when signing in to the account failed too often from there."""
    if not settings.SIGN_IN_FAILURES:
        return
    now = int(time.time())
    close_old_connections()  # as Django does when a request begins, which most of the API does not need
    try:
        found = FailedSignIns.objects.filter(key=_key(account, address), ends_at__gt=now).first()
    except DatabaseError:
        # Without its tables the service still works for those who know their passwords.
        logger.exception("Failed sign-ins can't be counted: was `manage.py migrate` run?")
        return
    if found is not None and found.count >= settings.SIGN_IN_FAILURES:
        raise TooManyRequests(found.ends_at - now)


def count_failure(account: str, address: str) -> None:
    """Remember that signing in to the account failed from there."""
    if not settings.SIGN_IN_FAILURES:
        return
    try:
        _count(_key(account, address), int(time.time()))
    except DatabaseError:
        logger.exception("A failed sign-in was not counted")


def _count(key: str, now: int) -> None:
    of_key = FailedSignIns.objects.filter(key=key)
    fresh = {"count": 1, "ends_at": now + settings.SIGN_IN_FAILURES_SECONDS}
    for _ in range(2):
        # Each statement is atomic by itself: several workers lose none of their counts.
        if of_key.filter(ends_at__gt=now).update(count=F("count") + 1):
            return
        if of_key.filter(ends_at__lte=now).update(**fresh):
            return
        try:
            FailedSignIns.objects.create(key=key, **fresh)
        except IntegrityError:
            continue  # another worker was quicker
        FailedSignIns.objects.filter(ends_at__lte=now).delete()
        return


def _key(account: str, address: str) -> str:
    return hashlib.sha256(f"{account} {address}".encode()).hexdigest()
