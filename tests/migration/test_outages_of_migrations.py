"""A migration waits for a CouchDB that goes away, and ends as if it had always been there."""

from pathlib import Path

import pytest

from migration.progress import Progress
from tests.support.cutting import through
from tests.support.interrupted_migrations import (
    Outage,
    Uninterrupted,
    fill_with_faults,
    migrate_backup,
    migrate_in_place,
    open_backup,
)
from tests.support.kazoo3 import AccountMaker, Document, dump_account

pytestmark = pytest.mark.long


@pytest.mark.parametrize("third", [1, 2])
def test_migration_in_place_continues_after_an_outage(
    new_kazoo3_account: AccountMaker, uninterrupted: Uninterrupted, third: int
) -> None:
    account = fill_with_faults(new_kazoo3_account()).store()
    outage = Outage(third * uninterrupted.requests // 3)
    with outage.proxy, through(outage.proxy):
        migrate_in_place(account.id, Progress(outage.on_change))
    assert outage.waits == 1
    assert dump_account(account.id) == uninterrupted.documents


def test_import_continues_after_an_outage_at_any_request(new_kazoo3_account: AccountMaker, tmp_path: Path) -> None:
    def import_with_outage(limit: int | None, *, swallow: bool) -> tuple[dict[str, Document], Outage]:
        account = new_kazoo3_account()
        source = open_backup(fill_with_faults(account).write_backup(tmp_path / account.id))
        outage = Outage(limit, swallow=swallow)
        with outage.proxy, through(outage.proxy):
            tally = migrate_backup(source, Progress(outage.on_change))
        source.close()
        assert tally.problems == []
        return dump_account(account.id), outage

    expected, uninterrupted = import_with_outage(None, swallow=False)
    # An import with two workers may need some requests less than the one before.
    for number, limit in enumerate(range(4, uninterrupted.proxy.requests - 25, 7)):
        documents, outage = import_with_outage(limit, swallow=bool(number % 2))
        assert (documents, outage.waits) == (expected, 1), f"away at request {limit}"
