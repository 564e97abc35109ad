"""Accounts: read, shown, changed and soft-deleted.

The document in the account's own database is what counts; `accounts` holds a copy of it, by whose views accounts are
found (`account_index`). The own document is changed first, then copied. A process killed in between leaves an
outdated copy, which the next change of any kind brings up to date. An account with only one of the two is being
created (`creation`) or deleted.
"""

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import cached_property
from typing import Any, TypeGuard

from accounts import account_index
from accounts.auth import credentials
from couch.client import couch
from couch.database import Database, Document
from crossbar.errors import BadIdentifier, Forbidden, ValidationFailed, joined_errors
from storage import (
    database_names,
    document_types,
    documents,
    locks,
    merge_patch,
    private_fields,
    schemas,
    secret_members,
    system_config,
    values,
)
from storage.documents import Guard
from storage.private_fields import Actor

SCHEMA = "accounts"
DEFAULT_LANGUAGE = "en-us"
DEFAULT_TIMEZONE = "Etc/UTC"
"""What mailboxes go by if neither the account nor the system has a time zone."""
REALM_LOCK = "account_realm_claim"
DERIVED_MEMBERS = frozenset({"id", "created", "superduper_admin", "is_reseller", "reseller_id"})
"""What a response adds to an account's public members. No client can set them."""
_REALM_SUFFIX = "sip.localdomain"


def get(account_id: str) -> Document:
    """Return a live account's document; BadIdentifier if the id is malformed or there is no such account."""
    doc = database_of(account_id).get(account_id)
    if not is_live(doc):
        raise BadIdentifier(account_id)
    return doc


def is_live(doc: Document | None) -> TypeGuard[Document]:
    """Whether a document is an account that is not soft-deleted."""
    return private_fields.is_live(doc, document_types.ACCOUNT)


class LazyAccount(Mapping[str, Any]):
    """A live account's document, read when anything but its ``_id`` is needed, which may raise BadIdentifier."""

    def __init__(self, account_id: str) -> None:
        self._id = account_id

    @cached_property
    def document(self) -> Document:
        """The document, read once."""
        return get(self._id)

    def __getitem__(self, key: str) -> Any:
        return self._id if key == "_id" else self.document[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.document)

    def __len__(self) -> int:
        return len(self.document)


def database_of(account_id: str) -> Database:
    """Return the account's own database; BadIdentifier for a malformed id."""
    if not database_names.is_account_id(account_id):
        raise BadIdentifier(account_id)
    return couch().database(database_names.account_db(account_id))


def is_enabled(doc: Document) -> bool:
    """Whether an account's users may sign in: neither the account nor its parent has disabled it."""
    return not any(values.is_false(doc.get(key)) for key in ("enabled", "pvt_enabled"))


def is_superduper_admin(doc: Document) -> bool:
    """Whether the account's administrators may act on every account."""
    return values.is_true(doc.get("pvt_superduper_admin"))


def is_reseller(doc: Document) -> bool:
    """Whether the account sells to its descendants."""
    return values.is_true(doc.get("pvt_reseller"))


def ancestor_ids(doc: Document) -> list[str]:
    """Return the ids of an account's ancestors, the topmost first."""
    tree = doc.get("pvt_tree")
    return [account_id for account_id in tree if isinstance(account_id, str)] if isinstance(tree, list) else []


def master_account_id() -> str | None:
    """Return the id of the account above all others; None if none is named in `system_config`."""
    account_id = system_config.category("accounts").get("master_account_id")
    return account_id if isinstance(account_id, str) and account_id else None


def reseller_id(doc: Document) -> str | None:
    """Return the id of the account that sells to this one: the one its document names, else the master account."""
    account_id = doc.get("pvt_reseller_id")
    return account_id if isinstance(account_id, str) and account_id else master_account_id()


def language(doc: Document) -> str:
    """Return the account's language, else the system's."""
    value = doc.get("language") or system_config.category("accounts").get("default_language")
    return value if isinstance(value, str) else DEFAULT_LANGUAGE


def serialize(doc: Document, *, secrets: bool = True) -> dict[str, Any]:
    """Return an account as the API shows it: its public members, and those derived from private ones.

    Members that are secret are left out unless `secrets` may be seen.
    """
    members = {
        **(private_fields.public(doc) if secrets else secret_members.remove(private_fields.public(doc))),
        "language": language(doc),
        "created": doc.get("pvt_created"),
        "enabled": is_enabled(doc),
        "superduper_admin": is_superduper_admin(doc),
        "is_reseller": is_reseller(doc),
        "reseller_id": reseller_id(doc),
    }
    default_timezone = system_config.category("accounts").get("default_timezone") or DEFAULT_TIMEZONE
    members.setdefault("timezone", default_timezone)
    return {key: value for key, value in members.items() if value is not None}


def validate_members(members: Mapping[str, Any], stored: Document | None = None) -> Document:
    """Return the public members to store; ValidationFailed if they don't match the schema.

    It then also says whether another account has the realm.
    `stored` is the account's document, None for a new account: what it holds already is valid. The realm is in lower
    case, and that of a new account is made up if there is none. Members that a response adds are left out.
    """
    public = {
        key: value for key, value in private_fields.without_private(members).items() if key not in DERIVED_MEMBERS
    }
    realm = _realm(public)
    is_new_realm = isinstance(realm, str) and (stored is None or realm != _realm(stored))
    with joined_errors(lambda: require_free_realm(realm) if is_new_realm else None):
        public = schemas.validator(SCHEMA).validate(public, stored=stored)
    if stored is None and not public.get("realm"):
        suffix = system_config.category("accounts").get("account_realm_suffix") or _REALM_SUFFIX
        public["realm"] = f"{secrets.token_hex(3)}.{suffix}"
    return {**public, "realm": _realm(public)} if "realm" in public else public


def require_free_realm(realm: str, account_id: str | None = None) -> None:
    """ValidationFailed (`realm` → `unique`) if an account other than `account_id` has the realm."""
    if any(owner_id != account_id for owner_id in account_index.ids_with_realm(realm)):
        raise ValidationFailed.field("realm", "unique", "Account realm already in use", value=realm)


def replace(
    account_id: str, members: Mapping[str, Any], actor: Actor | None = None, guard: Guard | None = None
) -> Document:
    """Replace an account's public members and return its document; an absent `realm` or `enabled` stays as it is.

    Raises BadIdentifier, ValidationFailed, Conflict, whatever the guard raises, and Forbidden where the account's own
    users or key would enable or disable it: those above it do that.
    """
    return _change_account(account_id, lambda stored: {**_sticky_members(stored), **members}, actor, guard)


def merge(
    account_id: str, patch: Mapping[str, Any], actor: Actor | None = None, guard: Guard | None = None
) -> Document:
    """Merge a patch into an account's public members, null removing a member; otherwise like `replace`."""

    def patched(stored: Document) -> Mapping[str, Any]:
        sticky = _sticky_members(stored)
        return {**sticky, **merge_patch.apply({**private_fields.without_private(stored), **sticky}, patch)}

    return _change_account(account_id, patched, actor, guard)


def renew_api_key(account_id: str, actor: Actor | None = None) -> Document:
    """Give an account a new API key, which ends the old key and its tokens; return the account's document."""
    private = {"pvt_api_key": credentials.new_api_key(), **credentials.new_signature_secret()}
    return _store(account_id, lambda stored: {**stored, **private}, actor)


def ensure_signature_secret(account: Document) -> str:
    """Return the secret that an account's tokens depend on, which is made if there is none; raises BadIdentifier."""
    if not credentials.signature_secret(account):
        account = _store(account["_id"], credentials.with_signature_secret, None)
    return credentials.signature_secret(account)


def reset_signature_secret(account_id: str, actor: Actor | None = None) -> Document:
    """End all tokens of an account's API key, here and in Kazoo; return its document. Raises BadIdentifier."""
    secret = credentials.new_signature_secret()
    return _store(account_id, lambda stored: {**stored, **secret}, actor)


def delete(account_id: str, actor: Actor | None = None, guard: Guard | None = None) -> Document:
    """Soft-delete an account and return its document.

    It leaves `accounts` first: should its own document stay, repeating the call finds and deletes it.
    Raises ValidationFailed if it has descendants, Forbidden for the master account, and whatever the guard raises.
    """
    doc = get(account_id)
    if guard is not None:
        guard(doc)
    if account_id == master_account_id():
        raise Forbidden()
    if account_index.has_children(account_id):
        message = "Account has descendants: delete those first"
        raise ValidationFailed.field("account", "account_has_descendants", message, value=account_id)
    with suppress(BadIdentifier):
        account_index.soft_delete(account_id, actor)
    return documents.soft_delete(database_of(account_id), account_id, document_types.ACCOUNT, actor=actor)


def restore(account_id: str, actor: Actor | None = None) -> Document:
    """Restore a soft-deleted account and return its document; its API key's tokens stay ended. A live one stays.

    Raises BadIdentifier if there is no such account, and ValidationFailed (`realm` → `unique`) if another account has
    the realm by now.
    """
    stored = database_of(account_id).get(account_id)
    if stored is None or stored.get("pvt_type") != document_types.ACCOUNT:
        raise BadIdentifier(account_id)

    def undelete(doc: Document) -> Document | None:
        if is_live(doc):
            return None
        live = {**documents.undelete(doc), **credentials.new_signature_secret()}
        return private_fields.stamp_update(live, actor=actor)

    def write() -> None:
        documents.update(database_of(account_id), account_id, undelete)
        _update_copy(account_id)

    realm = _realm(stored)
    if isinstance(realm, str):
        with locks.acquire(
            account_index.database(), REALM_LOCK, realm, lambda: require_free_realm(realm, account_id)
        ):
            write()
    else:
        write()
    return get(account_id)


def _change_account(
    account_id: str, edit: Callable[[Document], Mapping[str, Any]], actor: Actor | None, guard: Guard | None
) -> Document:
    """Change a live account: `edit` returns its new public members, of the fresh document on each attempt."""

    def change(stored: Document) -> Document:
        public = validate_members(edit(stored), stored)
        if _realm(public) != realm:
            require_free_realm(public["realm"], account_id)
        is_own = actor is not None and actor.account_id == account_id
        if is_own and public.get("enabled", True) != is_enabled(stored):
            raise Forbidden()
        return {**private_fields.replace_public(stored, public), "pvt_enabled": public.get("enabled", True)}

    stored = get(account_id)
    if guard is not None:
        guard(stored)
    realm = _realm(validate_members(edit(stored), stored))
    if realm == _realm(stored):
        return _store(account_id, change, actor, guard)
    with locks.acquire(account_index.database(), REALM_LOCK, realm, lambda: require_free_realm(realm, account_id)):
        return _store(account_id, change, actor, guard)


def _store(
    account_id: str, change: Callable[[Document], Document], actor: Actor | None, guard: Guard | None = None
) -> Document:
    database = database_of(account_id)
    changed = documents.change(database, account_id, document_types.ACCOUNT, change, actor=actor, guard=guard)
    _update_copy(account_id)
    return changed


def _update_copy(account_id: str) -> None:
    """Bring the copy in `accounts` up to date.

    The own document is read after the copy whose revision the write depends on. So no copy ever goes back to a state
    older than one that another writer stored.
    """

    def change(copy: Document) -> Document | None:
        doc = database_of(account_id).get(account_id)
        if doc is None:
            return None
        couchdb_members = {key: value for key, value in copy.items() if key.startswith("_")}
        return {**{key: value for key, value in doc.items() if not key.startswith("_")}, **couchdb_members}

    account_index.update(account_id, change)


def _realm(doc: Mapping[str, Any]) -> Any:
    """An account's realm in lower case. An old document may hold something else than text."""
    realm = doc.get("realm")
    return realm.lower() if isinstance(realm, str) else realm


def _sticky_members(stored: Document) -> Document:
    """Members that stay unless a change names them: the realm, and `enabled`, which a parent may have set."""
    realm = {"realm": stored["realm"]} if stored.get("realm") else {}
    return {**realm, "enabled": is_enabled(stored)}
