"""A server over plain sockets that answers with the bytes a test gives it."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Answer = Callable[[bytes, int], bytes | None]


class ScriptedServer:
    """Answers each request (its bytes and its number, from 1) with what a function returns.

    None hangs up; b"" never answers. From the `last` answer on, by its number, the server hangs up after each.
    An answer is sent in segments of so many bytes.
    """

    def __init__(
        self,
        answer: Answer,
        *,
        last: int | None = None,
        segment: int = 1 << 20,
        tls: ssl.SSLContext | None = None,
        port: int = 0,
    ) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self._answer, self._last, self._segment, self._tls = answer, last, segment, tls
        self._stopped = threading.Event()
        self._listening = socket.create_server(("127.0.0.1", port))
        self.port: int = self._listening.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self) -> None:
        """Accept no more connections, and hang up where no answer was to come."""
        self._stopped.set()
        self._listening.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with suppress(OSError), self._tls.wrap_socket(connection, True) if self._tls else connection as stream:
            while request := _read_request(stream):
                self.requests.append(request)
                number = len(self.requests)
                answer = self._answer(request, number)
                if answer is None:
                    return
                if not answer:
                    self._stopped.wait(60)
                    return
                for start in range(0, len(answer), self._segment):
                    stream.sendall(answer[start : start + self._segment])
                if self._last is not None and number >= self._last:
                    return


@contextmanager
def scripted_server(
    answer: Answer,
    *,
    last: int | None = None,
    segment: int = 1 << 20,
    tls: ssl.SSLContext | None = None,
    port: int = 0,
) -> Iterator[ScriptedServer]:
    """A ScriptedServer that is stopped at the end."""
    server = ScriptedServer(answer, last=last, segment=segment, tls=tls, port=port)
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def answers_in_turn(*answers: bytes, segment: int = 1 << 20) -> Iterator[ScriptedServer]:
    """A server that gives these answers one after the other, and hangs up after the last."""

    def answer(request: bytes, number: int) -> bytes | None:
        return answers[number - 1] if number <= len(answers) else None

    with scripted_server(answer, last=len(answers), segment=segment) as server:
        yield server


def response(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    """A response with a body of known length."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Content-Type: application/json", *headers]
    return "\r\n".join([*lines, "\r\n"]).encode() + body


def _read_request(stream: socket.socket) -> bytes:
    """A request, with a body of up to a few megabytes; what came of it when the client hung up."""
    received = b""
    while b"\r\n\r\n" not in received:
        piece = stream.recv(65_536)
        if not piece:
            return received
        received += piece
    head, _, body = received.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
    while len(body) < min(length, 4_000_000):
        piece = stream.recv(65_536)
        if not piece:
            break
        body += piece
    return head + b"\r\n\r\n" + body
