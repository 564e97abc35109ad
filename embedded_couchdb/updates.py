"""``_db_updates``: which databases were created, updated and deleted, as documents of ``_global_changes``.

As in CouchDB these are written a moment later, for all changes since the last time at once. A killed server may not
have written those of its last moment: the next one writes them for the databases whose files changed last.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping

from . import jsontext
from .catalogue import Catalogue
from .changes import whole
from .errors import no_database
from .feeds import Page, continuous, feed_options, longpoll, parse_feed
from .queryargs import parse_query
from .revisions import changed_since, winner
from .sequences import parse_seq, public_seq
from .storage import Database, update_seq
from .writing import Edit, add_revision, renew_sequence

NAME = "_global_changes"
_DELAY = 0.1  # seconds
_UNSAVED_SECONDS = 2.0
_ALL = 1 << 62


class Updates:
    """Records what happens to the databases of a catalogue, if it has a database ``_global_changes``."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._pending: dict[str, None] = {}
        self._lock = threading.Lock()
        self._wake, self._is_closed = threading.Event(), False
        self._recover()
        catalogue.listener = self.record
        self._thread = threading.Thread(target=self._write_pending, name="updates", daemon=True)
        self._thread.start()

    def record(self, kind: str, name: str) -> None:
        """Note that a database was created, updated or deleted."""
        if name == NAME:
            return
        with self._lock:
            self._pending[f"{kind}:{name}"] = None
        self._wake.set()

    def close(self) -> None:
        """Write what is pending."""
        self._is_closed = True
        self._wake.set()
        self._thread.join()

    def _write_pending(self) -> None:
        while not self._is_closed:
            self._wake.wait()
            if not self._is_closed:
                threading.Event().wait(_DELAY)
            self._wake.clear()
            with self._lock:
                pending, self._pending = list(self._pending), {}
            database = self._catalogue.find(NAME)
            if pending and database is not None:
                _write(database, pending)

    def _recover(self) -> None:
        database = self._catalogue.find(NAME)
        if database is not None:
            since = database.modified_at() - _UNSAVED_SECONDS
            recent = [
                each for each in self._catalogue.databases() if each.modified_at() >= since and each is not database
            ]
            _write(database, [f"updated:{each.name}" for each in recent])


def _write(database: Database, ids: list[str]) -> None:
    with database.writing() as connection:
        for doc_id in ids:
            if winner(connection, doc_id) is None:
                add_revision(connection, Edit(doc_id, [], False, b"{}", {}), None)
            else:
                renew_sequence(connection, doc_id)


def db_updates(catalogue: Catalogue, options: Mapping[str, str]) -> Iterator[bytes]:
    """The feed as JSON text, in pieces.  Raises ``CouchError``: 404 without ``_global_changes``, 400."""
    feed = parse_feed(options)
    query = parse_query({name: text for name, text in options.items() if name not in ("keys", "key")})
    database = catalogue.find(NAME)
    if database is None:
        raise no_database()
    with database.reading() as connection:
        since = parse_seq(options.get("since", "0"), update_seq(connection))

    def read_page(seq: int, limit: int | None) -> Page:
        with database.reading() as connection:
            rows = changed_since(connection, seq, _ALL if limit is None else limit)
            last_seq = rows[-1][0] if rows else seq
        return Page([_row(row_seq, revision.id) for row_seq, revision in rows], last_seq, 0)

    if feed == "normal":
        return iter((whole(read_page(since, query.limit), with_pending=False),))
    options_of_feed = feed_options(options, since, query.limit, with_pending=False)
    return (continuous if feed == "continuous" else longpoll)(options_of_feed, catalogue.commits, read_page)


def _row(seq: int, doc_id: str) -> bytes:
    kind, _, name = doc_id.partition(":")
    return jsontext.dumps({"db_name": name, "type": kind, "seq": public_seq(seq)})
