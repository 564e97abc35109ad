"""Import whole accounts from another system: the accounts, users and mailboxes that are missing here.

A document that is here is never overwritten, and so a second run changes nothing. An account is added to the
database ``accounts`` last: until then nobody finds it, and the next run completes the work of one that was killed.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from accounts import account_index, creation
from couch.client import couch
from couch.database import Database, Document
from couch.errors import Conflict
from couch_views.sync import sync
from migration import sources
from migration.sources import AccountSource, Source, Survey, without_database_fields
from storage import database_names, document_types, documents, private_fields
from voicemail.legacy import boxes
from voicemail.legacy.entries import MESSAGES

_BATCH = 200
_SYSTEM_CONFIG_IDS = ("accounts", "callflow", "crossbar.voicemail", "cluster")
"""The system's own settings that this service reads."""


class CannotImport(Exception):
    """An account can't be imported; `reason` is the word for the report, the text an explanation for people."""

    def __init__(self, reason: str, explanation: str) -> None:
        super().__init__(explanation)
        self.reason = reason


@dataclass
class ImportedAccount:
    """The account's document as it is from now on, and how many documents were imported, by type."""

    document: Document
    counts: Counter[str] = field(default_factory=Counter)


def import_config(source: Source, *, dry_run: bool = False) -> Counter[str]:
    """Import the system's settings that are missing here; how many."""
    config = couch().database(database_names.CONFIG)
    docs = source.fetch_system(database_names.CONFIG, _SYSTEM_CONFIG_IDS)
    missing = [without_database_fields(doc) for doc_id, doc in docs.items() if config.get(doc_id) is None]
    if missing and not dry_run:
        couch().create(database_names.CONFIG)
        documents.put_all(config, missing)
    return Counter({"system_config": len(missing)} if missing else {})


def import_account(
    source: AccountSource, survey: Survey, *, realm_owner: str | None = None, dry_run: bool = False
) -> ImportedAccount:
    """Import what is missing of an account: its documents, users, and mailboxes without their messages.

    `realm_owner`: another account of the source, which gets the realm that both have.
    Raises CannotImport if the account has no document, or its realm belongs to another account here.
    """
    database = couch().database(database_names.account_db(source.account_id))
    stored = database.get(source.account_id)
    document = stored if stored is not None else sources.account_document(source)
    if document is None:
        raise CannotImport("no_account_document", "neither its database nor that of all accounts has its document")
    if stored is None:
        _require_free_realm(document, survey, realm_owner)
    imported = ImportedAccount(document)
    if not dry_run:
        couch().create(database.name)
        sync(database, "account")
    ids = [source.account_id, *survey.user_ids, *(box.id for box in survey.boxes), *sources.CONFIG_IDS]
    for start in range(0, len(ids), _BATCH):
        _import_documents(source, database, ids[start : start + _BATCH], imported, dry_run)
    if stored is None and not dry_run:
        # In the source it may be in the database of all accounts only.
        documents.put_all(database, [without_database_fields(document)])
    _list_account(source, imported, dry_run)
    return imported


def _require_free_realm(document: Mapping[str, Any], survey: Survey, realm_owner: str | None) -> None:
    if realm_owner is not None:
        explanation = f"its realm {survey.realm} belongs to account {realm_owner} of the source, too"
        raise CannotImport("realm_taken", explanation)
    realm = document.get("realm")
    if not private_fields.is_live(document) or not isinstance(realm, str):
        return
    if not couch().exists(database_names.ACCOUNTS):
        return
    account_ids = [account_id for account_id in account_index.ids_with_realm(realm) if account_id != document["_id"]]
    if account_ids:
        raise CannotImport("realm_taken", f"its realm {realm} belongs to account {account_ids[0]} here")


def _import_documents(
    source: AccountSource, database: Database, ids: Iterable[str], imported: ImportedAccount, dry_run: bool
) -> None:
    docs = [_convert(doc) for doc in source.fetch(_find_missing(database, ids)).values()]
    imported.counts.update(str(doc.get("pvt_type") or "config") for doc in docs)
    if docs and not dry_run:
        # Without revisions these writes can't overwrite anything: a document that exists by now is a conflict.
        documents.put_all(database, docs)


def _list_account(source: AccountSource, imported: ImportedAccount, dry_run: bool) -> None:
    """Add the account's document to the database of all accounts, if it isn't there."""
    if account_index.database().get(source.account_id) is not None:
        return
    imported.counts["listed account"] += 1
    if not dry_run:
        creation.prepare_index()
        document = source.listed_document() or imported.document
        with suppress(Conflict):  # somebody listed it by now
            account_index.put(without_database_fields(document))


def _find_missing(database: Database, ids: Iterable[str]) -> list[str]:
    all_ids = list(ids)
    stored = database.fetch(all_ids) if database.exists() else {}
    return [doc_id for doc_id in all_ids if doc_id not in stored]


def _convert(doc: Document) -> Document:
    """A document as it is stored here; a mailbox in the form of later versions, and without its messages."""
    if doc.get("pvt_type") != document_types.MAILBOX:
        return without_database_fields(doc)
    box = boxes.modernise(without_database_fields(doc))
    # `messages` that are no array can't be migrated: they are kept, so that nothing is lost.
    return {key: value for key, value in box.items() if key != MESSAGES or (value and not isinstance(value, list))}
