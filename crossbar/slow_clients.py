"""WSGI middleware that ends requests whose clients keep a thread waiting: for a body, or until they take a response.

A thread that waits for a client can't look at the time, since gunicorn returns from a read or a write only when that
is complete. So another thread does: it asks the kernel how many bytes have come or were acknowledged, and shuts the
connection of a client that is too slow. Time counts only while a thread waits for the client: a slow CouchDB is not
the client's fault.

However many clients that haven't signed in send slowly, they keep half of the threads waiting at most: beyond that,
those that have waited for longest are cut off.

Heads of requests come before any of this. The proxy in front limits them (deploy/haproxy.cfg).
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from crossbar.connection import ENVIRON_KEY, ClientTooSlow, Connection

Environ = dict[str, Any]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]

logger = logging.getLogger(__name__)

_ANONYMOUS_SILENCE = 5.0  # seconds: bodies and answers are short before anybody has signed in
_ANONYMOUS_CROWD_SILENCE = 0.25  # seconds, when too many of them keep threads waiting
_LONGEST_TICK = 0.5  # seconds
_READ_SIZE = 64 * 1024
_MAX_DRAINED = 256 * 1024 * 1024
_MAX_DRAINED_AT_ONCE = 1024 * 1024


class SlowClients:
    """A WSGI application in which no client is silent for more than `silence` seconds; 5 if it hasn't signed in.

    Nor does one send or receive less than `min_rate` bytes a second, on the average of as many seconds. `threads` is
    how many requests are served at a time.
    """

    def __init__(self, application: Application, silence: float, min_rate: int, threads: int) -> None:
        self._application = application
        self._watch = _Watch(silence, min_rate, max(1, threads // 2))

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a request."""
        connection = environ[ENVIRON_KEY] = Connection(environ.get("gunicorn.socket"))
        body = None
        if "CONTENT_LENGTH" in environ or "HTTP_TRANSFER_ENCODING" in environ:
            body = environ["wsgi.input"] = _Body(environ, connection)
        self._watch.add(connection)
        try:
            response = self._application(environ, start_response)
        except BaseException:
            self._watch.remove(connection)
            connection.end()
            raise
        if body is not None and not body.is_complete and not connection.drain_seconds:
            _receive_the_arrived(connection, body)
        return _Response(response, connection, body, self._watch, keeps_open=_keeps_open(environ))


class _Body:
    """``wsgi.input``: raises OSError for whatever is wrong with the body, and ClientTooSlow when it was cut off."""

    def __init__(self, environ: Environ, connection: Connection) -> None:
        self._input, self._connection = environ["wsgi.input"], connection
        length = str(environ.get("CONTENT_LENGTH") or "")
        self._unread = int(length) if length.isascii() and length.isdigit() else None
        self.is_complete = self._unread == 0
        """Whether all of it was read."""

    def read(self, size: int = -1, /) -> bytes:
        return self._receive(self._input.read, size)

    def readline(self, size: int = -1, /) -> bytes:
        return self._receive(self._input.readline, size)

    def _receive(self, read: Callable[[int], bytes], size: int) -> bytes:
        connection = self._connection
        connection.waiting_since = time.monotonic()
        try:
            piece = read(size)
        except Exception as error:  # gunicorn has a dozen kinds for chunks that are broken
            raise _body_error(connection) from error
        finally:
            connection.waiting_since = 0.0
        if connection.is_cut:
            raise _body_error(connection)
        if self._unread is not None:
            self._unread -= len(piece)
        if self._unread == 0 or (not piece and size):
            self.is_complete = True
        return piece

    def drain(self, limit: int) -> None:
        """Receive what is left, if it is no more than `limit` bytes."""
        while limit > 0 and not self.is_complete:
            limit -= len(self.read(_READ_SIZE))


def _body_error(connection: Connection) -> OSError:
    return ClientTooSlow("the body came too slowly") if connection.is_cut else OSError("the body is malformed")


class _Response:
    """A response: gunicorn sends one piece of it before it asks for the next one."""

    def __init__(
        self,
        response: Iterable[bytes],
        connection: Connection,
        body: _Body | None,
        watch: "_Watch",
        *,
        keeps_open: bool,
    ) -> None:
        self._response, self._pieces = response, iter(response)
        self._connection, self._body, self._watch = connection, body, watch
        self._keeps_open = keeps_open

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        connection = self._connection
        connection.waiting_since = 0.0
        try:
            return next(self._pieces)
        finally:
            connection.is_sending = True
            connection.waiting_since = time.monotonic()

    def close(self) -> None:
        connection, body = self._connection, self._body
        connection.waiting_since = 0.0
        try:
            close = getattr(self._response, "close", None)
            if close is not None:
                close()
            if body is not None and not body.is_complete:
                connection.stop_sending()
                _drain(connection, body)
                self._keeps_open = self._keeps_open and body.is_complete
        finally:
            self._watch.remove(connection)
            if not self._keeps_open:
                # gunicorn would wait for the end of the stream for seconds, in the thread that accepts connections.
                connection.stop_receiving()
            connection.end()


def _receive_the_arrived(connection: Connection, body: _Body) -> None:
    """Receive what has come of a body that nobody reads, and wait for no more of it."""
    sock = connection.sock
    if sock is None:
        return
    try:
        sock.setblocking(False)
        body.drain(_MAX_DRAINED_AT_ONCE)
    except OSError:
        pass
    finally:
        with suppress(OSError):
            sock.setblocking(True)
    if not body.is_complete:
        connection.send_the_end_along()


def _drain(connection: Connection, body: _Body) -> None:
    """Receive the rest of a body, for `drain_seconds`: a client that is cut off while it sends reads no response."""
    if connection.drain_seconds:
        connection.is_sending = False
        connection.cut_in(connection.drain_seconds)
        with suppress(OSError):
            body.drain(_MAX_DRAINED)


def _keeps_open(environ: Environ) -> bool:
    """Whether the connection takes another request, as far as the client said so."""
    words = {word.strip().lower() for word in environ.get("HTTP_CONNECTION", "").split(",")}
    return "close" not in words and (environ.get("SERVER_PROTOCOL") != "HTTP/1.0" or "keep-alive" in words)


@dataclass
class _Mark:
    """How far a client was, and when."""

    is_sending: bool
    start: float
    start_count: int
    last_change: float
    last_count: int


class _Watch:
    """The thread that watches the connections of a worker."""

    def __init__(self, silence: float, min_rate: int, most_anonymous: int) -> None:
        self._silence, self._min_rate, self._most_anonymous = silence, min_rate, most_anonymous
        self._connections: set[Connection] = set()
        self._marks: dict[Connection, _Mark] = {}
        self._lock = threading.Lock()
        self._is_running = False

    def add(self, connection: Connection) -> None:
        if not self._is_running:
            self._start()
        self._connections.add(connection)

    def remove(self, connection: Connection) -> None:
        self._connections.discard(connection)

    def _start(self) -> None:
        with self._lock:
            if not self._is_running:
                threading.Thread(target=self._run, name="slow-clients", daemon=True).start()
                self._is_running = True

    def _run(self) -> None:
        tick = min(_LONGEST_TICK, self._silence / 4)
        while True:
            time.sleep(tick)
            now, connections = time.monotonic(), self._connections.copy()
            self._marks = {
                connection: mark
                for connection in connections
                if (mark := self._check(connection, self._marks.get(connection), now)) is not None
            }
            self._thin_out(connections, now)

    def _thin_out(self, connections: set[Connection], now: float) -> None:
        """Cut clients that haven't signed in and send for longest, where there are too many of them."""
        if len(connections) <= self._most_anonymous:
            return
        senders = [
            (waiting_since, id(connection), connection)
            for connection in connections
            if (waiting_since := connection.waiting_since) and connection.is_anonymous_sender
        ]
        surplus = sorted(senders)[: max(0, len(senders) - self._most_anonymous)]
        overdue = [sender for sender in surplus if now - sender[0] >= _ANONYMOUS_CROWD_SILENCE]
        for _, _, connection in overdue:
            connection.cut()
        if overdue:
            logger.warning("Cut off %d clients: too many that haven't signed in keep threads waiting", len(overdue))

    def _check(self, connection: Connection, mark: _Mark | None, now: float) -> _Mark | None:
        """Cut a connection whose client is too slow. Returns the mark to compare with the next time."""
        waiting_since = connection.waiting_since
        if not waiting_since or connection.is_cut:
            return None
        if connection.is_overdue(now):
            connection.cut()
            return None
        count = connection.transferred()
        if count is None:
            return None
        if mark is None or mark.is_sending != connection.is_sending:
            return _Mark(connection.is_sending, waiting_since, count, now, count)
        if count != mark.last_count:
            mark.last_change, mark.last_count = now, count
        span = self._silence if connection.is_known else min(self._silence, _ANONYMOUS_SILENCE)
        is_silent = now - max(mark.last_change, waiting_since) >= span
        is_slow = now - mark.start >= span and count - mark.start_count < self._min_rate * (now - mark.start)
        if is_silent or is_slow:
            logger.warning("Cut off a client that was too slow to %s", "receive" if mark.is_sending else "send")
            connection.cut()
            return None
        return _Mark(mark.is_sending, now, count, now, count) if now - mark.start >= span else mark
