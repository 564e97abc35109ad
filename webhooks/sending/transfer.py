"""One request over libcurl: its limits, and the check of each address at the moment of connecting.

libcurl asks for a socket for each address that it connects to, after it has resolved a name, for the first request
and for each redirect. Nothing can be resolved differently between that check and the connection.
"""

import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import urljoin, urlsplit

import pycurl

from webhooks.request_rules import is_http_address
from webhooks.sending import addresses
from webhooks.sending.addresses import Network

CONNECT_SECONDS = 10
ANSWER_SECONDS = 10
MAX_REDIRECTS = 3
BODY_LIMIT = 16 * 1024
"""So many bytes of an answer's body are read, then the connection is closed."""
_HEADERS_LIMIT = 64
_HEADER_LENGTH = 1024
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True)
class Request:
    """A request as it is sent."""

    method: str
    uri: str
    headers: Mapping[str, str]
    body: bytes = b""
    own_headers: frozenset[str] = frozenset()
    """The names of headers that are meant for the uri's host alone: redirects to another one lose them."""


@dataclass(frozen=True)
class Answer:
    """What came back: a status, headers and the beginning of the body; or an error if there was no answer."""

    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    error: str = ""
    may_be_repeated: bool = False
    """Whether the same request may succeed later, if there was no answer."""


def send(request: Request, allowed_networks: Sequence[Network]) -> Answer:
    """Send a request, follow a few redirects, and return the last answer."""
    for _ in range(MAX_REDIRECTS + 1):
        answer = _Transfer(request, allowed_networks).perform()
        location = answer.headers.get("location")
        if answer.status not in _REDIRECTS or not location:
            return answer
        target = urljoin(request.uri, location)
        if not is_http_address(target):
            return Answer(
                answer.status, answer.headers, answer.body, "redirected to what is no http or https address"
            )
        request = _redirected(request, target)
    return Answer(answer.status, answer.headers, answer.body, f"more than {MAX_REDIRECTS} redirects")


def _redirected(request: Request, target: str) -> Request:
    """The same request to another uri, also after 301 to 303: a GET without the payload would tell nothing."""
    headers = dict(request.headers)
    if urlsplit(target)[:2] != urlsplit(request.uri)[:2]:
        headers = {name: value for name, value in headers.items() if name not in request.own_headers}
    return Request(request.method, target, headers, request.body, request.own_headers)


class _Transfer:
    """One request and its answer."""

    def __init__(self, request: Request, allowed_networks: Sequence[Network]) -> None:
        self._request = request
        self._allowed_networks = allowed_networks
        self._refused_address: str | None = None
        self._has_socket = False
        self._connected_at: float | None = None
        self._body = bytearray()
        self._headers: dict[str, str] = {}
        self._has_headers = False

    def perform(self) -> Answer:
        """Send the request and return its answer."""
        curl = pycurl.Curl()
        try:
            self._prepare(curl)
            try:
                curl.perform()
            except pycurl.error as error:
                # Headers are an answer, even if its body ends early or never; after those of 100, more would follow.
                if not self._has_headers or curl.getinfo(pycurl.RESPONSE_CODE) < HTTPStatus.OK:
                    return self._failure(int(error.args[0]), curl.errstr())
            return Answer(curl.getinfo(pycurl.RESPONSE_CODE), self._headers, bytes(self._body))
        except (pycurl.error, UnicodeError) as error:  # of an address that an old document holds
            return Answer(error=str(error.args[-1]))
        finally:
            curl.close()

    def _prepare(self, curl: pycurl.Curl) -> None:
        request = self._request
        options: list[tuple[int, Any]] = [
            (pycurl.URL, request.uri.encode()),
            (pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS),
            (pycurl.PROXY, ""),  # whatever the environment says: a proxy would connect to unchecked addresses
            (pycurl.NOSIGNAL, 1),
            (pycurl.CONNECTTIMEOUT, CONNECT_SECONDS),
            (pycurl.TIMEOUT, CONNECT_SECONDS + ANSWER_SECONDS),
            (pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1),
            (pycurl.FRESH_CONNECT, 1),
            (pycurl.FORBID_REUSE, 1),
            (pycurl.OPENSOCKETFUNCTION, self._open_socket),
            (pycurl.PREREQFUNCTION, self._on_connected),
            (pycurl.NOPROGRESS, 0),
            (pycurl.XFERINFOFUNCTION, self._check_time),
            (pycurl.HEADERFUNCTION, self._read_header),
            (pycurl.WRITEFUNCTION, self._read_body),
            (pycurl.HTTPHEADER, [*_header_lines(request.headers), "Expect:"]),
        ]
        if request.method == "GET":
            options += [(pycurl.HTTPGET, 1)]
        else:
            options += [
                (pycurl.POST, 1),
                (pycurl.CUSTOMREQUEST, request.method),
                (pycurl.POSTFIELDSIZE, len(request.body)),
                (pycurl.COPYPOSTFIELDS, request.body),
            ]
        certificates = ssl.get_default_verify_paths()
        options += [(pycurl.CAINFO, certificates.cafile)] if certificates.cafile else []
        options += [(pycurl.CAPATH, certificates.capath)] if certificates.capath else []
        for option, value in options:
            curl.setopt(option, value)

    def _open_socket(self, purpose: int, address: Any) -> socket.socket | int:
        family, kind, protocol, place = address
        if not addresses.is_allowed(place[0], self._allowed_networks):
            self._refused_address = place[0]
            return pycurl.SOCKET_BAD
        self._has_socket = True
        return socket.socket(family, kind, protocol)

    def _on_connected(self, *endpoints: Any) -> int:
        self._connected_at = time.monotonic()
        return pycurl.PREREQFUNC_OK

    def _check_time(self, *progress: int) -> bool:
        """Whether to abort, since no answer came in time."""
        return self._connected_at is not None and time.monotonic() > self._connected_at + ANSWER_SECONDS

    def _read_header(self, line: bytes) -> None:
        name, separator, value = line.decode("iso-8859-1").strip().partition(":")
        self._has_headers = not name
        if line.startswith(b"HTTP/"):
            self._headers.clear()  # of an interim answer, such as 100
        elif separator and len(self._headers) < _HEADERS_LIMIT:
            self._headers[name.lower()[:_HEADER_LENGTH]] = value.strip()[:_HEADER_LENGTH]

    def _read_body(self, piece: bytes) -> int:
        self._body += piece[: BODY_LIMIT - len(self._body)]
        return len(piece) if len(self._body) < BODY_LIMIT else 0  # 0 ends the transfer

    def _failure(self, code: int, message: str) -> Answer:
        if self._refused_address is not None and not self._has_socket:
            return Answer(error=f"{self._refused_address} is no address that webhooks may be sent to")
        if code == pycurl.E_ABORTED_BY_CALLBACK:
            message = f"no answer within {ANSWER_SECONDS} seconds"
        return Answer(error=message, may_be_repeated=code not in _PERMANENT_ERRORS)


_PERMANENT_ERRORS = frozenset({pycurl.E_URL_MALFORMAT, pycurl.E_UNSUPPORTED_PROTOCOL, pycurl.E_TOO_MANY_REDIRECTS})


def _header_lines(headers: Mapping[str, str]) -> list[str]:
    # libcurl sends a header without a value only if a semicolon takes the colon's place.
    return [f"{name}: {value}" if value.strip() else f"{name};" for name, value in headers.items()]


def is_success(status: int | None) -> bool:
    """Whether a receiver has taken the payload."""
    return status is not None and HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES
