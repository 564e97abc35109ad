"""How answers go out: as gunicorn sends them, with a small one's body in the same write as its headers.

Two writes are two packets, and wake who waits for them twice; looking at the same dozen headers' names and at the
clock for every answer takes as long.
"""

import time
from functools import lru_cache
from typing import Any

from gunicorn import util
from gunicorn.http import message, wsgi

_SMALL = 64 * 1024
_Response: Any = wsgi.Response  # whose types are known in part only


class Answer(_Response):  # type: ignore[misc]
    """An answer, the same to the byte as the base class's."""

    headers_sent: bool

    def process_headers(self, headers: list[tuple[str, str]]) -> None:
        """Take the application's headers; raises what the base class does for one that is none."""
        for name, value in headers:
            if _is_plain(name) and wsgi.HEADER_VALUE_RE.fullmatch(value):
                self.headers.append((name, value.strip(" \t")))
            else:
                super().process_headers([(name, value)])

    def default_headers(self) -> list[str]:
        """The status line, and the headers that are the server's to set."""
        connection = "upgrade" if self.upgrade else "close" if self.should_close() else "keep-alive"
        major, minor = self.req.version
        lines = [
            f"HTTP/{major}.{minor} {self.status}\r\nServer: {self.version}\r\n",
            f"Date: {_date(int(time.time()))}\r\nConnection: {connection}\r\n",
        ]
        return [*lines, "Transfer-Encoding: chunked\r\n"] if self.chunked else lines

    def write(self, data: bytes) -> None:
        """Send some of the body, the first time behind the headers."""
        length = len(data)
        if self.headers_sent or length != self.response_length or length > _SMALL or self._omits_body:
            super().write(data)
            return
        self.sent = length
        self.headers_sent = True
        self.sock.sendall(self._head() + data)

    def send_headers(self) -> None:
        """Send the headers alone, unless that is done."""
        if not self.headers_sent:
            self.sock.sendall(self._head())
            self.headers_sent = True

    def _head(self) -> bytes:
        own = [f"{name}: {value}\r\n" for name, value in self.headers]
        return "".join([*self.default_headers(), *own, "\r\n"]).encode("latin-1")


@lru_cache(maxsize=500)
def _is_plain(name: str) -> bool:
    """Whether a header's name is one, and means nothing to the server."""
    return bool(message.TOKEN_RE.fullmatch(name)) and not util.is_hoppish(name) and name.lower() != "content-length"


@lru_cache(maxsize=4)
def _date(seconds: int) -> str:
    return str(util.http_date(seconds))
