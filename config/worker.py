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
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from gunicorn import util
from gunicorn.http import wsgi
from gunicorn.workers.gthread import ThreadWorker

from config.answer import Answer

_MILLISECONDS = 2


class Worker(ThreadWorker):
    """As `gthread`, but a thread goes on with a connection as long as requests come and nobody waits for a thread."""

    def init_process(self) -> None:
        """Begin to serve; only returns at the end."""
        # Each setting is a property that looks itself up in two dictionaries, and a request asks for twenty.
        vars(self.cfg).update({name: setting.get() for name, setting in self.cfg.settings.items()})
        super().init_process()

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

    def handle_request(self, req: Any, conn: Any) -> bool:
        """Answer a request, as the base class does, with an `Answer`; whether the connection may be kept."""
        made: Any = wsgi.create(req, conn.sock, conn.client, conn.server, self.cfg, response_class=Answer)
        answer, environ = made
        environ["wsgi.multithread"] = True
        self._count(answer)
        begun = time.monotonic()
        try:
            pieces = self.wsgi(environ, answer.start_response)
            try:
                if isinstance(pieces, wsgi.FileWrapper):
                    answer.write_file(pieces)
                else:
                    for piece in pieces:
                        answer.write(piece)
                answer.close()
            finally:
                self.log.access(answer, req, environ, timedelta(seconds=time.monotonic() - begun))
                if hasattr(pieces, "close"):
                    pieces.close()
        except OSError:
            raise
        except (Exception, SystemExit):
            if not answer.headers_sent:
                raise
            self.log.exception("Error handling request")  # too late for another answer
            util.close_graceful(conn.sock)
            raise StopIteration() from None
        return not answer.should_close()

    def _count(self, answer: Answer) -> None:
        """Count a request, and close the connection after it when nothing more is to come over it."""
        self.nr += 1
        if self.nr >= self.max_requests and self.alive:
            self.log.info("Autorestarting worker after current request.")
            self.alive = False
        if not self.alive or not self.cfg.keepalive or len(self.keepalived_conns) >= self.max_keepalived:
            answer.force_close()

    def _keepalive_after(self, conn: Any, keepalive: bool) -> bool:
        """Whether the connection can take another request: what is left of a body has to be read first."""
        body = conn.parser.mesg.body
        if keepalive and getattr(body.reader, "length", None) == 0 and not body.buf.tell():
            return True
        return bool(super()._keepalive_after(conn, keepalive))  # type: ignore[misc]

    def _comes(self, conn: Any) -> bool:
        """Whether the next request comes, before this thread is wanted elsewhere."""
        if not self.alive or self.threads._work_queue.qsize():
            return False
        if conn.parser.unreader.buf.getvalue():  # read ahead with the last one: gunicorn queues the connection again
            return False
        poll = select.poll()
        poll.register(conn.sock, select.POLLIN)
        return bool(poll.poll(_MILLISECONDS))
