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

# A range that ends before it begins: no range to werkzeug, one that can't be satisfied to CouchDB.
_BACKWARDS = re.compile(r"bytes=\d+-\d+")


def get(call: Call) -> Response:
    """An attachment's bytes, or a range of them."""
    with call.database.reading() as connection:
        found = read(connection, document_id(call), call.args.get("rev"))
    attachment = found.attachments().get(call.names["attachment"])
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
    """Start, stop and status.  Raises a 416 ``CouchError``.  Several ranges at once get the whole."""
    header = call.request.headers.get("Range", "")
    wanted = parse_range_header(header)
    if wanted is None and _BACKWARDS.fullmatch(header):
        raise _unsatisfiable()
    if wanted is None or len(wanted.ranges) != 1 or wanted.units != "bytes":
        return 0, length, 200
    found = wanted.range_for_length(length)
    if found is None:
        raise _unsatisfiable()
    return *found, 206


def _unsatisfiable() -> CouchError:
    return CouchError(416, "requested_range_not_satisfiable", "Requested range not satisfiable")


def put(call: Call) -> Response:
    """Store an attachment; the document is made if there is none."""
    doc_id, name = check_id(document_id(call)), check_attachment_name(call.names["attachment"])
    rev = call.named_rev()
    with call.database.reading() as connection:
        before = _before(connection, doc_id)
        if rev is not None and revision(connection, doc_id, rev) is None:
            raise CouchError(409, "not_found", "missing_rev")
        if (before is None) != (rev is None) or (before and rev and (before.gen, before.hash) != rev):
            raise conflict()  # told before the upload is stored; the write itself checks again
    kind = call.request.headers.get("Content-Type", "application/octet-stream")
    with uploaded(call.database, call.body) as blob:
        attachments = {**_kept(before), name: NewAttachment(kind, blob)}
        return saved(call, _edit(doc_id, before, rev, attachments))


def delete(call: Call) -> Response:
    """Remove an attachment from a document."""
    doc_id, name = document_id(call), call.names["attachment"]
    rev = call.named_rev()
    with call.database.reading() as connection:
        before = read(connection, doc_id)
    if rev is None or (before.gen, before.hash) != rev:
        raise conflict()
    if name not in before.attachments():
        raise not_found("Document is missing attachment")
    kept = {other: each for other, each in _kept(before).items() if other != name}
    return saved(call, _edit(doc_id, before, rev, kept), status=200)


def _before(connection: sqlite3.Connection, doc_id: str) -> Revision | None:
    found = winner(connection, doc_id)
    return None if found is None or found.deleted else found


def _kept(before: Revision | None) -> dict[str, NewAttachment | KeptAttachment]:
    attachments: dict[str, Attachment] = before.attachments() if before else {}
    return {name: KeptAttachment() for name in attachments}


def _edit(
    doc_id: str,
    before: Revision | None,
    rev: tuple[int, str] | None,
    attachments: dict[str, NewAttachment | KeptAttachment],
) -> Edit:
    body = before.body if before and before.body else b"{}"
    return Edit(doc_id, (rev,) if rev else (), False, body, attachments)


_METHODS: Methods = {"GET": get, "PUT": put, "DELETE": delete}

ROUTES: Routes = {
    "/<db>/<doc>/<rest:attachment>": _METHODS,
    "/<db>/_design/<design>/<rest:attachment>": _METHODS,
}
