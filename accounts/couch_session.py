"""The HTTP session under python-couchdb, mended where a busy multi-threaded service needs it.

python-couchdb's own ``Session`` keeps a shared cache of whole responses, repeats every kind of request
after a broken connection, fails on long or non-JSON errors and sends files only in chunks. This one
keeps no cache, checks a pooled connection before it is used, repeats only what is safe to repeat,
reads any error, and sends bodies of known length as such.
"""

import http.client
import select
import socket
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Protocol
from urllib.parse import urlsplit

import orjson
from couchdb import http as couchdb_http

CHUNK = 64 * 1024
# Pauses before a request is tried again: long enough for a restarting listener, short enough for a caller.
_RETRY_PAUSES = (0.05, 0.25)
_LONGEST_LINE = 65_536
_MOST_HEADERS = 100
_SAFE_METHODS = ("GET", "HEAD")


class Unreachable(Exception):
    """No answer came: nobody listens, the connection broke, or time ran out."""


class TimedOut(Unreachable):
    """Somebody listens, but time ran out: to ask again at once would only double the wait."""


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

    def __init__(self, response: http.client.HTTPResponse, pool: "Pool", url: str, connection: Any) -> None:
        self.status = response.status
        self.headers: Mapping[str, str] = {k.lower(): v for k, v in response.headers.items()}
        self._response = response
        self._pool, self._url, self._connection = pool, url, connection

    def read(self, size: int = -1) -> bytes:
        """The next bytes; Unreachable when the connection breaks before the end."""
        try:
            piece = self._response.read() if size < 0 else self._response.read(size)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise Unreachable(f"the answer broke off: {error!r}") from error
        if size < 0 or not piece or self._response.isclosed():
            self._finish()
        return piece

    def _finish(self) -> None:
        if self._connection is None:
            return
        if self._response.length:  # http.client ends a short body silently
            missing = self._response.length
            self.close()
            raise Unreachable(f"the answer ended {missing} bytes early")
        connection, self._connection = self._connection, None
        if self._response.will_close:
            connection.close()
        else:
            self._pool.release(self._url, connection)

    def close(self) -> None:
        """Give up what is unread, and with it the connection."""
        connection, self._connection = self._connection, None
        self._response.close()
        if connection is not None:
            connection.close()


class Headers(dict[str, str]):
    """An answer's headers, by their names in lower case; repeated ones are joined as HTTP has it."""

    def get(self, name: str, default: Any = None) -> Any:
        """A header, however its name is spelled."""
        return super().get(name.lower(), default)


class Response(http.client.HTTPResponse):
    """An answer whose headers are read as what they are, lines of text.

    The standard library reads them as an e-mail's, which takes longer than all else that a small request takes.
    """

    def begin(self) -> None:
        """Read the status line and the headers, and find out how long the body is."""
        version, status, reason = self._read_status()  # type: ignore[attr-defined]
        while status == http.HTTPStatus.CONTINUE:
            self._read_headers()
            version, status, reason = self._read_status()  # type: ignore[attr-defined]
        self.code = self.status = status
        self.reason = reason.strip()
        self.version = 11 if version != "HTTP/1.0" else 10
        headers = self._read_headers()
        self.headers = self.msg = headers  # type: ignore[assignment]
        self.chunked = headers.get("transfer-encoding", "").lower() == "chunked"
        self.chunk_left = None
        self.will_close = self._check_close()  # type: ignore[attr-defined]
        length = headers.get("content-length", "")
        self.length = int(length) if length.isdigit() and not self.chunked else None
        if status in (204, 304) or self._method == "HEAD":  # type: ignore[attr-defined]
            self.length = 0
        if self.length is None and not self.chunked:
            self.will_close = True

    def _read_headers(self) -> Headers:
        headers = Headers()
        for _ in range(_MOST_HEADERS):
            line = self.fp.readline(_LONGEST_LINE + 1)
            if len(line) > _LONGEST_LINE:
                raise http.client.LineTooLong("header line")
            if line in (b"\r\n", b"\n", b""):
                return headers
            name, _, value = line.decode("latin-1").partition(":")
            key, text = name.strip().lower(), value.strip()
            headers[key] = f"{headers[key]}, {text}" if key in headers else text
        raise http.client.HTTPException("too many headers")


class Pool(couchdb_http.ConnectionPool):  # type: ignore[misc]  # python-couchdb has no types
    """Connections kept alive per server, with a time limit for connecting and one for each read."""

    def __init__(self, connect_timeout: float, read_timeout: float) -> None:
        super().__init__(read_timeout)
        self.connect_timeout = connect_timeout

    def get(self, url: str) -> Any:
        """A connection that was alive a moment ago, or a new one; Unreachable when there is none to be had."""
        scheme, host = urlsplit(url)[:2]
        while True:
            with self.lock:
                idle = self.conns.setdefault((scheme, host), [])
                connection = idle.pop() if idle else None
            if connection is None:
                return self._connect(scheme, host)
            if not _was_closed(connection.sock):
                return connection
            connection.close()

    def _connect(self, scheme: str, host: str) -> Any:
        kind = http.client.HTTPSConnection if scheme == "https" else http.client.HTTPConnection
        connection = kind(host, timeout=self.connect_timeout)
        connection.response_class = Response
        try:
            connection.connect()
        except OSError as error:
            raise Unreachable(f"cannot connect to {host}: {error}") from error
        connection.sock.settimeout(self.timeout)
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection


def _was_closed(sock: socket.socket | None) -> bool:
    """Whether the other side hung up on an idle connection: it is readable though nothing was asked."""
    if sock is None:
        return True
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))


class Session(couchdb_http.Session):  # type: ignore[misc]  # python-couchdb has no types
    """A ``couchdb.http.Session`` for threads. Give it to ``couchdb.Server``; the gateway uses ``open`` itself."""

    def __init__(self, connect_timeout: float, read_timeout: float) -> None:
        super().__init__(timeout=read_timeout, retry_delays=())
        self.cache = None
        self.connection_pool = Pool(connect_timeout, read_timeout)

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
        sent_headers, payload = self._prepare(body, headers, credentials)
        for pause in (*_RETRY_PAUSES, None):
            try:
                connection = self.connection_pool.get(url)
            except Unreachable:
                if pause is None:
                    raise
                time.sleep(pause)
                continue
            try:
                return self._send(connection, method, url, sent_headers, payload)
            except TimedOut:
                raise
            except Unreachable:
                if pause is None or not repeatable:
                    raise
                time.sleep(pause)
        raise AssertionError("unreachable: the last round returns or raises")

    def _prepare(
        self, body: Any, headers: Mapping[str, str] | None, credentials: tuple[str, str] | None
    ) -> tuple[dict[str, str], bytes | SizedBody | None]:
        sent = {"Accept": "application/json", "User-Agent": self.user_agent, **(headers or {})}
        payload = body
        if body is None:
            sent["Content-Length"] = "0"
        elif isinstance(body, SizedBody):
            sent["Content-Length"] = str(body.length)
        else:
            if not isinstance(body, bytes):
                payload = orjson.dumps(body)
                sent.setdefault("Content-Type", "application/json")
            sent["Content-Length"] = str(len(payload))
        if credentials:
            sent["Authorization"] = couchdb_http.basic_auth(credentials).decode("ascii")
        return sent, payload

    def _send(
        self,
        connection: Any,
        method: str,
        url: str,
        headers: Mapping[str, str],
        payload: bytes | SizedBody | None,
    ) -> Answer:
        parts = urlsplit(url)
        target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        try:
            connection.putrequest(method, target, skip_accept_encoding=True)
            for name, value in headers.items():
                connection.putheader(name, value)
            if isinstance(payload, SizedBody):
                connection.endheaders()
                _send_pieces(connection, payload)
            else:
                connection.endheaders(payload)
            return Answer(connection.getresponse(), self.connection_pool, url, connection)
        except TimeoutError as error:
            connection.close()
            raise TimedOut(f"{method} got no answer in time") from error
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise Unreachable(f"{method} got no answer: {error!r}") from error
        except BaseException:
            connection.close()
            raise


def _send_pieces(connection: Any, body: SizedBody) -> None:
    """Send a long body; a server that answers early (413, 409) and stops reading is heard all the same."""
    pieces = body.pieces()
    for piece in pieces:
        try:
            connection.send(piece)
        except (BrokenPipeError, ConnectionResetError):
            return
