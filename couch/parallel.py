"""Work side by side in threads, for what waits for CouchDB many times."""

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import cache, partial
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_PARALLEL = 16
_worker = threading.local()


@cache
def _executor() -> ThreadPoolExecutor:
    def mark() -> None:
        _worker.busy = True

    return ThreadPoolExecutor(_PARALLEL, thread_name_prefix="couch", initializer=mark)


def in_parallel(function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """The function's results for independent items, in their order, side by side; the first error is raised.

    Within one of its own threads it works one by one: waiting there for a free thread could wait for ever.
    """
    todo = list(items)
    if len(todo) < 2 or getattr(_worker, "busy", False):
        return [function(item) for item in todo]
    # The caller's time limit (couch.time_limits) holds in the threads as well.
    tasks = [partial(copy_context().run, function, item) for item in todo]
    return list(_executor().map(lambda task: task(), tasks))
