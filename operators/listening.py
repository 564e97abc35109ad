"""Whether an operator may still listen to an account: what the websockets ask about the holders of tickets."""

from threading import Lock

from cachetools import TTLCache, cached
from django.contrib.auth.models import User
from django.db import connection

from desk.scope import scope_of

_SECONDS = 2
"""How long an answer counts: a list of many operators would ask for each of them at each event."""


@cached(TTLCache(10_000, _SECONDS), lock=Lock())
def may_listen(holder: str, account_id: str) -> bool:
    """Whether an operator, by its key, may see an account. Raises CouchError, DatabaseError."""
    try:
        operator = User.objects.filter(pk=holder, is_active=True, is_staff=True).first()
        return operator is not None and scope_of(operator).covers(account_id)
    finally:
        connection.close()  # the threads that ask are many, and live long
