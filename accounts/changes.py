"""Changes of accounts, kept in step between the account's own database and `accounts`.

The own document is changed first and copied then. Whoever is killed in between leaves an old copy, which the next
change of any kind brings up to date.
"""

from collections.abc import Callable, Mapping
from typing import Any

from accounts import directory
from accounts.auth import credentials
from accounts.creation import REALM_CLAIM, checked, require_free
from couch.client import Document
from crossbar.errors import BadIdentifier, Forbidden, ValidationFailed
from storage import locks, merge_patch, private_fields
from storage.private_fields import Actor

Guard = Callable[[Document], None]
"""Looks at the stored account before each attempt to change it, and raises if this caller must not."""


def replace(
    account_id: str, sent: Mapping[str, Any], actor: Actor | None = None, guard: Guard | None = None
) -> Document:
    """Put what was sent in place of an account's public members; a realm and `enabled` that aren't said stay.

    Returns its document.

    Raises BadIdentifier, ValidationFailed, DatastoreConflict, and whatever the guard does.
    """
    return _change(account_id, lambda stored: {**_kept(stored), **sent}, actor, guard)


def merge(
    account_id: str, sent: Mapping[str, Any], actor: Actor | None = None, guard: Guard | None = None
) -> Document:
    """Merge what was sent into an account, null removing a member; otherwise as `replace`."""

    def make(stored: Document) -> Mapping[str, Any]:
        return {
            **_kept(stored),
            **merge_patch.merged({**private_fields.without_private(stored), **_kept(stored)}, sent),
        }

    return _change(account_id, make, actor, guard)


def renew_api_key(account_id: str, actor: Actor | None = None) -> Document:
    """Give an account a new API key; the old one, and the tokens it was good for, end."""
    key = credentials.new_api_key()

    def change(stored: Document) -> Document:
        return private_fields.stamp_update({**_live(stored), "pvt_api_key": key}, actor=actor)

    return _store(account_id, change)


def delete(account_id: str, actor: Actor | None = None, guard: Guard | None = None) -> Document:
    """Soft-delete an account; ValidationFailed while there are accounts below it, Forbidden for the master.

    It vanishes from `accounts` first: if its own document should stay, a repeat of the call finds it.
    """
    doc = directory.account(account_id)
    if guard is not None:
        guard(doc)
    if account_id == directory.master_account_id():
        raise Forbidden()
    if directory.has_children(account_id):
        message = "Account has descendants: delete those first"
        raise ValidationFailed.field("account", "account_has_descendants", message, value=account_id)

    def change(stored: Document) -> Document | None:
        return (
            private_fields.stamp_update({**stored, "pvt_deleted": True}, actor=actor)
            if private_fields.is_live(stored)
            else None
        )

    directory.accounts_database().update(account_id, change)
    deleted = directory.database_of(account_id).update(account_id, change)
    return deleted or doc


def _change(
    account_id: str, make: Callable[[Document], Mapping[str, Any]], actor: Actor | None, guard: Guard | None
) -> Document:
    """Change a live account: `make` turns the stored document, a fresh one if need be, into its public members."""

    def change(stored: Document) -> Document:
        _live(stored)
        if guard is not None:
            guard(stored)
        public = checked(make(stored))
        if public["realm"] != realm:
            require_free(public["realm"], account_id)
        kept = private_fields.merge_private(stored, public)
        return private_fields.stamp_update({**kept, "pvt_enabled": public.get("enabled", True)}, actor=actor)

    stored = directory.account(account_id)
    if guard is not None:
        guard(stored)
    realm = checked(make(stored))["realm"]
    if realm == str(stored.get("realm")).lower():
        return _store(account_id, change)
    accounts = directory.accounts_database()
    with locks.held(accounts, REALM_CLAIM, realm, lambda: require_free(realm, account_id)):
        return _store(account_id, change)


def _store(account_id: str, change: Callable[[Document], Document]) -> Document:
    changed = directory.database_of(account_id).update(account_id, change)
    if changed is None:
        raise BadIdentifier(account_id)
    _copy(account_id)
    return changed


def _copy(account_id: str) -> None:
    """Bring the copy in `accounts` up to date.

    The own document is read after the copy whose revision the write depends on: so no copy ever goes back behind
    one that another writer made.
    """

    def change(copy: Document) -> Document | None:
        own = directory.database_of(account_id).get(account_id)
        if own is None:
            return None
        return {**{key: value for key, value in own.items() if not key.startswith("_")}, **_couchdbs(copy)}

    directory.accounts_database().update(account_id, change)


def _couchdbs(doc: Document) -> Document:
    return {key: value for key, value in doc.items() if key.startswith("_")}


def _live(stored: Document) -> Document:
    if stored.get("pvt_type") != directory.TYPE or not private_fields.is_live(stored):
        raise BadIdentifier(stored["_id"])
    return stored


def _kept(stored: Document) -> Document:
    """What stays unless a change says otherwise: the realm, and being disabled, which a parent may have done."""
    realm = {"realm": stored["realm"]} if stored.get("realm") else {}
    return {**realm, "enabled": directory.is_enabled(stored)}
