"""The JavaScript engine: V8 in a few isolated contexts, with limits on time and memory."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from py_mini_racer import JSEvalException, JSFunction, MiniRacer

from .errors import CouchError
from .jsontext import loads_from_javascript

_MEMORY_LIMIT = 256 * 1024 * 1024
_CONTEXTS = 2

log = logging.getLogger("embedded_couchdb.javascript")


class JavaScriptError(Exception):
    """A function can't be compiled.  The text says why."""


def _ran_away() -> CouchError:
    return CouchError(500, "os_process_error", "JavaScript ran out of time or memory.")


class _Context:
    def __init__(self) -> None:
        self.racer = MiniRacer()
        self.racer.set_hard_memory_limit(_MEMORY_LIMIT)
        handle = self.racer.eval(Path(__file__).with_name("driver.js").read_text())
        assert isinstance(handle, JSFunction)
        self.handle = handle


class Engine:
    """Runs operations of ``driver.js``.  Callers wait when all contexts are busy."""

    def __init__(self, time_limit: float) -> None:
        """``time_limit`` is in seconds, for one operation (a map of some hundred documents is one)."""
        self._time_limit = time_limit
        self._idle: list[_Context] = []
        self._free = threading.Semaphore(_CONTEXTS)

    def run(self, operation: str, *args: str) -> Any:
        """The result of an operation on JSON texts.

        Raises ``JavaScriptError`` if a function doesn't compile, and a 500 ``CouchError`` if it ran
        out of time or memory.
        """
        with self._context() as context:
            answer = context.handle(operation, *args, timeout_sec=self._time_limit)
        parsed = loads_from_javascript(str(answer))
        for message in parsed["log"]:
            log.info("%s", message)
        if "failure" in parsed:
            raise JavaScriptError(f"{parsed['failure']['error']}: {parsed['failure']['reason']}")
        return parsed["result"]

    @contextmanager
    def _context(self) -> Iterator[_Context]:
        with self._free:
            context = self._idle.pop() if self._idle else _Context()
            try:
                yield context
            except JSEvalException as problem:
                # What ran away may have left anything behind: the next caller gets a fresh context.
                context.racer.close()
                log.warning("JavaScript was stopped: %s", problem)
                raise _ran_away() from problem
            except BaseException:
                context.racer.close()
                raise
            self._idle.append(context)

    def close(self) -> None:
        """Free the contexts."""
        for context in self._idle:
            context.racer.close()
        self._idle.clear()
