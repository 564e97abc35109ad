"""A proxy that makes CouchDB go away after a number of requests, as if its client were killed or the network cut."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import Enum, auto
from io import BufferedReader
from types import TracebackType
from urllib.parse import urlsplit

from django.conf import settings

from couch.client import couch


class CuttingProxy:
    """Passes requests on and counts them, and goes away after `limit` of them.

    The next request is cut off: it doesn't arrive, or (`swallow`) it takes effect and its answer is lost. Then every
    connection is refused until `restore`.
    `before` is called with the number of each request, from 1, before it is passed on. All others wait meanwhile.
    A request whose head `hangs_up_on` accepts gets no answer; all others do.
    """

    def __init__(
        self,
        target: str,
        limit: int | None = None,
        *,
        swallow: bool = False,
        before: Callable[[int], None] = lambda number: None,
        hangs_up_on: Callable[[bytes], bool] = lambda head: False,
    ) -> None:
        parts = urlsplit(target)
        self._target = (str(parts.hostname), int(parts.port or 80))
        self._limit, self._swallow, self._before = limit, swallow, before
        self._hangs_up_on = hangs_up_on
        self._lock = threading.Lock()
        self._connections: set[socket.socket] = set()
        self.requests = 0
        self.is_gone = threading.Event()
        self._is_cutting = False
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._port = self._listening.getsockname()[1]
        self.url = f"{parts.scheme}://{parts.username}:{parts.password}@127.0.0.1:{self._port}"
        self._accept()

    def cut_after(self, requests: int) -> None:
        """Go away after a number of further requests."""
        with self._lock:
            self._limit = self.requests + requests

    def restore(self) -> None:
        """Pass requests on again, at the same address, without a limit."""
        self._limit = None
        self._is_cutting = False
        self.is_gone.clear()
        self._listening = socket.create_server(("127.0.0.1", self._port), backlog=128)
        self._accept()

    def __enter__(self) -> "CuttingProxy":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.go_away()

    def go_away(self) -> None:
        """Cut all connections, and refuse new ones."""
        self.is_gone.set()
        with self._lock:
            for sock in (self._listening, *self._connections):
                _shut(sock)
            self._connections.clear()

    def _accept(self) -> None:
        listening = self._listening

        def accept() -> None:
            while True:
                try:
                    client, _ = listening.accept()
                except OSError:
                    return
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        server = socket.create_connection(self._target)
        for sock in (client, server):
            # Heads and bodies are sent one by one: else each body would wait 40 ms for the head to be acknowledged.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
        with self._lock:
            self._connections |= {client, server}
        try:
            requests, answers = client.makefile("rb"), server.makefile("rb")
            while (head := _read_head(requests)) and not self._hangs_up_on(head):
                cut = self._decide_cut()
                if cut is Cut.BEFORE:
                    return
                _pass_on(head, requests, server)
                answer = _read_head(answers)
                if cut is Cut.AFTER:
                    self.go_away()
                    return
                _pass_on(answer, answers, client, without_body=head.startswith(b"HEAD") or b" 304 " in answer[:20])
        except OSError:
            pass
        finally:
            with self._lock:
                self._connections -= {client, server}
            _shut(client)
            _shut(server)

    def _decide_cut(self) -> "Cut":
        """Count a request, and decide whether it is the one to be cut off."""
        with self._lock:
            # One request alone is cut off: a second one would make it go away again after it is restored.
            if self.is_gone.is_set() or self._is_cutting:
                return Cut.BEFORE
            self.requests += 1
            self._before(self.requests)
            if self._limit is None or self.requests <= self._limit:
                return Cut.NO
            self._is_cutting = True
        if self._swallow:
            return Cut.AFTER
        self.go_away()
        return Cut.BEFORE


class Cut(Enum):
    """Where a request is cut off: nowhere, before it arrives, or before its answer does."""

    NO = auto()
    BEFORE = auto()
    AFTER = auto()


@contextmanager
def through(proxy: CuttingProxy) -> Iterator[None]:
    """Within, this process reaches CouchDB through the proxy."""
    direct_url = settings.COUCHDB_URL
    settings.COUCHDB_URL = proxy.url
    couch.cache_clear()
    try:
        yield
    finally:
        settings.COUCHDB_URL = direct_url
        couch.cache_clear()


def _read_head(file: BufferedReader) -> bytes:
    lines = []
    while line := file.readline():
        lines.append(line)
        if line == b"\r\n":
            return b"".join(lines)
    return b""


def _pass_on(head: bytes, source: BufferedReader, target: socket.socket, *, without_body: bool = False) -> None:
    """Send a head, and the body that it announces by length or in chunks."""
    if not head:
        raise OSError("the connection was closed")
    target.sendall(head)
    if without_body:
        return
    fields = dict(line.lower().split(b":", 1) for line in head.split(b"\r\n")[1:] if b":" in line)
    if b"chunked" in fields.get(b"transfer-encoding", b""):
        while True:
            size = source.readline()
            if not size:
                raise OSError("the body ended early")
            piece = source.read(int(size.split(b";")[0], 16) + 2)
            target.sendall(size + piece)
            if piece == b"\r\n":
                return
    pending = int(fields.get(b"content-length", b"0"))
    while pending:
        piece = source.read(min(pending, 65536))
        if not piece:
            raise OSError("the body ended early")
        target.sendall(piece)
        pending -= len(piece)


def _shut(sock: socket.socket) -> None:
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
    sock.close()
