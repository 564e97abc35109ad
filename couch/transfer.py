"""Requests to CouchDB and their responses, over libcurl: at one go (`Call`) or piece by piece (`Transfer`).

A transfer goes on only while somebody waits for it: what nobody reads yet stays in the connection, so that audio of
any length takes a few hundred kilobytes of memory. Several are under way at once when all of them are started before
the first is waited for. A call leaves the waiting to curl, which takes a fifth less CPU.
"""

import math
import select
import ssl
import time
from functools import partial
from io import BytesIO
from typing import NamedTuple

import pycurl

from couch.body import SizedBody
from couch.errors import NotConnected, TimedOut, Unreachable

# curl receives at most eleven such buffers before the reader has its turn.
_RECEIVE_BUFFER = 64 * 1024
_SEND_BUFFER = 128 * 1024
_CONNECT_ERRORS = (
    pycurl.E_COULDNT_RESOLVE_HOST,
    pycurl.E_COULDNT_CONNECT,
    pycurl.E_SSL_CONNECT_ERROR,
    pycurl.E_PEER_FAILED_VERIFICATION,
)


class Request(NamedTuple):
    """A request as it goes out."""

    method: str
    url: str
    header_lines: list[str]
    """Not to be changed: curl is told of them when they are another list than before."""
    body: bytes | SizedBody | None = None


class Exchange:
    """A curl handle. It keeps its connection from one request to the next."""

    def __init__(self, connect_timeout: float) -> None:
        self._curl = pycurl.Curl()
        self._header_lines: list[str] | None = None
        self._method: str | None = None
        self._body_error: BaseException | None = None
        for option, value in _lasting_options(connect_timeout).items():
            self._curl.setopt(option, value)

    @property
    def status(self) -> int:
        """The status of the response."""
        return int(self._curl.getinfo(pycurl.RESPONSE_CODE))

    @property
    def content_type(self) -> str:
        """The content type of the response."""
        return self._curl.getinfo(pycurl.CONTENT_TYPE) or ""

    def close(self) -> None:
        """Give up the connection."""
        self._curl.close()

    def _set_options(self, request: Request) -> None:
        """Tell curl what differs from the request before."""
        curl = self._curl
        curl.setopt(pycurl.URL, request.url)
        if request.header_lines is not self._header_lines:
            curl.setopt(pycurl.HTTPHEADER, request.header_lines)
            self._header_lines = request.header_lines
        if request.body is not None:
            curl.setopt(pycurl.UPLOAD, 1)
            curl.setopt(pycurl.CUSTOMREQUEST, request.method)
            self._set_body(request.body)
            self._method = None
        elif request.method != self._method:
            curl.setopt(pycurl.HTTPGET, 1)
            curl.setopt(pycurl.NOBODY, request.method == "HEAD")
            curl.setopt(pycurl.CUSTOMREQUEST, request.method)
            self._method = request.method

    def _set_body(self, body: bytes | SizedBody) -> None:
        # curl is not told how to go back in a body, so that it never sends one a second time of its own accord.
        self._body_error = None
        if isinstance(body, bytes):
            self._curl.setopt(pycurl.INFILESIZE_LARGE, len(body))
            self._curl.setopt(pycurl.READFUNCTION, BytesIO(body).read)
        else:
            self._curl.setopt(pycurl.INFILESIZE_LARGE, body.length)
            self._curl.setopt(pycurl.READFUNCTION, partial(self._read_body, body))

    def _read_body(self, body: SizedBody, size: int) -> bytes | int:
        """Called by curl: the next bytes to send."""
        try:
            return body.read(size)
        except BaseException as error:  # raised when curl has given up, which can't
            self._body_error = error
            return pycurl.READFUNC_ABORT

    def _error(self, code: int, message: str) -> BaseException:
        """curl's error as one of ours."""
        if self._body_error is not None:
            return self._body_error
        if code == pycurl.E_OPERATION_TIMEDOUT:
            return TimedOut(message)
        return NotConnected(message) if code in _CONNECT_ERRORS else Unreachable(message)


class Call(Exchange):
    """For requests whose response is wanted as a whole, and without its headers."""

    def __init__(self, connect_timeout: float, read_timeout: float) -> None:
        super().__init__(connect_timeout)
        self._pieces: list[bytes] = []
        self._curl.setopt(pycurl.WRITEFUNCTION, self._pieces.append)
        # curl takes whole seconds, and notices after 6 more that a response stopped midway: it watches an average.
        self._curl.setopt(pycurl.LOW_SPEED_LIMIT, 1)
        self._curl.setopt(pycurl.LOW_SPEED_TIME, math.ceil(read_timeout))

    def perform(self, request: Request) -> bytes:
        """Send a request and receive the response; its body. Raises Unreachable."""
        self._set_options(request)
        try:
            self._curl.perform()
        except pycurl.error as error:
            raise self._error(*error.args) from error
        content = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces.clear()
        return content


class Transfer(Exchange):
    """For long bodies, and for requests that others are sent along with."""

    def __init__(self, connect_timeout: float) -> None:
        super().__init__(connect_timeout)
        self._read_timeout = 0.0
        self._multi, self._poll = pycurl.CurlMulti(), select.poll()
        self._received = bytearray()
        self._head_lines: list[bytes] = []
        self.has_ended = False
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._watch_socket)
        self._curl.setopt(pycurl.WRITEFUNCTION, self._received.extend)
        self._curl.setopt(pycurl.HEADERFUNCTION, self._head_lines.append)

    def start(self, request: Request, read_timeout: float) -> None:
        """Send a request, as far as that takes no waiting; silence for `read_timeout` seconds ends it.

        Raises Unreachable.
        """
        self._read_timeout = read_timeout
        self._set_options(request)
        self.has_ended = False
        self._head_lines.clear()
        self._multi.add_handle(self._curl)
        self._act(pycurl.SOCKET_TIMEOUT, 0)

    def wait_until_sent(self) -> None:
        """Wait until a request without a body has left. Raises Unreachable."""
        while not self.has_ended and not self._curl.getinfo(pycurl.REQUEST_SIZE):
            self._advance()

    def wait_for_head(self) -> None:
        """Wait for the status and the headers. Raises Unreachable."""
        while not self.has_ended and self.response_headers() is None:
            self._advance()
        if self.response_headers() is None:
            raise Unreachable("the response ended in its headers")

    def read(self, size: int = -1) -> bytes:
        """The next bytes of the body, fewer than `size` only at its end; all of them with -1. Raises Unreachable."""
        received = self._received
        while not self.has_ended and (size < 0 or len(received) < size):
            self._advance()
        piece = bytes(received if size < 0 else received[:size])
        del received[: len(piece)]
        return piece

    def read_available(self) -> bytes:
        """The bytes that have come, of which at least one is waited for; none at the end. Raises Unreachable."""
        while not self.has_ended and not self._received:
            self._advance()
        piece = bytes(self._received)
        self._received.clear()
        return piece

    @property
    def is_over(self) -> bool:
        """Whether the response has ended and was read to its end."""
        return self.has_ended and not self._received

    def response_headers(self) -> list[bytes] | None:
        """The headers of the response; None before all of them have come."""
        lines = self._head_lines
        while b"\r\n" in lines:
            end = lines.index(b"\r\n")
            (status_line, *headers), lines = lines[:end], lines[end + 1 :]
            if not status_line.split()[1].startswith(b"1"):  # 100 Continue only announces another
                return headers
        return None

    def close(self) -> None:
        """Give up the request, and the connection with it."""
        self.has_ended = True
        self._multi.close()
        super().close()

    def _advance(self) -> None:
        """Wait until bytes can be received or sent, and do that. Raises Unreachable."""
        count, deadline = len(self._received), time.monotonic() + self._read_timeout
        while not (ready := self._poll.poll(self._poll_timeout(deadline))):
            if time.monotonic() >= deadline:
                raise TimedOut(f"nothing came in {self._read_timeout:g} s")
            self._act(pycurl.SOCKET_TIMEOUT, 0)
            if self.has_ended or self._head_lines or len(self._received) > count:
                return
        for descriptor, events in ready:
            if not self.has_ended:
                self._act(descriptor, _curl_events(events))

    def _poll_timeout(self, deadline: float) -> float:
        """Milliseconds to wait for bytes: until the deadline, or until curl has something to do itself."""
        remaining = max(0.0, deadline - time.monotonic()) * 1000
        curl_timeout = self._multi.timeout()
        return min(remaining, curl_timeout) if curl_timeout >= 0 else remaining

    def _act(self, descriptor: int, events: int) -> None:
        _, running = self._multi.socket_action(descriptor, events)
        if running:
            return
        self.has_ended = True
        _, _, failures = self._multi.info_read()
        self._multi.remove_handle(self._curl)
        for _, code, message in failures:
            raise self._error(code, message)

    def _watch_socket(self, what: int, descriptor: int, multi: object, data: object) -> None:
        """Called by curl: what it waits for."""
        if what == pycurl.POLL_REMOVE:
            self._poll.unregister(descriptor)
            return
        wanted = (select.POLLIN if what & pycurl.POLL_IN else 0) | (select.POLLOUT if what & pycurl.POLL_OUT else 0)
        self._poll.register(descriptor, wanted)


def _curl_events(events: int) -> int:
    """The events of a socket as curl calls them; what is wrong with one, curl finds out when it uses it."""
    if events & ~(select.POLLIN | select.POLLOUT):
        return pycurl.CSELECT_IN | pycurl.CSELECT_OUT
    return (pycurl.CSELECT_IN if events & select.POLLIN else 0) | (
        pycurl.CSELECT_OUT if events & select.POLLOUT else 0
    )


def _lasting_options(connect_timeout: float) -> dict[int, object]:
    """What all requests have in common."""
    options: dict[int, object] = {
        pycurl.NOSIGNAL: 1,  # which only one thread of a process could have
        pycurl.PROXY: "",  # whatever the environment says
        pycurl.HTTP_VERSION: pycurl.CURL_HTTP_VERSION_1_1,
        pycurl.CONNECTTIMEOUT_MS: round(connect_timeout * 1000),
        pycurl.BUFFERSIZE: _RECEIVE_BUFFER,
        pycurl.UPLOAD_BUFFERSIZE: _SEND_BUFFER,
    }
    trusted = ssl.get_default_verify_paths()  # curl's own are those of the machine that it was built on
    if trusted.cafile:
        options[pycurl.CAINFO] = trusted.cafile
    if trusted.capath:
        options[pycurl.CAPATH] = trusted.capath
    return options
