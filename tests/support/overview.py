"""The overview's figures of a test's accounts, collected without looking at the accounts of all other tests."""

from django.db.models.functions import Now

from overview import collecting
from overview.collecting import Turn
from overview.models import Collection
from tests.support.api_client import Account

_PAST_ALL = "~"
"""Comes after all ids."""


def claim_at(account_id: str) -> Turn:
    """The right to read on from an account, in a collection that is begun if none is under way."""
    collecting.begin()
    Collection.objects.update(cursor=account_id, lease_until=Now())
    turn = collecting.claim_run()
    assert turn is not None
    return turn


def collect(*accounts: Account) -> None:
    """Collect the figures of some accounts, and end the collection, as if there were no others."""
    for account_id in sorted(account.id for account in accounts):
        has_more = collecting.collect_page(claim_at(account_id), size=1)
    if has_more:
        assert not collecting.collect_page(claim_at(_PAST_ALL))
