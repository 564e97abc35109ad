"""A second CouchDB, into which backups are restored."""

from collections.abc import Callable, Iterator

import pytest

from couch.client import Couch
from storage import database_names, maintenance
from tests.support.api_client import Account
from tests.support.backups import fill_account
from tests.support.servers import start_couchdb


@pytest.fixture(scope="package")
def target(couchdb: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Couch]:
    """Another CouchDB, which all tests share: each restores accounts of its own."""
    running = start_couchdb(tmp_path_factory.mktemp("target") / "couchdb")
    server = Couch(running.url, connect_timeout=3, read_timeout=30)
    for name in database_names.SYSTEM:
        server.create(name)
        maintenance.sync_views(server.database(name))
    yield server
    running.stop()


@pytest.fixture
def filled_account(new_account: Callable[..., Account]) -> str:
    """The id of an account with messages and odd documents."""
    account_id = new_account().id
    fill_account(account_id)
    return account_id
