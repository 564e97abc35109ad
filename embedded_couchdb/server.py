"""The process: a data directory, a socket on loopback, threads, and a clean stop."""

from __future__ import annotations

import logging
import os
import resource
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from waitress.server import create_server

from .app import Application
from .catalogue import Catalogue
from .http import Service
from .javascript import Engine
from .routes_server import VERSION
from .updates import Updates

# More than a service of two workers has, whose clients may all be slow to take an attachment; each feed that goes on
# takes one, too.
_THREADS = 192
_CONNECTIONS = 500
_OPEN_FILES = 4096  # sockets, and three files for each database in use
_LARGEST_BODY = 4 * 1024**3

log = logging.getLogger("embedded_couchdb")


@dataclass(frozen=True)
class Options:
    """How to run the server."""

    port: int
    data: Path
    admin: tuple[str, str]
    javascript_seconds: float


def serve(options: Options, ready: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; ``ready`` gets the address once requests are taken.

    Raises ``DirectoryInUseError`` if another server has the data directory, ``OSError`` if the port is taken.
    """
    _allow_open_files()
    catalogue = Catalogue(options.data)
    updates = Updates(catalogue)
    engine = Engine(options.javascript_seconds)

    def stop(_signal: int, _frame: object) -> None:
        catalogue.commits.close()
        sys.exit(0)  # waitress lets the requests in progress finish

    try:
        server = create_server(
            Application(Service(catalogue, engine, options.admin, os.urandom(32))),
            host="127.0.0.1",
            port=options.port,
            threads=_THREADS,
            ident=f"CouchDB/{VERSION} (embedded, no production database)",
            max_request_body_size=_LARGEST_BODY,
            outbuf_high_watermark=4 * 1024**2,
            channel_timeout=600,
            connection_limit=_CONNECTIONS,
            asyncore_use_poll=True,
            clear_untrusted_proxy_headers=True,
        )
        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        ready(f"http://127.0.0.1:{server.effective_port}/")
        server.run()
    finally:
        engine.close()
        updates.close()
        catalogue.close()


def _allow_open_files() -> None:
    """Raise this process's limit of open files, which many systems set lower than permitted."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    target = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(_OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < target:
        resource.setrlimit(resource.RLIMIT_NOFILE, (target, hard))
