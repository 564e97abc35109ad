"""The HTTP session under python-couchdb, on libcurl.

python-couchdb's own ``Session`` keeps a cache of whole responses, repeats any kind of request after a broken
connection, waits for a connection for ever, fails on errors that are long or no JSON, and sends files in chunks of
unknown total. All of that is overridden here, in `Session.request`.
"""

import logging
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cached_property, lru_cache
from io import BytesIO
from typing import Any, Generic, TypeVar
from weakref import WeakSet

import orjson
from couchdb import http

from couch import time_limits
from couch.body import SizedBody
from couch.breaker import Breaker
from couch.errors import NotConnected, TimedOut, Unreachable, error_for_status, url_path
from couch.transfer import Call, Exchange, Request, Transfer

logger = logging.getLogger(__name__)

CHUNK = 128 * 1024
# Pauses before a request is sent again: long enough for a listener to restart, short enough for a caller.
_RETRY_PAUSES = (0.05, 0.25)
_CONTROL = re.compile("[\x00-\x1f\x7f]")
_READING_POST = re.compile(r"/(_all_docs|_dbs_info|_view/[^/]+(/queries)?)(\?|$)")

AnyExchange = TypeVar("AnyExchange", bound=Exchange)
Result = TypeVar("Result")
Observe = Callable[[Request, int, BaseException | None, float], None]


class Response:
    """An open response: read it to its end or close it, so that its connection is free again or gone."""

    def __init__(self, transfer: Transfer, pool: "_Pool[Transfer]") -> None:
        self.status, self._header_lines = transfer.status, transfer.response_headers()
        self._transfer: Transfer | None = transfer
        self._pool = pool
        self._release_if_over()

    @cached_property
    def headers(self) -> dict[str, str]:
        """The headers, by their names in lower case."""
        headers: dict[str, str] = {}
        for line in self._header_lines or ():
            name, _, value = line.decode("latin-1").partition(":")
            key, text = name.strip().lower(), value.strip()
            headers[key] = f"{headers[key]}, {text}" if key in headers else text
        return headers

    @property
    def length(self) -> int:
        """How many bytes the body has."""
        return int(self.headers.get("content-length", 0))

    def __iter__(self) -> Iterator[bytes]:
        while piece := self.read(CHUNK):
            yield piece

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes, none at the end or after `close`. Raises Unreachable when the response breaks off."""
        if self._transfer is None:
            return b""
        try:
            piece = self._transfer.read(size)
        except BaseException as error:
            self.close()
            logger.warning("CouchDB's response broke off: %s", error)
            raise
        self._release_if_over()
        return piece

    def lines(self) -> Iterator[bytes]:
        """Yield the lines of the body as they come, empty ones too. Raises Unreachable, also after long silence."""
        unfinished = b""
        while self._transfer is not None:
            try:
                piece = self._transfer.read_available()
            except BaseException:
                self.close()
                raise
            self._release_if_over()
            *lines, unfinished = (unfinished + piece).split(b"\n")
            yield from lines

    def close(self) -> None:
        """Give up what is unread."""
        if self._transfer is not None:
            self._transfer.close()
            self._transfer = None

    def __del__(self) -> None:
        # curl's handles and the functions that they call keep each other: only the collector would close them.
        self.close()

    def _release_if_over(self) -> None:
        if self._transfer is not None and self._transfer.is_over:
            self._pool.put(self._transfer)
            self._transfer = None


class PendingResponse:
    """The response to a request that was sent and that nobody waits for yet. Take it, or close it.

    The request is one that only reads: where its connection broke, or there was none, it is sent again.
    """

    def __init__(self, session: "Session", request: Request) -> None:
        self._session, self._request = session, request
        self._transfer: Transfer | None = None
        if not session.breaker.is_open:
            with suppress(Unreachable):
                self._transfer = session.start(request)

    def wait_until_sent(self) -> None:
        """Wait until the request has left."""
        if self._transfer is not None:
            try:
                self._transfer.wait_until_sent()
            except Unreachable:
                self.close()

    def response(self) -> Response:
        """The response, open. Raises as `Session.open` does."""
        transfer, self._transfer = self._transfer, None
        return self._session.open(self._request, transfer)

    def close(self) -> None:
        """Give up a response that nobody took."""
        if self._transfer is not None:
            self._transfer.close()
            self._transfer = None


class _Pool(Generic[AnyExchange]):
    """Exchanges that nobody uses, for all threads: there are as many connections as were ever busy at once."""

    def __init__(self, create: Callable[[], AnyExchange]) -> None:
        self._create = create
        self._idle: list[AnyExchange] = []
        self._inherited: list[list[AnyExchange]] = []
        _pools.add(self)

    def take(self) -> AnyExchange:
        """An exchange for one thread."""
        try:
            return self._idle.pop()  # of several threads, each gets another one
        except IndexError:
            return self._create()

    def leave_to_parent(self) -> None:
        """Use none of the exchanges of the process that this one was forked from.

        They stay open, since to close their TLS connections here would end them there.
        """
        self._inherited.append(self._idle)
        self._idle = []

    def put(self, exchange: AnyExchange) -> None:
        """Take back an exchange whose response has ended."""
        self._idle.append(exchange)

    def close_idle(self) -> None:
        """Close all that nobody uses."""
        while True:
            try:
                exchange = self._idle.pop()  # of several threads, each gets another one
            except IndexError:
                return
            exchange.close()


_pools: WeakSet[_Pool[Any]] = WeakSet()


def _leave_connections_to_parent() -> None:
    for pool in _pools:
        pool.leave_to_parent()


os.register_at_fork(after_in_child=_leave_connections_to_parent)


class Session(http.Session):  # type: ignore[misc]  # python-couchdb has no types
    """A session for any number of threads. Give it to ``couchdb.Server``."""

    def __init__(self, connect_timeout: float, read_timeout: float) -> None:
        super().__init__(timeout=read_timeout)
        self.breaker = Breaker()
        self.observers: list[Observe] = []
        """Are told of each attempt: the request, its status (0 without an answer), error and seconds."""
        self._read_timeout = read_timeout
        self._calls = _Pool(lambda: Call(connect_timeout, read_timeout))
        self._transfers = _Pool(lambda: Transfer(connect_timeout))

    def request(
        self,
        method: str,
        url: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        credentials: tuple[str, str] | None = None,
        num_redirects: int = 0,
    ) -> tuple[int, Mapping[str, str], Response | BytesIO]:
        """What python-couchdb calls: status, headers and body of the response, or an exception of `couch.errors`.

        Whoever accepts any type, or asks for the headers alone, gets all headers and an open response. Else the
        response is received as a whole, and must be JSON.
        """
        request = self.prepare(method, url, body, headers, credentials)
        if method == "HEAD" or (headers and "Accept" in headers):
            response = self.open(request)
            return response.status, response.headers, response
        if isinstance(body, SizedBody) or time_limits.current_limit() is not None:
            response = self.open(request)
            status, content_type, content = response.status, response.headers.get("content-type", ""), response.read()
        else:
            status, content_type, content = self._with_retries(request, self._call)
        if status >= 400:
            raise error_for_status(status, method, url, content)
        if "application/json" not in content_type:
            raise Unreachable("the response is no JSON")  # but a proxy's page, or half a head
        return status, {"content-type": content_type}, BytesIO(content)

    def prepare(
        self,
        method: str,
        url: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        credentials: tuple[str, str] | None = None,
    ) -> Request:
        """A request. Bodies: None, bytes, SizedBody, or what JSON can tell."""
        if not (body is None or isinstance(body, bytes | SizedBody)):
            body = orjson.dumps(body)
        own = tuple(headers.items()) if headers else ()
        return Request(method, url, _header_lines(credentials, body is not None, own), body)

    def open(self, request: Request, transfer: Transfer | None = None) -> Response:
        """The open response to a request, or to the transfer that it was sent with. Raises as `request` does."""

        def attempt(request: Request) -> Response:
            nonlocal transfer
            current, transfer = transfer, None
            return self._open_once(request, current)

        response = self._with_retries(request, attempt)
        # 416 says in its headers how much there is of what only a part was asked of.
        if response.status >= 400 and response.status != 416:
            raise error_for_status(response.status, request.method, request.url, response.read())
        return response

    def is_answered(self, request: Request) -> bool:
        """Whether the server answers a request that only reads, and with success.

        The breaker neither stops it nor closes by it: a server may say that it is up, and be silent to all else.
        """
        for _ in range(2):  # the first time over a connection that a restart of the server may have ended
            try:
                response = self._open_once(request)
                response.read()
            except TimedOut:
                return False
            except Unreachable:
                continue
            if response.status < 400:
                self.breaker.try_now()
            return response.status < 400
        return False

    def send_all(self, requests: Iterable[Request]) -> list[PendingResponse]:
        """Send requests that only read, each over a connection of its own, and wait for none of the responses."""
        pending = [PendingResponse(self, request) for request in requests]
        for response in pending:
            response.wait_until_sent()
        return pending

    def start(self, request: Request) -> Transfer:
        """Send a request, as far as that takes no waiting. Raises Unreachable."""
        read_timeout = time_limits.read_timeout(self._read_timeout)
        transfer = self._transfers.take()
        try:
            transfer.start(request, read_timeout)
        except BaseException:
            transfer.close()
            raise
        return transfer

    def _open_once(self, request: Request, transfer: Transfer | None = None) -> Response:
        transfer = transfer or self.start(request)
        try:
            transfer.wait_for_head()
        except BaseException:
            transfer.close()
            raise
        return Response(transfer, self._transfers)

    def _call(self, request: Request) -> tuple[int, str, bytes]:
        call = self._calls.take()
        try:
            content = call.perform(request)
        except BaseException:
            call.close()
            raise
        response = call.status, call.content_type, content
        self._calls.put(call)
        return response

    def _with_retries(self, request: Request, attempt: Callable[[Request], Result]) -> Result:
        """What an attempt returns, perhaps not the first.

        A connection that can't be made is tried again for any request; one that breaks later only when a repeat
        does no harm, and none over which nothing came in time.
        """
        if self.breaker.is_open:
            with self.breaker.trial():
                return self._attempts(request, attempt)
        return self._attempts(request, attempt)

    def _attempts(self, request: Request, attempt: Callable[[Request], Result]) -> Result:
        breaker = self.breaker
        answers = breaker.answers
        # Where nobody listened for some time, one repeat is enough to find out that somebody does again.
        pauses = _RETRY_PAUSES[:1] if breaker.is_server_away else _RETRY_PAUSES
        for pause in (*pauses, None):
            try:
                result = self._observed(request, attempt) if self.observers else attempt(request)
            except Unreachable as error:
                is_harmless = isinstance(error, NotConnected) or (
                    not isinstance(error, TimedOut) and _can_repeat(request)
                )
                if pause is None or not is_harmless:
                    self._record_failure(error, answers)
                    logger.warning(
                        "CouchDB gave no answer to %s %s: %s", request.method, url_path(request.url), error
                    )
                    raise
            else:
                breaker.record_answer()
                return result
            time.sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    def _observed(self, request: Request, attempt: Callable[[Request], Result]) -> Result:
        started_at = time.perf_counter()
        try:
            result = attempt(request)
        except Unreachable as error:
            self._tell_observers(request, 0, error, time.perf_counter() - started_at)
            raise
        status = result.status if isinstance(result, Response) else result[0]  # type: ignore[index]
        self._tell_observers(request, status, None, time.perf_counter() - started_at)
        return result

    def _tell_observers(self, request: Request, status: int, error: Unreachable | None, seconds: float) -> None:
        for observe in self.observers:
            observe(request, status, error, seconds)

    def _record_failure(self, error: Unreachable, answers: int) -> None:
        if isinstance(error, NotConnected):
            # Connections that were made before are as dead as the server that had them. A write over one of them
            # would fail, since nobody could tell whether it had arrived.
            self._calls.close_idle()
            self._transfers.close_idle()
            self.breaker.record_refused_connection()
        elif isinstance(error, TimedOut):
            if limit := time_limits.current_limit():
                limit.is_used_up = True
            else:
                self.breaker.record_timeout(answers)


@lru_cache(maxsize=1000)
def _header_lines(
    credentials: tuple[str, str] | None, has_body: bool, headers: tuple[tuple[str, str], ...]
) -> list[str]:
    """The lines of a request's head, but for those that curl adds."""
    content_type = {"Content-Type": "application/json"} if has_body else {}
    fields = {"Accept": "application/json", "User-Agent": "CouchDB-Python", **content_type, **dict(headers)}
    if credentials:
        fields["Authorization"] = http.basic_auth(credentials).decode("ascii")
    lines = [f"{name}: {value}" for name, value in fields.items()]
    if any(map(_CONTROL.search, lines)):
        raise ValueError("a header of a request to CouchDB holds a control character")
    return [*lines, "Expect:"]  # without a value it is not sent: nobody waits for leave to send a long body


def _can_repeat(request: Request) -> bool:
    """Whether sending a request twice does no harm; its body, if that is a file, is at its beginning then.

    One does that reads, that deletes one revision, that creates a database, or whose body was not sent to its end.
    The last is what becomes of a refusal that closes the connection while more is being sent to it.
    """
    if isinstance(request.body, SizedBody):
        return request.body.rewind()
    if request.method == "POST":
        return _READING_POST.search(request.url) is not None
    return request.method in ("GET", "HEAD", "DELETE") or (request.method == "PUT" and request.body is None)
