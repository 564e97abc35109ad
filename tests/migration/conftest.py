"""Accounts of Kazoo 3.x for the tests of the migration."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings

from tests.support.cutting import CuttingProxy, through
from tests.support.interrupted_migrations import Uninterrupted, fill_with_faults, migrate_in_place
from tests.support.kazoo3 import AccountMaker, Kazoo3Account, dump_account
from tests.support.servers import start_couchdb


@pytest.fixture
def new_kazoo3_account(created_accounts: list[str]) -> AccountMaker:
    """Makes accounts of 3.x, to be filled and stored. They are deleted at the end."""

    def make(**fields: Any) -> Kazoo3Account:
        account = Kazoo3Account(**fields)
        created_accounts.append(account.id)
        return account

    return make


@pytest.fixture
def kazoo3(new_kazoo3_account: AccountMaker) -> Kazoo3Account:
    """An account of 3.x."""
    return new_kazoo3_account()


@pytest.fixture(scope="session")
def uninterrupted(couchdb: str, created_accounts: list[str]) -> Uninterrupted:
    """An uninterrupted migration in place of an account with faults, to compare interrupted ones with."""
    account = fill_with_faults(Kazoo3Account()).store()
    created_accounts.append(account.id)
    with CuttingProxy(settings.COUCHDB_URL) as proxy, through(proxy):
        migrate_in_place(account.id)
    assert proxy.requests > 40
    return Uninterrupted(dump_account(account.id), proxy.requests)


@pytest.fixture(scope="session")
def source_url(couchdb: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of another CouchDB, which all tests share: they migrate single accounts of it."""
    source = start_couchdb(tmp_path_factory.mktemp("source") / "couchdb")
    yield source.url
    source.stop()
