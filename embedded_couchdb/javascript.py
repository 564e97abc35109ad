"""The JavaScript engine: a few processes with V8 in them, with limits on time and memory."""

from __future__ import annotations

import logging
import select
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from .errors import CouchError
from .frames import read_frame, write_frame
from .jsontext import loads_from_javascript

_WORKERS = 2
_START_SECONDS = 30.0
_COMPILED_SOURCES = 256
_PROJECT = Path(__file__).parents[1]

log = logging.getLogger("embedded_couchdb.javascript")


class JavaScriptError(Exception):
    """A function can't be compiled.  The text says why."""


class _Gone(Exception):
    """The worker's process ended or didn't answer in time."""


class _Worker:
    """One process with V8 in it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own module, nothing from outside
            [sys.executable, "-m", f"{__package__}.javascript_worker"],
            cwd=_PROJECT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # V8's crash reports, of no use here
            start_new_session=True,  # Ctrl-C reaches only the server, which ends its workers
        )
        self._answers = select.poll()  # not select(), which can't take the 1025th open file
        assert self._process.stdout is not None
        self._answers.register(self._process.stdout, select.POLLIN)
        self._ready = False

    def ask(self, request: bytes, seconds: float) -> bytes:
        """The answer to a request.  Raises ``_Gone``."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        if not self._ready:  # the time to start doesn't count as the function's
            self._ready = True
            self.ask(b"ready", _START_SECONDS)
        try:
            write_frame(self._process.stdin, request)
        except OSError as problem:
            raise _Gone from problem
        if not self._answers.poll(seconds * 1000):
            raise _Gone
        answer = read_frame(self._process.stdout)
        if answer is None:
            raise _Gone
        return answer

    def end(self) -> None:
        """Stop the process, whatever it is doing."""
        self._process.kill()
        self._process.communicate()


class Engine:
    """Runs operations of ``driver.js``.  Callers wait when all workers are busy."""

    def __init__(self, time_limit: float) -> None:
        """``time_limit`` is in seconds, for one operation (a map of some hundred documents is one)."""
        self._time_limit = time_limit
        self._idle = [_Worker()]  # started now, so that the first view doesn't wait for it
        self._free = threading.Semaphore(_WORKERS)
        self._compile = lru_cache(_COMPILED_SOURCES)(lambda source: self.run("check", source))

    def check(self, source: str) -> None:
        """Check that a source compiles to a function.  Sources that did are remembered.

        Raises ``JavaScriptError`` if it doesn't, and a 500 ``CouchError`` as ``run`` does.
        """
        self._compile(source)

    def run(self, operation: str, *args: str) -> Any:
        """The result of an operation on JSON texts.

        Raises ``JavaScriptError`` if a function doesn't compile, and a 500 ``CouchError`` if it ran
        out of time or memory.
        """
        request = "\0".join((operation, *args)).encode()  # JSON text never holds a NUL
        with self._worker() as worker:
            answer = worker.ask(request, self._time_limit)
        parsed = loads_from_javascript(answer.decode())
        for message in parsed["log"]:
            log.info("%s", message)
        if "failure" in parsed:
            raise JavaScriptError(f"{parsed['failure']['error']}: {parsed['failure']['reason']}")
        return parsed["result"]

    @contextmanager
    def _worker(self) -> Iterator[_Worker]:
        with self._free:
            worker = self._idle.pop() if self._idle else _Worker()
            try:
                yield worker
            except BaseException as problem:
                # A stopped function may have left the process in any state: the next caller gets a new one.
                worker.end()
                if isinstance(problem, _Gone):
                    log.warning("A function ran out of time or memory and was stopped.")
                    reason = "JavaScript ran out of time or memory."
                    raise CouchError(500, "os_process_error", reason) from problem
                raise
            self._idle.append(worker)

    def close(self) -> None:
        """End the processes."""
        while self._idle:
            self._idle.pop().end()
