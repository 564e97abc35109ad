"""The index as CouchDB changes: followed, filled by the command, whoever changes what."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from couch.client import couch
from couch.database import Database
from search import finding, freshness
from search.finding import Reach, Result
from search.models import Kind
from storage import gregorian
from tests.support.api_client import Account, Api
from tests.support.following import Following
from tests.support.servers import Service, wait_until


@pytest.fixture(scope="module")
def account(shared_account: Account) -> Account:
    return shared_account


@pytest.fixture(scope="module")
def following(
    new_service: Callable[..., Service], service: Service, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Following]:
    """A follower that keeps an index, which the models of this process use."""
    following = Following(new_service(), tmp_path_factory.mktemp("following") / "events", ("search",))
    following.start()
    with following, following.service.models():
        yield following


def find(account: Account, text: str) -> list[Result]:
    """What a text finds in an account."""
    groups = finding.find(text, tuple(Kind), Reach([account.id]), 50)
    return [result for group in groups for result in group.results]


def wait_for(account: Account, text: str, *states: tuple[str, bool]) -> None:
    """Wait until a text finds documents of these ids, removed or not."""
    wait_until(lambda: [(result.document_id, result.is_removed) for result in find(account, text)] == list(states))


def test_changes_over_the_api_are_found_and_followed(following: Following, api: Api, account: Account) -> None:
    box = api.new_box(name="Quarterdeck")
    wait_for(account, "quarterdeck", (box["id"], False))
    message = api.put(f"vmboxes/{box['id']}/messages", {"caller_id_number": "+1 415 555 0177"}).json()["data"]
    path = f"vmboxes/{box['id']}/messages/{message['media_id']}"
    wait_for(account, "4155550177", (message["media_id"], False))
    assert api.delete(path).status_code == 200
    wait_for(account, "4155550177", (message["media_id"], True))
    assert api.patch(f"vmboxes/{box['id']}", {"name": "Forecastle"}).status_code == 200
    wait_for(account, "quarterdeck")
    wait_for(account, "forecastle", (box["id"], False))


def test_changes_that_others_make_and_deletions_of_old_documents_are_followed(
    following: Following, account: Account, db: Database
) -> None:
    user: dict[str, Any] = {
        "_id": "c" * 32,
        "pvt_type": "user",
        "first_name": "Barnacle",
        "pvt_node": "ecallmgr@kazoo",
        "pvt_modified": 1,
    }
    stored = db.put(user)
    wait_for(account, "barnacle", (user["_id"], False))
    db.delete(user["_id"], stored["_rev"])
    wait_for(account, "barnacle")


def test_a_deleted_month_takes_its_messages_along(
    following: Following, account: Account, modb: Callable[[str], Database]
) -> None:
    month = gregorian.month_of(gregorian.now())
    doc = {"_id": f"{month}-zephyr", "pvt_type": "mailbox_message", "source_id": "b", "metadata": {}}
    database = modb(month)
    couch().create(database.name)
    database.put(doc)
    wait_until(lambda: any(result.document_id == doc["_id"] for result in find(account, "zephyr")))
    couch().drop(database.name)
    wait_for(account, "zephyr")


def test_the_age_of_the_index_is_known(following: Following) -> None:
    wait_until(lambda: freshness.read().is_followed)
    state = freshness.read()
    assert state.seconds is not None
    assert not state.is_filled
