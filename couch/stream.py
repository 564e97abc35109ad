"""Bytes to and from CouchDB over a connection, in as few steps as a busy service needs.

Time is limited by the kernel (SO_RCVTIMEO): Python's own limit asks it before each step whether it may take it, and
a listing comes in twenty pieces.
"""

import select
import socket
import ssl
import struct
import threading

CHUNK = 128 * 1024
_LONGEST_SIZE = 100  # of a chunk's size, as it is written


class Broken(OSError):
    """What came broke off, or is not what was expected."""


class _Rooms(threading.local):
    """Room for what comes, one for each thread: there are many more connections, most of which wait."""

    def __init__(self) -> None:
        self.mine = memoryview(bytearray(CHUNK))


_rooms = _Rooms()


class Stream:
    """A connected socket, and what came over it that nobody took yet. Raises TimeoutError and other OSErrors."""

    def __init__(self, sock: socket.socket, timeout: float) -> None:
        self._sock = sock
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if isinstance(sock, ssl.SSLSocket):  # which has to know itself when to give up
            sock.settimeout(timeout)
        else:
            sock.settimeout(None)
            limit = struct.pack("ll", int(timeout), int(timeout % 1 * 1_000_000))
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
        self._held = bytearray()
        self._poll = select.poll()
        self._poll.register(sock, select.POLLIN)

    def send(self, data: bytes) -> None:
        """Send all of some bytes."""
        try:
            self._sock.sendall(data)
        except BlockingIOError as error:
            raise TimeoutError("nothing was taken in time") from error

    def until(self, end: bytes, most: int) -> bytes:
        """All up to an end, and with it, of at most so many bytes; what comes without one when the other hangs up."""
        held = self._held
        while (found := held.find(end)) < 0 and len(held) <= most and self._more():
            pass
        if found > most or found < 0 < most < len(held):
            raise Broken("a line is too long")
        return self._take(found + len(end) if found >= 0 else len(held))

    def exactly(self, size: int) -> bytes:
        """So many bytes; Broken when the other side hangs up before."""
        piece = self.most(size)
        if len(piece) < size:
            raise Broken(f"the answer ended {size - len(piece)} bytes early")
        return piece

    def most(self, size: int) -> bytes:
        """So many bytes, or what there is when the other side hangs up before; with -1 all until then."""
        while (size < 0 or len(self._held) < size) and self._more():
            pass
        return self._take(len(self._held) if size < 0 else min(size, len(self._held)))

    def whole_chunks(self) -> list[bytes]:
        """The chunks of a chunked body that came whole by now, be it none.

        CouchDB sends rows in dozens of them. The last one, which is empty, and what is no chunk are left to `until`.
        """
        held, here = self._held, 0
        chunks: list[bytes] = []
        while (end := held.find(b"\r\n", here, here + _LONGEST_SIZE)) > 0:
            try:
                size = int(held[here:end].partition(b";")[0], 16)
            except ValueError:
                break
            if size <= 0 or len(held) < end + size + 4:
                break
            chunks.append(bytes(held[end + 2 : end + 2 + size]))
            here = end + size + 4
        del held[:here]
        return chunks

    def has_more(self) -> bool:
        """Whether there is something to read, be it that the other side hung up."""
        return bool(self._held or self._poll.poll(0))

    def close(self) -> None:
        """Hang up."""
        self._sock.close()

    def _more(self) -> bool:
        """Wait for what comes next; False when the other side hung up."""
        try:
            count = self._sock.recv_into(_rooms.mine)
        except BlockingIOError as error:
            raise TimeoutError("nothing came in time") from error
        self._held += _rooms.mine[:count]
        return count > 0

    def _take(self, size: int) -> bytes:
        taken = bytes(self._held[:size]) if size < len(self._held) else bytes(self._held)
        del self._held[:size]
        return taken
