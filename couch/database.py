"""A database of CouchDB: its documents, views and attachments, over python-couchdb's ``Database``.

An id that is empty or begins with an underscore is no document's: CouchDB keeps those for itself. Whoever reads one
finds nothing, and whoever stores one is refused; design documents have methods of their own.

Not used of python-couchdb, but done here with its ``Resource``:

    get              makes a resource for each document: 8 µs of 82
    update           hides CouchDB's word for why it refused one of many documents
    iterview         starts anew without the views that may have been missing
    get_attachment   takes neither a revision nor a Range, and tells no status
    put_attachment   is a write of its own: a document and its audio go down in one
    Row, Document    wrap each row and document in a class that nobody here needs
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Protocol, TypeVar

import couchdb

from couch.attachments import ANY_TYPE, PendingAttachment, attachment_path, with_attachment
from couch.body import Readable
from couch.errors import MissingDatabase, MissingView, NotFound, Rejected
from couch.feeds import ChangesPage
from couch.observer import observer
from couch.requests import (
    BUFFERED,
    ReadRequest,
    Saved,
    VersionedRows,
    distinct_ids,
    documents_by_id,
    given_options,
    is_reserved,
    keep_row,
    query_params,
    refuse_reserved,
)
from couch.retry import retry_on_conflict
from couch.session import Response

logger = logging.getLogger(__name__)

Document = dict[str, Any]
Row = dict[str, Any]
AddViews = Callable[["Database", str], bool]
"""Adds the views of a design document that a database lacks; whether it lacked any."""
Result = TypeVar("Result")


class Server(Protocol):
    """What a database needs of its server (`couch.client.Couch`)."""

    resource: Any
    add_views: AddViews | None
    buffers_responses: bool

    def exists(self, name: str) -> bool: ...

    def request_attachment(self, path: Sequence[str], params: Mapping[str, Any]) -> PendingAttachment: ...


class Database:
    """A database. It holds no state but its name."""

    def __init__(self, server: Server, name: str) -> None:
        self.server, self.name = server, name
        self._resource = server.resource(name)
        self._database = couchdb.Database(self._resource, name)

    def __repr__(self) -> str:
        return f"<Database {self.name}>"

    def exists(self) -> bool:
        """Whether it is there."""
        return self.server.exists(self.name)

    def info(self) -> Document:
        """CouchDB's figures: doc_count, doc_del_count, sizes (bytes) and so on. Raises MissingDatabase."""
        with self._naming_database():
            return dict(self._database.info())

    def get(self, doc_id: str) -> Document | None:
        """A document by its id; None when it, or its database, does not exist."""
        doc = None if is_reserved(doc_id) else self._get([doc_id])
        if doc is not None and (watching := observer.get()) is not None:
            watching.note_read(self.name, [doc])
        return doc

    def fetch(self, ids: Iterable[str]) -> dict[str, Document]:
        """The existing ones of some documents, by id, in one request. Raises MissingDatabase for several ids."""
        distinct = distinct_ids(ids)
        # A request for one document costs half of a request for many.
        if len(distinct) == 1 and (doc := self.get(distinct[0])) is not None:
            return {doc["_id"]: doc}
        docs = documents_by_id(self.all_docs(include_docs=True, keys=distinct)) if distinct else {}
        if docs and (watching := observer.get()) is not None:
            watching.note_read(self.name, docs.values())
        return docs

    def put(self, doc: Document) -> Document:
        """Store a document under its ``_id``; it, with its new revision. Raises Conflict, MissingDatabase."""
        refuse_reserved(doc["_id"])
        stored = self._put(doc)
        self._tell_write(doc, stored)
        return stored

    def delete(self, doc_id: str, rev: str) -> None:
        """Delete a document; nothing to do when it is gone. Raises Conflict when the revision isn't current."""
        refuse_reserved(doc_id)
        with suppress(NotFound):
            self._database.delete({"_id": doc_id, "_rev": rev})
            if (watching := observer.get()) is not None:
                watching.note_deletion(self.name, doc_id)

    def put_all(self, docs: Sequence[Document]) -> list[Saved]:
        """Store documents (each with its ``_id``) in one request; how each was stored, in their order."""
        if not docs:
            return []
        for doc in docs:
            refuse_reserved(doc["_id"])
        with self._naming_database():
            _, _, results = self._resource.post_json("_bulk_docs", body={"docs": list(docs)})
        saved = [Saved(row["id"], row.get("rev"), row.get("error")) for row in results]
        if (watching := observer.get()) is not None:
            watching.note_writes(
                self.name, [(doc, {**doc, "_rev": row.rev}) for doc, row in zip(docs, saved, strict=True) if row.rev]
            )
        return saved

    def update(self, doc_id: str, change: Callable[[Document], Document | None]) -> Document | None:
        """Change a document, on its current state again whenever another writer was quicker.

        `change` takes the stored document and returns the one to store, or None to leave it.
        Returns the document as stored; None when there is none. Raises Conflict after many lost races.
        """

        def attempt() -> Document | None:
            doc = self.get(doc_id)
            changed = change(doc) if doc is not None else None
            return doc if changed is None else self.put(changed)

        return retry_on_conflict(attempt)

    def get_design(self, doc_id: str) -> Document | None:
        """A design document by its id (with ``_design/``); None when it, or its database, does not exist."""
        return self._get(doc_id.split("/", 1))

    def fetch_designs(self, ids: Iterable[str]) -> dict[str, Document]:
        """The existing ones of some design documents, by id. Raises MissingDatabase."""
        return documents_by_id(self.all_docs(include_docs=True, keys=list(ids)))

    def put_design(self, doc: Document) -> Document:
        """Store a design document; it, with its new revision. Raises Conflict, MissingDatabase."""
        return self._put(doc)

    def get_local(self, name: str) -> Document | None:
        """The local document of a name, which is in no listing; None when it, or its database, does not exist."""
        return self._get(["_local", name])

    def put_local(self, name: str, doc: Document) -> None:
        """Store a local document in place of any there is: CouchDB notices no conflict. Raises MissingDatabase."""
        self._put({**doc, "_id": f"_local/{name}"})

    def changes(self, since: str, limit: int) -> ChangesPage:
        """Changes of documents after a sequence, each document once, with its latest state. Raises MissingDatabase.

        ``"0"`` is before the first change, ``"now"`` after the last one.
        """
        with self._naming_database():
            _, _, answer = self._resource.get_json("_changes", since=since, limit=limit, include_docs="true")
        return ChangesPage(
            [row["doc"] for row in answer["results"] if row.get("doc")],
            str(answer["last_seq"]),
            bool(answer.get("pending", len(answer["results"]))),
        )

    def all_docs(self, **options: Any) -> list[Row]:
        """Rows of ``_all_docs``; options as for `view`. Raises MissingDatabase."""
        with self._naming_database():
            return self._rows("_all_docs", options)

    def view(self, design: str, view: str, /, **options: Any) -> list[Row]:
        """A view's rows: dicts of id, key, value (and doc). `design` without ``_design/``; keys are plain values.

        Raises MissingDatabase or MissingView.
        """
        return self._with_views(design, view, lambda: self._rows(f"{design}/{view}", options))

    def count_rows(self, design: str, view: str, /) -> int:
        """How many rows an unreduced view has. Raises as `view` does."""

        def read() -> int:
            return int(self._database.view(f"{design}/{view}", keep_row, limit=0).total_rows)

        return self._with_views(design, view, read)

    def versioned_view(self, design: str, view: str, /, **options: Any) -> VersionedRows:
        """`view`, with the sequence that the rows reflect."""

        def read() -> VersionedRows:
            results = self._database.view(
                f"{design}/{view}", keep_row, **given_options(options), update_seq=True, **BUFFERED
            )
            return VersionedRows(results.rows, str(results.update_seq))

        return self._with_views(design, view, read)

    def view_all(self, design: str, view: str, queries: Sequence[Mapping[str, Any]]) -> list[list[Row]]:
        """Several queries of one view in one request: the rows of each, in order. Raises as `view` does."""
        if not queries:
            return []
        path = ["_design", design, "_view", view, "queries"]

        def post() -> list[list[Row]]:
            _, _, answer = self._resource.post_json(path, body={"queries": list(queries)}, **BUFFERED)
            return [result["rows"] for result in answer["results"]]

        return self._with_views(design, view, post)

    def stream_view(self, design: str, view: str, *, page: int = 1000, **options: Any) -> Iterator[Row]:
        """Every row of an unreduced view, read page by page: memory stays flat. `limit` is not for here."""
        options["limit"] = page + 1
        while True:
            rows = self.view(design, view, **options)
            yield from rows[:page]
            if len(rows) <= page:
                return
            options |= {"startkey": rows[page]["key"], "startkey_docid": rows[page]["id"]}

    def get_request(self, doc_id: str) -> ReadRequest[Document | None]:
        """`get`, for `Couch.fetch_both`."""
        if is_reserved(doc_id):
            return ReadRequest("POST", (self.name, "_all_docs"), lambda answer: None, None, {"keys": []})
        return ReadRequest("GET", (self.name, doc_id), lambda doc: doc)

    def fetch_request(self, ids: Iterable[str]) -> ReadRequest[dict[str, Document]]:
        """`fetch`, for `Couch.fetch_both`; where the database is missing, so are all documents."""
        distinct = distinct_ids(ids)
        if len(distinct) == 1:
            return ReadRequest("GET", (self.name, distinct[0]), lambda doc: {distinct[0]: doc} if doc else {})
        return ReadRequest(
            "POST",
            (self.name, "_all_docs"),
            lambda answer: documents_by_id(answer["rows"]) if answer else {},
            query_params({"include_docs": True}) | BUFFERED,
            {"keys": distinct},
        )

    def view_request(self, design: str, view: str, /, **options: Any) -> ReadRequest[list[Row]]:
        """`view` with a single key or range, for `Couch.fetch_both`."""

        def parse(answer: Any) -> list[Row]:
            # What is missing, and whether that can be mended, is known to `view`.
            return self.view(design, view, **options) if answer is None else answer["rows"]

        return ReadRequest(
            "GET", (self.name, "_design", design, "_view", view), parse, query_params(options) | BUFFERED
        )

    def versioned_view_request(self, design: str, view: str, /, **options: Any) -> ReadRequest[VersionedRows]:
        """`versioned_view`, for `Couch.fetch_all`."""
        request = self.view_request(design, view, update_seq=True, **options)

        def parse(answer: Any) -> VersionedRows:
            if answer is None:
                return self.versioned_view(design, view, **options)
            return VersionedRows(answer["rows"], str(answer["update_seq"]))

        return ReadRequest(request.method, request.path, parse, request.params)

    def open_attachment(
        self, doc_id: str, name: str, *, headers: Mapping[str, str] | None = None, rev: str | None = None
    ) -> Response | None:
        """Open an attachment; None when it or its document is missing.

        `headers` may hold Range and If-None-Match: look at the response's status (200, 206, 304, 416).
        """
        try:
            _, _, response = self._resource.get(
                attachment_path(doc_id, name), headers={**ANY_TYPE, **(headers or {})}, rev=rev
            )
        except NotFound:
            return None
        return response  # type: ignore[no-any-return]  # python-couchdb has no types

    def request_attachment(self, doc_id: str, name: str, rev: str) -> PendingAttachment:
        """Ask for an attachment, to read it after others: CouchDB gets it ready meanwhile."""
        return self.server.request_attachment((self.name, *attachment_path(doc_id, name)), {"rev": rev})

    def put_with_attachment(
        self, doc: Document, name: str, content_type: str, file: Readable, length: int
    ) -> Document:
        """Store a document together with its one attachment, in one request: there is never one without the other.

        Replaces whatever attachments the document had. Returns the document with its new revision.
        Raises Conflict, TooLarge, MissingDatabase, and ValueError when the file ends early.
        """
        refuse_reserved(doc["_id"])
        body, headers = with_attachment(doc, name, content_type, file, length)
        with self._naming_database():
            _, _, saved = self._resource.put_json([doc["_id"]], body=body, headers=headers)
        stub = {"stub": True, "content_type": content_type, "length": length}
        stored = {**doc, "_attachments": {name: stub}, "_rev": saved["rev"]}
        self._tell_write(doc, stored)
        return stored

    def _get(self, path: list[str]) -> Document | None:
        try:
            _, _, doc = self._resource.get_json(path)
        except NotFound:
            return None
        return doc  # type: ignore[no-any-return]  # python-couchdb has no types

    def _put(self, doc: Document) -> Document:
        with self._naming_database():
            _, rev = self._database.save(dict(doc))
        return {**doc, "_rev": rev}

    def _tell_write(self, doc: Document, stored: Document) -> None:
        if (watching := observer.get()) is not None:
            watching.note_writes(self.name, [(doc, stored)])

    def _rows(self, name: str, options: Mapping[str, Any]) -> list[Row]:
        if self.server.buffers_responses:
            try:
                return self._query(name, options, BUFFERED)
            except Rejected as error:
                if error.status not in (400, 501):
                    raise
                rows = self._query(name, options, {})
                self.server.buffers_responses = False
                return rows
        return self._query(name, options, {})

    def _query(self, name: str, options: Mapping[str, Any], further: Mapping[str, Any]) -> list[Row]:
        return self._database.view(name, keep_row, **given_options(options), **further).rows  # type: ignore[no-any-return]  # python-couchdb has no types

    def _with_views(self, design: str, view: str, read: Callable[[], Result]) -> Result:
        """What is read of a view, which is added when the database lacks it and it is one of this project's."""
        try:
            return read()
        except NotFound:
            pass
        if self.server.add_views is not None and self.server.add_views(self, design):
            try:
                return read()
            except NotFound:
                pass
        if not self.exists():
            raise MissingDatabase(self.name)
        logger.error("Database %s lacks the view %s/%s", self.name, design, view)
        raise MissingView(f"{self.name}: {design}/{view}")

    @contextmanager
    def _naming_database(self) -> Iterator[None]:
        """Within, a 404 is the database's."""
        try:
            yield
        except NotFound as error:
            raise MissingDatabase(self.name) from error
