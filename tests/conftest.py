"""How the tests run: against one CouchDB, with the fixtures of ``tests/support/fixtures``.

``COUCHDB_URL`` makes them use that CouchDB, else an embedded one is started. Either way the accounts that
they create, with all their databases, are gone at the end.
"""

import os
import signal
import sys

import pytest

pytest_plugins = [
    "tests.support.fixtures.couchdb",
    "tests.support.fixtures.services",
    "tests.support.fixtures.accounts",
    "tests.support.fixtures.operators",
    "tests.support.fixtures.recordings",
]


def pytest_configure() -> None:
    """Clean up after SIGTERM as after Ctrl-C: a CouchDB that others use, too, must not keep what tests created.

    Bytecode is written even where the environment forbids it: the dozens of processes that tests start would each
    compile the whole project anew, half a second of CPU every time.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the files first that look at all accounts, while there are few, and then those that take long."""
    marked = {name: {item.path for item in items if item.get_closest_marker(name)} for name in ("alone", "long")}
    items.sort(key=lambda item: (item.path not in marked["alone"], item.path not in marked["long"]))
