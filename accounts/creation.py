"""Creation of accounts: everything an account needs is in place before it is listed.

The steps are: its database with the design documents, the account document there, its first user, the MODbs of this
and the next month, and last its copy in `accounts`, by which it is found. A process killed on the way leaves
unlisted databases and a lock on the realm. Whoever creates an account with that realm next deletes both.
"""

import logging
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings

from accounts import account_index, accounts
from accounts.auth import credentials
from couch.client import couch
from couch.database import Document
from couch_views.sync import sync
from crossbar.errors import ValidationFailed
from storage import (
    database_names,
    document_types,
    documents,
    locks,
    maintenance,
    modbs,
    private_fields,
    system_config,
)
from storage.locks import Lock
from storage.private_fields import Actor

logger = logging.getLogger(__name__)

_MAX_DEPTH = 50


def create(
    members: Mapping[str, Any],
    *,
    parent_id: str | None = None,
    superduper_admin: bool = False,
    actor: Actor | None = None,
    prepare: Callable[[str], None] | None = None,
) -> Document:
    """Create an account from its public members (name, realm and more) and return its document.

    `prepare` is called with the new account's id when its database is ready, to add users and the like before
    anybody can find the account.

    Raises ValidationFailed (`realm` → `unique` if another account has it, `account` → `maxItems` for a client who has
    created too many below the parent or an account above it), BadIdentifier for an unknown parent, and
    whatever `prepare` raises; nothing of the account is left then.
    """
    prepare_index()
    public = accounts.validate_members(members)
    parent = None if parent_id is None else accounts.get(parent_id)
    if parent is not None and actor is not None and actor.account_id is not None:
        _require_room_below(parent)
    account_id = uuid.uuid4().hex
    doc = _new_document(account_id, public, parent, superduper_admin, actor)
    index, realm = account_index.database(), public["realm"]

    def require_free() -> None:
        accounts.require_free_realm(realm)

    with locks.acquire(index, accounts.REALM_LOCK, realm, require_free, account_id=account_id) as lock:
        if lock.abandoned is not None:
            _delete_databases(str(lock.abandoned.get("account_id")))
        try:
            _build(doc, lock, prepare)
            if superduper_admin:
                _name_master(account_id)
            lock.renew()
            account_index.put({key: value for key, value in doc.items() if key != "_rev"})
        except Exception:
            _delete_databases(account_id)
            raise
    return doc


def prepare_index() -> None:
    """Create the database of all accounts with its views, which a new system lacks."""
    couch().create(database_names.ACCOUNTS)
    sync(account_index.database(), "accounts")


def _require_room_below(parent: Document) -> None:
    """Raise ValidationFailed if clients may create no more accounts below one of a parent and those above it."""
    limit, ids = settings.ACCOUNTS_BELOW_ACCOUNT, [*accounts.ancestor_ids(parent), parent["_id"]]
    if len(ids) > _MAX_DEPTH:
        message = f"Accounts can't be more than {_MAX_DEPTH} levels deep"
        raise ValidationFailed.field("account", "maxItems", message, target=_MAX_DEPTH, value=len(ids))
    limited_ids = set(ids) - {accounts.master_account_id()} if limit else ()
    if any(account_index.has_descendants(account_id, limit) for account_id in limited_ids):
        message = f"An account can't have more than {limit} accounts below it"
        raise ValidationFailed.field("account", "maxItems", message, target=limit)


def _new_document(
    account_id: str, public: Document, parent: Document | None, superduper_admin: bool, actor: Actor | None
) -> Document:
    doc = private_fields.stamp_new(
        {**public, "_id": account_id},
        pvt_type=document_types.ACCOUNT,
        account_id=account_id,
        db_name=database_names.account_db(account_id),
        actor=actor,
    )
    doc |= {
        "pvt_api_key": credentials.new_api_key(),
        **credentials.new_signature_secret(),
        "pvt_enabled": public.get("enabled", True),
        "pvt_superduper_admin": superduper_admin,
        "pvt_tree": [],
    }
    if parent is not None:
        doc |= {"pvt_parent_id": parent["_id"], "pvt_tree": [*accounts.ancestor_ids(parent), parent["_id"]]}
        reseller_id = parent["_id"] if accounts.is_reseller(parent) else accounts.reseller_id(parent)
        if reseller_id is not None:
            doc["pvt_reseller_id"] = reseller_id
    return doc


def _build(doc: Document, lock: Lock, prepare: Callable[[str], None] | None) -> None:
    """Create the account's databases and what belongs into them; `doc` gets its revision there."""
    account_id = doc["_id"]
    database = accounts.database_of(account_id)
    couch().create(database.name)
    sync(database, "account")
    lock.renew()
    doc |= documents.put(database, doc)
    if prepare is not None:
        prepare(account_id)
        lock.renew()
    modbs.ensure_ahead(account_id)


def _name_master(account_id: str) -> None:
    """Make this account the master, unless there is one."""

    def change(section: Document) -> Document | None:
        master_id = section.get("master_account_id")
        if master_id and private_fields.is_live(account_index.database().get(str(master_id))):
            return None
        return {**section, "master_account_id": account_id}

    system_config.change_category("accounts", change)


def _delete_databases(account_id: str) -> None:
    """Delete the databases of an account that was never listed."""
    if not database_names.is_account_id(account_id):
        return
    try:
        if account_index.database().get(account_id) is None:
            for name in maintenance.list_account_databases(account_id):
                couch().drop(name)
    except Exception:  # a failed cleanup must not hide the error that led to it
        logger.exception("Databases of the unfinished account %s could not be deleted", account_id)
