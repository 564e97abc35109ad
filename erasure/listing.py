"""What an erasure covers: its items, with recordings and greetings that nothing else uses, and how much that is."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, Q, Sum

from accounts import account_index, accounts
from couch.database import Document
from crossbar.errors import BadIdentifier
from erasure import callers, scan, secret_numbers
from erasure.models import Erasure, ErasureItem
from erasure.scan import Tick
from media import greetings
from storage import document_types, private_fields
from voicemail.legacy import entries
from voicemail.legacy.documents import PREVIOUS_ID
from voicemail.legacy.entries import Entry
from voicemail.messages import deletion, metadata
from voicemail.messages import store as message_store

Kind, Group = Erasure.Kind, ErasureItem.Group
MESSAGE, ENTRY = "message", "entry"
_BATCH = 500


def list_items(erasure: Erasure, tick: Tick) -> None:
    """Store the items of an erasure, in place of those of an interrupted listing, and its totals."""
    erasure.items.all().delete()
    if erasure.kind == Kind.ACCOUNT:
        _list_account_items(erasure, tick)
        return
    if erasure.kind == Kind.CALLER:
        _list_caller(erasure, tick)
    else:
        _store(erasure, _coverage(erasure).items(tick))
    set_totals(erasure)


def set_totals(erasure: Erasure) -> None:
    """Set how much an erasure covers, by its items."""
    totals = totals_of(erasure.items.all())
    for member, value in totals.items():
        setattr(erasure, member, value)
    erasure.save(update_fields=list(totals))


def totals_of(items: Any) -> dict[str, int]:
    """The numbers of messages and documents, and the milliseconds and bytes of audio, of some items (a QuerySet)."""
    totals = items.aggregate(
        messages=Count("pk", filter=Q(kind__in=(MESSAGE, ENTRY))),
        documents=Count("pk"),
        milliseconds=Sum("milliseconds"),
        bytes=Sum("bytes"),
    )
    return {member: value or 0 for member, value in totals.items()}


def _store(erasure: Erasure, items: Iterable[ErasureItem]) -> None:
    batch: list[ErasureItem] = []
    for item in items:
        item.erasure = erasure
        batch.append(item)
        if len(batch) >= _BATCH:
            ErasureItem.objects.bulk_create(batch, ignore_conflicts=True)
            batch = []
    ErasureItem.objects.bulk_create(batch, ignore_conflicts=True)


def _list_account_items(erasure: Erasure, tick: Tick) -> None:
    """The account's own document is its one item: whole databases go. Everything in them is counted."""
    account_id = erasure.account_id
    account = accounts.get(account_id)
    database = scan.account_database(account_id)
    _store(erasure, [_item(database.name, account_id, "account", account, is_lead=True)])
    erasure.messages = erasure.documents = erasure.milliseconds = erasure.bytes = 0
    for source in (database, *scan.month_databases(account_id)):
        for doc in scan.scan_documents(source, tick):
            erasure.documents += 1
            erasure.bytes += scan.audio_bytes(doc)
            if doc.get("pvt_type") == message_store.TYPE:
                erasure.milliseconds += scan.audio_milliseconds(doc)
                erasure.messages += not doc.get(deletion.MOVED_TO)
            elif doc.get("pvt_type") == document_types.MAILBOX:
                erasure.messages += len(entries.parse_array(doc))
    erasure.save(update_fields=["messages", "documents", "milliseconds", "bytes"])


def _list_caller(erasure: Erasure, tick: Tick) -> None:
    """The caller's messages in the accounts that are searched, and numbers that may be the caller's, too."""
    secret = secret_numbers.decrypt(erasure.numbers)
    numbers = frozenset(secret.numbers)
    similar: dict[str, int] = {}
    account_ids = account_index.iterate_live_ids() if erasure.account_ids is None else erasure.account_ids
    for account_id in account_ids:
        coverage = _Coverage(account_id, numbers=numbers, is_lead=True, similar=similar)
        _store(erasure, coverage.items(tick))
    erasure.numbers = secret_numbers.encrypt(secret.numbers, similar)
    erasure.save(update_fields=["numbers"])


def _coverage(erasure: Erasure) -> "_Coverage":
    """What is looked for in the account of an erasure of a message, a mailbox or a user; raises BadIdentifier."""
    account_id = erasure.account_id
    database = scan.account_database(account_id)
    if erasure.kind == Kind.MESSAGE:
        modb = message_store.modb_of(account_id, erasure.document_id)
        message = None if modb is None else modb.get(erasure.document_id)
        if message is None or message.get("pvt_type") != message_store.TYPE:
            raise BadIdentifier(erasure.document_id)
        ids = frozenset({message["_id"], *deletion.former_ids(message)})
        return _Coverage(account_id, message_ids=ids, message=message, is_lead=True)
    doc = database.get(erasure.document_id)
    pvt_type = document_types.MAILBOX if erasure.kind == Kind.MAILBOX else document_types.USER
    if doc is None or doc.get("pvt_type") != pvt_type:
        raise BadIdentifier(erasure.document_id)
    if erasure.kind == Kind.MAILBOX:
        return _Coverage(account_id, box_ids={doc["_id"]}, subjects=[doc])
    return _Coverage(account_id, owner_id=doc["_id"], subjects=[doc])


@dataclass
class _Coverage:
    """What of an account is covered. It reads all documents of the account once."""

    account_id: str
    message_ids: frozenset[str] = frozenset()
    message: Document | None = None
    """The message whose copies are an optional part."""
    numbers: frozenset[str] = frozenset()
    box_ids: set[str] = field(default_factory=set)
    """Mailboxes, with all that is in them."""
    owner_id: str | None = None
    """The user whose mailboxes are an optional part."""
    subjects: list[Document] = field(default_factory=list)
    """The mailbox or user itself."""
    is_lead: bool = False
    """Whether messages are soft-deleted each by itself."""
    similar: dict[str, int] | None = None
    """The numbers of messages of callers that may be the same, by number."""
    _candidates: dict[str, str] = field(default_factory=dict)
    """Media that covered documents use, with the group of these."""
    _used_elsewhere: set[str] = field(default_factory=set)
    """Media that anything uses that stays."""

    def items(self, tick: Tick) -> Iterator[ErasureItem]:
        """The items: mailboxes and users, messages, then the media that nothing else uses."""
        own = scan.account_database(self.account_id)
        for doc in scan.scan_documents(own, tick):
            yield from self._read_own_document(own.name, doc)
        for modb in scan.month_databases(self.account_id):
            for doc in scan.scan_documents(modb, tick):
                if doc.get("pvt_type") == message_store.TYPE:
                    yield from self._read_message(modb.name, doc)
        for media_id, group in self._candidates.items():
            media = None if media_id in self._used_elsewhere else own.get(media_id)
            if media is not None and media.get("pvt_type") in (document_types.MEDIA, "private_media"):
                yield _item(own.name, self.account_id, "media", media, group=group)

    def _read_own_document(self, database: str, doc: Document) -> Iterator[ErasureItem]:
        kind, group = doc.get("pvt_type"), Group.ALWAYS
        is_subject = any(subject["_id"] == doc["_id"] for subject in self.subjects)
        if kind == document_types.MAILBOX and self.owner_id and doc.get("owner_id") == self.owner_id:
            self.box_ids.add(doc["_id"])
            group, is_subject = Group.MAILBOXES, True
        if is_subject:
            name = "mailbox" if kind == document_types.MAILBOX else "user"
            yield _item(database, self.account_id, name, doc, group=group, is_lead=True)
        if kind == document_types.API_KEY and self.owner_id and doc.get("owner_id") == self.owner_id:
            yield _item(database, self.account_id, "API key", doc)
        if kind in (document_types.MAILBOX, document_types.USER):
            self._note_media(_greeting_ids(doc), group if is_subject else None)
        if kind == document_types.MAILBOX:
            for entry in entries.parse_array(doc):
                yield from self._read_entry(database, doc, entry, group)

    def _read_entry(self, database: str, box: Document, entry: Entry, group: str) -> Iterator[ErasureItem]:
        """An entry of 3.x, whose recording is a media document."""
        is_covered = box["_id"] in self.box_ids or self._is_from_caller(entry.metadata)
        if entry.media_id is not None:
            self._note_media({entry.media_id}, group if is_covered else None)
        if is_covered and entry.media_id is not None:
            yield ErasureItem(
                kind=ENTRY,
                account_id=self.account_id,
                # An entry isn't a document: its id can't be the one of its recording, which is an item, too.
                database=f"{database}#messages",
                document_id=entry.media_id,
                mailbox_id=box["_id"],
                group=group,
                is_lead=self.is_lead,
                was_live=private_fields.is_live(box),
                milliseconds=entry.metadata["length"],
            )

    def _read_message(self, database: str, doc: Document) -> Iterator[ErasureItem]:
        group = self._group_of(doc)
        self._note_media(scan.linked_ids(doc), group)
        if group is None:
            return
        if isinstance(doc.get(PREVIOUS_ID), str):
            # The recording of 3.x that the audio was copied from.
            self._candidates.setdefault(doc[PREVIOUS_ID], group)
        kind = "moved" if doc.get(deletion.MOVED_TO) else MESSAGE
        yield _item(database, self.account_id, kind, doc, group=group, is_lead=self.is_lead)

    def _group_of(self, doc: Document) -> str | None:
        """The group of a message that is covered; None if it isn't."""
        if doc["_id"] in self.message_ids or self._is_from_caller(metadata.of(doc)):
            return Group.ALWAYS
        if doc.get("source_id") in self.box_ids:
            return Group.MAILBOXES if self.owner_id else Group.ALWAYS
        return Group.COPIES if self.message is not None and _is_copy(doc, self.message) else None

    def _is_from_caller(self, message_metadata: Mapping[str, Any]) -> bool:
        if not self.numbers:
            return False
        if not self.numbers.isdisjoint(callers.caller_numbers(message_metadata)):
            return True
        if self.similar is not None and (number := callers.similar(message_metadata, self.numbers)):
            self.similar[number] = self.similar.get(number, 0) + 1
        return False

    def _note_media(self, media_ids: set[str], group: str | None) -> None:
        """Note who uses media: what is covered in a group, or what stays (None)."""
        if group is None:
            self._used_elsewhere |= media_ids
            return
        for media_id in media_ids:
            # What an optional part uses stays with it.
            if group or media_id not in self._candidates:
                self._candidates[media_id] = group


def _greeting_ids(doc: Document) -> set[str]:
    members = (*greetings.KINDS, greetings.OWNERS_NAME)
    return {media_id for member in members if (media_id := greetings.stored_id(doc, member))}


def _is_copy(doc: Document, message: Document) -> bool:
    """Whether two messages are of the same call, and one of them was copied."""
    call_id = metadata.of(message).get("call_id")
    has_history = bool(doc.get("history")) or bool(message.get("history"))
    return bool(call_id) and has_history and metadata.of(doc).get("call_id") == call_id


def _item(
    database: str, account_id: str, kind: str, doc: Document, *, group: str = "", is_lead: bool = False
) -> ErasureItem:
    return ErasureItem(
        kind=kind,
        account_id=account_id,
        database=database,
        document_id=doc["_id"],
        mailbox_id=str(doc.get("source_id") or "")[:250] if kind in (MESSAGE, "moved") else "",
        group=group,
        is_lead=is_lead,
        was_live=private_fields.is_live(doc),
        revision=doc["_rev"],
        milliseconds=scan.audio_milliseconds(doc) if kind == MESSAGE else 0,
        bytes=scan.audio_bytes(doc),
    )
