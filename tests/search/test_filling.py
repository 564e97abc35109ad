"""Filling the index with what there was before changes were followed."""

from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from couch.database import Database
from search import finding, freshness
from search.finding import Reach
from search.models import FilledDatabase, Filling, Kind
from tests.support.api_client import Account
from tests.support.servers import Service

pytestmark = pytest.mark.alone


@pytest.fixture
def index(new_service: Callable[..., Service], service: Service) -> Iterator[None]:
    """An index of its own, which the models of this process use."""
    with new_service().models():
        yield


def run(*arguments: str) -> str:
    """What the command prints."""
    call_command("index_search", *arguments, stdout=(output := StringIO()))
    return output.getvalue()


def find(account: Account, text: str) -> list[str]:
    """The ids of what a text finds in an account."""
    groups = finding.find(text, tuple(Kind), Reach([account.id]), 50)
    return [result.document_id for group in groups for result in group.results]


def test_the_command_indexes_what_there_is_goes_on_and_says_when_it_is_done(
    index: None, account: Account, db: Database
) -> None:
    user_id = "d" * 32
    db.put({"_id": user_id, "pvt_type": "user", "first_name": "Sextant", "pvt_modified": 1})
    assert not freshness.read().is_begun
    assert "accounts" in run()
    assert find(account, "sextant") == [user_id]
    state = freshness.read()
    assert (state.is_filled, state.is_followed, state.accounts_done) == (True, False, state.accounts)
    assert "filled already" in run()

    Filling.objects.update(ended_at=None)  # as if it had been killed after the account's database
    FilledDatabase.objects.create(name=db.name)
    db.delete(user_id, (db.get(user_id) or {})["_rev"])
    assert not freshness.read().is_filled
    run()
    assert find(account, "sextant") == [user_id]  # which a follower would have removed
    assert freshness.read().is_filled

    run("--again")
    assert find(account, "sextant") == []
    assert account.id in find(account, account.name)
    assert not Filling.objects.filter(ended_at=None).exists()


def test_an_index_that_is_switched_off_is_not_filled(index: None, settings: Any) -> None:
    settings.SEARCH_INDEX = False
    assert "SEARCH_INDEX" in run()
    assert not Filling.objects.exists()
