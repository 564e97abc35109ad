"""API keys in CouchDB: documents of the account's database, with only a digest of their secrets.

A key's id is part of its document's, so that an account's keys stand together and need no view.
"""

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from accounts import accounts, users
from accounts.api_keys import key_text, last_use, networks
from accounts.api_keys.key_text import KeyText
from couch.database import Document
from crossbar.errors import BadIdentifier, ValidationFailed
from storage import database_names, document_types, documents, gregorian, merge_patch, private_fields, schemas
from storage.documents import Guard
from storage.private_fields import Actor

SCHEMA = "api_keys"
TYPE = document_types.API_KEY
SECRET = "pvt_hashed_secret"  # noqa: S105 - the name of a member
_PREFIX = "api_key-"
_MEMBERS = ("name", "scopes", "expires", "networks")
_MAX_KEYS = 1_000


def key_document_id(key_id: str) -> str:
    """Return the id of a key's document."""
    return f"{_PREFIX}{key_id}"


def key_id_of(key: Mapping[str, Any]) -> str:
    """Return a key's id by its document."""
    return str(key["_id"]).removeprefix(_PREFIX)


def owner_id_of(key: Mapping[str, Any]) -> str | None:
    """Return whose key it is: a user's id, None for the account. Whatever else is stored names nobody, as a text."""
    owner_id = key.get("owner_id")
    return None if owner_id is None else str(owner_id)


def list_member(key: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """Return the texts of a key's ``scopes`` or ``networks``; none if something else is stored there."""
    value = key.get(name)
    return tuple(text for text in value if isinstance(text, str)) if isinstance(value, list) else ()


def get(account_id: str, key_id: str, owner_id: str | None = None) -> Document:
    """Return an account's key that is not revoked, one of `owner_id` if that is given; raises BadIdentifier."""
    doc = (
        accounts.database_of(account_id).get(key_document_id(key_id))
        if database_names.is_account_id(key_id)
        else None
    )
    if not private_fields.is_live(doc, TYPE) or (owner_id is not None and doc.get("owner_id") != owner_id):
        raise BadIdentifier(key_id)
    return doc


def list_keys(account_id: str, owner_id: str | None = None) -> list[Document]:
    """Return the keys of an account and its users, or those of one user, that are not revoked, by name."""
    rows = accounts.database_of(account_id).all_docs(startkey=_PREFIX, endkey=f"{_PREFIX}\uffff", include_docs=True)
    keys = [doc for row in rows if private_fields.is_live(doc := row.get("doc"), TYPE)]
    own = [key for key in keys if owner_id is None or key.get("owner_id") == owner_id]
    return sorted(own, key=lambda key: (str(key.get("name", "")).casefold(), key["_id"]))


def create(
    account_id: str, owner_id: str | None, members: Mapping[str, Any], actor: Actor | None = None
) -> tuple[Document, str]:
    """Store a new key of a user, or without `owner_id` of the account; its document and its text.

    Nobody can find out the text later. Raises ValidationFailed, and BadIdentifier if there is no such user.
    """
    if owner_id is not None:
        users.get(account_id, owner_id)
    valid = _valid_members(members, {})
    if len(list_keys(account_id)) >= _MAX_KEYS:
        raise ValidationFailed.field("name", "maxItems", f"At most {_MAX_KEYS} keys: revoke some first")
    text = KeyText(account_id, uuid.uuid4().hex, key_text.new_secret())
    database = accounts.database_of(account_id)
    owner = {} if owner_id is None else {"owner_id": owner_id}
    doc = private_fields.stamp_new(
        {**valid, **owner, "_id": key_document_id(text.key_id), SECRET: key_text.digest_of(text.secret)},
        pvt_type=TYPE,
        account_id=account_id,
        db_name=database.name,
        actor=actor,
    )
    return documents.put(database, doc), str(text)


def replace_key(
    account_id: str, key_id: str, members: Mapping[str, Any], actor: Actor | None = None, guard: Guard | None = None
) -> Document:
    """Replace a key's name, scopes, expiry and networks; its document as stored.

    Raises BadIdentifier, ValidationFailed, Conflict, and what the guard raises.
    """
    return _change_key(account_id, key_id, lambda stored: dict(members), actor, guard)


def merge_key(
    account_id: str, key_id: str, patch: Mapping[str, Any], actor: Actor | None = None, guard: Guard | None = None
) -> Document:
    """Merge a patch into a key, null removing a member; otherwise like `replace_key`."""
    return _change_key(
        account_id, key_id, lambda stored: merge_patch.apply(_own_members(stored), dict(patch)), actor, guard
    )


def revoke_key(account_id: str, key_id: str, actor: Actor | None = None, guard: Guard | None = None) -> Document:
    """Revoke a key and return its document; this process refuses it at once, others within seconds.

    When it was last used is forgotten.

    Raises BadIdentifier, Conflict, and what the guard raises.
    """
    get(account_id, key_id)
    database = accounts.database_of(account_id)
    revoked = documents.soft_delete(database, key_document_id(key_id), TYPE, actor=actor, guard=guard)
    last_use.forget_uses([key_id])
    return revoked


def _change_key(
    account_id: str,
    key_id: str,
    edit: Callable[[Document], Document],
    actor: Actor | None,
    guard: Guard | None,
) -> Document:
    get(account_id, key_id)

    def change(stored: Document) -> Document:
        members = _valid_members(edit(stored), stored)
        unchanged = {key: value for key, value in stored.items() if key not in _MEMBERS}
        return {**unchanged, **members}

    database = accounts.database_of(account_id)
    return documents.change(database, key_document_id(key_id), TYPE, change, actor=actor, guard=guard)


def _own_members(members: Mapping[str, Any]) -> Document:
    return {key: members[key] for key in _MEMBERS if key in members}


def _valid_members(members: Mapping[str, Any], stored: Mapping[str, Any]) -> Document:
    """Return what clients may set of a key, as the schema has it."""
    valid = schemas.validator(SCHEMA).validate(_own_members(members))
    networks.check(valid.get("networks", []))
    expires = valid.get("expires")
    if expires is not None and expires != stored.get("expires") and expires <= gregorian.now():
        raise ValidationFailed.field(
            "expires", "minimum", "Must be in the future, in Gregorian seconds", value=expires
        )
    return valid
