"""The HTTP session under python-couchdb, mended where a busy multi-threaded service needs it.

python-couchdb's own ``Session`` keeps a shared cache of whole responses, repeats every kind of request
after a broken connection, fails on long or non-JSON errors and sends files only in chunks. This one
keeps no cache, checks a pooled connection before it is used, repeats only what is safe to repeat,
reads any error, sends bodies of known length as such, and spends less on a request than CouchDB does
(couch_wire).
"""

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from typing import Any, NamedTuple, Protocol

import orjson
from couchdb import http as couchdb_http

from couch.errors import TimedOut, Unreachable
from couch.wire import CHUNK, Connection, Response

# Pauses before a request is tried again: long enough for a restarting listener, short enough for a caller.
_RETRY_PAUSES = (0.05, 0.25)
_CONTROL = re.compile("[\x00-\x1f\x7f]")
_SAFE_METHODS = ("GET", "HEAD")


class Readable(Protocol):
    """What a body is read from."""

    def read(self, size: int = -1, /) -> bytes: ...


@dataclass
class SizedBody:
    """A body of known length, sent piece by piece: bytes before, a file, bytes after."""

    file: Readable
    file_length: int
    head: bytes = b""
    tail: bytes = b""

    @property
    def length(self) -> int:
        """What goes into Content-Length."""
        return len(self.head) + self.file_length + len(self.tail)

    def pieces(self) -> Iterator[bytes]:
        """The body in order; ValueError when the file ends early, so that nothing short is taken for whole."""
        if self.head:
            yield self.head
        left = self.file_length
        while left:
            piece = self.file.read(min(CHUNK, left))
            if not piece:
                raise ValueError(f"the body ended {left} bytes early")
            left -= len(piece)
            yield piece
        if self.tail:
            yield self.tail


class Answer:
    """An open response: read it to its end or close it, so that its connection is free again or gone."""

    def __init__(self, response: Response, connection: Connection) -> None:
        self.status, self.headers = response.status, response.headers
        self._response, self._connection = response, connection

    def read(self, size: int = -1) -> bytes:
        """The next bytes; Unreachable when the connection breaks before the end."""
        try:
            return self._response.read(size)
        except (OSError, ValueError) as error:  # it broke, or was closed here
            self.close()
            raise Unreachable(f"the answer broke off: {error!r}") from error

    def close(self) -> None:
        """Give up what is unread, and with it the connection."""
        if not self._response.ended:
            self._connection.close()


class Sent:
    """A request that was sent and whose answer nobody waits for yet: others can be sent meanwhile.

    It is one that is safe to repeat: where its connection broke, or there was none, it is sent again.
    """

    def __init__(self, session: "Session", connection: Connection | None, request: "Reading") -> None:
        self._session, self._connection, self._request = session, connection, request

    def answer(self) -> Answer:
        """Its open answer; Unreachable."""
        connection, self._connection = self._connection, None
        method, url, body, credentials, headers = self._request
        if connection is not None:
            try:
                return self._session.answer_over(connection, method, url)
            except TimedOut:
                raise
            except Unreachable:
                pass
        return self._session.open(method, url, body, headers, credentials, safe=True)

    def close(self) -> None:
        """Give up an answer that nobody asked for."""
        if self._connection is not None:
            self._connection.close()


class Reading(NamedTuple):
    """A request that is safe to repeat."""

    method: str
    url: str
    body: Any
    credentials: tuple[str, str] | None
    headers: Mapping[str, str] | None = None


class Pool:
    """Connections kept alive to one server or another."""

    def __init__(self, connect_timeout: float, read_timeout: float) -> None:
        self.connect_timeout, self.read_timeout = connect_timeout, read_timeout
        self._idle: dict[tuple[str, str], list[Connection]] = {}

    def get(self, scheme: str, host: str) -> Connection:
        """A connection that was alive a moment ago, or a new one; Unreachable when there is none to be had."""
        idle = self._idle_of(scheme, host)
        while True:
            try:
                connection = idle.pop()  # of several threads, each gets another one
            except IndexError:
                return self._connect(scheme, host)
            if not connection.has_more():
                return connection
            connection.close()

    def keeper(self, scheme: str, host: str) -> Callable[[Connection], None]:
        """Who takes back a connection to a server that is free again."""
        return self._idle_of(scheme, host).append

    def _idle_of(self, scheme: str, host: str) -> list[Connection]:
        return self._idle.setdefault((scheme, host), [])

    def _connect(self, scheme: str, host: str) -> Connection:
        try:
            return Connection(scheme, host, self.connect_timeout, self.read_timeout)
        except OSError as error:
            raise Unreachable(f"cannot connect to {host}: {error}") from error


class Session(couchdb_http.Session):  # type: ignore[misc]  # python-couchdb has no types
    """A ``couchdb.http.Session`` for threads. Give it to ``couchdb.Server``; the gateway uses ``open`` itself."""

    def __init__(self, connect_timeout: float, read_timeout: float) -> None:
        super().__init__(timeout=read_timeout, retry_delays=())
        self.cache = None
        self.pool = Pool(connect_timeout, read_timeout)

    def request(
        self,
        method: str,
        url: str,
        body: Any = None,
        headers: dict[str, str] | None = None,
        credentials: tuple[str, str] | None = None,
        num_redirects: int = 0,
    ) -> tuple[int, Mapping[str, str], BytesIO]:
        """What python-couchdb's own classes call: the whole answer, or one of its exceptions by status."""
        answer = self.open(method, url, body, headers, credentials)
        content = answer.read()
        if answer.status >= 400:
            raise couchdb_http.ServerError((answer.status, content[:1000]))
        return answer.status, answer.headers, BytesIO(content)

    def open(
        self,
        method: str,
        url: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        credentials: tuple[str, str] | None = None,
        *,
        safe: bool | None = None,
    ) -> Answer:
        """Send a request and return its open answer, whatever the status. Bodies: None, bytes, SizedBody, JSON.

        A connection that can't be made is tried again for any request; one that breaks later only when
        the request is `safe` to repeat (by default GET and HEAD), and never one that was not answered in time.
        Raises Unreachable.
        """
        repeatable = method in _SAFE_METHODS if safe is None else safe
        scheme, host, target = _parts(url)
        head, payload = self._prepare(method, target, host, body, headers, credentials)
        for pause in (*_RETRY_PAUSES, None):
            try:
                connection = self.pool.get(scheme, host)
            except Unreachable:
                if pause is None:
                    raise
                time.sleep(pause)
                continue
            try:
                with _closed_on_error(connection, method):
                    _send(connection, head, payload)
                    return Answer(Response(connection, method, self.pool.keeper(scheme, host)), connection)
            except TimedOut:
                raise
            except Unreachable:
                if pause is None or not repeatable:
                    raise
                time.sleep(pause)
        raise AssertionError("unreachable: the last round returns or raises")

    def send_all(self, requests: Sequence["Reading"]) -> list[Sent]:
        """Send requests that are safe to repeat, each over a connection of its own, and wait for none of them."""
        sent: list[Sent] = []
        broken = False
        for request in requests:
            connection = None
            if not broken:  # else they are sent one by one, by who reads their answers
                with suppress(Unreachable):
                    connection = self._sent_over(request)
                broken = connection is None
            sent.append(Sent(self, connection, request))
        return sent

    def _sent_over(self, request: "Reading") -> Connection:
        method, url, body, credentials, headers = request
        scheme, host, target = _parts(url)
        head, payload = self._prepare(method, target, host, body, headers, credentials)
        connection = self.pool.get(scheme, host)
        with _closed_on_error(connection, method):
            _send(connection, head, payload)
        return connection

    def answer_over(self, connection: Connection, method: str, url: str) -> Answer:
        """The open answer to what was sent over a connection; Unreachable, TimedOut."""
        scheme, host, _ = _parts(url)
        with _closed_on_error(connection, method):
            return Answer(Response(connection, method, self.pool.keeper(scheme, host)), connection)

    def _prepare(
        self,
        method: str,
        target: str,
        host: str,
        body: Any,
        headers: Mapping[str, str] | None,
        credentials: tuple[str, str] | None,
    ) -> tuple[bytes, bytes | SizedBody | None]:
        """A request's head and its body, as they are sent."""
        sent = {"Accept": "application/json", "User-Agent": self.user_agent, **(headers or {})}
        payload = body
        if body is not None:
            if not isinstance(body, bytes | SizedBody):
                payload = orjson.dumps(body)
                sent.setdefault("Content-Type", "application/json")
            sent["Content-Length"] = str(payload.length if isinstance(payload, SizedBody) else len(payload))
        elif method not in _SAFE_METHODS:
            sent["Content-Length"] = "0"
        if credentials:
            sent["Authorization"] = _basic(credentials)
        lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", *(f"{name}: {text}" for name, text in sent.items())]
        if any(map(_CONTROL.search, lines)):
            raise ValueError("the head of a request to CouchDB holds a control character")
        return "\r\n".join([*lines, "\r\n"]).encode("latin-1"), payload


@contextmanager
def _closed_on_error(connection: Connection, method: str) -> Iterator[None]:
    """Close a connection that nothing more can be had from; what went wrong is Unreachable."""
    try:
        yield
    except TimeoutError as error:
        connection.close()
        raise TimedOut(f"{method} got no answer in time") from error
    except OSError as error:
        connection.close()
        raise Unreachable(f"{method} got no answer: {error!r}") from error
    except BaseException:
        connection.close()
        raise


def _parts(url: str) -> tuple[str, str, str]:
    """A URL's scheme, host (with its port) and target."""
    scheme, _, rest = url.partition("://")
    host, _, target = rest.partition("/")
    return scheme, host, f"/{target}"


@cache
def _basic(credentials: tuple[str, str]) -> str:
    return str(couchdb_http.basic_auth(credentials).decode("ascii"))


def _send(connection: Connection, head: bytes, payload: bytes | SizedBody | None) -> None:
    if isinstance(payload, SizedBody):
        connection.send(head)
        _send_pieces(connection, payload)
    else:
        connection.send(head + payload if payload else head)


def _send_pieces(connection: Connection, body: SizedBody) -> None:
    """Send a long body; a server that answers early (413, 409) and stops reading is heard all the same."""
    pieces = body.pieces()
    for piece in pieces:
        try:
            connection.send(piece)
        except (BrokenPipeError, ConnectionResetError):
            return
