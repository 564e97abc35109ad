"""Tickets: tokens by which pages of this service listen to one account, for as long as the page may be open."""

import time

from django.core import signing

SECONDS = 3600
_SALT = "live"
_PREFIX = "ticket:"


def issue(account_id: str) -> str:
    """Return a ticket for whoever may see all of an account's documents."""
    return _PREFIX + signing.dumps(account_id, salt=_SALT)


def is_ticket(token: str) -> bool:
    """Whether a token is a ticket, valid or not."""
    return token.startswith(_PREFIX)


def account_of(ticket: str) -> str:
    """Return the account that a ticket is for; raises signing.BadSignature if it is not valid any more."""
    account_id: str = signing.loads(ticket.removeprefix(_PREFIX), salt=_SALT, max_age=SECONDS)
    return account_id


def expires_at() -> float:
    """Return until when a ticket that was just used counts (seconds since 1970)."""
    return time.time() + SECONDS
