"""Feeds of changes that go on: `continuous`, a line per change, and `longpoll`, which waits for the first one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from . import jsontext
from .errors import CouchError, bad_request
from .sequences import public_seq

_DEFAULT_MILLISECONDS = 60_000
FEEDS = ("normal", "longpoll", "continuous")


class Commits:
    """Counts the commits of all databases, so that feeds can wait for the next one."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self.count = 0
        self.is_closed = False

    def add(self) -> None:
        """Wake the feeds: a document was written."""
        with self._condition:
            self.count += 1
            self._condition.notify_all()

    def close(self) -> None:
        """End all feeds, since the server stops."""
        with self._condition:
            self.is_closed = True
            self._condition.notify_all()

    def wait(self, count: int, seconds: float) -> bool:
        """Wait until there are other than `count` commits, or the server stops; False after so many seconds."""
        with self._condition:
            return self._condition.wait_for(lambda: self.count != count or self.is_closed, max(seconds, 0))


@dataclass(frozen=True)
class Page:
    """Some changes: a JSON object each, the sequence of the last one, and how many more there are."""

    rows: list[bytes]
    last_seq: int
    pending: int

    def tail(self, *, with_pending: bool) -> bytes:
        """The members that end a feed, as a JSON object."""
        pending = {"pending": self.pending} if with_pending else {}
        return jsontext.dumps({"last_seq": public_seq(self.last_seq), **pending})


ReadPage = Callable[[int, int | None], Page]
"""Reads the changes after a sequence, so many at most."""


@dataclass(frozen=True)
class Feed:
    """What a client asked of a feed that goes on."""

    since: int
    limit: int | None
    heartbeat: float | None
    """Seconds between empty lines while nothing happens; without it the feed ends after `timeout` seconds."""
    timeout: float
    with_pending: bool


def parse_feed(options: Mapping[str, str]) -> str:
    """The kind of feed that the options name.  Raises a 400 ``CouchError``."""
    feed = options.get("feed", "normal")
    if feed not in FEEDS:
        raise bad_request("Supported `feed` types: " + ", ".join(FEEDS))
    return feed


def feed_options(options: Mapping[str, str], since: int, limit: int | None, *, with_pending: bool = True) -> Feed:
    """A feed by the options in a URL.  Raises a 400 ``CouchError``."""
    heartbeat = options.get("heartbeat")
    milliseconds = None if heartbeat in (None, "false") else _milliseconds(heartbeat or "true")
    return Feed(
        since,
        limit,
        None if milliseconds is None else milliseconds / 1000,
        _milliseconds(options.get("timeout", "true")) / 1000,
        with_pending,
    )


def _milliseconds(text: str) -> int:
    if text == "true":
        return _DEFAULT_MILLISECONDS
    if not text.isdecimal() or int(text) == 0:
        raise bad_request("invalid_integer")
    return int(text)


def continuous(feed: Feed, commits: Commits, read_page: ReadPage) -> Iterator[bytes]:
    """Yield a line for each change, as it happens, and the last sequence when the feed ends."""
    seq, remaining = feed.since, feed.limit
    while True:
        count = commits.count
        try:
            page = read_page(seq, remaining)
        except CouchError:  # the database was deleted
            yield Page([], seq, 0).tail(with_pending=feed.with_pending) + b"\n"
            return
        if page.rows:
            yield b"\n".join(page.rows) + b"\n"
        seq = page.last_seq
        if remaining is not None:
            remaining -= len(page.rows)
        deadline = time.monotonic() + feed.timeout
        while remaining != 0 and not commits.is_closed:
            if commits.wait(count, deadline - time.monotonic() if feed.heartbeat is None else feed.heartbeat):
                break
            if feed.heartbeat is None:
                remaining = 0
            else:
                yield b"\n"
        if remaining == 0 or commits.is_closed:
            yield page.tail(with_pending=feed.with_pending) + b"\n"
            return


def longpoll(feed: Feed, commits: Commits, read_page: ReadPage) -> Iterator[bytes]:
    """Yield the changes there are, or else the first that happens, as one JSON object in pieces."""
    yield b'{"results":[\n'
    deadline = time.monotonic() + feed.timeout
    while True:
        count = commits.count
        page = read_page(feed.since, feed.limit)
        if page.rows or commits.is_closed:
            break
        if not commits.wait(count, deadline - time.monotonic() if feed.heartbeat is None else feed.heartbeat):
            if feed.heartbeat is None:
                break
            yield b"\n"
    yield b",\n".join(page.rows) + b"\n],\n" + page.tail(with_pending=feed.with_pending)[1:] + b"\n"
