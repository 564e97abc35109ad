"""From what a client sends to an edit: checking a document's special members."""

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

# Members that CouchDB adds when a document is read: a client may send them back, nothing is kept of them.
_IGNORED = {"_revs_info", "_conflicts", "_deleted_conflicts", "_local_seq"}
_MEANINGFUL = {"_id", "_rev", "_deleted", "_attachments", "_revisions"}


# Ids made here begin with the same letters until the server stops, as CouchDB's do, so that they lie close
# together in an index. Which letter comes first is CouchDB's chance; here it is always the recorded one.
_ID_PREFIX = "f" + os.urandom(12).hex()
_id_numbers = itertools.count(int.from_bytes(os.urandom(2), "big"))


def new_id() -> str:
    """A document id that nobody has."""
    return f"{_ID_PREFIX}{next(_id_numbers) % 16**7:07x}"


def check_id(doc_id: Any) -> str:
    """A document id that may be written.  Raises a 400 ``CouchError``."""
    if not isinstance(doc_id, str):
        raise CouchError(400, "illegal_docid", "Document id must be a string")
    if doc_id in ("", "_design/", "_local/"):
        raise CouchError(400, "illegal_docid", "Document id must not be empty")
    if doc_id.startswith("_") and not doc_id.startswith(("_design/", "_local/")):
        raise CouchError(400, "illegal_docid", "Only reserved document ids may start with underscore.")
    return doc_id


def check_attachment_name(name: str) -> str:
    """An attachment name that may be written.  Raises a 400 ``CouchError``."""
    if not name or "\0" in name:
        raise bad_request("Attachment name is not allowed")
    if name.startswith("_"):
        raise bad_request(f"Attachment name '{name}' starts with prohibited character '_'")
    return name


def check_content_type(content_type: Any, name: str) -> str:
    """A content type that fits a header of an answer.  Raises a 400 ``CouchError``."""
    if isinstance(content_type, str) and content_type.isascii() and content_type.isprintable():
        return content_type
    raise bad_request(f"Invalid content type for {name}")


def parse_edit(
    document: Any, doc_id: str, rev: Rev | None = None, parts: dict[str, NewAttachment] | None = None
) -> Edit:
    """An edit from a document as sent.

    ``rev`` is the revision named outside the document, by ``?rev=`` or ``If-Match``; ``parts`` are the
    attachments that came after the document in a multipart body.  Raises ``CouchError``: 400 for what
    CouchDB refuses, 413 for a document that is too large.
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
    """Like ``parse_edit`` for a revision made elsewhere: the document itself tells its whole history."""
    if not isinstance(document, dict):
        raise bad_request("Document must be a JSON object")
    plain = parse_edit({**document, "_rev": None}, doc_id, None, parts)
    return replace(plain, history=_told_history(document))


def plain_members(document: dict[str, Any]) -> dict[str, Any]:
    """The document without its special members.  Raises a 400 ``CouchError`` for an unknown one."""
    plain = {}
    for name, value in document.items():
        if not name.startswith("_"):
            plain[name] = value
        elif name not in _MEANINGFUL and name not in _IGNORED:
            raise CouchError(400, "doc_validation", f"Bad special document member: {name}")
    return plain


def _told_history(document: dict[str, Any]) -> list[Rev]:
    """The revision names of a document made elsewhere, its own first."""
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


def _attachments(described: Any, parts: dict[str, NewAttachment]) -> dict[str, NewAttachment | KeptAttachment]:
    if described is None:
        return {}
    if not isinstance(described, dict):
        raise bad_request("Attachments property is not an object")
    return {check_attachment_name(name): _attachment(name, each, parts) for name, each in described.items()}


def _attachment(name: str, described: Any, parts: dict[str, NewAttachment]) -> NewAttachment | KeptAttachment:
    if not isinstance(described, dict):
        raise bad_request(f"Attachment {name} is not an object")
    if described.get("stub") is True:
        return KeptAttachment()
    if described.get("follows") is True:
        if name not in parts:
            raise bad_request(f"Attachment {name} doesn't follow")
        return parts[name]
    try:
        data = base64.b64decode(described["data"], validate=True)
    except (KeyError, TypeError, ValueError, binascii.Error) as problem:
        raise bad_request(f"Invalid attachment data for {name}") from problem
    content_type = described.get("content_type", "application/octet-stream")
    return NewAttachment(check_content_type(content_type, name), data)
