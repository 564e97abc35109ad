"""Accounts: found, created, changed and soft-deleted.

An account's document stands twice: in its own database and, as the one that is listed and looked up, in
`accounts`. The own one is written first, so that an account is never listed before it works.
"""

import secrets
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any

from cachetools import TTLCache, cached

from accounts import claims, config, databases, modbs, private, schemas
from accounts.couch import Database, Document, Row, couch
from accounts.private import Actor
from couch_views.sync import sync
from crossbar.errors import BadIdentifier, ValidationFailed

TYPE = "account"
CACHE_SECONDS = 5
# What the API shows of the private members: no client sets it.
READ_ONLY = frozenset(
    {"id", "created", "superduper_admin", "is_reseller", "reseller_id", "is_master_account"}
)
_cache: TTLCache[Any, Document] = TTLCache(maxsize=10_000, ttl=CACHE_SECONDS)
_lock = Lock()


def accounts_db() -> Database:
    """The database that lists all accounts."""
    return couch().database(databases.ACCOUNTS)


def account(account_id: str) -> Document:
    """A live account's document, shared with other callers: not to be changed, and up to CACHE_SECONDS old.

    BadIdentifier when there is none.
    """
    if not databases.is_account_id(account_id):
        raise BadIdentifier(account_id)
    return _account(account_id)


@cached(_cache, lock=_lock)
def _account(account_id: str) -> Document:
    doc = accounts_db().get(account_id)
    if doc is None or doc.get("pvt_type") != TYPE or not private.is_live(doc):
        raise BadIdentifier(account_id)
    return doc


def is_enabled(doc: Mapping[str, Any]) -> bool:
    """Whether the account's users may log in."""
    return doc.get("enabled") is not False and doc.get("pvt_enabled") is not False


def by_realm(realm: str) -> str | None:
    """The id of the account of a realm."""
    return _id(accounts_db().view("accounts", "listing_by_realm", key=realm.lower(), limit=1))


def by_name(name: str) -> str | None:
    """The id of the account of a name, of which only letters and digits count; None when several have it."""
    rows = accounts_db().view("accounts", "listing_by_name", key=private.alphanumeric(name), limit=2)
    return _id(rows) if len(rows) == 1 else None


def by_api_key(api_key: str) -> str | None:
    """The id of the account of an API key."""
    return _id(accounts_db().view("accounts", "listing_by_api", key=api_key, limit=1))


def _id(rows: list[Row]) -> str | None:
    return str(rows[0]["id"]) if rows else None


def master_account_id() -> str | None:
    """The account above all others, as `system_config/accounts` names it."""
    found = config.category("accounts").get("master_account_id")
    return found if isinstance(found, str) else None


def create(
    sent: Mapping[str, Any],
    *,
    parent: Mapping[str, Any] | None = None,
    superduper_admin: bool = False,
    actor: Actor | None = None,
) -> Document:
    """A new account, with its database, design documents and the MODbs of this and the next month.

    `sent`: name, realm (one is made up when it is missing) and further public members.
    ValidationFailed, for a realm that another account has too.
    """
    checked = schemas.validator("accounts").validate(private.without_private(sent))
    realm = str(checked.get("realm") or _made_up_realm()).lower()
    account_id = secrets.token_hex(16)
    tree = [*parent.get("pvt_tree", []), parent["_id"]] if parent else []
    members = {
        **checked,
        "realm": realm,
        "_id": account_id,
        "pvt_tree": tree,
        "pvt_api_key": secrets.token_hex(32),
        "pvt_enabled": True,
        "pvt_superduper_admin": superduper_admin,
    } | ({"pvt_parent_id": parent["_id"]} if parent else {})
    name = databases.account_db(account_id)
    doc = private.stamp_new(members, pvt_type=TYPE, account_id=account_id, db_name=name, actor=actor)
    with claims.held(accounts_db(), "realm", realm):
        _require_free(realm)
        couch().create(name)
        database = couch().database(name)
        sync(database, "account")
        modbs.ensure_ahead(account_id)
        database.put(doc)
        return accounts_db().put(doc)


def make_master(account_id: str) -> None:
    """Name this account the master of the system, unless there is one."""

    def change(doc: Document) -> Document | None:
        section = doc.get("default") or {}
        return None if section.get("master_account_id") else {**doc, "default": {**section, "master_account_id": account_id}}

    database = couch().database(databases.CONFIG)
    if database.update("accounts", change) is None:
        database.put({"_id": "accounts", "default": {"master_account_id": account_id}})


def update(account_id: str, change: Callable[[Document], Document], *, actor: Actor | None = None) -> Document:
    """Change an account's document in both places; returns it as `accounts` holds it. BadIdentifier."""
    changed: Document = {}

    def stamped(doc: Document) -> Document:
        if not private.is_live(doc):
            raise BadIdentifier(account_id)
        changed.clear()
        changed.update(private.stamp_update(change(doc), actor=actor))
        return changed

    couch().database(databases.account_db(account_id)).update(account_id, stamped)
    stored = accounts_db().update(account_id, lambda doc: {**changed, "_id": doc["_id"], "_rev": doc["_rev"]})
    with _lock:
        _cache.clear()
    if stored is None:
        raise BadIdentifier(account_id)
    return stored


def change(
    account_id: str, sent: Mapping[str, Any], *, merge: bool, actor: Actor | None = None
) -> Document:
    """Replace an account's public members, or merge into them (null removes); ValidationFailed."""
    members = {key: value for key, value in private.without_private(sent).items() if key not in READ_ONLY}
    realm = str(members.get("realm") or account(account_id).get("realm") or "").lower()
    members["realm"] = realm

    def apply(doc: Document) -> Document:
        public = private.without_private(doc)
        wanted = {**public, **members} if merge else members
        wanted = {key: value for key, value in wanted.items() if value is not None}
        return private.merge_private(doc, schemas.validator("accounts").validate(wanted))

    with claims.held(accounts_db(), "realm", realm):
        _require_free(realm, account_id)
        return update(account_id, apply, actor=actor)


def remove(account_id: str, *, actor: Actor | None = None) -> Document:
    """Soft-delete an account in both places; one with accounts below it stays (ValidationFailed)."""
    if descendants(account_id):
        message = "The account has accounts below it"
        raise ValidationFailed.field("account", "descendants", message, value=account_id)
    return update(account_id, lambda doc: {**doc, "pvt_deleted": True}, actor=actor)


def descendants(account_id: str) -> list[Document]:
    """The live accounts below an account, nearest first by name."""
    found = [doc for doc in every() if account_id in doc.get("pvt_tree", [])]
    return sorted(found, key=lambda doc: (len(doc["pvt_tree"]), str(doc.get("name"))))


def every() -> list[Document]:
    """All live accounts."""
    rows = accounts_db().stream_view("accounts", "listing_by_realm", include_docs=True)
    docs = {row["id"]: row["doc"] for row in rows if row.get("doc")}
    return [doc for doc in docs.values() if doc.get("pvt_type") == TYPE and private.is_live(doc)]


def shown(doc: Mapping[str, Any]) -> Document:
    """An account as the API shows it."""
    return {
        **private.public(doc),
        "created": doc.get("pvt_created"),
        "enabled": is_enabled(doc),
        "superduper_admin": doc.get("pvt_superduper_admin") is True,
        "is_reseller": doc.get("pvt_reseller") is True,
        "reseller_id": reseller_id(doc),
    }


def reseller_id(doc: Mapping[str, Any]) -> str | None:
    """The account that answers for this one: as stored, else the one above it, else the master."""
    return doc.get("pvt_reseller_id") or doc.get("pvt_parent_id") or master_account_id() or doc["_id"]


def _require_free(realm: str, own_id: str | None = None) -> None:
    if by_realm(realm) not in (None, own_id):
        raise ValidationFailed.field("realm", "unique", "Account realm already in use", value=realm)


def _made_up_realm() -> str:
    suffix = config.category("crossbar.accounts").get("account_realm_suffix") or "sip.localdomain"
    return f"{secrets.token_hex(3)}.{suffix}"

