"""The process that V8 runs in: requests for ``driver.js`` on stdin, responses on stdout.

It is a separate process, since V8 aborts its process when a function allocates without end, and since a
process can always be stopped.
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
    # Called from the loop that it was created with, V8 returns a value instead of a future.
    with mini_racer(asyncio.get_running_loop()) as racer:
        racer.set_hard_memory_limit(_MEMORY_LIMIT)
        handle = racer.eval(Path(__file__).with_name("driver.js").read_text())
        assert isinstance(handle, JSFunction)
        while True:
            answer = handle(requests.get().decode())
            write_frame(sys.stdout.buffer, str(answer).encode())


def main() -> None:
    """Serve until the server closes the pipe.  An error in V8 ends the process; the server starts another one."""
    requests: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_receive, args=(requests,), daemon=True).start()
    asyncio.run(_serve(requests))


if __name__ == "__main__":
    main()
