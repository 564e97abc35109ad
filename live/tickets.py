"""Tickets: tokens by which pages of this service listen to one account, for as long as the page may be open.

A ticket is of a holder, whom only those know who issue it. They also say whether the holder may still listen.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from django.core import signing

SECONDS = 3600
SYSTEM = "system"
"""In place of an account: what concerns all of them (`live.system`)."""
_SALT = "live.tickets"
_PREFIX = "ticket:"

MayListen = Callable[[str, str], bool]
"""Returns, in any thread, whether the holder of a ticket may listen to an account."""

_checks: list[MayListen] = []


@dataclass(frozen=True)
class Ticket:
    """The right of a holder to hear of all documents of an account."""

    account_id: str
    holder: str

    def is_valid(self) -> bool:
        """Whether the holder may still listen. Waits for databases, and raises their errors."""
        return bool(_checks) and all(may_listen(self.holder, self.account_id) for may_listen in _checks)


def register_check(may_listen: MayListen) -> None:
    """Have a function asked about the holders of tickets. Without any, no ticket is valid."""
    _checks.append(may_listen)


def issue(account_id: str, holder: str) -> str:
    """Return a ticket for a holder who may see all of an account's documents, or the state of the whole service."""
    return _PREFIX + signing.dumps([account_id, holder], salt=_SALT)


def is_ticket(token: str) -> bool:
    """Whether a token is a ticket, valid or not."""
    return token.startswith(_PREFIX)


def load(text: str) -> Ticket:
    """Return a ticket; raises signing.BadSignature if nobody issued it, or too long ago."""
    account_id, holder = signing.loads(text.removeprefix(_PREFIX), salt=_SALT, max_age=SECONDS)
    return Ticket(account_id, holder)


def expires_at() -> float:
    """Return until when a ticket that was just used counts (seconds since 1970)."""
    return time.time() + SECONDS
