"""HTTP/1.1 with CouchDB: a request goes out as bytes, its answer's status, headers and body come in.

Connections come from the standard library, which knows of TLS and certificates. The rest of its client takes a
small request apart and puts it together for longer than CouchDB needs to answer it.
"""

import http.client
import re
import select
import socket
from collections.abc import Callable
from io import BufferedReader
from typing import cast

CHUNK = 128 * 1024
_LONGEST_LINE = 65_536
_MOST_LINES = 100  # of a head
_HEAD_ONLY = (204, 304)
_HEAD_END = b"\r\n\r\n"
_STATUS_LINE = re.compile(r"HTTP/1\.([01]) ([1-9][0-9]{2})(?: .*)?")
_NO_LENGTH = -1


class Broken(OSError):
    """The answer broke off, or is no HTTP."""


class Connection:
    """A connection to a server, kept from one request to the next, once an answer was read to its end."""

    def __init__(self, scheme: str, host: str, connect_timeout: float, read_timeout: float) -> None:
        kind = http.client.HTTPSConnection if scheme == "https" else http.client.HTTPConnection
        made = kind(host, timeout=connect_timeout)
        made.connect()
        self.sock: socket.socket = made.sock
        self.sock.settimeout(read_timeout)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.reader = cast(BufferedReader, self.sock.makefile("rb", CHUNK))
        self._poll = select.poll()
        self._poll.register(self.sock, select.POLLIN)

    def was_closed(self) -> bool:
        """Whether the other side hung up while nothing was asked: then there is something to read."""
        return bool(self._poll.poll(0))

    def close(self) -> None:
        """Hang up."""
        self.reader.close()
        self.sock.close()


class Response:
    """What a server answers; `read` takes the body from its connection, which `on_end` is called with after that."""

    def __init__(self, connection: Connection, method: str, on_end: Callable[[Connection], None]) -> None:
        self._reader, self._connection, self._on_end = connection.reader, connection, on_end
        minor = self._read_head()
        while self.status < 200:  # only announces the answer
            minor = self._read_head()
        said = self.headers.get("connection", "").lower()
        self._keeps = "close" not in said if minor == "1" else "keep-alive" in said
        has_body = method != "HEAD" and self.status not in _HEAD_ONLY
        self._chunked = has_body and "chunked" in self.headers.get("transfer-encoding", "").lower()
        self._left = self._length() if has_body and not self._chunked else 0
        self.ended = False
        if not self._left and not self._chunked:
            self._end()

    def read(self, size: int = -1) -> bytes:
        """So many bytes of the body, or all that is left; fewer only at its end. Broken, or another OSError."""
        if self.ended:
            return b""
        if self._chunked:
            return self._read_chunks(size)
        if self._left == _NO_LENGTH:
            piece = self._reader.read(size)
            if not piece or size < 0:
                self._end()
            return piece
        wanted = self._left if size < 0 else min(size, self._left)
        piece = self._exactly(wanted)
        self._left -= wanted
        if not self._left:
            self._end()
        return piece

    def _read_head(self) -> str:
        """Read the status and the headers (by their names in lower case); HTTP's minor version.

        Mostly they come in one piece, and are taken from the reader as one.
        """
        waiting = self._reader.peek()
        length = waiting.find(_HEAD_END) + len(_HEAD_END)
        head = self._reader.read(length) if length >= len(_HEAD_END) else self._head_by_lines()
        status_line, *lines = head.decode("latin-1").split("\r\n")
        match = _STATUS_LINE.fullmatch(status_line)
        if match is None:
            raise Broken("the server hung up" if not head else "the answer is no HTTP")
        self.status = int(match[2])
        if len(lines) > _MOST_LINES:
            raise Broken("too many headers")
        headers: dict[str, str] = {}
        for line in lines[:-2]:
            name, _, value = line.partition(":")
            key, text = name.strip().lower(), value.strip()
            headers[key] = f"{headers[key]}, {text}" if key in headers else text
        self.headers = headers
        return match[1]

    def _head_by_lines(self) -> bytes:
        """A head of which more is still to come, or whose lines end in their own way."""
        lines = [self._line()]
        if not lines[0]:
            return b""
        while lines[-1] not in (b"\r\n", b"\n") and len(lines) <= _MOST_LINES:
            lines.append(self._line())
            if not lines[-1]:
                raise Broken("the answer ended in its headers")
        return b"".join(line.rstrip(b"\r\n") + b"\r\n" for line in lines)

    def _length(self) -> int:
        said = self.headers.get("content-length", "")
        if said.isascii() and said.isdigit():
            return int(said)
        self._keeps = False  # it ends with the connection
        return _NO_LENGTH

    def _read_chunks(self, size: int) -> bytes:
        """As `read`; `_left` is what is left of the current chunk."""
        pieces: list[bytes] = []
        missing = size
        while missing:
            if not self._left and not self._next_chunk():
                break
            wanted = self._left if missing < 0 else min(missing, self._left)
            pieces.append(self._exactly(wanted))
            self._left -= wanted
            if not self._left:
                self._exactly(2)  # the line break behind a chunk
            if missing > 0:
                missing -= wanted
        return b"".join(pieces)

    def _next_chunk(self) -> bool:
        """Begin the next chunk; False after the last one."""
        try:
            self._left = int(self._line().partition(b";")[0], 16)
        except ValueError as error:
            raise Broken("the answer ended before its last chunk") from error
        if self._left < 0:
            raise Broken("a chunk of the answer has no size")
        if self._left:
            return True
        while self._line() not in (b"\r\n", b"\n", b""):
            pass  # headers behind the body, which nobody wants
        self._end()
        return False

    def _exactly(self, size: int) -> bytes:
        piece = self._reader.read(size)
        if len(piece) < size:
            raise Broken(f"the answer ended {size - len(piece)} bytes early")
        return piece

    def _line(self) -> bytes:
        line = self._reader.readline(_LONGEST_LINE + 1)
        if len(line) > _LONGEST_LINE:
            raise Broken("a line of the answer is too long")
        return line

    def _end(self) -> None:
        self.ended = True
        if self._keeps:
            self._on_end(self._connection)
        else:
            self._connection.close()
