"""Whole accounts from another system: what the served CouchDB lacks of accounts, users and boxes is brought over.

A document that is there is never overwritten, and so a repeat changes nothing. An account is listed in `accounts`
last: until then nobody finds it, and whoever is killed on the way leaves work that the next run completes.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from accounts import account_index, creation
from couch.client import Database, Document, couch
from couch.errors import Conflict
from couch_views.sync import sync
from migration import sources
from migration.sources import AccountSource, Source, Survey
from storage import database_names, private_fields
from voicemail.legacy import boxes
from voicemail.legacy import media as legacy_media
from voicemail.legacy.entries import MESSAGES

_BATCH = 200
# The system's own settings that this service reads.
_SETTINGS = ("accounts", "callflow", "crossbar.voicemail", "cluster")


class NotBrought(Exception):
    """An account can't be brought over; `reason` is the word for the report, the text the sentence for people."""

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason


@dataclass
class Brought:
    """What was brought, or would be: documents by type. And the account's document as it is used from now on."""

    account: Document
    counts: Counter[str] = field(default_factory=Counter)


def bring_system(source: Source, *, dry_run: bool = False) -> Counter[str]:
    """Bring the system's settings that are missing; how many."""
    missing = dict(source.system(database_names.CONFIG, _SETTINGS))
    for one in list(missing):
        if couch().database(database_names.CONFIG).get(one) is not None:
            del missing[one]
    if missing and not dry_run:
        couch().create(database_names.CONFIG)
        couch().database(database_names.CONFIG).bulk([_bare(doc) for doc in missing.values()])
    return Counter({"system_config": len(missing)} if missing else {})


def bring_account(
    source: AccountSource, survey: Survey, *, rival: str | None = None, dry_run: bool = False
) -> Brought:
    """Bring what is missing of an account: its documents, users, boxes without their messages, and greetings.

    `rival`: the account of the same source that has the same realm, and is to get it.
    Raises NotBrought when there is no document of it anywhere, or its realm belongs to another account here.
    """
    database = couch().database(database_names.account_db(source.account_id))
    present = database.get(source.account_id)
    theirs = sources.account_document(source)
    doc = present if present is not None else theirs
    if doc is None:
        raise NotBrought("no_account_document", "its document is neither in its database nor in that of all accounts")
    brought = Brought(doc)
    if present is None:
        if rival is not None:
            raise NotBrought("realm_taken", f"its realm {survey.realm} belongs to account {rival} of the source, too")
        _require_free_realm(doc)
    if not dry_run:
        couch().create(database.name)
        sync(database, "account")
    wanted = [source.account_id, *survey.users, *(box.id for box in survey.boxes), *sources.CONFIGS]
    for start in range(0, len(wanted), _BATCH):
        _bring(source, database, wanted[start : start + _BATCH], brought, dry_run)
    if present is None and not dry_run:
        # Its own database may lack its document, which was found among all accounts then.
        database.bulk([_bare(doc)])
    for one in sorted(survey.greetings):
        _bring_media(source, database, one, brought, dry_run)
    _list(source, doc, brought, dry_run)
    return brought


def _bring(source: AccountSource, database: Database, ids: Iterable[str], brought: Brought, dry_run: bool) -> None:
    missing = _missing(database, ids)
    docs = [_translated(doc) for doc in source.documents(missing).values()]
    brought.counts.update(str(doc.get("pvt_type") or "config") for doc in docs)
    if docs and not dry_run:
        # Without a revision nothing can be overwritten: whoever came first has a conflict for this one.
        database.bulk(docs)


def _bring_media(source: AccountSource, database: Database, doc_id: str, brought: Brought, dry_run: bool) -> None:
    """Bring a greeting with its audio; one without audio is no greeting."""
    if not _missing(database, [doc_id]):
        return
    doc = source.library.fetch([doc_id]).get(doc_id)
    found = legacy_media.usable_audio(doc)
    if doc is None or found is None:
        return
    brought.counts["greeting"] += 1
    stream = None if dry_run else source.library.open(doc, found.name)
    if stream is None:
        return
    try:
        database.put_with_attachment(_bare(doc), found.name, found.content_type, stream, found.length)
    except (Conflict, ValueError):
        # Somebody was quicker, or the backup is damaged there; a mailbox does without a greeting.
        brought.counts["greeting"] -= 1
    finally:
        stream.close()


def _list(source: AccountSource, doc: Document, brought: Brought, dry_run: bool) -> None:
    """Put the account's document among all accounts, if it isn't there."""
    if account_index.database().get(source.account_id) is not None:
        return
    brought.counts["listed account"] += 1
    if not dry_run:
        creation.prepare_index()
        account_index.database().bulk([_bare(source.listed() or doc)])


def _require_free_realm(doc: Mapping[str, Any]) -> None:
    realm = doc.get("realm")
    if not private_fields.is_live(doc) or not isinstance(realm, str) or not couch().exists(database_names.ACCOUNTS):
        return
    others = [one for one in account_index.ids_with_realm(realm) if one != doc["_id"]]
    if others:
        raise NotBrought("realm_taken", f"its realm {realm} belongs to account {others[0]} here")


def _missing(database: Database, ids: Iterable[str]) -> list[str]:
    wanted = list(ids)
    present = database.fetch(wanted) if database.exists() else {}
    return [one for one in wanted if one not in present]


def _translated(doc: Document) -> Document:
    """A document as it is stored here: a box as later versions have it, without its messages."""
    if doc.get("pvt_type") != sources.BOX:
        return _bare(doc)
    modern = boxes.modernise(_bare(doc))
    # What is no array nobody can make messages of: it comes along, that it isn't lost.
    return {key: value for key, value in modern.items() if key != MESSAGES or (value and not isinstance(value, list))}


def _bare(doc: Mapping[str, Any]) -> Document:
    """A document without its revision and attachments, which are of another database."""
    return {key: value for key, value in doc.items() if key == "_id" or not key.startswith("_")}
