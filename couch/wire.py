"""HTTP/1.1 with CouchDB: a request goes out as bytes, its answer's status, headers and body come in.

Connections come from the standard library, which knows of TLS and certificates. The rest of its client takes a
small request apart and puts it together for longer than CouchDB needs to answer it.
"""

import http.client
import re
from collections.abc import Callable

from couch.stream import CHUNK, Broken, Stream

__all__ = ["CHUNK", "Broken", "Connection", "Response"]

_LONGEST_LINE = 65_536
_MOST_LINES = 100  # of a head
_LINE_END, _HEAD_END = b"\r\n", b"\r\n\r\n"
_HEAD_ONLY = (204, 304)
_STATUS_LINE = re.compile(r"HTTP/1\.([01]) ([1-9][0-9]{2})(?: .*)?")
_NO_LENGTH = -1


class Connection(Stream):
    """A connection to a server, kept from one request to the next, once an answer was read to its end."""

    def __init__(self, scheme: str, host: str, connect_timeout: float, read_timeout: float) -> None:
        kind = http.client.HTTPSConnection if scheme == "https" else http.client.HTTPConnection
        made = kind(host, timeout=connect_timeout)
        made.connect()
        super().__init__(made.sock, read_timeout)


class Response:
    """What a server answers; `read` takes the body from its connection, which `on_end` is called with after that."""

    def __init__(self, connection: Connection, method: str, on_end: Callable[[Connection], None]) -> None:
        self._connection, self._on_end = connection, on_end
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
            piece = self._connection.most(size)
            if not piece or size < 0:
                self._end()
            return piece
        wanted = self._left if size < 0 else min(size, self._left)
        piece = self._connection.exactly(wanted)
        self._left -= wanted
        if not self._left:
            self._end()
        return piece

    def _read_head(self) -> str:
        """Read the status and the headers (by their names in lower case); HTTP's minor version."""
        head = self._connection.until(_HEAD_END, _LONGEST_LINE)
        if not head.endswith(_HEAD_END):
            raise Broken("the answer ended in its headers" if head else "the server hung up")
        status_line, *lines = head.decode("latin-1").split("\r\n")
        match = _STATUS_LINE.fullmatch(status_line)
        if match is None:
            raise Broken("the answer is no HTTP")
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
            if missing < 0 and not self._left:
                pieces += self._connection.whole_chunks()
            if not self._left and not self._next_chunk():
                break
            wanted = self._left if missing < 0 else min(missing, self._left)
            if wanted < self._left:
                pieces.append(self._connection.exactly(wanted))
            else:
                pieces.append(self._connection.exactly(wanted + 2)[:-2])  # with the line break behind a chunk
            self._left -= wanted
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
        while self._line() not in (_LINE_END, b""):
            pass  # headers behind the body, which nobody wants
        self._end()
        return False

    def _line(self) -> bytes:
        return self._connection.until(_LINE_END, _LONGEST_LINE)

    def _end(self) -> None:
        self.ended = True
        if self._keeps:
            self._on_end(self._connection)
        else:
            self._connection.close()
