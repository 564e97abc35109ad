"""Names of databases, and what an id says about where its document lives. Nowhere else is one put together.

An account's database is ``account/AA/BB/REST`` (its id is AABBREST, 32 lower-case hex digits); the
messages of one month are in ``account/AA/BB/REST-YYYYMM``, its MODb. Inside documents Kazoo writes
the slashes as ``%2F``; both forms are read.
"""

import re
from typing import NamedTuple

ACCOUNTS = "accounts"
SCHEMAS = "system_schemas"
CONFIG = "system_config"
TOKENS = "token_auth"
SYSTEM = (ACCOUNTS, SCHEMAS, CONFIG, TOKENS)

_HEX_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)
_MONTH = r"\d{4}(?:0[1-9]|1[0-2])"
_NAME = re.compile(rf"account/([0-9a-f]{{2}})/([0-9a-f]{{2}})/([0-9a-f]{{28}})(?:-({_MONTH}))?", re.ASCII)
_MESSAGE_ID = re.compile(rf"({_MONTH})-.+", re.ASCII | re.DOTALL)


class Name(NamedTuple):
    """What a database's name tells: whose it is, and for a MODb its month ``YYYYMM``."""

    account_id: str
    month: str | None


def is_account_id(text: str) -> bool:
    """Whether a text has the form of an account id (which is also that of box, user and media ids)."""
    return _HEX_ID.fullmatch(text) is not None


def account_db(account_id: str) -> str:
    """The account's database; ValueError when the id has not the form of one."""
    if not is_account_id(account_id):
        raise ValueError(f"{account_id!r} is no account id")
    return f"account/{account_id[:2]}/{account_id[2:4]}/{account_id[4:]}"


def modb(account_id: str, month: str) -> str:
    """The account's MODb of a month ``YYYYMM``."""
    return f"{account_db(account_id)}-{month}"


def encoded(name: str) -> str:
    """The form that Kazoo writes into documents: ``account%2Faa%2Fbb%2Frest``."""
    return name.replace("/", "%2F")


def decoded(name: str) -> str:
    """The plain form of a name that is written either way."""
    return name.replace("%2F", "/").replace("%2f", "/")


def split(name: str) -> Name | None:
    """Whose database this is, and of which month; None when it is none of an account's. Takes both forms."""
    match = _NAME.fullmatch(decoded(name))
    return Name("".join(match.group(1, 2, 3)), match.group(4)) if match else None


def month_of_message(message_id: str) -> str | None:
    """The month ``YYYYMM`` whose MODb holds a message, told by its id alone; None when the id tells none."""
    match = _MESSAGE_ID.fullmatch(message_id)
    return match.group(1) if match else None
