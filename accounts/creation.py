"""Creation of accounts: everything an account needs is in place before it is listed.

The order is: its database with the design documents, the account document there, its first user, this and next
month's MODbs, and last its copy in `accounts`, by which it is found. Whoever is killed on the way leaves databases
that nobody knows of and a claim on the realm; the next one who wants that realm takes both away.
"""

import logging
import secrets
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from accounts import directory
from accounts.auth import credentials
from couch.client import Document, couch
from couch_views.sync import sync
from crossbar.errors import ValidationFailed
from storage import database_names, gregorian, locks, modbs, private_fields, schemas, system_config
from storage.locks import Claim
from storage.private_fields import Actor

logger = logging.getLogger(__name__)

SCHEMA = "accounts"
REALM_CLAIM = "account_realm_claim"
_REALM_SUFFIX = "sip.localdomain"


def create(
    sent: Mapping[str, Any],
    *,
    parent_id: str | None = None,
    superduper_admin: bool = False,
    actor: Actor | None = None,
    prepare: Callable[[str], None] | None = None,
) -> Document:
    """Create an account from its public members (name, realm and more); its document.

    `prepare` gets the new account's id when its database is ready, and may put users and the like into it before
    anybody finds it. Raises ValidationFailed (`realm` → `unique` when it is taken), BadIdentifier for an unknown
    parent, and what `prepare` raises: the account is gone then.
    """
    public = checked(sent)
    parent = None if parent_id is None else directory.account(parent_id)
    account_id = uuid.uuid4().hex
    doc = _new_document(account_id, public, parent, superduper_admin, actor)
    prepare_accounts_database()
    accounts = directory.accounts_database()
    realm = public["realm"]
    with locks.held(accounts, REALM_CLAIM, realm, lambda: require_free(realm), account_id=account_id) as claim:
        if claim.abandoned is not None:
            _clear_away(str(claim.abandoned.get("account_id")))
        try:
            _build(doc, claim, prepare)
            if superduper_admin:
                _become_master(account_id)
            claim.renew()
            accounts.put({key: value for key, value in doc.items() if key != "_rev"})
        except Exception:
            _clear_away(account_id)
            raise
    return doc


def checked(sent: Mapping[str, Any]) -> Document:
    """An account's public members as they are stored: by the schema, the realm in lower case, invented when absent.

    What a response adds and nobody can set is left out. ValidationFailed.
    """
    public = {
        key: value for key, value in private_fields.without_private(sent).items() if key not in directory.DERIVED
    }
    public = schemas.validator(SCHEMA).validate(public)
    suffix = system_config.category("accounts").get("account_realm_suffix") or _REALM_SUFFIX
    public["realm"] = str(public.get("realm") or f"{secrets.token_hex(3)}.{suffix}").lower()
    return public


def require_free(realm: str, account_id: str | None = None) -> None:
    """ValidationFailed (`realm` → `unique`) when another account has the realm."""
    if any(found != account_id for found in directory.with_realm(realm)):
        raise ValidationFailed.field("realm", "unique", "Account realm already in use", value=realm)


def prepare_accounts_database() -> None:
    """See to the database of all accounts: the first account of a new system needs it."""
    couch().create(database_names.ACCOUNTS)
    sync(directory.accounts_database(), "accounts")


def _new_document(
    account_id: str, public: Document, parent: Document | None, superduper_admin: bool, actor: Actor | None
) -> Document:
    doc = private_fields.stamp_new(
        {**public, "_id": account_id},
        pvt_type=directory.TYPE,
        account_id=account_id,
        db_name=database_names.account_db(account_id),
        actor=actor,
    )
    doc |= {
        "pvt_api_key": credentials.new_api_key(),
        "pvt_enabled": public.get("enabled", True),
        "pvt_superduper_admin": superduper_admin,
        "pvt_tree": [],
    }
    if parent is not None:
        doc |= {"pvt_parent_id": parent["_id"], "pvt_tree": [*directory.tree(parent), parent["_id"]]}
        seller = parent["_id"] if directory.is_reseller(parent) else directory.reseller_id(parent)
        if seller is not None:
            doc["pvt_reseller_id"] = seller
    return doc


def _build(doc: Document, claim: Claim, prepare: Callable[[str], None] | None) -> None:
    """The account's databases and what is in them; `doc` gets its revision there."""
    account_id = doc["_id"]
    database = directory.database_of(account_id)
    couch().create(database.name)
    sync(database, "account")
    claim.renew()
    doc |= database.put(doc)
    if prepare is not None:
        prepare(account_id)
        claim.renew()
    modbs.ensure_ahead(account_id)


def _become_master(account_id: str) -> None:
    """Name this account as the master, unless there is one."""
    couch().create(database_names.CONFIG)
    config_database = couch().database(database_names.CONFIG)

    def change(doc: Document) -> Document | None:
        section = doc.get("default")
        section = section if isinstance(section, dict) else {}
        named = section.get("master_account_id")
        if named and private_fields.is_live(directory.accounts_database().get(str(named))):
            return None
        return private_fields.stamp_update({**doc, "default": {**section, "master_account_id": account_id}})

    if config_database.get("accounts") is None:
        # Two who put it at once get one conflict, after which `update` finds the other's.
        empty = {"_id": "accounts", "pvt_type": "config", "pvt_created": gregorian.now(), "default": {}}
        config_database.bulk([empty])
    config_database.update("accounts", change)


def _clear_away(account_id: str) -> None:
    """Drop the databases of an account that never came to be."""
    if not database_names.is_account_id(account_id):
        return
    try:
        if directory.accounts_database().get(account_id) is None:
            for name in couch().names(database_names.account_db(account_id)):
                couch().drop(name)
    except Exception:  # whoever cleans up after an error must not hide it
        logger.exception("The databases of the unfinished account %s stay", account_id)
