"""Routes that read and write many documents at once."""

from __future__ import annotations

from typing import Any

from werkzeug import Response

from . import jsontext
from .designs import design_changed
from .errors import CouchError, bad_request
from .http import Call, Routes, answer, raw_answer
from .payload import check_id, new_id, parse_edit, parse_grafted
from .reading import read, render
from .routes_documents import post, read_options
from .saving import check_edit, save_in
from .writing import Edit


def bulk_docs(call: Call) -> Response:
    """Write documents in one transaction; the response says for each whether it was written."""
    body = call.json_object()
    documents = body.get("docs")
    if documents is None:
        raise bad_request("POST body must include `docs` parameter.")
    if not isinstance(documents, list):
        raise bad_request("`docs` parameter must be an array.")
    grafted = body.get("new_edits") is False
    edits = [_parse_bulk_edit(document, grafted) for document in documents]
    with call.database.writing() as connection:
        results = []
        for edit in edits:
            try:
                check_edit(call.service.engine, edit)
                rev = save_in(call.database, connection, call.validation, edit, grafted=grafted)
                results.append({"ok": True, "id": edit.id, "rev": rev})
            except CouchError as error:
                results.append({"id": edit.id, **error.as_json()})
        if any(edit.id.startswith("_design/") for edit in edits):
            design_changed(call.database, connection)
    return answer([] if grafted else results, 201)


def _parse_bulk_edit(document: Any, grafted: bool) -> Edit:
    if not isinstance(document, dict):
        raise bad_request("Document must be a JSON object")
    doc_id = check_id(document.get("_id", new_id()))
    return parse_grafted(document, doc_id) if grafted else parse_edit(document, doc_id)


def bulk_get(call: Call) -> Response:
    """Read documents by id, with or without a revision."""
    requests = call.json_object().get("docs")
    if not isinstance(requests, list):
        raise bad_request("Missing JSON list of 'docs'.")
    options = read_options(call)
    results = []
    with call.database.reading() as connection:
        for request in requests:
            doc_id, rev = (request.get("id"), request.get("rev")) if isinstance(request, dict) else (None, None)
            if not isinstance(doc_id, str):
                raise bad_request("Each of 'docs' must be an object with an 'id'.")
            try:
                shown = b'{"ok":' + render(connection, read(connection, doc_id, rev), options) + b"}"
            except CouchError as error:
                problem = {"id": doc_id, "rev": rev or "undefined", **error.as_json()}
                shown = jsontext.dumps({"error": problem})
            results.append(b'{"id":' + jsontext.dumps(doc_id) + b',"docs":[' + shown + b"]}")
    return raw_answer(b'{"results":[' + b",".join(results) + b"]}\n")


def revs_diff(call: Call) -> Response:
    """Those of the named revisions that this database lacks."""
    missing = {}
    with call.database.reading() as connection:
        for doc_id, names in call.json_object().items():
            if not isinstance(names, list):
                raise bad_request("Each document needs a list of revisions")
            unknown = [name for name in names if not _has_revision(connection, doc_id, name)]
            if unknown:
                missing[doc_id] = {"missing": unknown}
    return answer(missing)


def _has_revision(connection: Any, doc_id: str, name: Any) -> bool:
    try:
        read(connection, doc_id, name)
    except CouchError as error:
        if error.status != 404:
            raise
        return False
    return True


ROUTES: Routes = {
    "/<db>": {"POST": post},
    "/<db>/_bulk_docs": {"POST": bulk_docs},
    "/<db>/_bulk_get": {"POST": bulk_get},
    "/<db>/_revs_diff": {"POST": revs_diff},
}
