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
    "tests.support.fixtures.live",
    "tests.support.fixtures.mail",
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


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name a time by its argument: an id with the time of collection would differ between processes side by side."""
    is_time = isinstance(val, int | float) and abs(val) > 1_000_000_000
    return argname if is_time else None
