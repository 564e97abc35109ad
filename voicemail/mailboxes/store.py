"""Mailboxes in CouchDB: fetch, create, change and soft-delete documents of their account's database.

What a client sends is checked against the schema ``vmboxes``, whose defaults are stored. A change keeps the private
members, and the ``messages`` array of Kazoo 3.x.
"""

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from accounts import accounts
from couch.database import Database, Document
from crossbar.errors import BadIdentifier, ValidationFailed
from storage import (
    document_cache,
    document_types,
    documents,
    gregorian,
    merge_patch,
    private_fields,
    schemas,
    secret_members,
    values,
)
from storage.document_cache import DocumentCache
from storage.documents import Guard
from storage.private_fields import Actor
from voicemail.mailboxes import addresses, limits, numbers

TYPE = document_types.MAILBOX
SCHEMA = "vmboxes"
REMOVED_AT = "pvt_removed_at"
"""When a mailbox was removed, in Gregorian seconds. Kazoo leaves this member alone."""
# Clients can neither see nor set the array of 3.x. They see the id, but don't set it.
_READ_ONLY = frozenset({"messages", "id"})

CACHE_SECONDS = 4
_cache: DocumentCache[Document] = DocumentCache(2_000, CACHE_SECONDS)


def get(account_id: str, box_id: str) -> Document:
    """A live mailbox's document; raises BadIdentifier."""
    return require_box(accounts.database_of(account_id).get(box_id), box_id)


def find(account_id: str, box_id: str) -> Document | None:
    """A mailbox's document, removed or not; None if there never was such a mailbox."""
    doc = accounts.database_of(account_id).get(box_id)
    return doc if doc is not None and doc.get("pvt_type") == TYPE else None


def is_live(doc: Mapping[str, Any] | None) -> bool:
    """Whether a document is a mailbox that is not removed."""
    return private_fields.is_live(doc, TYPE)


def require_box(doc: Document | None, box_id: str) -> Document:
    """The document if it is a live mailbox's; else raises BadIdentifier."""
    if doc is None or not is_live(doc):
        raise BadIdentifier(box_id)
    return doc


def get_cached(account_id: str, box_id: str) -> Document | None:
    """A mailbox's document from the cache, up to CACHE_SECONDS old, or None. It must not be changed.

    The mailbox may have been removed meanwhile, or its owner changed: only `get` knows.
    """
    return _cache.get(accounts.database_of(account_id).name, box_id)


def add_to_cache(account_id: str, box: Document) -> None:
    """Cache a mailbox that was just read, unless it holds messages of 3.x, which may leave it at any time."""
    if not box.get("messages"):
        _cache.put(accounts.database_of(account_id).name, box["_id"], box, document_cache.generation())


def create(
    account_id: str, data: Mapping[str, Any], actor: Actor | None = None, *, box_id: str | None = None
) -> Document:
    """Store a new mailbox; raises ValidationFailed, also if another mailbox has its number, or there are too many.

    Who may have to repeat the creation chooses the id; Conflict if there is such a document already.
    """
    database = accounts.database_of(account_id)
    box_id = box_id or uuid.uuid4().hex
    limits.require_room_for_aliases(database, data, {})
    validated = _validate(database, box_id, _writable_members(data), {})
    limits.require_room_for_mailbox(database)
    doc = private_fields.stamp_new(
        {**validated, "_id": box_id}, pvt_type=TYPE, account_id=account_id, db_name=database.name, actor=actor
    )
    with numbers.Reservation(database, box_id) as reservation:
        reservation.reserve(numbers.of(doc))
        return documents.put(database, doc)


def replace(
    account_id: str, box_id: str, data: Mapping[str, Any], actor: Actor | None = None, guard: Guard | None = None
) -> Document:
    """Replace a mailbox's public members; the mailbox as stored.

    Raises BadIdentifier, ValidationFailed, Conflict, and what the guard raises.
    """
    return _change(account_id, box_id, lambda stored: _writable_members(data), actor, guard)


def merge(
    account_id: str, box_id: str, data: Mapping[str, Any], actor: Actor | None = None, guard: Guard | None = None
) -> Document:
    """Merge members into a mailbox, objects recursively; null removes a member. Otherwise as `replace`."""

    def merge_members(stored: Document) -> Document:
        return merge_patch.apply(_writable_members(stored), _writable_members(data))

    return _change(account_id, box_id, merge_members, actor, guard)


def preview(account_id: str, stored: Mapping[str, Any], data: Mapping[str, Any]) -> Document:
    """The public members that a mailbox would have after `merge`, or after `create` if nothing is `stored`.

    Whether another mailbox has its numbers is not looked at. Raises ValidationFailed.
    """
    members = merge_patch.apply(_writable_members(stored), _writable_members(data))
    members = _keep_number_texts(members, stored)
    limits.require_room_for_aliases(accounts.database_of(account_id), members, stored)
    validated = schemas.validator(SCHEMA).validate(members, stored=_comparable_members(stored))
    if (repeated_number := numbers.find_repeated(validated, stored)) is not None:
        raise numbers.not_unique_error(repeated_number)
    return validated


def soft_delete(
    account_id: str, box_id: str, actor: Actor | None = None, guard: Guard | None = None
) -> tuple[Document, bool]:
    """Soft-delete a mailbox, but not its messages (see `removal`); its document, and False if it was deleted before.

    Raises BadIdentifier if there never was such a mailbox, Conflict, and what the guard raises.
    """
    database, marks = accounts.database_of(account_id), {REMOVED_AT: gregorian.now()}
    try:
        return documents.soft_delete(database, box_id, TYPE, actor=actor, guard=guard, **marks), True
    except BadIdentifier:
        doc = find(account_id, box_id)
        if doc is None or is_live(doc):
            raise
        if guard is not None:
            guard(doc)
        return doc, False


def representation(box: Mapping[str, Any], *, secrets: bool) -> Document:
    """A mailbox as the API shows it: its public members, with the PIN and the like only if `secrets` may be seen."""
    members = {key: value for key, value in private_fields.public(box).items() if key not in _READ_ONLY}
    return {**(members if secrets else secret_members.remove(members)), "id": box["_id"]}


def envelope_metadata(box: Mapping[str, Any]) -> Document:
    """The ``metadata`` of a response with a mailbox: its id, when it was created and modified, if it is deleted."""
    times = {"created": box.get("pvt_created"), "modified": box.get("pvt_modified")}
    deleted = {} if is_live(box) else {"deleted": True}
    return {"id": box["_id"], **{name: time for name, time in times.items() if time is not None}, **deleted}


def number(box: Mapping[str, Any]) -> str:
    """A mailbox's number as text; empty if it has none."""
    return values.as_text(box.get("mailbox")) or ""


def _change(
    account_id: str, box_id: str, edit: Callable[[Document], Document], actor: Actor | None, guard: Guard | None
) -> Document:
    """Change a live mailbox. `edit` turns the stored document into the new public members."""
    database = accounts.database_of(account_id)
    with numbers.Reservation(database, box_id) as reservation:

        def apply(stored: Document) -> Document:
            members = _keep_number_texts(edit(stored), stored)
            limits.require_room_for_aliases(database, members, stored)
            validated = _validate(database, box_id, members, stored)
            reservation.reserve(numbers.of(validated) - numbers.of(stored))
            legacy = {"messages": stored["messages"]} if "messages" in stored else {}
            return {**private_fields.replace_public(stored, validated), **legacy}

        return documents.change(database, box_id, TYPE, apply, actor=actor, guard=guard)


def _validate(database: Database, box_id: str, members: Document, stored: Mapping[str, Any]) -> Document:
    """The members with the schema's types and defaults. An error names all faults, also a number that isn't unique.

    `stored` is the mailbox as it is, empty for a new one.
    """
    repeated_number = numbers.find_repeated(members, stored)
    try:
        validated = schemas.validator(SCHEMA).validate(members, stored=_comparable_members(stored))
    except ValidationFailed as failed:
        used_number = repeated_number or numbers.find_used(database, numbers.of(members) - numbers.of(stored), box_id)
        if used_number is None:
            raise
        raise failed.joined(numbers.not_unique_error(used_number)) from None
    if repeated_number is not None:
        raise numbers.not_unique_error(repeated_number)
    return validated


def _comparable_members(stored: Mapping[str, Any]) -> Document | None:
    """What the validator compares new members with; None for a new mailbox."""
    return addresses.merge(_keep_number_texts(stored, stored)) if stored else None


def _writable_members(doc: Mapping[str, Any]) -> Document:
    """The members of a document that a client may set, or of what it sent."""
    members = private_fields.without_private(doc)
    return addresses.merge({key: value for key, value in members.items() if key not in _READ_ONLY})


def _keep_number_texts(members: Mapping[str, Any], stored: Mapping[str, Any]) -> Document:
    """The members with numbers that the mailbox has already as text: old documents hold integers."""
    stored_numbers = numbers.of(stored)

    def to_text(value: object) -> object:
        text = values.as_text(value)
        return text if text in stored_numbers else value

    converted = dict(members)
    if "mailbox" in members:
        converted["mailbox"] = to_text(members["mailbox"])
    if isinstance(members.get("aliases"), list):
        converted["aliases"] = [to_text(alias) for alias in members["aliases"]]
    return converted
