"""Routes of the server itself."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import Any

from werkzeug import Response

from .auth import COOKIE, check_password, new_cookie
from .errors import CouchError, bad_request, not_found
from .http import JSON_TYPE, Call, Routes, answer, feed_answer
from .payload import new_id
from .queryargs import UNSET, parse_query
from .querying import window
from .routes_database import database_info
from .updates import db_updates

VERSION = "3.5.0"
FEATURE = "embedded"
"""Tells this server from a CouchDB, which has no such feature."""
_MOST_UUIDS = 1000


def welcome(call: Call) -> Response:
    """The server's name and version."""
    vendor = {"name": "embedded CouchDB for development and tests: no production database"}
    return answer(
        {
            "couchdb": "Welcome",
            "version": VERSION,
            "uuid": call.service.catalogue.uuid,
            "features": [FEATURE],
            "vendor": vendor,
        }
    )


def up(_: Call) -> Response:
    """Whether the server is ready."""
    return answer({"status": "ok", "seeds": {}})


def uuids(call: Call) -> Response:
    """New ids."""
    try:
        count = int(call.args.get("count", "1"))
    except ValueError as problem:
        raise bad_request("count must be a number") from problem
    if not 0 <= count <= _MOST_UUIDS:
        raise bad_request(f"count parameter too large (max {_MOST_UUIDS})")
    return answer({"uuids": [new_id() for _ in range(count)]}, headers={"Cache-Control": "no-cache"})


def all_databases(call: Call) -> Response:
    """The names of all databases, or of a range of them."""
    query = parse_query(call.args)
    names = call.service.catalogue.names()
    low, high = (query.end_key, query.start_key) if query.descending else (query.start_key, query.end_key)
    start = 0 if low is UNSET else bisect_left(names, str(low))
    stop = len(names) if high is UNSET else bisect_right(names, str(high))
    selected = names[start:stop]
    if not query.inclusive_end and query.end_key in selected:
        selected.remove(str(query.end_key))
    if query.descending:
        selected.reverse()
    return answer(list(window(query, selected)))


def databases_info(call: Call) -> Response:
    """The information about all databases, or about those named."""
    if call.request.method == "POST":
        names = call.json_object().get("keys")
        if not isinstance(names, list):
            raise bad_request("`keys` member must exist.")
    else:
        names = call.service.catalogue.names()
    return answer([_one_info(call, name) for name in names])


def _one_info(call: Call, name: Any) -> dict[str, Any]:
    try:
        database = call.service.catalogue.get(name if isinstance(name, str) else "")
        return {"key": name, "info": database_info(database)}
    except CouchError as error:
        return {"key": name, "error": error.name}


def session(call: Call) -> Response:
    """The user who is logged in."""
    context = {"name": call.user, "roles": ["_admin"] if call.user else []}
    info: dict[str, Any] = {"authentication_handlers": ["cookie", "default"]}
    if call.user:
        info["authenticated"] = "cookie" if COOKIE in call.request.cookies else "default"
    return answer({"ok": True, "userCtx": context, "info": info})


def create_session(call: Call) -> Response:
    """Set a session cookie for the name and password in a form or in JSON."""
    fields = call.json() if call.content_type[0] == JSON_TYPE else call.request.form
    name, password = fields.get("name", fields.get("username", "")), fields.get("password", "")
    check_password(call.service, str(name), str(password))
    response = answer({"ok": True, "name": name, "roles": ["_admin"]})
    response.set_cookie(COOKIE, new_cookie(call.service), httponly=True, samesite="Strict")
    return response


def delete_session(_: Call) -> Response:
    """Delete the session cookie."""
    response = answer({"ok": True})
    response.delete_cookie(COOKIE, httponly=True)
    return response


def list_updates(call: Call) -> Response:
    """Which databases were created, updated and deleted after a sequence."""
    return feed_answer(call, db_updates(call.service.catalogue, call.args))


def active_tasks(_: Call) -> Response:
    """Always empty: this server has no background tasks."""
    return answer([])


def membership(_: Call) -> Response:
    """A cluster of one."""
    node = ["couchdb@127.0.0.1"]
    return answer({"all_nodes": node, "cluster_nodes": node})


def no_such_node_feature(_: Call) -> Response:
    """Respond 404: this server has no statistics or configuration of nodes."""
    raise not_found("missing")


ROUTES: Routes = {
    "/": {"GET": welcome},
    "/_up": {"GET": up},
    "/_uuids": {"GET": uuids},
    "/_all_dbs": {"GET": all_databases},
    "/_dbs_info": {"GET": databases_info, "POST": databases_info},
    "/_session": {"GET": session, "POST": create_session, "DELETE": delete_session},
    "/_db_updates": {"GET": list_updates},
    "/_active_tasks": {"GET": active_tasks},
    "/_membership": {"GET": membership},
    "/_node/<rest:feature>": {"GET": no_such_node_feature, "PUT": no_such_node_feature},
}
