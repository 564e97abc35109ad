"""A migration that links audio, or resolves links, is completed by the next run after a kill."""

import pytest

from tests.support.interrupted_migrations import Uninterrupted, fill_with_faults, killed_at, migrate_in_place
from tests.support.kazoo3 import AccountMaker, dump_account


@pytest.mark.parametrize("limit", [5, 27, 48])
def test_kills_while_links_are_made_and_resolved_lose_nothing(
    new_kazoo3_account: AccountMaker, uninterrupted: Uninterrupted, limit: int
) -> None:
    account = fill_with_faults(new_kazoo3_account()).store()
    with killed_at(limit):
        migrate_in_place(account.id, link=True, patience=0)
    migrate_in_place(account.id, link=True)
    assert any("pvt_attachments" in message for message in account.stored_messages().values())
    with killed_at(limit, swallow=True):
        migrate_in_place(account.id, patience=0)
    migrate_in_place(account.id)
    assert dump_account(account.id) == uninterrupted.documents
