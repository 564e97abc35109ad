"""``python -m embedded_couchdb``: run the server from a command line."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path

from .catalogue import DirectoryInUseError
from .server import Options, serve

_BANNER = """\
Embedded CouchDB for development, tests and trying out: NO production database.
One process on this machine only; survives a killed process, but not a power cut.
Data in {data}. Stop with Ctrl-C."""

_DESCRIPTION = """\
A small server that speaks CouchDB 3's HTTP API on 127.0.0.1, for development, tests and trying out.
It is no production database."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m embedded_couchdb", description=_DESCRIPTION)
    parser.add_argument("--port", type=int, default=5984, help="0 picks a free one (default: 5984)")
    parser.add_argument("--data", type=Path, required=True, help="where the databases are kept")
    parser.add_argument(
        "--admin",
        metavar="USER:PASSWORD",
        default=os.environ.get("EMBEDDED_COUCHDB_ADMIN"),
        help="the one account (default: the environment variable EMBEDDED_COUCHDB_ADMIN)",
    )
    parser.add_argument("--port-file", type=Path, help="write the port there once requests are taken")
    parser.add_argument(
        "--javascript-seconds",
        type=float,
        default=5.0,
        help="time limit for view and validation functions (default: 5)",
    )
    return parser


def main() -> None:
    """Run the server; exits with status 1 and a sentence on stderr if it can't."""
    os.umask(0o077)  # the databases are for nobody else on the machine
    parser = _parser()
    arguments = parser.parse_args()
    user, colon, password = (arguments.admin or "").partition(":")
    if not (user and colon and password):
        parser.error("--admin USER:PASSWORD or EMBEDDED_COUCHDB_ADMIN is needed")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
    logging.getLogger("waitress").setLevel(logging.WARNING)

    def ready(address: str) -> None:
        if arguments.port_file:
            _write_port(arguments.port_file, address)
        print(f"{address}\n{_BANNER.format(data=arguments.data.absolute())}", flush=True)

    try:
        serve(Options(arguments.port, arguments.data, (user, password), arguments.javascript_seconds), ready)
    except (DirectoryInUseError, OSError) as problem:
        print(problem, file=sys.stderr)
        sys.exit(1)


def _write_port(file: Path, address: str) -> None:
    """Write the port file in one step: a process that waits for it must not read half a number."""
    new = file.with_name(file.name + ".new")
    new.write_text(address.rstrip("/").rpartition(":")[2])
    new.replace(file)


if __name__ == "__main__":
    main()
