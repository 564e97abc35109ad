"""Names of databases, and what the ids of accounts and messages say about where their documents are.

An account's database is ``account/AA/BB/REST`` (its id is AABBREST, 32 lower-case hex digits). The messages of a
month are in ``account/AA/BB/REST-YYYYMM``, a MODb. Inside documents Kazoo writes the slashes as ``%2F``; both
forms are read.
"""

import re
from typing import NamedTuple

ACCOUNTS = "accounts"
SCHEMAS = "system_schemas"
CONFIG = "system_config"
TOKENS = "token_auth"
KEYS = "system_auth"
WEBHOOKS = "webhooks"
SYSTEM = (ACCOUNTS, SCHEMAS, CONFIG, TOKENS, KEYS, WEBHOOKS)

_HEX_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)
_MONTH = r"\d{4}(?:0[1-9]|1[0-2])"
_NAME = re.compile(rf"account/([0-9a-f]{{2}})/([0-9a-f]{{2}})/([0-9a-f]{{28}})(?:-({_MONTH}))?", re.ASCII)
_MESSAGE_ID = re.compile(rf"({_MONTH})-.+", re.ASCII | re.DOTALL)


class AccountDatabase(NamedTuple):
    """What the name of a database says: whose it is, and of which month ``YYYYMM`` if it is a MODb."""

    account_id: str
    month: str | None


def is_account_id(text: str) -> bool:
    """Whether a text has the form of an account id, which ids of mailboxes, users and media have as well."""
    return _HEX_ID.fullmatch(text) is not None


def account_db(account_id: str) -> str:
    """Return the name of an account's database; ValueError if the id is malformed."""
    if not is_account_id(account_id):
        raise ValueError(f"{account_id!r} is not an account id")
    return f"account/{account_id[:2]}/{account_id[2:4]}/{account_id[4:]}"


def modb(account_id: str, month: str) -> str:
    """Return the name of an account's MODb of a month ``YYYYMM``."""
    return f"{account_db(account_id)}-{month}"


def encode(name: str) -> str:
    """Return a name as Kazoo writes it into documents: ``account%2Faa%2Fbb%2Frest``."""
    return name.replace("/", "%2F")


def decode(name: str) -> str:
    """Return the plain form of a name in either form."""
    return name.replace("%2F", "/").replace("%2f", "/")


def parse(name: str) -> AccountDatabase | None:
    """Return whose database has a name, in either form, and of which month; None if it is not an account's."""
    match = _NAME.fullmatch(decode(name))
    return AccountDatabase("".join(match.group(1, 2, 3)), match.group(4)) if match else None


def month_of_message(message_id: str) -> str | None:
    """Return the month ``YYYYMM`` whose MODb holds a message with this id; None if the id names no month."""
    match = _MESSAGE_ID.fullmatch(message_id)
    return match.group(1) if match else None
