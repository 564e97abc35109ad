"""A migration that is killed before any of its requests, and run again, ends as if it had not been interrupted."""

import pytest

from tests.support.interrupted_migrations import Uninterrupted, fill_with_faults, killed_at, migrate_in_place
from tests.support.kazoo3 import AccountMaker, dump_account


@pytest.mark.parametrize("part", range(4))
def test_next_run_completes_a_migration_killed_before_a_request(
    new_kazoo3_account: AccountMaker, uninterrupted: Uninterrupted, part: int
) -> None:
    for limit in range(7 * part, uninterrupted.requests, 29):
        account = fill_with_faults(new_kazoo3_account()).store()
        with killed_at(limit):
            migrate_in_place(account.id, patience=0)
        migrate_in_place(account.id)
        assert dump_account(account.id) == uninterrupted.documents, f"killed before request {limit + 1}"
