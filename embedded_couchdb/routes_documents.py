"""Routes of single documents."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any
from urllib.parse import quote, unquote

from werkzeug import Response

from . import jsontext
from .attachments import uploaded
from .errors import bad_request, conflict, not_found
from .http import JSON_TYPE, Call, Methods, Routes, answer, quoted, raw_answer, stream_answer
from .multipart import Part, parts_of, related
from .payload import check_content_type, check_id, new_id, parse_edit, parse_grafted, plain_members
from .reading import ReadOptions, read, render
from .revisions import Revision, leaves, parse_rev, revision
from .saving import save
from .writing import Edit, NewAttachment


def document_id(call: Call) -> str:
    """The document id in the path, with its prefix for design and local documents."""
    for member, prefix in (("design", "_design/"), ("local", "_local/")):
        if member in call.names:
            return prefix + call.names[member]
    return call.names["doc"]


def read_options(call: Call) -> ReadOptions:
    """The optional members that the URL requests."""
    meta = call.flag("meta")
    return ReadOptions(
        attachments=call.flag("attachments"),
        conflicts=meta or call.flag("conflicts"),
        deleted_conflicts=meta or call.flag("deleted_conflicts"),
        revs=call.flag("revs"),
        revs_info=meta or call.flag("revs_info"),
        local_seq=call.flag("local_seq"),
    )


def get(call: Call) -> Response:
    """The document, or the named revision of it."""
    options = read_options(call)
    if "open_revs" in call.args:
        return _open_revs(call, options)
    with call.database.reading() as connection:
        document = read(connection, document_id(call), call.args.get("rev"))
        plain = options == ReadOptions()
        if plain and call.request.if_none_match.contains(document.rev):
            return Response(status=304, headers={"ETag": quoted(document.rev)})
        wants_parts = options.attachments and document.attachment_records and _takes_parts(call)
        if wants_parts:
            options = replace(options, attachments=False)
        text = render(connection, document, options)
    headers = {"ETag": quoted(document.rev)} if plain else {}
    if wants_parts:
        return _with_parts(call, document, text)
    return raw_answer(text + b"\n", headers=headers)


def _takes_parts(call: Call) -> bool:
    accepted = call.request.accept_mimetypes
    return not accepted or accepted.quality("multipart/related") > 0


def _with_parts(call: Call, source: Revision, text: bytes) -> Response:
    """The document, followed by its attachments as raw bytes."""
    document = jsontext.loads(text)
    attachments = source.attachments()
    for stub in document["_attachments"].values():
        del stub["stub"]
        stub["follows"] = True

    def pieces() -> Iterator[Part]:
        yield Part({"Content-Type": JSON_TYPE}, [jsontext.dumps(document)])
        for name, attachment in attachments.items():
            headers = {
                "Content-Disposition": f'attachment; filename="{quote(name)}"',
                "Content-Type": attachment.content_type,
                "Content-Length": str(attachment.blob.length),
            }
            yield Part(headers, attachment.blob.pieces(call.database))

    boundary = os.urandom(16).hex()
    headers = {"Content-Type": f'multipart/related; boundary="{boundary}"', "ETag": quoted(source.rev)}
    return stream_answer(related(pieces(), boundary), 200, headers)


def _open_revs(call: Call, options: ReadOptions) -> Response:
    selection = call.args["open_revs"]
    doc_id = document_id(call)
    rows: list[bytes] = []
    with call.database.reading() as connection:
        if selection == "all":
            named: list[tuple[str, Revision | None]] = [(leaf.rev, leaf) for leaf in leaves(connection, doc_id)]
        else:
            names = jsontext.loads(selection)
            if not isinstance(names, list):
                raise bad_request("open_revs must be all or a list of revisions")
            named = [(name, revision(connection, doc_id, parse_rev(name))) for name in names]
        for name, version in named:
            if version is None or version.body is None:
                rows.append(jsontext.dumps({"missing": name}))
            else:
                rows.append(b'{"ok":' + render(connection, version, options) + b"}")
    return raw_answer(b"[" + b",".join(rows) + b"]\n")


def put_document(call: Call) -> Response:
    """Write the document, from JSON or from a multipart body with attachments."""
    doc_id = check_id(document_id(call))
    media_type, type_options = call.content_type
    with ExitStack() as uploads:
        if media_type.startswith("multipart/"):
            document, parts = _from_parts(call, type_options.get("boundary", ""), uploads)
        else:
            document, parts = call.json(typed=False), {}
        edit = _parse_call_edit(call, document, doc_id, parts)
        return saved(call, edit, grafted=call.args.get("new_edits") == "false")


def _parse_call_edit(call: Call, document: Any, doc_id: str, parts: dict[str, NewAttachment]) -> Edit:
    if call.args.get("new_edits") == "false":
        return parse_grafted(document, doc_id, parts)
    return parse_edit(document, doc_id, call.named_rev(), parts)


def _from_parts(call: Call, boundary: str, uploads: ExitStack) -> tuple[Any, dict[str, NewAttachment]]:
    """Store the attachments that follow the document.  Returns the document and the attachments by name."""
    parts = parts_of(call.body, boundary)
    first = next(parts, None)
    if first is None:
        raise bad_request("The multipart body has no parts")
    document = jsontext.loads(first.read(-1))
    entries = document.get("_attachments") if isinstance(document, dict) else None
    following = [
        (name, entry)
        for name, entry in (entries.items() if isinstance(entries, dict) else ())
        if isinstance(entry, dict) and entry.get("follows") is True
    ]
    attachments: dict[str, NewAttachment] = {}
    for (name, entry), part in zip(following, parts, strict=False):
        blob = uploads.enter_context(uploaded(call.database, part))
        if entry.get("length", blob.length) != blob.length:
            raise bad_request(f"Attachment {name} is not as long as announced")
        content_type = entry.get("content_type", part.headers.get("content-type", "application/octet-stream"))
        attachments[name] = NewAttachment(check_content_type(content_type, name), blob)
    return document, attachments


def saved(call: Call, edit: Edit, *, grafted: bool = False, status: int = 201) -> Response:
    """Write an edit and respond with the new revision."""
    rev = save(call.database, call.service.engine, call.validation, edit, grafted=grafted)
    headers = {"ETag": quoted(rev)}
    if edit.deleted:
        status = 200
    else:
        headers["Location"] = f"/{quote(call.names['db'], safe='')}/{quote(edit.id)}"
    return answer({"ok": True, "id": edit.id, "rev": rev}, status, headers)


def post(call: Call) -> Response:
    """Write a document under its own id, or under a new one."""
    document = call.json()
    if not isinstance(document, dict):
        raise bad_request("Document must be a JSON object")
    doc_id = check_id(document.get("_id", new_id()))
    return saved(call, _parse_call_edit(call, document, doc_id, {}))


def delete(call: Call) -> Response:
    """Delete the document by writing a revision that marks it as deleted."""
    doc_id = document_id(call)
    rev = call.named_rev()
    with call.database.reading() as connection:
        read(connection, doc_id)
    if rev is None:
        raise conflict()
    return saved(call, Edit(doc_id, (rev,), True, b"{}", {}))


def copy_document(call: Call) -> Response:
    """Write the document with its attachments under the id in the Destination header."""
    target, _, options = call.request.headers.get("Destination", "").partition("?")
    target = unquote(target.rsplit("/", 1)[-1]) if target.startswith("http") else unquote(target)
    if not target:
        raise bad_request("Destination header is mandatory for COPY.")
    with call.database.reading() as connection:
        source = read(connection, document_id(call), call.args.get("rev"))
    rev = parse_rev(options.removeprefix("rev=")) if options else None
    attachments = {
        name: NewAttachment(attachment.content_type, attachment.blob)
        for name, attachment in source.attachments().items()
    }
    edit = Edit(check_id(target), (rev,) if rev else (), False, source.body or b"{}", dict(attachments))
    return saved(call, edit)


def get_local(call: Call) -> Response:
    """A local document."""
    doc_id = document_id(call)
    with call.database.reading() as connection:
        row = connection.execute("SELECT rev, body FROM local_documents WHERE id = ?", (doc_id,)).fetchone()
    if row is None:
        raise not_found("missing")
    head = jsontext.dumps({"_id": doc_id, "_rev": f"0-{row[0]}"})[:-1]
    members = b"," + row[1][1:] if row[1] != b"{}" else b"}"
    return raw_answer(head + members + b"\n")


def put_local(call: Call) -> Response:
    """Write a local document: no history, no conflicts, no replication."""
    doc_id = document_id(call)
    document = call.json(typed=False)
    edit = parse_edit(document, doc_id, call.named_rev())
    body = jsontext.dumps(plain_members(document))
    before = edit.history[0][1] if edit.history else "0"
    number = int(before) + 1 if before.isascii() and before.isdigit() else 1
    with call.database.writing() as connection:
        connection.execute("INSERT OR REPLACE INTO local_documents VALUES (?, ?, ?)", (doc_id, number, body))
    return answer({"ok": True, "id": doc_id, "rev": f"0-{number}"}, 201)


def delete_local(call: Call) -> Response:
    """Remove a local document."""
    doc_id = document_id(call)
    with call.database.writing() as connection:
        cursor = connection.execute("DELETE FROM local_documents WHERE id = ?", (doc_id,))
    if not cursor.rowcount:
        raise not_found("missing")
    return answer({"ok": True, "id": doc_id, "rev": "0-0"})


_METHODS: Methods = {"GET": get, "PUT": put_document, "DELETE": delete, "COPY": copy_document}
_LOCAL_METHODS: Methods = {"GET": get_local, "PUT": put_local, "DELETE": delete_local}

ROUTES: Routes = {
    "/<db>/<doc>": _METHODS,
    "/<db>/_design/<design>": _METHODS,
    "/<db>/_local/<local>": _LOCAL_METHODS,
}
