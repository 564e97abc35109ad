"""The events that a changed document makes.

CouchDB tells a document's latest state alone, and two quick changes as one. What happened is found out from

* the state before, if this process has seen it a short while ago;
* the member ``pvt_folder_change`` of a message (`voicemail.messages.folder_changes`), which says by which change the
  message came into its folder, and when: one that is older than the position in the feed was told already.

Of several changes that are seen as one, the last state is told.
"""

import math
from collections.abc import Iterable, Mapping
from threading import Lock
from typing import Any

from cachetools import LRUCache
from django.conf import settings

from couch.database import Document
from couch.feeds import ChangesPage
from events import event as events
from events.event import Event, event_id
from events.positions import Position
from storage import database_names, document_types, private_fields, values
from voicemail.messages import folder_changes
from voicemail.messages.folder_changes import REMOVED
from voicemail.messages.folders import DELETED, NEW, SAVED
from voicemail.messages.quota import FULL_NOTE

TYPES = frozenset(
    {
        document_types.ACCOUNT,
        document_types.USER,
        document_types.MAILBOX,
        document_types.MESSAGE,
        document_types.MEDIA,
        document_types.DEVICE,
    }
)
"""The types of documents whose changes are told."""
_REMEMBERED = 2_000
_CERTAIN_SECONDS = 120  # a horizon lies so far before the last reading


class Changes:
    """Turns the documents of a changes feed into events, and remembers the last ones that were told.

    Changes that others made count `of_everybody`, or if PUBLISH_CHANGES_OF says so. Deletions `of_unknown` documents
    have an event without the type.
    """

    def __init__(self, *, of_everybody: bool = False, of_unknown: bool = False) -> None:
        self._of_unknown = of_unknown
        self._of_everybody = of_everybody or settings.PUBLISH_CHANGES_OF == "ALL"
        self._docs: LRUCache[tuple[str, str], Document] = LRUCache(_REMEMBERED)
        self._lock = Lock()

    def events_of(self, database: str, page: ChangesPage, position: Position) -> list[Event]:
        """Return the events of a page of changes that was read from a position, in their order."""
        page_events: list[Event] = []
        for doc in sorted(page.docs, key=_changed_at):  # a cluster's feed mixes what its shards have
            with self._lock:
                previous = self._docs.get((database, doc["_id"]))
            is_unknown = previous is None and bool(doc.get("_deleted"))
            is_told = _is_told(doc, previous, position, of_everybody=self._of_everybody)
            if self._of_unknown if is_unknown else is_told:
                page_events += _events_of_document(database, doc, previous, position)
        return page_events

    def remember(self, database: str, docs: Iterable[Document]) -> None:
        """Note that the events of documents were told. Of a deleted one nothing is remembered any more."""
        with self._lock:
            for doc in docs:
                if doc.get("_deleted"):
                    self._docs.pop((database, doc["_id"]), None)
                elif _has_told_type(doc):
                    self._docs[database, doc["_id"]] = doc


def _changed_at(doc: Document) -> float:
    """Return when a document was changed, in Gregorian seconds: of a deleted one nobody knows, so it comes last."""
    if doc.get("_deleted"):
        return math.inf
    modified_at = values.as_integer(doc.get("pvt_modified")) or 0
    change = folder_changes.last_change(doc)
    return change.at if change is not None and int(change.at) >= modified_at else modified_at


def _has_told_type(doc: Document) -> bool:
    pvt_type = doc.get("pvt_type")
    return isinstance(pvt_type, str) and pvt_type in TYPES


def _is_told(doc: Document, previous: Document | None, position: Position, *, of_everybody: bool) -> bool:
    """Whether a document is of a type whose changes are told, and was changed by somebody whose changes are."""
    source = previous if doc.get("_deleted") else doc
    if source is None or not _has_told_type(source):
        return False
    if not doc.get("_deleted") and (values.as_integer(doc.get("pvt_modified")) or 0) < position.skip_before:
        return False
    return of_everybody or private_fields.is_own_change(source)


def _events_of_document(database: str, doc: Document, previous: Document | None, position: Position) -> list[Event]:
    owner = database_names.parse(database)
    account_id = owner.account_id if owner else doc["_id"]
    shown = {**(previous or {}), **doc} if doc.get("_deleted") else doc

    def event(name: str, change_id: str) -> Event:
        return Event(event_id(database, doc["_id"], change_id, name), name, database, account_id, shown)

    document_events = []
    full_id = _new_full_note(shown, previous, position)
    if full_id is not None:
        document_events.append(event(events.VOICEMAIL_FULL, full_id))
    if shown.get("pvt_type") == document_types.MESSAGE:
        name, change_id = _message_event(shown, previous, position)
        if name is not None:
            document_events.append(event(name, change_id))
    document_events.append(event(_document_event(shown, previous, position), doc["_rev"]))
    return document_events


def _new_full_note(doc: Document, previous: Document | None, position: Position) -> str | None:
    """Return the id of a mailbox's note that it was full, if that is untold."""
    note = doc.get(FULL_NOTE)
    if doc.get("pvt_type") != document_types.MAILBOX or not isinstance(note, dict):
        return None
    if previous is not None and previous.get(FULL_NOTE) == note:
        return None
    if previous is None and (values.as_integer(note.get("at")) or 0) < position.horizon:
        return None
    return str(note.get("id"))


def _document_event(doc: Document, previous: Document | None, position: Position) -> str:
    if not private_fields.is_live(doc):
        return events.DOC_DELETED
    if previous is not None:
        return events.DOC_EDITED
    created_at = values.as_integer(doc.get("pvt_created")) or 0
    is_new = _generation(doc) == 1 or created_at > position.horizon + _CERTAIN_SECONDS
    return events.DOC_CREATED if is_new else events.DOC_EDITED


def _message_event(doc: Document, previous: Document | None, position: Position) -> tuple[str | None, str]:
    """Return the name of the event that a message's last change of folder makes, if it is untold, and its id."""
    state = folder_changes.state_of(doc)
    change = folder_changes.last_change(doc)
    if change is None:
        # A message of Kazoo's, or of an earlier version of this service.
        former = None if previous is None else folder_changes.state_of(previous)
        is_untold = _generation(doc) == 1 if previous is None else former != state
        change_id = state
    else:
        former, change_id = change.former, change.id
        last_change = None if previous is None else folder_changes.last_change(previous)
        if previous is None:
            is_untold = _generation(doc) == 1 or change.at >= position.horizon
        else:
            is_untold = last_change is None or last_change.id != change.id
    return (_event_for(former, state) if is_untold else None), change_id


def _event_for(former: str | None, state: str) -> str | None:
    """Return the event that a message makes that came from a state (None: it is new) to another one."""
    if former in (folder_changes.MIGRATED, REMOVED):
        return None
    if state in (DELETED, REMOVED):
        return events.VOICEMAIL_DELETED
    if state == SAVED:
        return events.VOICEMAIL_SAVED
    return events.VOICEMAIL_NEW if former is None and state == NEW else None


def _generation(doc: Mapping[str, Any]) -> int:
    """Return how many revisions a document had, this one included."""
    return int(str(doc["_rev"]).partition("-")[0])
