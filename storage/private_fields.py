"""Kazoo's private fields: stamped, kept and stripped here and nowhere else.

Every document carries ``pvt_*`` members that no response shows and no client can set; the same
holds for CouchDB's own members, which begin with ``_``.
"""

import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard, TypeVar

from storage import database_names, gregorian

Document = dict[str, Any]
Doc = TypeVar("Doc", bound=Mapping[str, Any])

NODE = f"vmboxes@{socket.gethostname()}"
_NOT_ALPHANUMERIC = re.compile(r"[\W_]+")


@dataclass(frozen=True)
class Actor:
    """Who makes a change: recorded in the document's private fields as Kazoo does."""

    account_id: str | None = None
    user_id: str | None = None
    request_id: str | None = None
    is_authenticated: bool = True


def is_private(key: str) -> bool:
    """Whether a member is CouchDB's or Kazoo's own, never a client's."""
    return key.startswith(("_", "pvt_"))


def without_private(sent: Mapping[str, Any]) -> Document:
    """What a client sent, less the members that a client may not set."""
    return {key: value for key, value in sent.items() if not is_private(key)}


def public(doc: Mapping[str, Any]) -> Document:
    """A stored document as clients see it: nothing private, and its ``id``."""
    return {**without_private(doc), "id": doc["_id"]}


def merge_private(stored: Mapping[str, Any], sent: Mapping[str, Any]) -> Document:
    """What was sent as the new public part of a stored document, every private member kept."""
    kept = {key: value for key, value in stored.items() if is_private(key)}
    return {**without_private(sent), **kept}


def is_live(doc: Doc | None, pvt_type: str | None = None) -> TypeGuard[Doc]:
    """Whether there is a document, of that type if one is given, and it is not soft-deleted."""
    if doc is None or doc.get("pvt_deleted") is True or doc.get("_deleted"):
        return False
    return pvt_type is None or doc.get("pvt_type") == pvt_type


def alphanumeric(name: str) -> str:
    """A name as ``pvt_alphanum_name`` and the account views hold it: lower case, letters and digits only."""
    return _NOT_ALPHANUMERIC.sub("", name.lower())


def stamp_new(
    doc: Document,
    *,
    pvt_type: str,
    account_id: str,
    db_name: str,
    actor: Actor | None = None,
    now: int | None = None,
) -> Document:
    """The document with a new document's private fields; times in Gregorian seconds, given or the current one."""
    created = gregorian.now() if now is None else now
    stamped = {
        **doc,
        "pvt_type": pvt_type,
        "pvt_account_id": account_id,
        "pvt_account_db": database_names.encoded(db_name),
        "pvt_created": created,
        "pvt_vsn": "1",
    }
    return stamp_update(stamped, actor=actor, now=created)


def stamp_update(doc: Document, *, actor: Actor | None = None, now: int | None = None) -> Document:
    """The document with the private fields that each change renews."""
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
