"""Kazoo's private fields: the members ``pvt_*`` of each document, which no response shows and no client can set.

The same holds for CouchDB's own members, which start with ``_``.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard, TypeVar

from crossbar.envelope_format import NODE, NODE_PREFIX
from storage import database_names, gregorian

Document = dict[str, Any]
Doc = TypeVar("Doc", bound=Mapping[str, Any])

_PRIVATE = ("_", "pvt_")
_NOT_ALPHANUMERIC = re.compile(r"[\W_]+")


@dataclass(frozen=True)
class Actor:
    """The author of a change, recorded in the document's private fields as Kazoo does."""

    account_id: str | None = None
    user_id: str | None = None
    request_id: str | None = None
    is_authenticated: bool = True


def is_private(key: str) -> bool:
    """Whether a member is CouchDB's or Kazoo's own."""
    return key.startswith(_PRIVATE)


def without_private(members: Mapping[str, Any]) -> Document:
    """Return members without those that no client may set."""
    return {key: value for key, value in members.items() if not key.startswith(_PRIVATE)}


def public(doc: Mapping[str, Any]) -> Document:
    """Return a stored document as clients see it: without private members, and with its ``id``."""
    return {**without_private(doc), "id": doc["_id"]}


def replace_public(stored: Mapping[str, Any], members: Mapping[str, Any]) -> Document:
    """Return a stored document with new public members and its own private ones."""
    private = {key: value for key, value in stored.items() if is_private(key)}
    return {**without_private(members), **private}


def is_live(doc: Doc | None, pvt_type: str | None = None) -> TypeGuard[Doc]:
    """Whether there is a document, of that type if one is given, and it is not soft-deleted."""
    if doc is None or doc.get("pvt_deleted") is True or doc.get("_deleted"):
        return False
    return pvt_type is None or doc.get("pvt_type") == pvt_type


def alphanumeric(name: str) -> str:
    """Return a name as ``pvt_alphanum_name`` and the account views have it: lower case, letters and digits only."""
    return _NOT_ALPHANUMERIC.sub("", name.lower())


def is_own_change(doc: Mapping[str, Any]) -> bool:
    """Whether this service, on whichever machine, was the last to change a document."""
    return str(doc.get("pvt_node", "")).startswith(NODE_PREFIX)


def stamp_new(
    doc: Document,
    *,
    pvt_type: str,
    account_id: str,
    db_name: str,
    actor: Actor | None = None,
    now: int | None = None,
) -> Document:
    """Return a new document with its private fields; `now` is in Gregorian seconds, the current time by default."""
    created = gregorian.now() if now is None else now
    stamped = {
        **doc,
        "pvt_type": pvt_type,
        "pvt_account_id": account_id,
        "pvt_account_db": database_names.encode(db_name),
        "pvt_created": created,
        "pvt_vsn": "1",
    }
    return stamp_update(stamped, actor=actor, now=created)


def stamp_update(doc: Document, *, actor: Actor | None = None, now: int | None = None) -> Document:
    """Return a changed document with the private fields that each change sets."""
    stamped = {**doc, "pvt_modified": gregorian.now() if now is None else now, "pvt_node": NODE}
    name = doc.get("name")
    if isinstance(name, str):
        stamped["pvt_alphanum_name"] = alphanumeric(name)
    if actor is not None:
        stamped["pvt_is_authenticated"] = actor.is_authenticated
        for key, value in (
            ("pvt_auth_account_id", actor.account_id),
            ("pvt_auth_user_id", actor.user_id),
            ("pvt_request_id", actor.request_id),
        ):
            if value is not None:
                stamped[key] = value
    return stamped
