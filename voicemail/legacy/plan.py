"""Plan what becomes of entries before anything is stored: each message's id and month, and what is there already."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from couch.client import couch
from couch.database import Database, Document
from couch.errors import MissingDatabase
from storage import database_names, gregorian, modbs
from voicemail.legacy import entries
from voicemail.legacy.documents import PREVIOUS_ID
from voicemail.legacy.entries import Entry
from voicemail.legacy.media import Audio, usable_audio
from voicemail.legacy.outcomes import EntryResult, MigrationOptions, Outcome


@dataclass
class PlannedMessage:
    """The message that an entry becomes: what is known of it before, and its result after."""

    entry: Entry
    media_id: str
    media: Document | None
    audio: Audio | None
    seconds: int
    month: str
    message_id: str
    stored: Document | None = None
    """The document that is stored under the message's id already."""
    written_digest: str | None = None
    written_revision: str | None = None
    """Set when the message was written with its audio, and is still to be verified."""
    result: EntryResult | None = None

    @property
    def audio_length(self) -> int:
        """Bytes of audio."""
        return self.audio.length if self.audio else 0

    def finish(self, outcome: Outcome, *, copied: int = 0) -> None:
        """Note the outcome; `copied` in bytes."""
        self.result = EntryResult(self.entry, outcome, self.message_id, copied=copied)

    def fail(self, reason: str) -> None:
        """Note why there is no message."""
        self.result = EntryResult(self.entry, Outcome.FAILED, reason=reason)


def plan_messages(
    account_id: str, box: Mapping[str, Any], batch: Sequence[Entry], media: Mapping[str, Document], now: int
) -> list[PlannedMessage | None]:
    """The message that each entry of a mailbox becomes; None for an entry that names no media document."""
    plans = [_plan_message(box, entry, media, now) for entry in batch]
    _reuse_undated(account_id, box["_id"], [plan for plan in plans if plan is not None])
    return plans


def look_up_stored(account_id: str, box_id: str, plans: Iterable[PlannedMessage], options: MigrationOptions) -> None:
    """Find what is stored under the messages' ids. Gives another id to a message whose id is another mailbox's."""
    for month, batch in group_by_month(plans).items():
        docs = _fetch(account_id, month, batch, options)
        for plan in batch:
            plan.stored = docs.get(plan.message_id)
        displaced = [plan for plan in batch if not _may_have_first_id(plan, box_id, options)]
        for plan in displaced:
            plan.message_id = entries.alternative_message_id(month, plan.media_id, box_id)
        docs = _fetch(account_id, month, displaced, options)
        for plan in displaced:
            plan.stored = docs.get(plan.message_id)


def decide_outcome(plan: PlannedMessage, options: MigrationOptions) -> Outcome | None:
    """What is to become of a message; None if it has no audio and needs some."""
    if plan.stored is None:
        if plan.audio is None:
            return Outcome.MIGRATED if options.audio_optional else None
        return Outcome.LINKED if options.link else Outcome.MIGRATED
    if plan.audio is None or options.link or plan.stored.get("_attachments"):
        return Outcome.PRESENT
    if plan.stored.get("pvt_attachments"):
        return Outcome.RESOLVED
    # Its writer died before the audio was stored. A removed message needs none.
    return Outcome.PRESENT if plan.stored.get("pvt_deleted") else Outcome.MIGRATED


def group_by_month(plans: Iterable[PlannedMessage]) -> dict[str, list[PlannedMessage]]:
    """Messages by their month ``YYYYMM``."""
    months: dict[str, list[PlannedMessage]] = {}
    for plan in plans:
        months.setdefault(plan.month, []).append(plan)
    return months


def _plan_message(
    box: Mapping[str, Any], entry: Entry, media: Mapping[str, Document], now: int
) -> PlannedMessage | None:
    if entry.media_id is None:
        return None
    doc = media.get(entry.media_id)
    seconds = entries.message_time(entry, doc, entries.box_time(box), now)
    month = gregorian.month_of(seconds)
    message_id = entries.message_id(month, entry.media_id)
    return PlannedMessage(entry, entry.media_id, doc, usable_audio(doc), seconds, month, message_id)


def _reuse_undated(account_id: str, box_id: str, plans: Iterable[PlannedMessage]) -> None:
    """Give undated messages the month and id under which an earlier run stored them, if one did.

    A message is undated if neither its entry nor its media document states a time. Its month is then that of the
    mailbox's last change or of the clock, and so may be another in each run.
    """
    undated = [plan for plan in plans if entries.stated_time(plan.entry, plan.media) is None]
    docs = _find_in_all_months(account_id, box_id, (plan.media_id for plan in undated))
    for plan in undated:
        doc = docs.get(plan.media_id)
        month = database_names.month_of_message(doc["_id"]) if doc is not None else None
        if doc is not None and month is not None:
            plan.month, plan.message_id = month, doc["_id"]
            plan.seconds = entries.parse_time(doc.get("utc_seconds")) or plan.seconds


def _find_in_all_months(account_id: str, box_id: str, media_ids: Iterable[str]) -> dict[str, Document]:
    """Messages that entries of a mailbox became earlier, including removed ones, by media id.

    One request per month. Adds no design documents to MODbs, as `modbs.list_existing` may.
    """
    pending = list(dict.fromkeys(media_ids))
    messages: dict[str, Document] = {}
    for month in modbs.list_months(account_id) if pending else []:
        ids = {media_id: entries.possible_message_ids(month, media_id, box_id) for media_id in pending}
        modb = couch().database(database_names.modb(account_id, month))
        docs = modb.fetch(message_id for pair in ids.values() for message_id in pair)
        for media_id, pair in ids.items():
            for message_id in pair:
                if message_id in docs and _is_message_of(docs[message_id], box_id, media_id):
                    messages.setdefault(media_id, docs[message_id])
    return messages


def _fetch(
    account_id: str, month: str, plans: Iterable[PlannedMessage], options: MigrationOptions
) -> dict[str, Document]:
    """The documents that are stored under the messages' ids."""
    if options.dry_run:  # modbs.find may add design documents
        modb: Database | None = couch().database(database_names.modb(account_id, month))
    else:
        modb = modbs.find(account_id, month)
    try:
        return {} if modb is None else modb.fetch(plan.message_id for plan in plans)
    except MissingDatabase:
        return {}


def _may_have_first_id(plan: PlannedMessage, box_id: str, options: MigrationOptions) -> bool:
    if plan.stored is None:
        return plan.media_id not in options.shared_media
    return _is_message_of(plan.stored, box_id, plan.media_id)


def _is_message_of(doc: Mapping[str, Any], box_id: str, media_id: str) -> bool:
    """Whether a stored message is what an entry of a mailbox became; it may have been moved to another mailbox."""
    if doc.get(PREVIOUS_ID, media_id) != media_id:
        return False
    history = doc.get("history")
    return doc.get("source_id") == box_id or box_id in (history if isinstance(history, list) else [])
