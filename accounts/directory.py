"""Accounts: found by id, realm, name or API key, listed along their tree, and shown.

The document in the account's own database is what counts; `accounts` holds a copy of it, by whose views
accounts are found. Who is in only one of the two is being made or being deleted (see `creation`, `changes`).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any

from couch.client import Database, Document, Row, couch
from crossbar.errors import BadIdentifier
from storage import database_names, private_fields, system_config

TYPE = "account"
DEFAULT_LANGUAGE = "en-us"
# What a response tells of an account beside its public members, and nobody can set.
DERIVED = frozenset({"id", "created", "superduper_admin", "is_reseller", "reseller_id"})
DESIGN = "vmboxes_accounts"
BY_ANCESTOR, BY_PARENT = "by_ancestor", "by_parent"
DISABLED_DESIGN, DISABLED_BY_NAME = "vmboxes_disabled", "by_name"
_PAGE = 500
_NOT_ASCII_ALPHANUMERIC = re.compile(r"[^a-z0-9]")


def account(account_id: str) -> Document:
    """A live account's document; BadIdentifier when the id is malformed or no such account is there (any more)."""
    doc = live(database_of(account_id).get(account_id))
    if doc is None:
        raise BadIdentifier(account_id)
    return doc


def live(doc: Document | None) -> Document | None:
    """The document, if it is a live account's."""
    return doc if doc is not None and doc.get("pvt_type") == TYPE and private_fields.is_live(doc) else None


class Lazy(Mapping[str, Any]):
    """A live account's document that is read when anything but its ``_id`` is asked for; then BadIdentifier, too."""

    def __init__(self, account_id: str) -> None:
        self._id = account_id

    @cached_property
    def document(self) -> Document:
        """The document, read once."""
        return account(self._id)

    def __getitem__(self, key: str) -> Any:
        return self._id if key == "_id" else self.document[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.document)

    def __len__(self) -> int:
        return len(self.document)


def database_of(account_id: str) -> Database:
    """The account's database; BadIdentifier for a malformed id."""
    if not database_names.is_account_id(account_id):
        raise BadIdentifier(account_id)
    return couch().database(database_names.account_db(account_id))


def accounts_database() -> Database:
    """The database with one document per account."""
    return couch().database(database_names.ACCOUNTS)


def search(text: str, limit: int = 100) -> list[Document]:
    """Accounts that somebody may mean: of that id, or whose name or realm begins so, in upper or lower case."""
    wanted = text.strip().lower()
    if database_names.is_account_id(wanted):
        found = accounts_database().get(wanted)
        return [found] if found is not None and private_fields.is_live(found) else []
    rows: list[Row] = []
    for view, start in (("listing_by_name", private_fields.alphanumeric(wanted)), ("listing_by_realm", wanted)):
        if start:
            span = {"startkey": start, "endkey": f"{start}\ufff0", "limit": limit, "include_docs": True}
            rows += accounts_database().view("accounts", view, **span)
    return list({row["id"]: row["doc"] for row in rows if private_fields.is_live(row.get("doc"))}.values())[:limit]


def with_realm(realm: str) -> list[str]:
    """The ids of the accounts of a realm, upper and lower case being the same; one, or none."""
    spelled = {"key": realm} if realm == realm.lower() else {"keys": [realm, realm.lower()]}
    return _ids(accounts_database().view("accounts", "listing_by_realm", **spelled))


def with_api_key(api_key: str) -> list[str]:
    """The ids of the accounts that have an API key: one, or none."""
    return _ids(accounts_database().view("accounts", "listing_by_api", key=api_key))


def with_name(name: str) -> list[str]:
    """The ids of the accounts whose name has the same letters and digits."""
    plain = private_fields.alphanumeric(name)
    # Versions of the view differ in which letters beyond ASCII they keep in their keys.
    keys = sorted({plain, _NOT_ASCII_ALPHANUMERIC.sub("", plain)} - {""})
    rows = accounts_database().view("accounts", "listing_by_name", keys=keys, include_docs=True) if keys else []
    return _ids(
        [row for row in rows if private_fields.alphanumeric(str((row.get("doc") or {}).get("name"))) == plain]
    )


def _ids(rows: list[Row]) -> list[str]:
    return list(dict.fromkeys(row["id"] for row in rows if database_names.is_account_id(row["id"])))


def live_ids() -> Iterator[str]:
    """The ids of all accounts, asked for page by page."""
    last = ""
    while True:
        rows = accounts_database().all_docs(startkey=last, limit=_PAGE + 1, include_docs=True)
        for row in rows[:_PAGE]:
            doc = row.get("doc") or {}
            if (
                database_names.is_account_id(row["id"])
                and doc.get("pvt_type") == TYPE
                and private_fields.is_live(doc)
            ):
                yield row["id"]
        if len(rows) <= _PAGE:
            return
        last = rows[_PAGE]["id"]


def has_children(account_id: str) -> bool:
    """Whether there are accounts below this one."""
    rows = accounts_database().view(DESIGN, BY_PARENT, startkey=[account_id], endkey=[account_id, {}], limit=1)
    return bool(rows)


def parents_among(account_ids: Iterable[str]) -> set[str]:
    """Those of some accounts that have accounts below them, in one request."""
    ids = list(account_ids)
    queries = [{"startkey": [one], "endkey": [one, {}], "limit": 1} for one in ids]
    found = accounts_database().queries(DESIGN, BY_PARENT, queries)
    return {one for one, rows in zip(ids, found, strict=True) if rows}


def is_enabled(doc: Document) -> bool:
    """Whether an account's users may sign in; its parent may have said no."""
    return not any(doc.get(key) in (False, "false") for key in ("enabled", "pvt_enabled"))


def is_superduper_admin(doc: Document) -> bool:
    """Whether the account's administrators may act on every account."""
    return doc.get("pvt_superduper_admin") in (True, "true")


def is_reseller(doc: Document) -> bool:
    """Whether the account sells to those below it."""
    return doc.get("pvt_reseller") in (True, "true")


def tree(doc: Document) -> list[str]:
    """The ids of an account's ancestors, the topmost first."""
    found = doc.get("pvt_tree")
    return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []


def master_account_id() -> str | None:
    """The id of the account above all others; None when none was named."""
    found = system_config.category("accounts").get("master_account_id")
    return found if isinstance(found, str) and found else None


def reseller_id(doc: Document) -> str | None:
    """Who sells to this account: as written in its document, else the master account."""
    found = doc.get("pvt_reseller_id")
    return found if isinstance(found, str) and found else master_account_id()


def language(doc: Document) -> str:
    """The account's language, else the system's."""
    found = doc.get("language") or system_config.category("accounts").get("default_language")
    return found if isinstance(found, str) else DEFAULT_LANGUAGE


def shown(doc: Document) -> dict[str, Any]:
    """An account as the API shows it: its public members, and what its private ones tell."""
    found = {
        **private_fields.public(doc),
        "language": language(doc),
        "created": doc.get("pvt_created"),
        "enabled": is_enabled(doc),
        "superduper_admin": is_superduper_admin(doc),
        "is_reseller": is_reseller(doc),
        "reseller_id": reseller_id(doc),
    }
    found.setdefault("timezone", system_config.category("accounts").get("default_timezone"))
    return {key: value for key, value in found.items() if value is not None}
