"""What the form of a new mailbox proposes for a user: all that the mailbox needs."""

import secrets

from accounts import accounts
from couch.database import Document
from desk.users.titles import full_name
from storage import values
from voicemail.mailboxes import numbers

_PIN_DIGITS = 4


def propose(account_id: str, user: Document, *, with_pin: bool) -> Document:
    """The values to show in the form: a free number, the user's name, the e-mail address, and a random PIN."""
    preferred = [text for member in ("presence_id", "username") if (text := values.as_text(user.get(member)))]
    members = {
        "mailbox": numbers.propose(accounts.database_of(account_id), preferred),
        "name": (full_name(user) or str(user.get("username") or ""))[:128],
        "owner_id": user["_id"],
        "notify_email_addresses": [user["email"]] if isinstance(user.get("email"), str) and user["email"] else [],
    }
    return members | ({"pin": _random_pin()} if with_pin else {})


def _random_pin() -> str:
    """A PIN that isn't one digit repeated."""
    while True:
        pin = "".join(secrets.choice("0123456789") for _ in range(_PIN_DIGITS))
        if len(set(pin)) > 1:
            return pin
