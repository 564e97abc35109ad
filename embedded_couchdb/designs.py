"""Design documents: their check when they are written, their views and their validation functions."""

from __future__ import annotations

import hashlib
import sqlite3
from dataclasses import dataclass
from typing import Any

from . import jsontext
from .builtin_reduce import is_builtin
from .errors import CouchError, not_found
from .javascript import Engine, JavaScriptError
from .revisions import Revision, winner
from .storage import Database, security_of

# The members of a design document that must be objects, also those that this server doesn't use.
_OBJECTS = ("views", "filters", "lists", "shows", "updates", "options")


@dataclass(frozen=True)
class View:
    """A view: the position of its map function among the design's distinct ones, and its reduce."""

    map: int
    reduce: str | None


@dataclass(frozen=True)
class Design:
    """The part of a design document that the indexer needs.

    ``signature`` identifies the index: it changes with every map function and with the library.
    """

    name: str
    signature: str
    source: str
    views: dict[str, View]

    def view(self, name: str) -> View:
        """A view by name.  Raises a 404 ``CouchError``."""
        try:
            return self.views[name]
        except KeyError:
            raise not_found("missing_named_view") from None


def parse_design(name: str, document: dict[str, Any]) -> Design:
    """The design of a design document that passed ``check_design``."""
    views: dict[str, View] = {}
    maps: list[str] = []
    view_members = document.get("views", {})
    for view_name, view in sorted(view_members.items()):
        if view_name == "lib":
            continue
        if view["map"] not in maps:
            maps.append(view["map"])
        views[view_name] = View(maps.index(view["map"]), view.get("reduce"))
    source = jsontext.dumps({"maps": maps, "root": {"views": {"lib": view_members.get("lib")}}})
    return Design(name, hashlib.sha256(source).hexdigest()[:32], source.decode(), views)


def check_design(engine: Engine, document: dict[str, Any]) -> None:
    """Refuse a design document whose views can't work.  Raises a 400 ``CouchError``."""
    for name in _OBJECTS:
        if not isinstance(document.get(name, {}), dict):
            raise _invalid(f"`{name}` field must have object type")
    for name, view in document.get("views", {}).items():
        if name != "lib":
            _check_view(engine, name, view)
    validate = document.get("validate_doc_update")
    if validate is not None:
        if not isinstance(validate, str):
            raise _invalid("`validate_doc_update` field must have string type")
        _check_function(engine, validate, "the validate_doc_update function")


def _check_view(engine: Engine, name: str, view: Any) -> None:
    if not isinstance(view, dict):
        raise _invalid(f"`views.{name}` field must have object type")
    if "map" not in view:
        raise _invalid(f"View `{name}` must contain map function")
    for part in ("map", "reduce"):
        source = view.get(part)
        if source is None:
            continue
        if not isinstance(source, str):
            raise _invalid(f"`views.{name}.{part}` field must have string type")
        if part == "reduce" and source.startswith("_"):
            if not is_builtin(source):
                raise _invalid(f"`{source}` is not a supported reduce function.")
        else:
            _check_function(engine, source, f"the {part} function in the '{name}' view")


def _check_function(engine: Engine, source: str, description: str) -> None:
    try:
        engine.check(source)
    except JavaScriptError as problem:
        raise CouchError(400, "compilation_error", f"Compilation of {description} failed: {problem}") from problem


def _invalid(reason: str) -> CouchError:
    return CouchError(400, "invalid_design_doc", reason)


def load_design(database: Database, connection: sqlite3.Connection, doc_id: str) -> Design:
    """The design of a stored design document.  Raises a 404 ``CouchError``."""
    revision = winner(connection, doc_id)
    if revision is None or revision.deleted:
        raise not_found("missing" if revision is None else "deleted")
    return _design_of(database, revision)


def _design_of(database: Database, revision: Revision) -> Design:
    designs: dict[int, Design] = database.cache.setdefault("designs", {})
    if revision.number not in designs:
        document = jsontext.loads(revision.body or b"{}")
        designs[revision.number] = parse_design(revision.id.removeprefix("_design/"), document)
    return designs[revision.number]


def live_designs(connection: sqlite3.Connection) -> list[Revision]:
    """The design documents that are not deleted."""
    rows = connection.execute(
        "SELECT id FROM documents WHERE deleted = 0 AND id >= '_design/' AND id < '_design0' ORDER BY id"
    ).fetchall()
    winners = (winner(connection, doc_id) for (doc_id,) in rows)
    return [revision for revision in winners if revision is not None]


def live_signatures(database: Database, connection: sqlite3.Connection) -> set[str]:
    """The signatures of the indexes that a design document still needs."""
    return {_design_of(database, revision).signature for revision in live_designs(connection)}


class Validation:
    """Runs the ``validate_doc_update`` functions of a database on a write."""

    def __init__(self, engine: Engine, user: dict[str, Any]) -> None:
        self._engine = engine
        self._user = user

    def check(
        self,
        database: Database,
        connection: sqlite3.Connection,
        new: dict[str, Any],
        old: Revision | None,
    ) -> None:
        """Refuse a write that a function throws at.  Raises ``CouchError``: 403, 401 or 500."""
        functions = _validators(database, connection)
        if not functions:
            return
        context = jsontext.dumps({**self._user, "db": database.name}).decode()
        before = "null" if old is None else old.as_json().decode()
        security = jsontext.dumps(security_of(connection)).decode()
        for source in functions:
            refusal = self._engine.run("validate", source, jsontext.dumps(new).decode(), before, context, security)
            if refusal is not None:
                status = {"forbidden": 403, "unauthorized": 401}.get(refusal["error"], 500)
                raise CouchError(status, refusal["error"], refusal["reason"])


def _validators(database: Database, connection: sqlite3.Connection) -> list[str]:
    sources: list[str] | None = database.cache.get("validators")
    if sources is None:
        sources = []
        for revision in live_designs(connection):
            document = jsontext.loads(revision.body or b"{}")
            if source := document.get("validate_doc_update"):
                sources.append(jsontext.dumps({"source": source, "root": document}).decode())
        database.cache["validators"] = sources
    return sources


def design_changed(database: Database, connection: sqlite3.Connection) -> None:
    """Clear the caches of design documents, and drop the indexes that no design document needs."""
    database.cache.pop("validators", None)
    needed_signatures = live_signatures(database, connection)
    for number, signature in connection.execute("SELECT n, signature FROM indexes").fetchall():
        if signature not in needed_signatures:
            connection.execute("DELETE FROM rows WHERE map IN (SELECT n FROM maps WHERE idx = ?)", (number,))
            connection.execute("DELETE FROM maps WHERE idx = ?", (number,))
            connection.execute("DELETE FROM indexes WHERE n = ?", (number,))
