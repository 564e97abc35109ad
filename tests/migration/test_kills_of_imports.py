"""A migration from a backup is completed by the next run after a kill, whichever request it was killed at."""

from pathlib import Path

from django.conf import settings

from couch.client import couch
from storage import database_names
from tests.support.cutting import CuttingProxy, through
from tests.support.interrupted_migrations import fill_with_faults, killed_at, migrate_backup, open_backup
from tests.support.kazoo3 import AccountMaker, dump_account


def test_next_run_completes_a_killed_import(new_kazoo3_account: AccountMaker, tmp_path: Path) -> None:
    """The same data under several account ids: each import is killed at another request."""
    account = new_kazoo3_account()
    source = open_backup(fill_with_faults(account).write_backup(tmp_path / account.id))
    with CuttingProxy(settings.COUCHDB_URL) as proxy, through(proxy):
        migrate_backup(source)
    expected = dump_account(account.id)
    assert len(expected) > 15
    for limit in range(3, proxy.requests, 23):
        account = new_kazoo3_account()
        source = open_backup(fill_with_faults(account).write_backup(tmp_path / account.id))
        with killed_at(limit, swallow=bool(limit % 2)):
            migrate_backup(source, patience=0)
        migrate_backup(source)
        source.close()
        assert dump_account(account.id) == expected, f"killed at request {limit}"
        assert couch().database(database_names.ACCOUNTS).get(account.id) is not None
