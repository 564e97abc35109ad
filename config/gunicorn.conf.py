"""gunicorn's settings, for ``gunicorn -c config/gunicorn.conf.py`` in the project's directory."""

import atexit
import ctypes
import gc
import os
import shutil
import tempfile
from typing import Any

from config import environment
from config.start import refuse_unsafe_settings, wait_for_port

# By default glibc has eight arenas per processor for threads to allocate from, each of which keeps freed memory. With
# one, for which threads hardly ever compete as Python runs one at a time, sixteen uploads at once took half the
# memory and half the CPU. Other C libraries have no arenas.
_M_ARENA_MAX = -8
if mallopt := getattr(ctypes.CDLL(None), "mallopt", None):
    mallopt(_M_ARENA_MAX, 1)


def _remove_counts(folder: str, owner: int) -> None:
    if os.getpid() == owner:  # not in a worker, which inherits what is to be done at the end
        shutil.rmtree(folder, ignore_errors=True)


os.umask(0o077)  # SQLite's files, and uploads on disk, are for nobody else on the machine
refuse_unsafe_settings()

wsgi_app = "config.wsgi:application"
bind = f"{environment.text('BIND', '127.0.0.1')}:{environment.integer('PORT', 8000)}"

# Threads wait for CouchDB and for slow uploads and downloads, processes use the processors.
worker_class = "gthread"
workers = environment.integer("WEB_CONCURRENCY", 2, minimum=1)
threads = environment.integer("THREADS", 64, minimum=1)

# Seconds after which a worker that shows no sign of life is killed. Its threads may take longer for an upload.
timeout = 60
# Seconds that requests under way may still take after SIGTERM.
graceful_timeout = environment.integer("GRACEFUL_TIMEOUT", 30, minimum=1)
keepalive = 5

# Enough for filters and long tokens in a request line.
limit_request_line = 8190
limit_request_fields = 100
limit_request_field_size = 16380

# Django reads X-Forwarded-Proto and X-Forwarded-For itself, if TRUST_PROXY says that a proxy sets them. That gunicorn
# believes nobody's would take it a look at every request's address; here it takes nothing from any of them.
forwarded_allow_ips = "*"
secure_scheme_headers: dict[str, str] = {}
forwarder_headers = ""
http_parser = "python"

# Nobody manages workers while they run, and by default the socket is in the home directory.
control_socket_disable = True

accesslog = "-"
errorlog = "-"
logger_class = "config.gunicorn_logs.Logger"
loglevel = environment.text("LOG_LEVEL", "INFO").lower()


# What the workers count is in files, which prometheus-client wants to know of before it is imported.
if environment.secret("METRICS_TOKEN") and "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
    _counts = tempfile.mkdtemp(prefix="vmboxes-metrics-")
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = _counts
    atexit.register(_remove_counts, _counts, os.getpid())


def on_starting(server: Any) -> None:
    """Wait for the workers of a master that was killed, which may still have the port."""
    if os.environ.keys() & {"GUNICORN_FD", "LISTEN_FDS"}:
        return  # the sockets are there already
    for address in server.cfg.address:
        if isinstance(address, tuple) and not wait_for_port(address[0], address[1], 0):
            server.log.warning("Port %s is still in use: waiting for it", address[1])
            wait_for_port(address[0], address[1], graceful_timeout)


def post_worker_init(worker: Any) -> None:
    """Exempt everything loaded so far, which stays, from garbage collection."""
    gc.collect()
    gc.freeze()


def worker_exit(server: Any, worker: Any) -> None:
    """Bring the records of the audit to the database that a worker still has when it ends."""
    # The master also calls it, for workers that were killed.
    if worker.booted and worker.pid == os.getpid():
        from audit.shipping import shipper

        shipper().stop()
