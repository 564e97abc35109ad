"""Routes of attachments."""

from __future__ import annotations

import re
import sqlite3

from werkzeug import Response
from werkzeug.http import parse_range_header

from .attachments import Attachment, uploaded
from .errors import CouchError, conflict, not_found
from .http import Call, Methods, Routes, quoted, stream_answer
from .payload import check_attachment_name, check_id
from .reading import read
from .revisions import Revision, revision, winner
from .routes_documents import document_id, saved
from .writing import Edit, KeptAttachment, NewAttachment

# A range that ends before it begins. werkzeug ignores it; CouchDB says that it can't be satisfied.
_BACKWARDS = re.compile(r"bytes=\d+-\d+")


def get(call: Call) -> Response:
    """An attachment's bytes, or a range of them."""
    with call.database.reading() as connection:
        document = read(connection, document_id(call), call.args.get("rev"))
    attachment = document.attachments().get(call.names["attachment"])
    if attachment is None:
        raise not_found("Document is missing attachment")
    etag = attachment.blob.digest
    if call.request.if_none_match.contains(etag):
        return Response(status=304, headers={"ETag": quoted(etag)})
    start, stop, status = _requested_range(call, attachment.blob.length)
    headers = {
        "Content-Type": attachment.content_type,
        "ETag": quoted(etag),
        "Accept-Ranges": "bytes",
        "Content-Length": str(stop - start),
        "Content-Security-Policy": "sandbox",
    }
    if status == 206:
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{attachment.blob.length}"
    pieces = attachment.blob.pieces(call.database, start, stop)
    return stream_answer(() if call.request.method == "HEAD" else pieces, status, headers)


def _requested_range(call: Call, length: int) -> tuple[int, int, int]:
    """Start, stop and status.  Raises a 416 ``CouchError``.  For several ranges it is the whole attachment."""
    header = call.request.headers.get("Range", "")
    ranges = parse_range_header(header)
    if ranges is None and _BACKWARDS.fullmatch(header):
        raise _unsatisfiable()
    if ranges is None or len(ranges.ranges) != 1 or ranges.units != "bytes":
        return 0, length, 200
    bounds = ranges.range_for_length(length)
    if bounds is None:
        raise _unsatisfiable()
    return *bounds, 206


def _unsatisfiable() -> CouchError:
    return CouchError(416, "requested_range_not_satisfiable", "Requested range not satisfiable")


def put_attachment(call: Call) -> Response:
    """Store an attachment; the document is created if there is none."""
    doc_id, name = check_id(document_id(call)), check_attachment_name(call.names["attachment"])
    rev = call.named_rev()
    with call.database.reading() as connection:
        current = _current_document(connection, doc_id)
        if rev is not None and revision(connection, doc_id, rev) is None:
            raise CouchError(409, "not_found", "missing_rev")
        if (current is None) != (rev is None) or (current and rev and (current.gen, current.hash) != rev):
            raise conflict()  # refused before the upload is stored; the write itself checks again
    kind = call.request.headers.get("Content-Type", "application/octet-stream")
    with uploaded(call.database, call.body) as blob:
        attachments = {**_kept_attachments(current), name: NewAttachment(kind, blob)}
        return saved(call, _attachment_edit(doc_id, current, rev, attachments))


def delete(call: Call) -> Response:
    """Remove an attachment from a document."""
    doc_id, name = document_id(call), call.names["attachment"]
    rev = call.named_rev()
    with call.database.reading() as connection:
        current = read(connection, doc_id)
    if rev is None or (current.gen, current.hash) != rev:
        raise conflict()
    if name not in current.attachments():
        raise not_found("Document is missing attachment")
    attachments = _kept_attachments(current)
    del attachments[name]
    return saved(call, _attachment_edit(doc_id, current, rev, attachments), status=200)


def _current_document(connection: sqlite3.Connection, doc_id: str) -> Revision | None:
    current = winner(connection, doc_id)
    return None if current is None or current.deleted else current


def _kept_attachments(current: Revision | None) -> dict[str, NewAttachment | KeptAttachment]:
    attachments: dict[str, Attachment] = current.attachments() if current else {}
    return {name: KeptAttachment() for name in attachments}


def _attachment_edit(
    doc_id: str,
    current: Revision | None,
    rev: tuple[int, str] | None,
    attachments: dict[str, NewAttachment | KeptAttachment],
) -> Edit:
    body = current.body if current and current.body else b"{}"
    return Edit(doc_id, (rev,) if rev else (), False, body, attachments)


_METHODS: Methods = {"GET": get, "PUT": put_attachment, "DELETE": delete}

ROUTES: Routes = {
    "/<db>/<doc>/<rest:attachment>": _METHODS,
    "/<db>/_design/<design>/<rest:attachment>": _METHODS,
}
