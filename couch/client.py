"""The client for CouchDB: the one place that talks to it. What can go wrong is in `couch.errors`."""

import logging
import random
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, TypeVar

import couchdb
import orjson
from couchdb.http import urljoin
from django.conf import settings

from couch.errors import Conflict, CouchError, MissingDatabase, MissingView, Unreachable
from couch.requests import (
    AttachmentStream,
    Document,
    Wish,
    attachment_path,
    doc_path,
    documents,
    is_plain,
    parsed,
    query,
    quoted,
    refusal,
    rows_query,
)
from couch.session import Answer, Readable, Reading, Sent, Session, SizedBody
from couch_views.loader import KAZOO_DOCUMENTS
from couch_views.sync import sync
from storage import database_names

__all__ = [
    "Ahead",
    "AttachmentStream",
    "Couch",
    "Database",
    "Document",
    "Row",
    "Saved",
    "Wish",
    "couch",
]
logger = logging.getLogger(__name__)

Row = dict[str, Any]
Result = TypeVar("Result")
First = TypeVar("First")
Second = TypeVar("Second")

_UPDATE_ATTEMPTS = 12
_ANYTHING = {"Accept": "*/*"}


@dataclass(frozen=True)
class Saved:
    """How one document of a bulk write fared: its new revision, or CouchDB's error word (``conflict``, ...)."""

    id: str
    rev: str | None
    error: str | None = None


class Couch:
    """One CouchDB server or cluster, by its URL with credentials."""

    def __init__(self, url: str, *, connect_timeout: float, read_timeout: float) -> None:
        self._session = Session(connect_timeout, read_timeout)
        resource = couchdb.Server(url, session=self._session).resource
        self._url, self._credentials = resource.url.rstrip("/"), resource.credentials

    def up(self) -> bool:
        """Whether CouchDB answers and takes requests."""
        try:
            return self.call("GET", "_up").status == 200
        except CouchError:
            return False

    def info(self) -> Document:
        """CouchDB's welcome: its version and vendor."""
        found: Document = self.json(self.call("GET"))
        return found

    def database(self, name: str) -> "Database":
        """A database by its plain name, whether it exists or not; no request is made."""
        return Database(self, name)

    def exists(self, name: str) -> bool:
        """Whether there is a database of that name."""
        return self.call("HEAD", name, allow=(404,)).status == 200

    def create(self, name: str) -> bool:
        """Create a database; False when it was there already (another process may have been quicker)."""
        return self.call("PUT", name, allow=(412,), safe=True).status != 412

    def drop(self, name: str) -> bool:
        """Delete a database and all that is in it; False when there was none."""
        return self.call("DELETE", name, allow=(404,), safe=True).status != 404

    def names(self, prefix: str = "") -> list[str]:
        """The names of all databases that begin with a prefix, in order."""
        options = {"startkey": prefix, "endkey": prefix + "\ufff0"} if prefix else {}
        names: list[str] = self.json(self.call("GET", "_all_dbs", params=query(options)))
        return names

    def infos(self, names: Sequence[str]) -> dict[str, Document]:
        """What CouchDB says of several databases (doc_count, sizes ...), those that exist, in few requests."""
        found: dict[str, Document] = {}
        for start in range(0, len(names), 100):
            some = list(names[start : start + 100])
            rows = self.json(self.call("POST", "_dbs_info", body={"keys": some}, safe=True))
            found.update({row["key"]: row["info"] for row in rows if "info" in row})
        return found

    def call(
        self,
        method: str,
        *path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, Any] | None = None,
        allow: Iterable[int] = (),
        safe: bool | None = None,
    ) -> Answer:
        """Send a request and return its open answer; statuses of 400 and above raise unless allowed.

        The answer of an allowed error is already read. `safe`: repeating it does no harm.
        """
        url = self._address(path, params)
        opened = partial(self._session.open, method, url, body, headers, self._credentials, safe=safe)
        return self._answer(opened, method, path, allow)

    def _answer(self, opened: Callable[[], Answer], method: str, path: Sequence[str], allow: Iterable[int]) -> Answer:
        try:
            answer = opened()
            if answer.status < 400:
                if method == "HEAD":
                    answer.read()
                return answer
            content = answer.read()
        except Unreachable as error:
            logger.warning("CouchDB gave no answer to %s /%s: %s", method, "/".join(path[:2]), error)
            raise
        if answer.status in allow:
            return answer
        raise refusal(answer.status, method, path, content)

    def both(self, first: Wish[First], second: Wish[Second]) -> tuple[First, Second]:
        """`together` for two requests that bring different things."""
        wishes: list[Wish[Any]] = [first, second]
        one, other = self.together(wishes)
        return one, other

    def together(self, wishes: Sequence[Wish[Result]]) -> list[Result]:
        """What some requests bring, of which none waits for another; raises as `call` does, the first error.

        All are sent before an answer is read: it takes no threads.
        """
        requests = [
            Reading(wish.method, self._address(wish.path, wish.params), wish.body, self._credentials)
            for wish in wishes
        ]
        sent = self._session.send_all(requests)
        try:
            found = [self._granted(each, wish) for each, wish in zip(sent, wishes, strict=True)]
        finally:
            for each in sent:
                each.close()
        return [wish.granted(each) for each, wish in zip(found, wishes, strict=True)]

    def _granted(self, sent: Sent, wish: Wish[Any]) -> Any:
        answer = self._answer(sent.answer, wish.method, wish.path, (404,))
        return None if answer.status == 404 else self.json(answer)

    def ahead(self, path: Sequence[str], headers: Mapping[str, str], params: Mapping[str, Any]) -> "Ahead":
        """Send a GET whose answer is taken later, or not at all."""
        request = Reading("GET", self._address(path, params), None, self._credentials, headers)
        (sent,) = self._session.send_all([request])
        return Ahead(sent, partial(self._answer, sent.answer, "GET", path, (404,)))

    def _address(self, path: Sequence[str], params: Mapping[str, Any] | None) -> str:
        url = "/".join([self._url, *map(quoted, path)]) if path else f"{self._url}/"
        return urljoin(url, **params) if params else url

    def json(self, answer: Answer) -> Any:
        """An answer's JSON, read to its end."""
        try:
            return parsed(answer.read())
        except Unreachable as error:
            logger.warning("CouchDB's answer broke off: %s", error)
            raise


class Ahead:
    """An attachment that was asked for while others are read. Take its stream, or close it."""

    def __init__(self, sent: Sent, answer: Callable[[], Answer]) -> None:
        self._sent, self._answer = sent, answer

    def stream(self) -> AttachmentStream | None:
        """Its bytes; None when it or its document is missing. Raises as `Couch.call` does."""
        answer = self._answer()
        return None if answer.status == 404 else AttachmentStream(answer)

    def close(self) -> None:
        """Give it up, unless its stream was taken."""
        self._sent.close()


class Database:
    """One database. Cheap to make; holds no state but its name."""

    def __init__(self, server: Couch, name: str) -> None:
        self.server = server
        self.name = name

    def __repr__(self) -> str:
        return f"<Database {self.name}>"

    def exists(self) -> bool:
        """Whether it is there."""
        return self.server.exists(self.name)

    def info(self) -> Document:
        """CouchDB's figures: doc_count, doc_del_count, sizes (bytes) and so on."""
        figures: Document = self._json("GET")
        return figures

    def get(self, doc_id: str, **options: Any) -> Document | None:
        """A document by its id; None when it, or its database, does not exist."""
        answer = self._call("GET", *doc_path(doc_id), params=query(options), allow=(404,))
        if answer.status == 404:
            return None
        doc: Document = self.server.json(answer)
        return doc

    def fetch(self, ids: Iterable[str]) -> dict[str, Document]:
        """The existing ones of some documents, by id, in one request."""
        wanted = list(dict.fromkeys(ids))
        if not wanted:
            return {}
        if is_plain(wanted) and (doc := self.get(wanted[0])) is not None:  # costs half of a request for many
            return {wanted[0]: doc}
        return documents({"rows": self._rows("_all_docs", include_docs=True, keys=wanted)})

    def wish_for(self, doc_id: str) -> Wish[Document | None]:
        """As `get`, for `Couch.both`."""
        return Wish("GET", (self.name, *doc_path(doc_id)), lambda found: found)

    def wish_for_all(self, ids: Iterable[str]) -> Wish[dict[str, Document]]:
        """As `fetch`, for `Couch.both`; where the database is missing, so are all documents."""
        wanted = list(dict.fromkeys(ids))
        if is_plain(wanted):
            return Wish("GET", (self.name, *doc_path(wanted[0])), lambda doc: {wanted[0]: doc} if doc else {})
        body = {"keys": wanted}
        return Wish("POST", (self.name, "_all_docs"), documents, rows_query({"include_docs": True}), body)

    def wish_for_rows(self, ddoc: str, view: str, /, **options: Any) -> Wish[list[Row]]:
        """As `view` with a single key or range, for `Couch.both`."""

        def rows(found: Any) -> list[Row]:
            # What is missing, and whether that can be mended, the ordinary way tells.
            return self.view(ddoc, view, **options) if found is None else found["rows"]

        return Wish("GET", (self.name, "_design", ddoc, "_view", view), rows, rows_query(options))

    def put(self, doc: Document) -> Document:
        """Store a document under its ``_id``, and return it with its new revision; Conflict."""
        answer = self._call("PUT", *doc_path(doc["_id"]), body=doc)
        return {**doc, "_rev": self.server.json(answer)["rev"]}

    def delete(self, doc_id: str, rev: str) -> None:
        """Delete a document; nothing to do when it is gone. Conflict when the revision isn't current."""
        self._call("DELETE", *doc_path(doc_id), params={"rev": rev}, allow=(404,), safe=True).read()

    def bulk(self, docs: Sequence[Document]) -> list[Saved]:
        """Store documents (each with its ``_id``) in one request; how each fared, in their order."""
        if not docs:
            return []
        results = self._json("POST", "_bulk_docs", body={"docs": list(docs)})
        return [Saved(row["id"], row.get("rev"), row.get("error")) for row in results]

    def update(self, doc_id: str, change: Callable[[Document], Document | None]) -> Document | None:
        """Change a document, on its fresh state again whenever another writer was quicker.

        `change` gets the stored document and returns the one to store, or None to leave it.
        Returns the document as stored; None when there is none. Conflict after many lost races.
        """
        for attempt in range(_UPDATE_ATTEMPTS):
            doc = self.get(doc_id)
            if doc is None:
                return None
            changed = change(doc)
            if changed is None:
                return doc
            try:
                return self.put(changed)
            except Conflict:
                # Writers that lost together must not meet again: each waits a random, growing while.
                time.sleep(random.uniform(0, 0.01 * 2 ** min(attempt, 5)))  # noqa: S311 - no secret
        raise Conflict(doc_id)

    def all_docs(self, **options: Any) -> list[Row]:
        """Rows of ``_all_docs``; options as for `view`."""
        return self._rows("_all_docs", **options)

    def view(self, ddoc: str, view: str, /, **options: Any) -> list[Row]:
        """A view's rows: dicts of id, key, value (and doc). `ddoc` without ``_design/``; keys are plain values.

        Raises MissingDatabase or MissingView.
        """
        return self._rows("_design", ddoc, "_view", view, **options)

    def queries(self, ddoc: str, view: str, queries: Sequence[Mapping[str, Any]]) -> list[list[Row]]:
        """Several queries of one view in one request: the rows of each, in order."""
        if not queries:
            return []
        path = ("_design", ddoc, "_view", view, "queries")
        answer = self._view_call("POST", *path, params=rows_query({}), body={"queries": list(queries)})
        return [result["rows"] for result in self.server.json(answer)["results"]]

    def stream_view(self, ddoc: str, view: str, *, page: int = 1000, **options: Any) -> Iterator[Row]:
        """Every row of an unreduced view, asked for page by page: memory stays flat. `limit` is not for here."""
        options["limit"] = page + 1
        while True:
            rows = self.view(ddoc, view, **options)
            yield from rows[:page]
            if len(rows) <= page:
                return
            options |= {"startkey": rows[page]["key"], "startkey_docid": rows[page]["id"]}

    def attachment(
        self, doc_id: str, name: str, *, headers: Mapping[str, str] | None = None, rev: str | None = None
    ) -> AttachmentStream | None:
        """Open an attachment; None when it or its document is missing.

        `headers` may hold Range and If-None-Match: look at the stream's status (200, 206, 304, 416).
        """
        wanted = {**_ANYTHING, **(headers or {})}
        path, params = attachment_path(doc_id, name), query({"rev": rev})
        answer = self._call("GET", *path, headers=wanted, params=params, allow=(404, 416))
        return None if answer.status == 404 else AttachmentStream(answer)

    def attachment_ahead(self, doc_id: str, name: str, rev: str) -> "Ahead":
        """Ask for an attachment, to read it after others: CouchDB gets it ready meanwhile."""
        return self.server.ahead((self.name, *attachment_path(doc_id, name)), _ANYTHING, query({"rev": rev}))

    def put_with_attachment(
        self, doc: Document, name: str, content_type: str, body: Readable, length: int
    ) -> Document:
        """Store a document together with its one attachment, in one request: there is never one without the other.

        Replaces whatever attachments the document had. Returns the document with its new revision.
        """
        entry = {"follows": True, "content_type": content_type, "length": length}
        boundary = uuid.uuid4().hex
        whole = {**doc, "_attachments": {name: entry}}
        head = (
            f"--{boundary}\r\nContent-Type: application/json\r\n\r\n".encode()
            + orjson.dumps(whole)
            + f"\r\n--{boundary}\r\n\r\n".encode()
        )
        answer = self._call(
            "PUT",
            *doc_path(doc["_id"]),
            body=SizedBody(body, length, head, f"\r\n--{boundary}--".encode()),
            headers={"Content-Type": f'multipart/related;boundary="{boundary}"'},
        )
        stub = {"stub": True, "content_type": content_type, "length": length}
        return {**doc, "_attachments": {name: stub}, "_rev": self.server.json(answer)["rev"]}

    def _rows(self, *path: str, **options: Any) -> list[Row]:
        keys = options.pop("keys", None)
        if keys is None:
            answer = self._view_call("GET", *path, params=rows_query(options))
        else:
            answer = self._view_call("POST", *path, params=rows_query(options), body={"keys": list(keys)})
        rows: list[Row] = self.server.json(answer)["rows"]
        return rows

    def _view_call(self, method: str, *path: str, **options: Any) -> Answer:
        answer = self._call(method, *path, safe=True, allow=(404,), **options)
        if answer.status == 404 and path[0] == "_design" and self._add_own_views(path[1]):
            answer = self._call(method, *path, safe=True, allow=(404,), **options)
        if answer.status != 404:
            return answer
        if path[0] == "_design" and self.exists():
            logger.error("Database %s lacks the view %s", self.name, "/".join(path[1:4]))
            raise MissingView(f"{self.name}: {'/'.join(path[1:4])}")
        raise MissingDatabase(self.name)

    def _add_own_views(self, ddoc: str) -> bool:
        """Add the views of this project that a database made by Kazoo lacks; whether it lacked any."""
        name = database_names.split(self.name)
        if name is None or f"_design/{ddoc}" in KAZOO_DOCUMENTS or not self.exists():
            return False
        return bool(sync(self, "account" if name.month is None else "modb"))

    def _json(self, method: str, *path: str, **options: Any) -> Any:
        return self.server.json(self._call(method, *path, **options))

    def _call(self, method: str, *path: str, **options: Any) -> Answer:
        return self.server.call(method, self.name, *path, **options)


@cache
def couch() -> Couch:
    """The CouchDB that this process serves (setting COUCHDB_URL), with its pool of connections."""
    return Couch(
        settings.COUCHDB_URL,
        connect_timeout=settings.COUCHDB_CONNECT_TIMEOUT,
        read_timeout=settings.COUCHDB_READ_TIMEOUT,
    )
