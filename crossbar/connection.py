"""A request's connection to its client: what the service waits for on it, and what is to be done when it is over."""

import socket
import struct
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

ENVIRON_KEY = "vmboxes.connection"
_BYTES_ACKED_AND_RECEIVED = struct.Struct("=QQ")
_DRAIN_SECONDS = 2.0
_BYTES_OFFSET = 120  # in Linux' struct tcp_info
_TCP_INFO_LENGTH = _BYTES_OFFSET + _BYTES_ACKED_AND_RECEIVED.size
_TCP_INFO = getattr(socket, "TCP_INFO", None)
_TCP_CORK = getattr(socket, "TCP_CORK", None)


class ClientTooSlow(OSError):
    """The client was silent for too long, or sent fewer bytes a second than it has to."""


class Connection:
    """The connection that a thread serves a request over."""

    __slots__ = (
        "_callbacks",
        "_cut_at",
        "_ends_stream",
        "drain_seconds",
        "is_cut",
        "is_known",
        "is_sending",
        "sock",
        "waiting_since",
    )

    def __init__(self, sock: socket.socket | None) -> None:
        self.sock = sock
        self.waiting_since = 0.0
        """Since when the thread waits for the client, in monotonic seconds; 0 while it does other things."""
        self.is_sending = False
        """Whether it waits for the client to receive, or else for bytes from it."""
        self.is_cut = False
        """Whether the client was too slow, and nothing more is received from it."""
        self.is_known = False
        """Whether the client has signed in."""
        self.drain_seconds = 0.0
        """How long the rest of a body may be received that nobody reads."""
        self._cut_at = 0.0
        self._ends_stream = False
        self._callbacks: list[Callable[[], None]] | None = None

    def mark_as_known(self) -> None:
        """Note that the client has signed in: it may take longer, and the rest of a refused body is received."""
        self.is_known = True
        self.drain_seconds = _DRAIN_SECONDS

    @property
    def is_anonymous_sender(self) -> bool:
        """Whether the thread waits for bytes of a client that hasn't signed in, and wasn't too slow until now."""
        return not (self.is_known or self.is_sending or self.is_cut)

    def call_at_end(self, callback: Callable[[], None]) -> None:
        """Have a function called when the thread has done with the request, whatever becomes of it."""
        if self._callbacks is None:
            self._callbacks = []
        self._callbacks.append(callback)

    def end(self) -> None:
        """Call these functions."""
        for callback in self._callbacks or ():
            callback()
        self._callbacks = None

    def cut_in(self, seconds: float) -> None:
        """Receive nothing more after so many seconds."""
        self._cut_at = time.monotonic() + seconds

    def is_overdue(self, now: float) -> bool:
        """Whether the time of `cut_in` is over."""
        return 0 < self._cut_at <= now

    def send_the_end_along(self) -> None:
        """Let `stop_sending` end the stream in the same packet as what is sent until then.

        gunicorn says that the connection stays, whatever becomes of it. A client that sees the response and its end
        at once doesn't send its next request over this connection.
        """
        self._ends_stream = True
        if self.sock is not None and _TCP_CORK is not None:
            with suppress(OSError):
                self.sock.setsockopt(socket.IPPROTO_TCP, _TCP_CORK, 1)

    def stop_sending(self) -> None:
        """End the stream, if `send_the_end_along` said so."""
        if self.sock is not None and self._ends_stream:
            with suppress(OSError):
                self.sock.shutdown(socket.SHUT_WR)

    def stop_receiving(self) -> None:
        """Receive nothing more: whoever waits for bytes gets none, at once."""
        if self.sock is not None:
            with suppress(OSError):
                self.sock.shutdown(socket.SHUT_RD)

    def cut(self) -> None:
        """Let the thread go on that waits for a client that is too slow. A request may still be answered."""
        self.is_cut = True
        if self.sock is not None:
            with suppress(OSError):
                self.sock.shutdown(socket.SHUT_RDWR if self.is_sending else socket.SHUT_RD)

    def transferred(self) -> int | None:
        """How many bytes the client has sent, or received while `is_sending`; None where the system doesn't tell."""
        if self.sock is None or _TCP_INFO is None:
            return None
        try:
            info = self.sock.getsockopt(socket.IPPROTO_TCP, _TCP_INFO, _TCP_INFO_LENGTH)
        except OSError:
            return None
        if len(info) < _TCP_INFO_LENGTH:
            return None
        acked, received = _BYTES_ACKED_AND_RECEIVED.unpack_from(info, _BYTES_OFFSET)
        return int(acked if self.is_sending else received)


def connection_of(environ: Mapping[str, Any]) -> Connection | None:
    """The connection of a request, by its environ or META; None without `crossbar.slow_clients`."""
    connection: Connection | None = environ.get(ENVIRON_KEY)
    return connection
