"""Parses documents from clients into edits, and checks their special members."""

from __future__ import annotations

import base64
import binascii
import itertools
import os
from dataclasses import replace
from typing import Any

from . import jsontext
from .errors import CouchError, bad_request
from .revisions import Rev, parse_rev
from .writing import Edit, KeptAttachment, NewAttachment

LARGEST_DOCUMENT = 8_000_000

# Members that CouchDB adds when a document is read: a client may send them back, and they are ignored.
_IGNORED = {"_revs_info", "_conflicts", "_deleted_conflicts", "_local_seq"}
_MEANINGFUL = {"_id", "_rev", "_deleted", "_attachments", "_revisions"}


# All new ids of a server process begin with the same letters, as CouchDB's do, so that they are close together
# in an index. CouchDB's first letter is random; this server's is always the one in the recorded conversation.
_ID_PREFIX = "f" + os.urandom(12).hex()
_id_numbers = itertools.count(int.from_bytes(os.urandom(2), "big"))


def new_id() -> str:
    """A new document id."""
    return f"{_ID_PREFIX}{next(_id_numbers) % 16**7:07x}"


def check_id(doc_id: Any) -> str:
    """Check a document id for a write.  Raises a 400 ``CouchError``."""
    if not isinstance(doc_id, str):
        raise CouchError(400, "illegal_docid", "Document id must be a string")
    if doc_id in ("", "_design/", "_local/"):
        raise CouchError(400, "illegal_docid", "Document id must not be empty")
    if doc_id.startswith("_") and not doc_id.startswith(("_design/", "_local/")):
        raise CouchError(400, "illegal_docid", "Only reserved document ids may start with underscore.")
    return doc_id


def check_attachment_name(name: str) -> str:
    """Check an attachment name for a write.  Raises a 400 ``CouchError``."""
    if not name or "\0" in name:
        raise bad_request("Attachment name is not allowed")
    if name.startswith("_"):
        raise bad_request(f"Attachment name '{name}' starts with prohibited character '_'")
    return name


def check_content_type(content_type: Any, name: str) -> str:
    """Check that a content type can be a header's value.  Raises a 400 ``CouchError``."""
    if isinstance(content_type, str) and content_type.isascii() and content_type.isprintable():
        return content_type
    raise bad_request(f"Invalid content type for {name}")


def parse_edit(
    document: Any, doc_id: str, rev: Rev | None = None, parts: dict[str, NewAttachment] | None = None
) -> Edit:
    """An edit from a client's document.

    ``rev`` is the revision in the request, ``?rev=`` or ``If-Match``; ``parts`` are the
    attachments that came after the document in a multipart body.  Raises ``CouchError``: 400 for a
    document that CouchDB refuses, 413 for a document that is too large.
    """
    if not isinstance(document, dict):
        raise bad_request("Document must be a JSON object")
    body = jsontext.dumps(plain_members(document))
    if len(body) > LARGEST_DOCUMENT:
        raise CouchError(413, "document_too_large", doc_id)
    return Edit(
        id=check_id(doc_id),
        history=_history(document, rev),
        deleted=document.get("_deleted") is True,
        body=body,
        attachments=_attachments(document.get("_attachments"), parts or {}),
    )


def parse_grafted(document: Any, doc_id: str, parts: dict[str, NewAttachment] | None = None) -> Edit:
    """Like ``parse_edit`` for a replicated revision, whose document has its whole history."""
    if not isinstance(document, dict):
        raise bad_request("Document must be a JSON object")
    plain = parse_edit({**document, "_rev": None}, doc_id, None, parts)
    return replace(plain, history=_replicated_history(document))


def plain_members(document: dict[str, Any]) -> dict[str, Any]:
    """The document without its special members.  Raises a 400 ``CouchError`` for an unknown one."""
    plain = {}
    for name, value in document.items():
        if not name.startswith("_"):
            plain[name] = value
        elif name not in _MEANINGFUL and name not in _IGNORED:
            raise CouchError(400, "doc_validation", f"Bad special document member: {name}")
    return plain


def _replicated_history(document: dict[str, Any]) -> list[Rev]:
    """The revision names of a replicated document, its own first."""
    revisions = document.get("_revisions")
    if revisions is None:
        return [parse_rev(document.get("_rev"))]
    try:
        start, names = revisions["start"], revisions["ids"]
        return [parse_rev(f"{start - age}-{name}") for age, name in enumerate(names)]
    except (KeyError, TypeError, IndexError) as problem:
        raise CouchError(400, "doc_validation", "_revisions is not of the right form") from problem


def _history(document: dict[str, Any], rev: Rev | None) -> tuple[Rev, ...]:
    inside = document.get("_rev")
    if inside is None:
        return (rev,) if rev else ()
    named = parse_rev(inside)
    if rev is not None and rev != named:
        raise bad_request("Document rev from request body and query string have different values")
    return (named,)


def _attachments(entries: Any, parts: dict[str, NewAttachment]) -> dict[str, NewAttachment | KeptAttachment]:
    if entries is None:
        return {}
    if not isinstance(entries, dict):
        raise bad_request("Attachments property is not an object")
    return {check_attachment_name(name): _attachment(name, entry, parts) for name, entry in entries.items()}


def _attachment(name: str, entry: Any, parts: dict[str, NewAttachment]) -> NewAttachment | KeptAttachment:
    if not isinstance(entry, dict):
        raise bad_request(f"Attachment {name} is not an object")
    if entry.get("stub") is True:
        return KeptAttachment()
    if entry.get("follows") is True:
        if name not in parts:
            raise bad_request(f"Attachment {name} doesn't follow")
        return parts[name]
    try:
        data = base64.b64decode(entry["data"], validate=True)
    except (KeyError, TypeError, ValueError, binascii.Error) as problem:
        raise bad_request(f"Invalid attachment data for {name}") from problem
    content_type = entry.get("content_type", "application/octet-stream")
    return NewAttachment(check_content_type(content_type, name), data)
