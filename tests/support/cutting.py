"""A CouchDB that goes away after so many requests: a proxy between the migration and the real one."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader
from types import TracebackType
from urllib.parse import urlsplit

from django.conf import settings

from couch.client import couch


class CuttingProxy:
    """Passes requests on, one connection at a time each, and counts them; goes away at the one it is told to.

    `limit`: so many requests are let through. Of the next one either nothing arrives, or (`swallow`) all of it does
    and its answer is lost. After that every connection is refused, until `restore`.
    `before` is called with the number of each request, from 1, before it is passed on; all others wait meanwhile.
    """

    def __init__(
        self,
        target: str,
        limit: int | None = None,
        *,
        swallow: bool = False,
        before: Callable[[int], None] = lambda number: None,
    ) -> None:
        parts = urlsplit(target)
        self._target = (str(parts.hostname), int(parts.port or 80))
        self._limit, self._swallow, self._before = limit, swallow, before
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self.requests = 0
        self.is_gone = threading.Event()
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._port = self._listening.getsockname()[1]
        self.url = f"{parts.scheme}://{parts.username}:{parts.password}@127.0.0.1:{self._port}"
        self._accept()

    def cut_after(self, requests: int) -> None:
        """Go away after so many more requests."""
        with self._lock:
            self._limit = self.requests + requests

    def restore(self) -> None:
        """Answer again, at the same place, without limit."""
        self._limit = None
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
        """Refuse and cut everything."""
        self.is_gone.set()
        with self._lock:
            for each in (self._listening, *self._open):
                _shut(each)
            self._open.clear()

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
            self._open |= {client, server}
        try:
            requests, answers = client.makefile("rb"), server.makefile("rb")
            while head := _head(requests):
                swallow = self._is_last()
                if swallow is False:
                    return
                _pass_on(head, requests, server)
                answer = _head(answers)
                if swallow:
                    # The request has done what it does; its answer is never heard.
                    self.go_away()
                    return
                _pass_on(answer, answers, client, without_body=head.startswith(b"HEAD") or b" 304 " in answer[:20])
        except OSError:
            pass
        finally:
            with self._lock:
                self._open -= {client, server}
            _shut(client)
            _shut(server)

    def _is_last(self) -> bool | None:
        """None: pass this request on as any other. True: swallow its answer. False: it does not arrive."""
        with self._lock:
            if self.is_gone.is_set():
                return False
            self.requests += 1
            self._before(self.requests)
            if self._limit is None or self.requests <= self._limit:
                return None
        if self._swallow:
            return True
        self.go_away()
        return False


@contextmanager
def through(proxy: CuttingProxy) -> Iterator[None]:
    """This process's CouchDB is behind the proxy."""
    direct = settings.COUCHDB_URL
    settings.COUCHDB_URL = proxy.url
    couch.cache_clear()
    try:
        yield
    finally:
        settings.COUCHDB_URL = direct
        couch.cache_clear()


def _head(file: BufferedReader) -> bytes:
    lines = []
    while line := file.readline():
        lines.append(line)
        if line == b"\r\n":
            return b"".join(lines)
    return b""


def _pass_on(head: bytes, source: BufferedReader, target: socket.socket, *, without_body: bool = False) -> None:
    """Send a head and the body that it announces, by length or in chunks."""
    if not head:
        raise OSError("the other side is gone")
    target.sendall(head)
    if without_body:
        return
    fields = dict(line.lower().split(b":", 1) for line in head.split(b"\r\n")[1:] if b":" in line)
    if b"chunked" in fields.get(b"transfer-encoding", b""):
        while True:
            size = source.readline()
            piece = source.read(int(size.split(b";")[0], 16) + 2)
            target.sendall(size + piece)
            if piece == b"\r\n":
                return
    left = int(fields.get(b"content-length", b"0"))
    while left:
        piece = source.read(min(left, 65536))
        if not piece:
            raise OSError("it ended early")
        target.sendall(piece)
        left -= len(piece)


def _shut(sock: socket.socket) -> None:
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
    sock.close()
