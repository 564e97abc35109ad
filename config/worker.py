"""gunicorn's worker with threads, whose threads wait a moment for what the client they just answered sends next.

Compared were gunicorn's kinds of workers, by the CPU that a request takes in them beside the application: 16 threads,
a client with one connection and one with eight that send request after request, best of 8 slices of a second in
turns, gunicorn 27 on Python 3.11:

    gthread   348 and 257 µs   every request goes from the poller to a thread and back, through two queues and a pipe
    sync      263 and 295 µs   a connection per request, and one slow upload keeps a whole worker
    gevent    221 and 239 µs   would need all that blocks to be patched: files, locks, PostgreSQL's driver; and
                               a ZIP or a conversion that works for long would keep all others waiting
    this one  195 and 215 µs   nothing is handed on while a client keeps asking
"""

import select
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

_MILLISECONDS = 2


class Worker(ThreadWorker):
    """As `gthread`, but a thread goes on with a connection as long as requests come and nobody waits for a thread."""

    def get_thread_pool(self) -> ThreadPoolExecutor:
        """The threads that answer."""
        self.threads = ThreadPoolExecutor(max_workers=self.cfg.threads)
        return self.threads

    def handle(self, conn: Any) -> Any:
        """Answer requests of a connection; True when it is kept, for the poller to tell when more comes."""
        keeps = super().handle(conn)
        while keeps is True and self._comes(conn):
            keeps = super().handle(conn)
        return keeps

    def _comes(self, conn: Any) -> bool:
        """Whether the next request comes, before this thread is wanted elsewhere."""
        if not self.alive or self.threads._work_queue.qsize():
            return False
        if conn.parser.unreader.buf.getvalue():  # read ahead with the last one: gunicorn queues the connection again
            return False
        poll = select.poll()
        poll.register(conn.sock, select.POLLIN)
        return bool(poll.poll(_MILLISECONDS))
