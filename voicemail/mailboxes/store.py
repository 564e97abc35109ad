"""Mailboxes: fetched, created, changed and soft-deleted as documents of their account's database.

What a client sends is checked against the schema ``vmboxes``, whose defaults are stored. Private members, the
``messages`` array that 3.x left in a box, and every private key that isn't ours stay through every change.
"""

import uuid
from collections.abc import Callable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from accounts.auth import cache as auth_cache
from couch.client import Database, Document, couch
from crossbar.errors import BadIdentifier, ValidationFailed
from storage import (
    database_names,
    document_cache,
    document_types,
    documents,
    gregorian,
    merge_patch,
    private_fields,
    schemas,
    system_config,
    values,
)
from storage.document_cache import DocumentCache
from storage.documents import Guard
from storage.private_fields import Actor
from voicemail.mailboxes import numbers

TYPE = document_types.MAILBOX
SCHEMA = "vmboxes"
INHERIT = "inherit"
REMOVED_AT = "pvt_removed_at"
"""Where a removed box tells when that was (Gregorian seconds): Kazoo leaves the member alone."""
# The array of 3.x is read and emptied by what migrates it, never by a client; an id is where it is.
_NOT_A_CLIENTS = frozenset({"messages", "id"})
_SECRETS = frozenset({"pin"})

CACHE_SECONDS = 4
_cache: DocumentCache[Document] = DocumentCache(2_000, CACHE_SECONDS)


def get(account_id: str, box_id: str) -> Document:
    """A box's document; BadIdentifier when there is no such box, or it is deleted, or no box at all."""
    return required(database_of(account_id).get(box_id), box_id)


def find(account_id: str, box_id: str) -> Document | None:
    """A mailbox's document, removed or not; None if there never was such a mailbox."""
    doc = database_of(account_id).get(box_id)
    return doc if doc is not None and doc.get("pvt_type") == TYPE else None


def is_live(doc: Mapping[str, Any] | None) -> bool:
    """Whether a document is a box that is not deleted."""
    return private_fields.is_live(doc, TYPE)


def remembered(account_id: str, box_id: str) -> Document | None:
    """A box's document as `remember` got it, CACHE_SECONDS old at most and not to be changed; None when it didn't.

    What is found in such a box is there; whether something is not there, or may not be seen, only `get` tells.
    """
    return _cache.get(database_of(account_id).name, box_id)


def remember(account_id: str, box: Document) -> None:
    """Let `remembered` know a box for a while, unless it holds messages of 3.x, which leave it any time."""
    if not box.get("messages"):
        _cache.put(database_of(account_id).name, box["_id"], box, document_cache.generation())


def create(account_id: str, sent: Mapping[str, Any], actor: Actor | None = None) -> Document:
    """Store a new box; ValidationFailed when the schema or another box's number is against it."""
    database = database_of(account_id)
    box_id = uuid.uuid4().hex
    checked = _checked(database, box_id, _from_client(sent), {})
    doc = private_fields.stamp_new(
        {**checked, "_id": box_id}, pvt_type=TYPE, account_id=account_id, db_name=database.name, actor=actor
    )
    with numbers.Reservation(database, box_id) as reservation:
        reservation.hold(numbers.of(doc))
        return documents.put(database, doc)


def replace(
    account_id: str, box_id: str, sent: Mapping[str, Any], actor: Actor | None = None, guard: Guard | None = None
) -> Document:
    """Put what was sent in place of a box's public members; returns the box as stored.

    Raises BadIdentifier, ValidationFailed, Conflict, and whatever the guard does.
    """
    return _change(account_id, box_id, lambda stored: _from_client(sent), actor, guard)


def merge(
    account_id: str, box_id: str, sent: Mapping[str, Any], actor: Actor | None = None, guard: Guard | None = None
) -> Document:
    """Merge what was sent into a box, objects member by member, null removing; otherwise as `replace`."""
    return _change(
        account_id, box_id, lambda stored: merge_patch.merged(_from_client(stored), _from_client(sent)), actor, guard
    )


def mark_deleted(
    account_id: str, box_id: str, actor: Actor | None = None, guard: Guard | None = None
) -> tuple[Document, bool]:
    """Soft-delete a box; its document, and whether it was this call that did it and not an earlier one.

    Raises BadIdentifier when there never was such a box. Its messages are removed by `removal.remove_box`.
    """
    database, marks = database_of(account_id), {REMOVED_AT: gregorian.now()}
    try:
        return documents.soft_delete(database, box_id, TYPE, actor=actor, guard=guard, **marks), True
    except BadIdentifier:
        doc = database.get(box_id)
        if doc is None or doc.get("pvt_type") != TYPE or is_live(doc):
            raise
        if guard is not None:
            guard(doc)
        return doc, False


def shown(box: Mapping[str, Any], *, secrets: bool) -> Document:
    """A box as the API shows it: nothing private, no legacy messages, its PIN only to those who may see secrets."""
    hidden = _NOT_A_CLIENTS if secrets else _NOT_A_CLIENTS | _SECRETS
    return {
        **{key: value for key, value in private_fields.public(box).items() if key not in hidden},
        "id": box["_id"],
    }


def metadata(box: Mapping[str, Any]) -> Document:
    """What the API tells beside a box: its id, when it was created and modified, and whether it is deleted."""
    times = {"created": box.get("pvt_created"), "modified": box.get("pvt_modified")}
    deleted = {} if private_fields.is_live(dict(box)) else {"deleted": True}
    return {"id": box["_id"], **{name: time for name, time in times.items() if time is not None}, **deleted}


def number(box: Mapping[str, Any]) -> str:
    """A box's number as text, whatever an old document holds; empty when it has none."""
    return values.as_text(box.get("mailbox")) or ""


def zone(account: Mapping[str, Any], box: Mapping[str, Any]) -> ZoneInfo | None:
    """The time zone of a box: its own, else its owner's, its account's, the system's; None when that is unknown."""
    name = _zone_name(box) or _owners_zone_name(account["_id"], box) or _zone_name(account)
    name = name or _zone_name({"timezone": system_config.category("accounts").get("default_timezone")})
    try:
        return ZoneInfo(name) if name else None
    except (ValueError, OSError, LookupError):
        return None


def database_of(account_id: str) -> Database:
    """The database that holds an account's boxes."""
    return couch().database(database_names.account_db(account_id))


def required(doc: Document | None, box_id: str) -> Document:
    """The document, if it is a live box's; else BadIdentifier."""
    if doc is None or not is_live(doc):
        raise BadIdentifier(box_id)
    return doc


def _change(
    account_id: str, box_id: str, make: Callable[[Document], Document], actor: Actor | None, guard: Guard | None
) -> Document:
    """Change a live box: `make` turns the stored document, a fresh one if need be, into its new public members."""
    database = database_of(account_id)
    with numbers.Reservation(database, box_id) as reservation:

        def change(stored: Document) -> Document:
            checked = _checked(database, box_id, _spelled(make(stored), stored), stored)
            reservation.hold(numbers.of(checked) - numbers.of(stored))
            legacy = {"messages": stored["messages"]} if "messages" in stored else {}
            return {**private_fields.merge_private(stored, checked), **legacy}

        return documents.change(database, box_id, TYPE, change, actor=actor, guard=guard)


def _checked(database: Database, box_id: str, sent: Document, stored: Mapping[str, Any]) -> Document:
    """What was sent, cast and with the schema's defaults. A taken number is told along with what the schema finds."""
    try:
        return schemas.validator(SCHEMA).validate(sent)
    except ValidationFailed as failed:
        taken = numbers.taken(database, numbers.of(sent) - numbers.of(stored), box_id)
        if taken is None:
            raise
        of_mailbox = failed.data.get("mailbox", {}) | numbers.not_unique(taken).data["mailbox"]
        raise ValidationFailed({**failed.data, "mailbox": of_mailbox}) from None


def _from_client(sent: Mapping[str, Any]) -> Document:
    return {key: value for key, value in private_fields.without_private(sent).items() if key not in _NOT_A_CLIENTS}


def _spelled(doc: Document, stored: Mapping[str, Any]) -> Document:
    """The document with those numbers as text that the box has always had: old documents hold integers."""
    own = numbers.of(stored)

    def spell(value: object) -> object:
        text = values.as_text(value)
        return text if text in own else value

    spelled = {**doc, "mailbox": spell(doc["mailbox"])} if "mailbox" in doc else dict(doc)
    if isinstance(doc.get("aliases"), list):
        spelled["aliases"] = [spell(alias) for alias in doc["aliases"]]
    return spelled


def _owners_zone_name(account_id: str, box: Mapping[str, Any]) -> str | None:
    owner_id = box.get("owner_id")
    if not isinstance(owner_id, str) or not database_names.is_account_id(owner_id):
        return None
    try:
        return _zone_name({"timezone": auth_cache.get_user(account_id, owner_id).timezone})
    except BadIdentifier:
        return None


def _zone_name(doc: Mapping[str, Any]) -> str | None:
    name = doc.get("timezone")
    return name if isinstance(name, str) and name and name != INHERIT else None
