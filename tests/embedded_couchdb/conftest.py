"""Fixtures for the tests of the embedded CouchDB."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.embedded_server import Database, Server, start


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that many tests share, each with a database of its own."""
    server = start(tmp_path_factory.mktemp("embedded") / "data", "--javascript-seconds", "3")
    yield server
    server.stop()


@pytest.fixture
def database(embedded: Server) -> Database:
    """An empty database."""
    return embedded.new_database()
