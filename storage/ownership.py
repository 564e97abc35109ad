"""Which account a document belongs to, by its own words: a document goes to its own account or nowhere.

A document says it in `pvt_account_id` and in `pvt_account_db`, the document of an account also by its id. The name of
the database that it is in, or of the file or folder of a backup, must not say otherwise.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote

from storage import database_names, document_types

REASON = "other_account"
"""The word for what is left out because it belongs to another account, or nobody knows to which."""
ADVICE = "Correct pvt_account_id and pvt_account_db in them, or delete them, and run again"


class Owner(NamedTuple):
    """What a document says about whose it is."""

    account_id: str | None = None
    month: str | None = None
    """The month ``YYYYMM`` if it is of a MODb."""
    system: str | None = None
    """The database of the system that it is of."""
    is_contradictory: bool = False
    """Whether it names two accounts. Then it belongs to neither."""

    def may_be_in(self, account_id: str) -> bool:
        """Whether the document may be one of an account: it names that account or none."""
        return not self.is_contradictory and self.account_id in (None, account_id)

    def database(self) -> str | None:
        """The plain name of the database that the document is of; None if it names none, or contradicts itself."""
        if self.is_contradictory or self.account_id is None:
            return None if self.is_contradictory else self.system
        if self.month is None:
            return database_names.account_db(self.account_id)
        return database_names.modb(self.account_id, self.month)


def owner_of(doc: Mapping[str, Any]) -> Owner:
    """What a document says about whose it is."""
    account_ids: set[str] = set()
    stated_id = doc.get("pvt_account_id")
    if isinstance(stated_id, str) and database_names.is_account_id(stated_id.strip().lower()):
        account_ids.add(stated_id.strip().lower())
    kind, doc_id = doc.get("pvt_type"), str(doc.get("_id"))
    if kind == document_types.ACCOUNT and database_names.is_account_id(doc_id):
        account_ids.add(doc_id)
    name = _plain_name(doc.get("pvt_account_db"))
    database = database_names.parse(name)
    month = None
    if database is not None:
        account_ids.add(database.account_id)
        month = database.month
    if kind == document_types.MESSAGE:
        # Its id alone says which month it is of.
        month = database_names.month_of_message(doc_id) or month
    if len(account_ids) > 1:
        return Owner(is_contradictory=True)
    if account_ids:
        return Owner(account_ids.pop(), month)
    return Owner(system=name if name in database_names.SYSTEM else None)


def may_be_in(doc: Mapping[str, Any], account_id: str) -> bool:
    """Whether a document may be one of an account: it names that account or none."""
    return owner_of(doc).may_be_in(account_id)


def _plain_name(value: object) -> str:
    return unquote(unquote(value)).lower() if isinstance(value, str) else ""
