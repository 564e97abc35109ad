"""Soft links turned into attachments: messages whose audio stayed in the account's database get it themselves."""

from collections.abc import Iterator
from functools import partial
from itertools import islice

from couch.client import Database, Document, couch
from couch.errors import Conflict, CouchError, Unreachable
from couch.parallel import in_parallel
from migration import sources
from migration.progress import Ask, Row
from storage import database_names
from voicemail.audio import copying, recording
from voicemail.audio.recording import MissingAudio
from voicemail.legacy import outcomes
from voicemail.legacy.documents import PREVIOUS_ID
from voicemail.legacy.outcomes import Outcome
from voicemail.messages import store as message_store

_ATTEMPTS = 6


def month_databases(account_id: str, ask: Ask) -> list[Database]:
    """The account's MODbs, the oldest first; nothing is added to them, as opening one in earnest may."""
    names = ask(partial(couch().names, database_names.account_db(account_id) + "-"))
    return [couch().database(name) for name in names if (owner := database_names.split(name)) and owner.month]


def linked(modb: Database, ask: Ask) -> Iterator[Document]:
    """The messages of a month, removed ones too, whose audio is linked with Kazoo's soft link."""
    for doc in messages_of(modb, ask):
        if not doc.get("_attachments") and links_of(doc):
            yield doc


def messages_of(modb: Database, ask: Ask) -> Iterator[Document]:
    """All messages of a month, removed ones too."""
    return (doc for doc in sources.every_document(modb, ask=ask) if doc.get("pvt_type") == message_store.TYPE)


def links_of(doc: Document) -> set[str]:
    """The ids of the documents that a message's soft links lead to."""
    found = doc.get("pvt_attachments")
    targets = set()
    for entry in found.values() if isinstance(found, dict) else []:
        handler = entry.get("handler") if isinstance(entry, dict) else None
        link = handler.get(recording.LINK) if isinstance(handler, dict) else None
        if isinstance(link, dict) and isinstance(link.get("att_docid"), str):
            targets.add(link["att_docid"])
    return targets


def resolve(modb: Database, *, dry_run: bool, ask: Ask, side_by_side: int = 8) -> Iterator[list[Row]]:
    """Give linked messages of a month their audio, some at a time; what became of each."""
    todo = linked(modb, ask)
    while some := list(islice(todo, side_by_side)):
        yield ask(partial(in_parallel, partial(_resolve, modb, dry_run=dry_run), some))


def _resolve(modb: Database, doc: Document, *, dry_run: bool) -> Row:
    for _ in range(_ATTEMPTS):
        try:
            found = recording.recording(modb, doc)
            if dry_run:
                return _row(modb, doc, Outcome.RESOLVED, copied=found.length)
            return _copy(modb, doc, found)
        except MissingAudio:
            return _row(modb, doc, Outcome.FAILED, outcomes.NO_AUDIO)
        except Conflict:
            # Somebody changed it meanwhile, or gave it other audio.
            fresh = modb.get(doc["_id"])
            if fresh is None or fresh.get("_attachments") or not links_of(fresh):
                return _row(modb, doc, Outcome.PRESENT)
            doc = fresh
        except Unreachable:
            raise
        except (CouchError, ValueError):
            return _row(modb, doc, Outcome.FAILED, outcomes.BROKEN_AUDIO)
    return _row(modb, doc, Outcome.FAILED, outcomes.CONFLICT)


def _copy(modb: Database, doc: Document, found: recording.Recording) -> Row:
    stream = found.open()
    reading = copying.DigestingStream(stream)
    try:
        # No user's change: when it was changed last, and by whom, stays as it is.
        whole = message_store.with_audio_name(doc, found.name)
        saved = modb.put_with_attachment(whole, found.name, found.content_type, reading, found.length)
    finally:
        stream.close()
    stored = modb.get(doc["_id"]) or {}
    # What a client made of it since is none of this.
    if stored.get("_rev") == saved["_rev"] and not copying.has_audio(modb, stored, reading.digest):
        return _row(modb, doc, Outcome.FAILED, outcomes.BROKEN_AUDIO)
    return _row(modb, doc, Outcome.RESOLVED, copied=found.length)


def _row(modb: Database, doc: Document, outcome: Outcome, reason: str = "", copied: int = 0) -> Row:
    owner = database_names.split(modb.name)
    account_id = owner.account_id if owner else ""
    previous = doc.get(PREVIOUS_ID)
    media_id = previous if isinstance(previous, str) else None
    return Row(account_id, doc.get("source_id"), media_id, doc["_id"], outcome, reason, copied)
