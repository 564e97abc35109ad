"""The process that V8 runs in: requests for ``driver.js`` on stdin, its answers on stdout.

A process of its own, because a function that allocates without end can bring V8 to abort the process
it lives in, and because a process can always be stopped.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from pathlib import Path
from queue import SimpleQueue

from py_mini_racer import JSFunction, mini_racer

from .frames import read_frame, write_frame

_MEMORY_LIMIT = 256 * 1024 * 1024


def _receive(requests: SimpleQueue[bytes]) -> None:
    while (request := read_frame(sys.stdin.buffer)) is not None:
        requests.put(request)
    os._exit(0)  # the server is gone; V8 may be in an endless loop and would not notice


async def _serve(requests: SimpleQueue[bytes]) -> None:
    # Called from the loop that it was made with, V8 answers at once instead of by way of a future.
    with mini_racer(asyncio.get_running_loop()) as racer:
        racer.set_hard_memory_limit(_MEMORY_LIMIT)
        handle = racer.eval(Path(__file__).with_name("driver.js").read_text())
        assert isinstance(handle, JSFunction)
        while True:
            answer = handle(requests.get().decode())
            write_frame(sys.stdout.buffer, str(answer).encode())


def main() -> None:
    """Serve until the server closes the pipe.  An error of V8's ends the process: another is started."""
    requests: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_receive, args=(requests,), daemon=True).start()
    asyncio.run(_serve(requests))


if __name__ == "__main__":
    main()
