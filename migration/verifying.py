"""Verifying: both sides are read again, message by message, and every difference is told.

Against another system or a backup each entry's message is built anew and compared. In place the entries are gone;
then each message is compared with its media document, each media document must have its message, and what is left
in the arrays must be marked.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import islice

from accounts.api.exception_handler import api_error
from couch.client import Database, Document, couch
from couch.errors import CouchError
from crossbar.errors import ApiError
from migration import audio_links, import_accounts, legacy_array, sources
from migration.comparing import Compared, Verdict, fingerprint, verdict
from migration.import_accounts import NotBrought
from migration.migrate import Options, Work, in_order, months_of, patient, side_by_side, survey
from migration.progress import Ask, Row, Stopped, Tally, Watch
from migration.sources import Source
from storage import database_names, gregorian
from voicemail.legacy import documents, entries, outcomes
from voicemail.legacy import media as legacy_media
from voicemail.legacy import store as legacy_store
from voicemail.legacy.documents import PREVIOUS_ID
from voicemail.legacy.entries import ERROR, Entry
from voicemail.legacy.media import MediaLibrary
from voicemail.legacy.outcomes import MigrationOptions, Outcome
from voicemail.mailboxes import store as mailbox_store

MISSING, EXTRA, MARKED, UNCLAIMED = "missing", "extra", "marked", "unclaimed"
_BATCH = 200


def verify(source: Source, options: Options, watch: Watch) -> Tally:
    """Compare what is here with what it came from; nothing is written.

    Outcomes: those of `comparing`, and missing, extra, marked (an entry that can't be migrated and waits in its box),
    unclaimed (audio that no message and no entry names). Raises Unknown, Unreachable.
    """
    watch.warn(source.warnings)
    with suppress(Stopped):
        works = survey(source, options, watch)
        watch.phase("verifying")
        for _ in side_by_side(partial(_verify, source, options, watch), works, options.workers, watch):
            watch.account_done()
    watch.end(stopped=watch.stopping)
    return watch.tally


def _verify(source: Source, options: Options, watch: Watch, work: Work) -> None:
    account_id = work.source.account_id
    ask = patient(source, watch)
    try:
        if source.is_served:
            verification: _Verification = _InPlace(options, watch, work, ask)
        else:
            verification = _AgainstSource(options, watch, work, ask)
        if verification.is_live():
            verification.all()
    except Stopped:
        pass
    except NotBrought as error:
        watch.problem(account_id, None, error.reason, f"Account {account_id} is not here: {error}")
    except (ApiError, CouchError) as error:
        ask.end_if_gone(error)
        reason = api_error(error).message
        watch.problem(account_id, None, reason, f"Account {account_id} is not verified: {reason}")


class _Verification:
    """What both ways share. All that is asked may be asked again: a CouchDB that is away is waited for."""

    def __init__(self, options: Options, watch: Watch, work: Work, ask: Ask) -> None:
        self.options, self.watch, self.work, self.ask = options, watch, work, ask
        self.account_id = work.source.account_id
        self.library: MediaLibrary = work.source.library
        self.boxes = {box.id for box in work.boxes}
        self.is_partial = bool(options.boxes)

    def is_live(self) -> bool:
        """Whether there is anything to verify: a deleted account's messages stay as they are, which is told."""
        account = self.ask(self.account_document)
        if account is None or sources.is_live(account):
            return True
        self.watch.expect(messages=-sum(box.entries for box in self.work.boxes))
        self.watch.warn([f"Account {self.account_id} is deleted: it is not looked at"])
        return False

    def account_document(self) -> Document | None:
        """The account's document, as the migration goes by it."""
        return sources.account_document(self.work.source)

    def all(self) -> None:
        """Tell what each message is."""
        raise NotImplementedError

    def tell(self, rows: Iterable[Row]) -> None:
        """Tell what some messages are; Stopped when there is to be no more."""
        self.watch.rows(rows)
        if self.watch.stopping:
            raise Stopped

    def row(self, outcome: str, reason: str, box_id: object, media_id: object, message_id: str | None) -> Row:
        """A line of the report."""
        texts = [one if isinstance(one, str) else None for one in (box_id, media_id)]
        return Row(self.account_id, texts[0], texts[1], message_id, outcome, reason)

    def messages(self) -> Iterator[tuple[Database, list[Document]]]:
        """The account's messages that were migrated, in batches of a month."""
        for modb in audio_links.month_databases(self.account_id, self.ask):
            found = (doc for doc in audio_links.messages_of(modb, self.ask) if isinstance(doc.get(PREVIOUS_ID), str))
            wanted = (doc for doc in found if not self.is_partial or doc.get("source_id") in self.boxes)
            while some := list(islice(wanted, _BATCH)):
                yield modb, some


class _InPlace(_Verification):
    """An account whose 3.x is the served CouchDB."""

    def all(self) -> None:
        """Messages, then entries that are left, then audio that nobody claims."""
        claimed: set[int] = set()
        seen: set[int] = set()
        for modb, docs in self.messages():
            self.watch.expect(messages=len(docs))
            verdicts = self.ask(partial(self._verdicts, modb, docs))
            self.tell([self._message(doc, found, seen) for doc, found in zip(docs, verdicts, strict=True)])
            claimed |= {fingerprint(doc[PREVIOUS_ID]) for doc in docs}
        for box in self.work.boxes:
            claimed |= self._entries(box.id)
        if not self.is_partial:
            self._unclaimed(claimed)

    def _verdicts(self, modb: Database, docs: Sequence[Document]) -> list[Verdict]:
        media = self.library.fetch(doc[PREVIOUS_ID] for doc in docs)
        compared = (Compared(modb, doc, media.get(doc[PREVIOUS_ID])) for doc in docs)
        return [verdict(one, None, self.library) for one in compared]

    def _message(self, doc: Document, found: Verdict, seen: set[int]) -> Row:
        previous, box_id = doc[PREVIOUS_ID], doc.get("source_id")
        mark = fingerprint(previous, box_id, doc.get("utc_seconds"))
        if mark in seen and not doc.get("history") and sources.is_live(doc):
            return self.row(EXTRA, "twice", box_id, previous, doc["_id"])
        if not doc.get("history"):
            seen.add(mark)
        return self.row(found.outcome, found.reason, box_id, previous, doc["_id"])

    def _entries(self, box_id: str) -> set[int]:
        """What is left in a box's array; the marks of the media that it names."""
        box = self.ask(partial(self.work.source.documents, [box_id])).get(box_id) or {}
        found = entries.parse_array(box) if box else []
        self.tell(map(self._entry, found))
        return {fingerprint(entry.media_id) for entry in found if entry.media_id is not None}

    def _entry(self, entry: Entry) -> Row:
        raw = entry.raw if isinstance(entry.raw, dict) else {ERROR: outcomes.NO_MEDIA_ID}
        error = raw.get(ERROR)
        outcome, reason = (MARKED, str(error)) if error else (MISSING, "not_migrated")
        return self.row(outcome, reason, entry.box_id, entry.media_id, None)

    def _unclaimed(self, claimed: set[int]) -> None:
        database = couch().database(database_names.account_db(self.account_id))
        months = audio_links.month_databases(self.account_id, self.ask)
        media = (doc for doc in sources.every_document(database, ask=self.ask) if sources.is_voicemail(doc))
        heard = (doc for doc in media if legacy_media.usable_audio(doc) is not None)
        lost = (doc for doc in heard if fingerprint(doc["_id"]) not in claimed)
        while some := list(islice(lost, _BATCH)):
            deleted = self.ask(partial(_deleted, months, some))
            self.watch.expect(messages=len(some))
            self.tell(
                self.row(MISSING, "deleted", doc.get("source_id"), doc["_id"], deleted[doc["_id"]])
                if doc["_id"] in deleted
                else self.row(UNCLAIMED, "", doc.get("source_id"), doc["_id"], None)
                for doc in some
            )


class _AgainstSource(_Verification):
    """An account that came from another system."""

    def __init__(self, options: Options, watch: Watch, work: Work, ask: Ask) -> None:
        super().__init__(options, watch, work, ask)
        self.expected: dict[int, str] = {}
        """The marks of the ids that messages should have, each with what it turned out to be."""

    def account_document(self) -> Document | None:
        """The one here, if there is one already."""
        here = mailbox_store.database_of(self.account_id)
        return (here.get(self.account_id) if here.exists() else None) or super().account_document()

    def all(self) -> None:
        """Documents, entries with their messages, then messages that came from nowhere."""
        account_id = self.account_id
        brought = self.ask(
            partial(
                import_accounts.bring_account, self.work.source, self.work.survey, rival=self.work.rival, dry_run=True
            )
        )
        self.account = brought.account
        if brought.counts:
            kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(brought.counts.items()))
            self.watch.problem(account_id, None, MISSING, f"Account {account_id} lacks documents here: {kinds}")
        for month in self.ask(partial(months_of, self.work, self.options)):
            for rows in month.compare(self.ask):
                self.expected |= {fingerprint(row.message_id): row.outcome for row in rows}
                self.watch.expect(messages=len(rows))
                self.tell(rows)
        for box in self.work.boxes:
            self._box(box.id)
        for _, docs in self.messages():
            extra = [doc for doc in docs if not doc.get("history") and fingerprint(doc["_id"]) not in self.expected]
            extra = [doc for doc in extra if doc.get("source_id") in self.boxes]
            self.watch.expect(messages=len(extra))
            self.tell(self.row(EXTRA, "", doc["source_id"], doc[PREVIOUS_ID], doc["_id"]) for doc in extra)

    def _box(self, box_id: str) -> None:
        """Compare the messages of a box's entries."""
        box = self.ask(partial(self.work.source.documents, [box_id])).get(box_id) or {}
        kept = self.ask(partial(mailbox_store.database_of(self.account_id).get, box_id)) or {}
        waiting = {legacy_array.spelled(entry.raw) for entry in entries.parse_array(kept)} if kept else set()
        # In the order of the migration: of entries for one message the first one becomes it.
        found = in_order(box) if box else []
        for start in range(0, len(found), _BATCH):
            some = found[start : start + _BATCH]
            self.tell(self.ask(partial(self._entries, box, some, waiting)))

    def _entries(self, box: Document, some: Sequence[Entry], waiting: set[bytes]) -> list[Row]:
        shared = frozenset(one for one, first in self.work.shared.items() if first != box["_id"])
        results = legacy_store.store_messages(
            self.account, box, some, self.library, MigrationOptions(dry_run=True, shared_media=shared)
        )
        media = self.library.fetch(entry.media_id for entry in some if entry.media_id is not None)
        stored = _stored(self.account_id, (one.message_id for one in results if one.message_id is not None))
        rows = []
        told: dict[int, str] = {}
        for result in results:
            entry, message_id = result.entry, result.message_id
            mark = fingerprint(message_id)
            if message_id is None or result.outcome is Outcome.FAILED:
                kept = legacy_array.spelled(entry.raw) in waiting
                outcome, reason = (MARKED, result.reason or "") if kept else (MISSING, "not_migrated")
            elif message_id not in stored:
                outcome, reason = MISSING, "not_migrated"
            elif (known := told.get(mark) or self.expected.get(mark)) is not None:
                # Another entry, or a message in a month there, has become it.
                outcome, reason = known, ""
            else:
                modb, doc = stored[message_id]
                outcome, reason = self._compare(box, entry, media.get(entry.media_id or ""), modb, doc)
            if message_id is not None:
                told.setdefault(mark, outcome)
            rows.append(self.row(outcome, reason, entry.box_id, entry.media_id, message_id))
        # Not before: until then all of this may be done again.
        for mark, outcome in told.items():
            self.expected.setdefault(mark, outcome)
        return rows

    def _compare(
        self, box: Document, entry: Entry, media: Document | None, modb: Database, doc: Document
    ) -> tuple[str, str]:
        seconds = entries.message_time(entry, media, entries.box_time(box), doc.get("utc_seconds") or gregorian.now())
        built = documents.build_message(self.account, box, entry, media, message_id=doc["_id"], seconds=seconds)
        found = verdict(Compared(modb, doc, media), built, self.library)
        return found.outcome, found.reason


def _stored(account_id: str, ids: Iterable[str]) -> dict[str, tuple[Database, Document]]:
    """The existing ones of some messages, by id, each with its MODb."""
    months: dict[str, list[str]] = {}
    for one in dict.fromkeys(ids):
        months.setdefault(database_names.month_of_message(one) or "", []).append(one)
    found: dict[str, tuple[Database, Document]] = {}
    for month, some in months.items():
        modb = couch().database(database_names.modb(account_id, month))
        docs = modb.fetch(some) if modb.exists() else {}
        found |= {one: (modb, doc) for one, doc in docs.items()}
    return found


def _deleted(months: Sequence[Database], media: Sequence[Document]) -> dict[str, str]:
    """Those of some media documents whose message was there, and was deleted from its month; with its id."""
    deleted: dict[str, str] = {}
    for modb in months:
        owner = database_names.split(modb.name)
        month = owner.month if owner else None
        ids: dict[str, str] = {}
        for doc in media:
            ids[entries.message_id(month or "", doc["_id"])] = doc["_id"]
            ids[entries.alternative_message_id(month or "", doc["_id"], str(doc.get("source_id")))] = doc["_id"]
        for row in modb.all_docs(keys=list(ids)):
            if (row.get("value") or {}).get("deleted") and row["id"] in ids:
                deleted[ids[row["id"]]] = row["id"]
    return deleted
