"""Routes of a database as a whole."""

from __future__ import annotations

from typing import Any

from werkzeug import Response

from .attachments import remove_unused
from .changes import changes
from .errors import bad_request
from .http import Call, Routes, answer, feed_answer
from .sequences import public_seq
from .storage import DEFAULT_REVS_LIMIT, Database, document_counts, set_setting, setting, update_seq


def database_info(database: Database) -> dict[str, Any]:
    """The information about a database."""
    with database.reading() as connection:
        live, dead = document_counts(connection)
        seq = update_seq(connection)
        pages, size, free = (
            connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "page_size", "freelist_count")
        )
    active = (pages - free) * size
    return {
        "instance_start_time": str(database.started // 1_000_000_000),
        "db_name": database.name,
        "purge_seq": "0-0",
        "update_seq": public_seq(seq),
        "sizes": {"file": database.size(), "external": active, "active": active},
        "props": {},
        "doc_del_count": dead,
        "doc_count": live,
        "disk_format_version": 8,
        "compact_running": False,
        "cluster": {"q": 1, "n": 1, "w": 1, "r": 1},
    }


def info(call: Call) -> Response:
    """The information about the database."""
    return answer(database_info(call.database))


def create(call: Call) -> Response:
    """Create the database."""
    call.service.catalogue.create(call.names["db"])
    return answer({"ok": True}, 201, {"Location": f"/{call.names['db']}"})


def delete(call: Call) -> Response:
    """Remove the database."""
    call.service.catalogue.delete(call.names["db"])
    return answer({"ok": True})


def security(call: Call) -> Response:
    """The security object."""
    return answer(call.database.security())


def set_security(call: Call) -> Response:
    """Store the security object.  Only the admin can log in here, so it guards nothing."""
    value = call.json(typed=False)
    if not isinstance(value, dict):
        raise bad_request("Request body must be a JSON object")
    with call.database.writing() as connection:
        set_setting(connection, "security", value)
    return answer({"ok": True})


def revs_limit(call: Call) -> Response:
    """How many revisions of a document are kept."""
    with call.database.reading() as connection:
        return answer(setting(connection, "revs_limit", DEFAULT_REVS_LIMIT))


def set_revs_limit(call: Call) -> Response:
    """Change how many revisions of a document are kept."""
    limit = call.json(typed=False)
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
        raise bad_request("Rev limit has to be an integer > 0")
    with call.database.writing() as connection:
        set_setting(connection, "revs_limit", limit)
    return answer({"ok": True})


def compact(call: Call) -> Response:
    """Remove the bodies of replaced revisions, and attachments that only they had."""
    call.require_json()
    with call.database.writing() as connection:
        connection.execute("UPDATE revisions SET body = NULL, attachments = NULL WHERE leaf = 0")
        remove_unused(call.database, connection)
    return answer({"ok": True}, 202)


def clean_up_views(_: Call) -> Response:
    """Nothing to do: an index is removed with the last design document that needs it."""
    return answer({"ok": True}, 202)


def ensure_full_commit(call: Call) -> Response:
    """Nothing to do: all acknowledged writes are committed."""
    call.require_json()
    started = str(call.database.started // 1_000_000_000)
    return answer({"ok": True, "instance_start_time": started}, 201)


def list_changes(call: Call) -> Response:
    """The changes after a sequence."""
    body = call.json_object() if call.request.method == "POST" else {}
    pieces = changes(call.database, call.service.catalogue.commits, call.args, body)
    return feed_answer(call, pieces)


ROUTES: Routes = {
    "/<db>": {"GET": info, "PUT": create, "DELETE": delete},
    "/<db>/_security": {"GET": security, "PUT": set_security},
    "/<db>/_revs_limit": {"GET": revs_limit, "PUT": set_revs_limit},
    "/<db>/_compact": {"POST": compact},
    "/<db>/_compact/<design>": {"POST": clean_up_views},
    "/<db>/_view_cleanup": {"POST": clean_up_views},
    "/<db>/_ensure_full_commit": {"POST": ensure_full_commit},
    "/<db>/_changes": {"GET": list_changes, "POST": list_changes},
}
