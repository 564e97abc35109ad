"""Run work for many items in a few threads, until all is done or a stop is requested."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any, TypeVar

from migration.progress import StoppableProgress

Item = TypeVar("Item")
Result = TypeVar("Result")


def map_in_threads(
    function: Callable[[Item], Result], items: Iterable[Item], workers: int, progress: StoppableProgress[Any]
) -> Iterator[Result]:
    """The function's results, in the order of their completion. Starts no other item once a stop is requested.

    After an exception in one thread the others end after their current batch, and the exception is raised.
    """
    pending = iter(items)
    with ThreadPoolExecutor(max(workers, 1), thread_name_prefix="migration") as executor:
        running: set[Future[Result]] = set()
        try:
            while True:
                while len(running) < workers and not progress.is_stopping:
                    try:
                        running.add(executor.submit(function, next(pending)))
                    except StopIteration:
                        break
                if not running:
                    return
                completed, running = wait(running, return_when=FIRST_COMPLETED)
                for future in completed:
                    yield future.result()
        except BaseException:
            progress.stop()
            raise
