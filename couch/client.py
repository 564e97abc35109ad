"""The client for CouchDB, on python-couchdb: its ``Server`` and ``Database`` talk, over `couch.session`.

Here is the server; its databases are in `couch.database`, and what can go wrong is in `couch.errors`.

Not used of python-couchdb's ``Server``, but done here with its ``Resource``:

    create, server[name]   ask whether the database is there: a request more, and on a cluster sometimes wrong
    iter(server)           brings the names of all databases; most callers want an account's
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import cache, lru_cache
from typing import Any, TypeVar

import couchdb
import orjson
from couchdb.http import urljoin
from django.conf import settings
from django.utils.module_loading import import_string

from couch.attachments import ANY_TYPE, PendingAttachment
from couch.database import AddViews, Database, Document
from couch.errors import (
    NotFound,
    Rejected,
    Unauthorized,
)
from couch.feeds import DatabaseUpdate, UpdatesPage
from couch.requests import (
    ReadRequest,
    query_params,
    read_json,
)
from couch.session import Session
from couch.time_limits import silence_limited_to

logger = logging.getLogger(__name__)

Result = TypeVar("Result")
First = TypeVar("First")
Second = TypeVar("Second")

_CHECK_SECONDS = 1.5
_CACHED_DATABASES = 2_000
_INFOS_PER_REQUEST = 100


class Couch:
    """A CouchDB server or cluster, by its URL with credentials."""

    def __init__(
        self, url: str, *, connect_timeout: float, read_timeout: float, add_views: AddViews | None = None
    ) -> None:
        self.session = Session(connect_timeout, read_timeout)
        self.resource = couchdb.Server(url, session=self.session).resource
        self.add_views = add_views
        self._server = couchdb.Server(self.resource)
        self._cached_database = lru_cache(_CACHED_DATABASES)(lambda name: Database(self, name))
        self._is_old = False  # as far as is known: a CouchDB 1.x or BigCouch can't say that it is up
        self._has_ranges_of_names = True
        self.buffers_responses = True
        """Whether it takes BUFFERED, which older ones than 3.1.1 may refuse."""

    def is_up(self, seconds: float = _CHECK_SECONDS) -> bool:
        """Whether CouchDB answers and takes requests, and says so in time, however long others may wait."""
        with silence_limited_to(seconds):
            path = [] if self._is_old else ["_up"]
            return self.session.is_answered(
                self.session.prepare("GET", self._url(path, None), credentials=self.resource.credentials)
            )

    def info(self) -> Document:
        """CouchDB's welcome: its version and vendor."""
        _, _, welcome = self.resource.get_json()
        self._is_old = "bigcouch" in welcome or str(welcome.get("version")).startswith(("0.", "1."))
        return dict(welcome)

    def tasks(self) -> list[Document]:
        """What CouchDB is doing beside answering."""
        return list(self._server.tasks())

    def clock(self) -> datetime | None:
        """The time of CouchDB's clock, in whole seconds; None if it doesn't say."""
        _, headers, response = self.resource.get(headers=ANY_TYPE)
        response.close()
        try:
            return parsedate_to_datetime(headers.get("date", ""))
        except ValueError:
            return None

    def nodes(self) -> tuple[list[str], list[str]]:
        """The names of the nodes that are up and know each other, and of those that the cluster should have."""
        _, _, answer = self.resource.get_json("_membership")
        return sorted(answer["all_nodes"]), sorted(answer["cluster_nodes"])

    def read_node(self, node: str, *path: str) -> Any:
        """What a node says of itself at ``_config``, ``_system`` or ``_stats``, or below; None if it doesn't."""
        try:
            _, _, answer = self.resource.get_json(["_node", node, *path])
        except (NotFound, Rejected):  # an older CouchDB, or a user who may not ask
            return None
        return answer

    def is_open_to_anybody(self, name: str) -> bool:
        """Whether a database can be read without credentials."""
        url = self._url([name, "_all_docs"], {"limit": 0})
        try:
            self.session.open(self.session.prepare("GET", url)).close()
        except (NotFound, Rejected, Unauthorized):
            return False
        return True

    def is_administrator(self) -> bool:
        """Whether the credentials are an administrator's."""
        try:
            self.resource.get_json("_all_dbs", limit=1)
        except Unauthorized:
            return False
        except Rejected as error:
            if error.status == 403:
                return False
            self.names()  # CouchDB 1.x and BigCouch know no limit
        return True

    def database(self, name: str) -> Database:
        """A database by its plain name, whether it exists or not; no request is made."""
        return self._cached_database(name)

    def exists(self, name: str) -> bool:
        """Whether there is a database of that name."""
        return name in self._server

    def create(self, name: str) -> bool:
        """Create a database; False when it was there already (another process may have been quicker)."""
        try:
            self.resource.put_json(name)
        except Rejected as error:
            if error.status != 412:
                raise
            return False
        return True

    def drop(self, name: str) -> bool:
        """Delete a database and all that is in it; False when there was none."""
        try:
            self._server.delete(name)
        except NotFound:
            return False
        return True

    def names(self, prefix: str = "", *, first: str = "", last: str = "") -> list[str]:
        """The names of all databases that begin with a prefix, in order.

        With `first` and `last` only those from the one name to the other, and those that begin with `last`.
        """
        begin, end = first or prefix, (last or prefix) + "\ufff0"
        if prefix and self._has_ranges_of_names:
            options = query_params({"startkey": begin, "endkey": end})
            try:
                return self._list_names(prefix, options)
            except (NotFound, Rejected):  # CouchDB 1.x and BigCouch list all or none
                names = self._list_names(prefix, {})
                self._has_ranges_of_names = False
        else:
            names = self._list_names(prefix, {})
        return [name for name in names if begin <= name < end]

    def _list_names(self, prefix: str, options: Mapping[str, Any]) -> list[str]:
        _, _, names = self.resource.get_json("_all_dbs", **options)
        return sorted(name for name in names if name.startswith(prefix))

    def database_updates(self, since: str) -> UpdatesPage:
        """What happened to databases after a sequence, or ``"now"``. Raises NotFound without ``_global_changes``."""
        _, _, answer = self.resource.get_json("_db_updates", since=since)
        return UpdatesPage(
            [DatabaseUpdate.of(row) for row in answer["results"]],
            str(answer["last_seq"]),
        )

    def follow_database_updates(self, since: str, heartbeat: float) -> Iterator[DatabaseUpdate | None]:
        """Yield what happens to databases after a sequence, as it happens; None at first and in a quiet `heartbeat`.

        Ends when CouchDB ends it. Raises Unreachable when the connection breaks or is silent.
        """
        params = {"feed": "continuous", "since": since, "heartbeat": round(heartbeat * 1000)}
        url = self._url(["_db_updates"], params)
        request = self.session.prepare("GET", url, None, ANY_TYPE, self.resource.credentials)
        with silence_limited_to(3 * heartbeat + _CHECK_SECONDS):
            response = self.session.open(request)
        try:
            yield None  # connected
            for line in response.lines():
                row = orjson.loads(line) if line else None
                if row is None or "db_name" in row:
                    yield row and DatabaseUpdate.of(row)
        finally:
            response.close()

    def infos(self, names: Sequence[str]) -> dict[str, Document]:
        """What CouchDB says of several databases (doc_count, sizes ...), those that exist, in few requests."""
        infos: dict[str, Document] = {}
        for start in range(0, len(names), _INFOS_PER_REQUEST):
            keys = list(names[start : start + _INFOS_PER_REQUEST])
            _, _, rows = self.resource.post_json("_dbs_info", body={"keys": keys})
            infos.update({row["key"]: row["info"] for row in rows if "info" in row})
        return infos

    def fetch_both(self, first: ReadRequest[First], second: ReadRequest[Second]) -> tuple[First, Second]:
        """`fetch_all` of two requests with different results."""
        requests: list[ReadRequest[Any]] = [first, second]
        first_result, second_result = self.fetch_all(requests)
        return first_result, second_result

    def fetch_all(self, requests: Sequence[ReadRequest[Result]]) -> list[Result]:
        """The results of requests of which none waits for another. All are sent before a response is read."""
        pending = self.session.send_all(
            self.session.prepare(
                request.method, self._url(request.path, request.params), request.body, None, self.resource.credentials
            )
            for request in requests
        )
        try:
            contents = [read_json(response) for response in pending]
        finally:
            for response in pending:
                response.close()
        return [request.parse(content) for request, content in zip(requests, contents, strict=True)]

    def request_attachment(self, path: Sequence[str], params: Mapping[str, Any]) -> PendingAttachment:
        """Ask for an attachment that is read later, or not at all."""
        url = self._url(path, params)
        request = self.session.prepare("GET", url, None, ANY_TYPE, self.resource.credentials)
        (pending,) = self.session.send_all([request])
        return PendingAttachment(pending)

    def _url(self, path: Sequence[str], params: Mapping[str, Any] | None) -> str:
        return str(urljoin(self.resource.url, *path, **(params or {})))


@cache
def couch() -> Couch:
    """The CouchDB that this process serves (setting COUCHDB_URL)."""
    return Couch(
        settings.COUCHDB_URL,
        connect_timeout=settings.COUCHDB_CONNECT_TIMEOUT,
        read_timeout=settings.COUCHDB_READ_TIMEOUT,
        add_views=import_string(settings.COUCHDB_ADD_VIEWS),
    )
