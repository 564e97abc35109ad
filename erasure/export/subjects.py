"""Whose data is exported, and what of it is theirs: never another person's name, address, PIN or password.

A caller gets the messages that the caller has left. A user gets the user's own document, mailboxes and what is in
them. An account gets all that is in it.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.db.models import QuerySet

from accounts import account_index, accounts, users
from couch.client import couch
from couch.database import Database, Document
from crossbar.errors import BadIdentifier
from erasure import callers, scan
from media import greetings
from notifications import log as mail_log
from notifications.models import Mail
from storage import database_names, document_types, private_fields, secret_members
from voicemail.legacy import entries
from voicemail.mailboxes import store as mailbox_store
from voicemail.messages import deletion, metadata
from voicemail.messages import store as message_store

_OF_USERS = frozenset({document_types.MAILBOX, document_types.API_KEY})
_SECRET_TYPES = frozenset({"system_key", "token_revocation", "password_recovery"})


class Held(NamedTuple):
    """A document that is held of somebody, as it is exported."""

    kind: str
    account_id: str
    id: str
    members: Document
    source: tuple[Database, Document] | None = None
    """The database and document of its audio, if it has any."""


Records = Callable[["Subject"], Iterable[Mapping[str, Any]]]
_records: dict[str, Records] = {}


def register_records(name: str, list_records: Records) -> None:
    """Have exports hold what a room above has recorded of somebody, in place of what was registered by that name."""
    _records[name] = list_records


@dataclass
class Subject:
    """Whose data is exported."""

    title: str
    """For the person: ``the caller +4930123456``."""
    account_ids: Iterable[str]
    numbers: frozenset[str] = frozenset()
    user_id: str = ""
    is_account: bool = False
    document_ids: set[str] = field(default_factory=set)
    """The ids of what was exported, filled while it is read."""
    addresses: set[str] = field(default_factory=set)
    """The e-mail addresses of a user."""

    def read(self) -> Iterator[Held]:
        """Yield the documents that are held, account by account."""
        for account_id in self.account_ids:
            for held in self._read_account(account_id):
                self.document_ids.add(held.id)
                yield held

    def list_mails(self) -> Iterator[Document]:
        """Yield the mails that were sent: to a user, for an account; for a caller only that there was one."""
        for mail in self._mails().order_by("pk").iterator():
            public = mail_log.public_mail(mail)
            if self.is_account:
                yield public
            elif self.user_id:
                own = {a: r for a, r in mail.recipients.items() if a.lower() in self.addresses}
                if own or mail.mailbox_id in self.document_ids:
                    yield {**public, "to": list(own), "recipients": own}
            elif mail.message_id in self.document_ids:
                yield {name: public[name] for name in ("id", "message_id", "state", "created") if name in public}

    def list_records(self) -> Iterator[Mapping[str, Any]]:
        """Yield what other rooms have recorded."""
        for list_records in _records.values():
            yield from list_records(self)

    def _mails(self) -> "QuerySet[Mail]":
        if self.numbers:
            return Mail.objects.all()
        return Mail.objects.filter(account_id__in=list(self.account_ids))

    def _read_account(self, account_id: str) -> Iterator[Held]:
        own = scan.account_database(account_id)
        box_ids: set[str] = set()
        media_ids: set[str] = set()
        for doc in scan.scan_documents(own):
            is_own = self._is_own(doc)
            if is_own:
                media_ids |= _greeting_ids(doc)
                yield _held(account_id, own, doc)
            if doc.get("pvt_type") == document_types.MAILBOX and (is_own or self.numbers):
                box_ids.add(doc["_id"])
                yield from self._entries(account_id, own, doc)
        if media_ids and not self.is_account:
            for media in own.fetch(media_ids).values():
                yield _held(account_id, own, media)
        for modb in scan.month_databases(account_id):
            for doc in scan.scan_documents(modb):
                if doc.get("pvt_type") == message_store.TYPE and self._has_message(doc, box_ids):
                    yield _message(account_id, modb, doc)
        if self.is_account:
            yield from _hooks(account_id)

    def _entries(self, account_id: str, own: Database, box: Document) -> Iterator[Held]:
        """The messages of a mailbox that are in the format of 3.x."""
        array = [entry for entry in entries.parse_array(box) if entry.media_id is not None]
        if self.numbers:
            array = [entry for entry in array if not self.numbers.isdisjoint(callers.caller_numbers(entry.metadata))]
        media = own.fetch(str(entry.media_id) for entry in array) if array else {}
        for entry in array:
            doc = media.get(str(entry.media_id))
            ids = {"id": entry.media_id, "account_id": account_id, "mailbox_id": box["_id"]}
            members = {**entry.metadata, "timestamp": entry.timestamp, **ids}
            source = (own, doc) if doc is not None and doc.get("_attachments") else None
            yield Held("message", account_id, str(entry.media_id), members, source)

    def _is_own(self, doc: Document) -> bool:
        """Whether a document of the account's database is the subject's; notes a user's addresses."""
        if self.numbers or doc.get("pvt_type") in _SECRET_TYPES or not doc.get("pvt_type"):
            return False
        if self.is_account:
            return True
        if doc["_id"] == self.user_id:
            self.addresses.update(str(doc[key]).lower() for key in ("email", "username") if doc.get(key))
            return True
        return doc.get("pvt_type") in _OF_USERS and doc.get("owner_id") == self.user_id

    def _has_message(self, doc: Document, box_ids: set[str]) -> bool:
        if doc.get(deletion.MOVED_TO):  # it is exported from where it was moved to
            return False
        if self.numbers:
            return callers.is_from(doc, self.numbers)
        return self.is_account or doc.get("source_id") in box_ids


def of_caller(numbers: Iterable[str], account_ids: Iterable[str] | None) -> Subject:
    """A caller, by numbers in any spelling, in some accounts or in all (None). Raises BadIdentifier."""
    written = list(numbers)
    normalized = frozenset(map(callers.normalize, written)) - {""}
    if not normalized:
        raise BadIdentifier(", ".join(written))
    ids = list(account_index.iterate_live_ids()) if account_ids is None else list(account_ids)
    return Subject(f"the caller {', '.join(written)}", ids, numbers=normalized)


def of_user(account_id: str, user_id: str) -> Subject:
    """A user of an account; raises BadIdentifier."""
    user = users.get(account_id, user_id)
    return Subject(f"the user {user.get('username') or user_id}", [account_id], user_id=user_id)


def of_account(account_id: str) -> Subject:
    """An account; raises BadIdentifier."""
    account = accounts.get(account_id)
    return Subject(f"the account {account.get('name') or account_id}", [account_id], is_account=True)


def _held(account_id: str, database: Database, doc: Document) -> Held:
    """A document of an account's own database as it is exported: without secrets and private members."""
    kind = str(doc["pvt_type"])
    if kind == document_types.MAILBOX:
        members = mailbox_store.representation(doc, secrets=False)
    elif kind == document_types.USER:
        members = users.serialize(doc, secrets=False)
    else:
        members = secret_members.remove(private_fields.public(doc))
    times = {name: doc[f"pvt_{name}"] for name in ("created", "modified") if f"pvt_{name}" in doc}
    removed = {} if private_fields.is_live(doc) else {"removed": True}
    source = (database, doc) if doc.get("_attachments") else None
    return Held(kind, account_id, doc["_id"], {**members, **times, **removed}, source)


def _message(account_id: str, modb: Database, doc: Document) -> Held:
    removed = {} if private_fields.is_live(doc) else {"removed": True}
    transcription = {"transcription": doc["transcription"]} if doc.get("transcription") else {}
    members = {
        **private_fields.without_private(metadata.of(doc)),
        "id": doc["_id"],
        "account_id": account_id,
        "mailbox_id": doc.get("source_id"),
        "timestamp": metadata.timestamp(doc),
        **transcription,
        **removed,
    }
    has_audio = doc.get("_attachments") or doc.get("pvt_attachments")
    return Held("message", account_id, doc["_id"], members, (modb, doc) if has_audio else None)


def _hooks(account_id: str) -> Iterator[Held]:
    hooks = couch().database(database_names.WEBHOOKS)
    for doc in scan.scan_documents(hooks):
        if doc.get("pvt_account_id") == account_id and doc.get("pvt_type") == document_types.WEBHOOK:
            yield _held(account_id, hooks, doc)


def _greeting_ids(doc: Document) -> set[str]:
    members = (*greetings.KINDS, greetings.OWNERS_NAME)
    return {media_id for member in members if (media_id := greetings.stored_id(doc, member))}


def as_json(members: Mapping[str, Any]) -> bytes:
    """Members as JSON that people can read."""
    return json.dumps(members, ensure_ascii=False, indent=2, default=str).encode(errors="replace")
