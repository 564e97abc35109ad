"""How gunicorn serves: ``gunicorn -c config/gunicorn.conf.py`` from the project's directory."""

import ctypes
import gc
from typing import Any

from config import environment
from config.start import refuse_unsafe_settings

# By itself, glibc has eight arenas per processor for threads to allocate from, each of which keeps what they gave up.
# With one, whose lock hardly ever has two waiting for it as Python runs one thread at a time, sixteen uploads at once
# took half the memory and half the CPU. Other C libraries have no such thing.
_M_ARENA_MAX = -8
if mallopt := getattr(ctypes.CDLL(None), "mallopt", None):
    mallopt(_M_ARENA_MAX, 1)

refuse_unsafe_settings()

wsgi_app = "config.wsgi:application"
bind = f"{environment.text('BIND', '127.0.0.1')}:{environment.whole('PORT', 8000)}"

# Threads wait for CouchDB and for slow uploads and downloads; processes use the processors.
worker_class = "gthread"
workers = environment.whole("WEB_CONCURRENCY", 2, minimum=1)
threads = environment.whole("THREADS", 16, minimum=1)

# A worker that does not report for so long is killed. Its threads may take longer over an upload.
timeout = 60
# After SIGTERM: how long requests that are under way may still take.
graceful_timeout = environment.whole("GRACEFUL_TIMEOUT", 30, minimum=1)
keepalive = 5

# Room for filters and long tokens in a request line, and no more.
limit_request_line = 8190
limit_request_fields = 100
limit_request_field_size = 16380

# Nobody needs to manage workers while they run, and the default place for it lies in the home directory.
control_socket_disable = True

accesslog = "-"
errorlog = "-"
logger_class = "config.gunicorn_logs.Logger"
loglevel = environment.text("LOG_LEVEL", "INFO").lower()


def post_worker_init(worker: Any) -> None:
    """What is loaded by now stays: the collector needs not look through it again and again."""
    gc.collect()
    gc.freeze()
