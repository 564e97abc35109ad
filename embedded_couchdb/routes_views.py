"""Routes of views and of listings by id."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from werkzeug import Response

from .alldocs import DESIGN_DOCUMENTS, all_documents, local_documents
from .designs import Design, load_design
from .errors import bad_request
from .http import Call, Routes, answer, raw_answer
from .indexing import find_index, update_index
from .queryargs import Query, parse_query
from .querying import query_view
from .storage import update_seq


def _options_body(call: Call) -> dict[str, Any]:
    return call.json_object() if call.request.method == "POST" else {}


def _posted_queries(call: Call) -> list[Query]:
    queries = call.json_object().get("queries")
    if not isinstance(queries, list) or not all(isinstance(query, dict) for query in queries):
        raise bad_request("`queries` member must be an array of objects.")
    return [parse_query({}, query) for query in queries]


def _join_results(answers: list[bytes]) -> Response:
    return raw_answer(b'{"results":[\r\n' + b",\r\n".join(text.rstrip() for text in answers) + b"\r\n]}\n")


def view(call: Call) -> Response:
    """Query a view."""
    query = parse_query(call.args, _options_body(call))
    return raw_answer(_run_queries(call, [query])[0])


def view_queries(call: Call) -> Response:
    """Run several queries of a view."""
    return _join_results(_run_queries(call, _posted_queries(call)))


def _run_queries(call: Call, queries: list[Query]) -> list[bytes]:
    database, engine = call.database, call.service.engine
    with database.reading() as connection:
        design = load_design(database, connection, f"_design/{call.names['design']}")
        target = design.view(call.names["view"])
    if any(query.update == "true" for query in queries):
        update_index(database, engine, design)
    with database.reading() as connection:
        answers = [query_view(connection, engine, design, target, query) for query in queries]
    if any(query.update == "lazy" for query in queries):
        threading.Thread(target=update_index, args=(database, engine, design), daemon=True).start()
    return answers


def _list_requested_documents(call: Call, queries: list[Query], within: tuple[str, str] | None) -> list[bytes]:
    with call.database.reading() as connection:
        return [all_documents(connection, query, within) for query in queries]


def _by_id(within: tuple[str, str] | None) -> Callable[[Call], Response]:
    def route(call: Call) -> Response:
        """List documents by id."""
        return raw_answer(_list_requested_documents(call, [parse_query(call.args, _options_body(call))], within)[0])

    return route


def _by_id_queries(within: tuple[str, str] | None) -> Callable[[Call], Response]:
    def route(call: Call) -> Response:
        """Run several listings of documents by id."""
        return _join_results(_list_requested_documents(call, _posted_queries(call), within))

    return route


def local_docs(call: Call) -> Response:
    """List local documents by id."""
    with call.database.reading() as connection:
        return raw_answer(local_documents(connection, parse_query(call.args, _options_body(call))))


def design_info(call: Call) -> Response:
    """The information about the index of a design document."""
    name = call.names["design"]
    with call.database.reading() as connection:
        design = load_design(call.database, connection, f"_design/{name}")
        index = find_index(connection, design.signature)
        pending = update_seq(connection) - (index.seq if index else 0)
        size = _index_size(connection, design)
    return answer({"name": name, "view_index": _index_info(call, design, index.seq if index else 0, pending, size)})


def _index_size(connection: Any, design: Design) -> int:
    (size,) = connection.execute(
        "SELECT coalesce(sum(length(key) + length(id) + length(keytext) + length(value)), 0) FROM rows "
        "WHERE map IN (SELECT m.n FROM maps m JOIN indexes i ON i.n = m.idx WHERE i.signature = ?)",
        (design.signature,),
    ).fetchone()
    return int(size)


def _index_info(call: Call, design: Design, seq: int, pending: int, size: int) -> dict[str, Any]:
    return {
        "updates_pending": {"minimum": pending, "preferred": pending, "total": pending},
        "waiting_commit": False,
        "waiting_clients": 0,
        "updater_running": call.database.index_lock(design.signature).locked(),
        "update_seq": seq,
        "sizes": {"file": size, "external": size, "active": size},
        "signature": design.signature,
        "purge_seq": 0,
        "language": "javascript",
        "compact_running": False,
        "collator_versions": ["uca-9.0.0"],
    }


def _get_and_post(route: Callable[[Call], Response]) -> dict[str, Callable[[Call], Response]]:
    return {"GET": route, "POST": route}


ROUTES: Routes = {
    "/<db>/_all_docs": _get_and_post(_by_id(None)),
    "/<db>/_all_docs/queries": {"POST": _by_id_queries(None)},
    "/<db>/_design_docs": _get_and_post(_by_id(DESIGN_DOCUMENTS)),
    "/<db>/_design_docs/queries": {"POST": _by_id_queries(DESIGN_DOCUMENTS)},
    "/<db>/_local_docs": _get_and_post(local_docs),
    "/<db>/_design/<design>/_info": {"GET": design_info},
    "/<db>/_design/<design>/_view/<view>": _get_and_post(view),
    "/<db>/_design/<design>/_view/<view>/queries": {"POST": view_queries},
}
