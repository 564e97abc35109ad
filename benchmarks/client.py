"""An HTTP/1.1 client fast enough not to be the bottleneck: kept-alive connections, one thread, one poll for all.

An operation is a generator: it yields requests, receives their responses, and ends when its work is done. So a change
that takes a GET and a PUT is one operation and timed as one. Each connection runs one operation after another. Of a
response, only as much is parsed as finding its end takes.
"""

import select
import socket
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import urlsplit

_BUFFER_SIZE = 256 * 1024
_POLL_TIMEOUT = 120_000  # milliseconds


class BenchmarkError(Exception):
    """Measuring is impossible: a request got an error response or none."""


class Request(NamedTuple):
    """A request as it goes over the wire."""

    data: bytes
    keep_body: bool = False
    """Whether the operation reads the response's body."""


class Response(NamedTuple):
    """A response, with its body only if the request says so; times until its first and last byte are in seconds."""

    status: int
    body: bytes
    length: int
    first_byte: float
    seconds: float


Steps = Generator[Request, Response, None]
Operation = Callable[[], Steps]


@dataclass
class Sample:
    """Measurements of operations run for a while."""

    latencies: list[float] = field(default_factory=list)
    """Seconds that each operation took."""
    first_bytes: list[float] = field(default_factory=list)
    """Seconds until the first body byte of each operation's last response."""
    seconds: float = 0.0
    received: int = 0
    """Bytes of bodies."""

    def add(self, sample: "Sample") -> None:
        """Add the measurements of another slice of the same operations."""
        self.latencies += sample.latencies
        self.first_bytes += sample.first_bytes
        self.seconds += sample.seconds
        self.received += sample.received


class Address(NamedTuple):
    """A server's host and port, and headers sent with every request to it."""

    host: str
    port: int
    headers: str = ""

    @classmethod
    def of(cls, url: str, headers: str = "") -> "Address":
        """The address in a URL. Its user and password are ignored: `headers` has the credentials."""
        parts = urlsplit(url)
        if parts.scheme != "http" or parts.path.strip("/"):
            raise BenchmarkError("the benchmarks need a CouchDB over plain HTTP, at the root of its host")
        return cls(parts.hostname or "127.0.0.1", parts.port or 80, headers)

    def request(
        self,
        method: str,
        target: str,
        body: bytes = b"",
        content_type: str = "application/json",
        *,
        keep_body: bool = False,
    ) -> Request:
        """A request to this server."""
        head = f"{method} {target} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\n{self.headers}"
        if body or method in ("PUT", "POST", "PATCH"):
            head += f"Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n"
        return Request(f"{head}\r\n".encode() + body, keep_body)


class _Connection:
    """A connection with the operation it runs and the state of the current response."""

    def __init__(self, address: Address, operation: Operation, poll: "select.poll") -> None:
        self.address, self.operation, self.poll = address, operation, poll
        self.steps: Steps | None = None
        self.connect()

    def connect(self) -> None:
        """Connect, or connect anew."""
        self.sock = socket.create_connection((self.address.host, self.address.port), timeout=30)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.setblocking(False)
        self.poll.register(self.sock, select.POLLIN)
        self.used = self.writing = False

    def close(self) -> None:
        """Close the connection."""
        if self.sock.fileno() >= 0:
            self.poll.unregister(self.sock)
            self.sock.close()

    def start(self) -> None:
        """Start the next operation."""
        self.started_at = time.perf_counter()
        self.steps = self.operation()
        self.send(next(self.steps))

    def send(self, request: Request) -> None:
        """Start sending a request."""
        self.request = request
        self.sent_at = time.perf_counter()
        self.head: bytes | None = b""
        self.status = self.length = self.remaining = 0
        self.chunked = self.closing = False
        self.tail = b""  # of a chunked body: the start of a line with a chunk's size
        self.body_pieces: list[bytes] = []
        self.first_byte = 0.0
        self.unsent = memoryview(request.data)
        self.write()

    def write(self) -> None:
        """Send as much as the connection accepts now."""
        try:
            while self.unsent:
                self.unsent = self.unsent[self.sock.send(self.unsent) :]
        except BlockingIOError:
            self.writing = True
            self.poll.modify(self.sock, select.POLLIN | select.POLLOUT)
        except ConnectionError:
            self.retry()
        else:
            if self.writing:
                self.writing = False
                self.poll.modify(self.sock, select.POLLIN)

    def retry(self) -> None:
        """Repeat a request whose idle connection the server had closed, or raise BenchmarkError."""
        if not self.used or self.head != b"":
            elapsed = time.perf_counter() - self.sent_at
            missing = "the response" if self.head is not None else f"{self.remaining} bytes"
            raise BenchmarkError(
                f"the server hung up on {self.request.data[:100]!r} after {elapsed:.3f} s, {missing} missing"
            )
        self.close()
        self.connect()
        self.send(self.request)

    def feed(self, piece: memoryview) -> bool:
        """Parse received bytes. Returns whether the response is complete."""
        if self.head is not None:
            self.head += bytes(piece)
            end = self.head.find(b"\r\n\r\n")
            if end < 0:
                return False
            self.parse_head(self.head[:end])
            piece, self.head = memoryview(self.head)[end + 4 :], None
        if not piece:
            return not self.chunked and not self.remaining
        if not self.first_byte:
            self.first_byte = time.perf_counter() - self.sent_at
        if self.chunked:
            return self.feed_chunks(piece)
        self.add_body(piece)
        self.remaining -= len(piece)
        return self.remaining == 0

    def parse_head(self, head: bytes) -> None:
        """Parse the status, and the headers that say where the response ends."""
        self.status = int(head[9:12])
        headers = head.lower()
        self.closing = b"\r\nconnection: close" in headers
        self.chunked = b"\r\ntransfer-encoding: chunked" in headers
        start = headers.find(b"\r\ncontent-length:")
        if start >= 0:
            end = headers.find(b"\r\n", start + 2)
            self.remaining = int(headers[start + 17 : end if end > 0 else None])
        elif not self.chunked and self.status not in (204, 304):
            raise BenchmarkError(f"a response without length: {head!r}")

    def feed_chunks(self, piece: memoryview) -> bool:
        """Parse bytes of a chunked body. Returns whether the last chunk is complete."""
        data, position = (memoryview(self.tail + bytes(piece)) if self.tail else piece), 0
        self.tail = b""
        while position < len(data):
            if self.remaining > 2:  # bytes of a chunk and the line break after it
                count = min(self.remaining - 2, len(data) - position)
                self.add_body(data[position : position + count])
                self.remaining -= count
                position += count
                continue
            if self.remaining:
                count = min(self.remaining, len(data) - position)
                self.remaining -= count
                position += count
                continue
            line = bytes(data[position : position + 20])
            end = line.find(b"\r\n")
            if end < 0:
                self.tail = bytes(data[position:])
                return False
            size = int(line[:end].partition(b";")[0], 16)
            if size == 0:
                if len(data) - position >= end + 4:
                    return True
                self.tail = bytes(data[position:])
                return False
            self.remaining = size + 2
            position += end + 2
        return False

    def add_body(self, piece: memoryview) -> None:
        """Count a piece of the body, and keep it if the operation or an error message needs it."""
        self.length += len(piece)
        if self.request.keep_body or self.status >= 400:
            self.body_pieces.append(bytes(piece))

    def response(self) -> Response:
        """The complete response. Raises BenchmarkError if it is an error."""
        self.used = True
        body = b"".join(self.body_pieces)
        if self.status >= 400:
            raise BenchmarkError(f"{self.status} for {self.request.data[:200]!r}: {body[:300]!r}")
        seconds = time.perf_counter() - self.sent_at
        return Response(self.status, body, self.length, self.first_byte or seconds, seconds)


def run_operations(address: Address, operations: Sequence[Operation], seconds: float, *, at_least: int = 1) -> Sample:
    """Run operations in parallel, each on its own connection, repeatedly until the time is up.

    Operations that have started by then are finished and counted. Each connection runs `at_least` so many.
    """
    poll = select.poll()
    connections = [_Connection(address, operation, poll) for operation in operations]
    sample = Sample()
    try:
        _poll({connection.sock.fileno(): connection for connection in connections}, poll, sample, seconds, at_least)
    finally:
        for connection in connections:
            connection.close()
    return sample


def send(address: Address, request: Request) -> Response:
    """Send a single request and return its response."""
    responses: list[Response] = []

    def steps() -> Steps:
        responses.append((yield Request(request.data, keep_body=True)))

    run_operations(address, [steps], 0)
    return responses[0]


def _poll(
    connections: dict[int, _Connection], poll: "select.poll", sample: Sample, seconds: float, at_least: int
) -> None:
    buffer = bytearray(_BUFFER_SIZE)
    started_at = time.perf_counter()
    deadline = started_at + seconds
    done = dict.fromkeys(connections.values(), 0)
    working = len(connections)
    for connection in connections.values():
        connection.start()
    while working:
        events = poll.poll(_POLL_TIMEOUT)
        if not events:
            raise BenchmarkError("nothing was received for two minutes")
        for number, event in events:
            connection = connections[number]
            if event & select.POLLOUT:
                connection.write()
            if event & ~select.POLLOUT and _receive(connection, buffer) and _advance(connection, sample):
                done[connection] += 1
                if time.perf_counter() < deadline or done[connection] < at_least:
                    connection.start()
                else:
                    working -= 1
                    connection.close()  # the server may hang up while the other connections finish
                    continue
            if connection.sock.fileno() != number:  # it had to reconnect
                connections[connection.sock.fileno()] = connections.pop(number)
    sample.seconds += time.perf_counter() - started_at


def _receive(connection: _Connection, buffer: bytearray) -> bool:
    """Receive and parse bytes. Returns whether the response is complete."""
    try:
        received = connection.sock.recv_into(buffer)
    except BlockingIOError:
        return False
    except ConnectionError:
        received = 0
    if received:
        return connection.feed(memoryview(buffer)[:received])
    connection.retry()
    return False


def _advance(connection: _Connection, sample: Sample) -> bool:
    """Pass the response to the operation and send its next request. Returns whether the operation is done."""
    response = connection.response()
    sample.received += response.length
    if connection.closing:
        connection.close()
        connection.connect()
    assert connection.steps is not None
    try:
        request = connection.steps.send(response)
    except StopIteration:
        sample.latencies.append(time.perf_counter() - connection.started_at)
        sample.first_bytes.append(response.first_byte)
        return True
    connection.send(request)
    return False
