"""A client that is no bottleneck: HTTP/1.1 over kept-alive connections, one thread, one poll for all of them.

An operation is a generator: it yields requests, is sent their answers, and ends when what it measures is done. So a
change that takes a GET and a PUT is one operation, timed as one. Each lane (a connection) runs one operation after
the other. Nothing here parses more of an answer than it takes to find its end.
"""

import select
import socket
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import urlsplit

_RECEIVED_AT_ONCE = 256 * 1024
_PATIENCE = 120_000  # milliseconds in which something has to come


class Failed(Exception):
    """A request was answered with an error, or not at all: there is nothing to measure."""


class Request(NamedTuple):
    """A request as it goes over the wire."""

    data: bytes
    keep: bool = False
    """Whether the operation looks at the answer's body."""


class Answer(NamedTuple):
    """An answer: its body only if it was to be kept, and how long its first and its last byte took, in seconds."""

    status: int
    body: bytes
    length: int
    first_byte: float
    seconds: float


Steps = Generator[Request, Answer, None]
Operation = Callable[[], Steps]


@dataclass
class Sample:
    """What came of running operations for a while."""

    latencies: list[float] = field(default_factory=list)
    """Seconds that each operation took."""
    first_bytes: list[float] = field(default_factory=list)
    """Seconds until the first byte of the body of each operation's last answer."""
    seconds: float = 0.0
    received: int = 0
    """Bytes of bodies."""

    def add(self, other: "Sample") -> None:
        """Count another slice of the same to this one."""
        self.latencies += other.latencies
        self.first_bytes += other.first_bytes
        self.seconds += other.seconds
        self.received += other.received


class Address(NamedTuple):
    """Where a server is, and the headers that every request to it has."""

    host: str
    port: int
    headers: str = ""

    @classmethod
    def of(cls, url: str, headers: str = "") -> "Address":
        """The address in a URL; user and password in it are left to `headers`."""
        parts = urlsplit(url)
        if parts.scheme != "http" or parts.path.strip("/"):
            raise Failed("the benchmarks speak to CouchDB over plain HTTP, at the root of a host")
        return cls(parts.hostname or "127.0.0.1", parts.port or 80, headers)

    def request(
        self, method: str, target: str, body: bytes = b"", kind: str = "application/json", *, keep: bool = False
    ) -> Request:
        """A request of this server."""
        head = f"{method} {target} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\n{self.headers}"
        if body or method in ("PUT", "POST", "PATCH"):
            head += f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
        return Request(f"{head}\r\n".encode() + body, keep)


class _Lane:
    """A connection, the operation that runs on it, and how far its current answer has come."""

    def __init__(self, address: Address, operation: Operation, poll: "select.poll") -> None:
        self.address, self.operation, self.poll = address, operation, poll
        self.steps: Steps | None = None
        self.connect()

    def connect(self) -> None:
        """A fresh connection."""
        self.sock = socket.create_connection((self.address.host, self.address.port), timeout=30)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.setblocking(False)
        self.poll.register(self.sock, select.POLLIN)
        self.used = self.writing = False

    def close(self) -> None:
        """Give the connection up."""
        if self.sock.fileno() >= 0:
            self.poll.unregister(self.sock)
            self.sock.close()

    def start(self) -> None:
        """Begin the next operation."""
        self.begun = time.perf_counter()
        self.steps = self.operation()
        self.send(next(self.steps))

    def send(self, request: Request) -> None:
        """Begin a request."""
        self.request = request
        self.sent_at = time.perf_counter()
        self.head: bytes | None = b""
        self.status = self.length = self.left = 0
        self.chunked = self.closing = False
        self.tail = b""  # of a chunked body: what a chunk's size may still be missing from
        self.kept: list[bytes] = []
        self.first_byte = 0.0
        self.unsent = memoryview(request.data)
        self.write()

    def write(self) -> None:
        """Send what the connection takes."""
        try:
            while self.unsent:
                self.unsent = self.unsent[self.sock.send(self.unsent) :]
        except BlockingIOError:
            self.writing = True
            self.poll.modify(self.sock, select.POLLIN | select.POLLOUT)
        except ConnectionError:
            self.again()
        else:
            if self.writing:
                self.writing = False
                self.poll.modify(self.sock, select.POLLIN)

    def again(self) -> None:
        """Repeat a request that an idle connection took to its grave: that is no error of a server's."""
        if not self.used or self.head != b"":
            after = time.perf_counter() - self.sent_at
            missing = "an answer" if self.head is not None else f"{self.left} bytes"
            raise Failed(f"the server hung up on {self.request.data[:100]!r} after {after:.3f} s, {missing} missing")
        self.close()
        self.connect()
        self.send(self.request)

    def take(self, piece: memoryview) -> bool:
        """Bytes that came; whether the answer is complete."""
        if self.head is not None:
            self.head += bytes(piece)
            end = self.head.find(b"\r\n\r\n")
            if end < 0:
                return False
            self.read_head(self.head[:end])
            piece, self.head = memoryview(self.head)[end + 4 :], None
        if not piece:
            return not self.chunked and not self.left
        if not self.first_byte:
            self.first_byte = time.perf_counter() - self.sent_at
        if self.chunked:
            return self.take_chunks(piece)
        self.keep(piece)
        self.left -= len(piece)
        return self.left == 0

    def read_head(self, head: bytes) -> None:
        """What of an answer's head tells where it ends."""
        self.status = int(head[9:12])
        said = head.lower()
        self.closing = b"\r\nconnection: close" in said
        self.chunked = b"\r\ntransfer-encoding: chunked" in said
        start = said.find(b"\r\ncontent-length:")
        if start >= 0:
            end = said.find(b"\r\n", start + 2)
            self.left = int(said[start + 17 : end if end > 0 else None])
        elif not self.chunked and self.status not in (204, 304):
            raise Failed(f"an answer without length: {head!r}")

    def take_chunks(self, piece: memoryview) -> bool:
        """Bytes of a chunked body; whether its last chunk is complete."""
        data, here = (memoryview(self.tail + bytes(piece)) if self.tail else piece), 0
        self.tail = b""
        while here < len(data):
            if self.left > 2:  # of a chunk, with the line break behind it
                taken = min(self.left - 2, len(data) - here)
                self.keep(data[here : here + taken])
                self.left -= taken
                here += taken
                continue
            if self.left:
                taken = min(self.left, len(data) - here)
                self.left -= taken
                here += taken
                continue
            line = bytes(data[here : here + 20])
            end = line.find(b"\r\n")
            if end < 0:
                self.tail = bytes(data[here:])
                return False
            size = int(line[:end].partition(b";")[0], 16)
            if size == 0:
                if len(data) - here >= end + 4:
                    return True
                self.tail = bytes(data[here:])
                return False
            self.left = size + 2
            here += end + 2
        return False

    def keep(self, piece: memoryview) -> None:
        """Count a piece of the body, and keep it if it is looked at."""
        self.length += len(piece)
        if self.request.keep or self.status >= 400:
            self.kept.append(bytes(piece))

    def answer(self) -> Answer:
        """The complete answer."""
        self.used = True
        body = b"".join(self.kept)
        if self.status >= 400:
            raise Failed(f"{self.status} for {self.request.data[:200]!r}: {body[:300]!r}")
        seconds = time.perf_counter() - self.sent_at
        return Answer(self.status, body, self.length, self.first_byte or seconds, seconds)


def run(address: Address, operations: Sequence[Operation], seconds: float, *, at_least: int = 1) -> Sample:
    """Run operations side by side, each on a connection of its own, again and again until the time is up.

    What is under way then is waited for, and counted. Each lane runs its own at least so often.
    """
    poll = select.poll()
    lanes = [_Lane(address, operation, poll) for operation in operations]
    sample = Sample()
    try:
        _run({lane.sock.fileno(): lane for lane in lanes}, poll, sample, seconds, at_least)
    finally:
        for lane in lanes:
            lane.close()
    return sample


def once(address: Address, request: Request) -> Answer:
    """The answer to a single request."""
    answers: list[Answer] = []

    def steps() -> Steps:
        answers.append((yield Request(request.data, keep=True)))

    run(address, [steps], 0)
    return answers[0]


def _run(lanes: dict[int, _Lane], poll: "select.poll", sample: Sample, seconds: float, at_least: int) -> None:
    buffer = bytearray(_RECEIVED_AT_ONCE)
    begun = time.perf_counter()
    deadline = begun + seconds
    done = dict.fromkeys(lanes.values(), 0)
    working = len(lanes)
    for lane in lanes.values():
        lane.start()
    while working:
        events = poll.poll(_PATIENCE)
        if not events:
            raise Failed("nothing came for two minutes")
        for number, event in events:
            lane = lanes[number]
            if event & select.POLLOUT:
                lane.write()
            if event & ~select.POLLOUT and _receive(lane, buffer) and _advance(lane, sample):
                done[lane] += 1
                if time.perf_counter() < deadline or done[lane] < at_least:
                    lane.start()
                else:
                    working -= 1
                    lane.close()  # a server may hang up on it while it waits for the others
                    continue
            if lane.sock.fileno() != number:  # it had to connect anew
                lanes[lane.sock.fileno()] = lanes.pop(number)
    sample.seconds += time.perf_counter() - begun


def _receive(lane: _Lane, buffer: bytearray) -> bool:
    """Take what came; whether that completes an answer."""
    try:
        received = lane.sock.recv_into(buffer)
    except BlockingIOError:
        return False
    except ConnectionError:
        received = 0
    if received:
        return lane.take(memoryview(buffer)[:received])
    lane.again()
    return False


def _advance(lane: _Lane, sample: Sample) -> bool:
    """Give an operation its answer; whether it is done. If not, its next request is under way."""
    answer = lane.answer()
    sample.received += answer.length
    if lane.closing:
        lane.close()
        lane.connect()
    assert lane.steps is not None
    try:
        request = lane.steps.send(answer)
    except StopIteration:
        sample.latencies.append(time.perf_counter() - lane.begun)
        sample.first_bytes.append(answer.first_byte)
        return True
    lane.send(request)
    return False
