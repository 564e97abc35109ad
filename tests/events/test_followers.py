"""Followers may die, the receiver may be away: every message that was stored is told, in order, with one id each."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_django.plugin import DjangoDbBlocker

from events import state
from storage import database_names
from tests.support.api_client import Account, Api
from tests.support.cutting import CuttingProxy
from tests.support.following import Following, names_of
from tests.support.servers import Service, wait_until
from voicemail.messages.restore import restore_messages

MESSAGES = 40


@pytest.fixture
def pair(new_service: Callable[..., Service], tmp_path: Path) -> Iterator[Following]:
    """Two followers that share the accounts."""
    pair = Following(new_service(), tmp_path / "events")
    pair.start()
    pair.start()
    yield pair
    pair.stop()


@pytest.fixture
def box_id(api: Api) -> str:
    """A mailbox."""
    return str(api.put("vmboxes", {"name": "Sales", "mailbox": "3000"}).json()["data"]["id"])


def leave_messages(api: Api, box_id: str, count: int) -> list[str]:
    """Leave messages one after the other; their ids."""
    answers = [api.put(f"vmboxes/{box_id}/messages", {"caller_id_name": str(number)}) for number in range(count)]
    return [str(answer.json()["data"]["media_id"]) for answer in answers]


def ids_of_new(events: list[dict[str, Any]]) -> list[str]:
    """The ids of messages in the order in which they were first told as new."""
    return list(dict.fromkeys(event["document"]["_id"] for event in events if event["name"] == "voicemail_new"))


def test_what_a_killed_follower_had_not_told_the_other_one_tells(
    pair: Following, api: Api, account: Account, box_id: str
) -> None:
    stored: list[str] = []
    writer = threading.Thread(target=lambda: stored.extend(leave_messages(api, box_id, MESSAGES)))
    writer.start()
    pair.wait_for(lambda events: len(ids_of_new(events)) > 5, account.id)
    for follower in list(pair.running):
        follower.kill()
        pair.start()
    writer.join()
    events = pair.wait_for(lambda events: set(ids_of_new(events)) == set(stored), account.id)
    assert ids_of_new(events) == stored
    told = {(event["id"], event["name"], event["document"]["_id"]) for event in events if event["document"]}
    assert len(told) == len({event_id for event_id, _, _ in told})
    for message_id in stored:
        assert names_of(events, message_id)[:2] == ["voicemail_new", "doc_created"]


def test_what_happens_while_no_follower_runs_is_told_later(
    pair: Following, api: Api, account: Account, box_id: str
) -> None:
    pair.wait_for(lambda events: "doc_created" in names_of(events, box_id), account.id)
    pair.stop()
    (message_id,) = leave_messages(api, box_id, 1)
    api.put(f"vmboxes/{box_id}/messages/{message_id}/raw", headers={"Content-Type": "audio/mpeg"}, data=b"ID3" * 900)
    pair.start()
    events = pair.wait_for(lambda events: message_id in ids_of_new(events), account.id)
    assert names_of(events, message_id)[0] == "voicemail_new"


def test_a_receiver_that_is_away_gets_everything_in_order_when_it_is_back(
    following: Following, api: Api, account: Account, box_id: str
) -> None:
    away = following.file.with_name(following.file.name + ".away")
    away.touch()
    stored = leave_messages(api, box_id, 5)
    away.unlink()
    events = following.wait_for(lambda events: len(ids_of_new(events)) == 5, account.id)
    assert ids_of_new(events) == stored


def test_a_months_first_message_is_told(following: Following, api: Api, account: Account, box_id: str) -> None:
    created = api.put(f"vmboxes/{box_id}/messages", {"timestamp": 63_900_000_000})
    message_id = created.json()["data"]["media_id"]
    events = following.wait_for(lambda events: message_id in ids_of_new(events), account.id)
    month = database_names.modb(account.id, message_id[:6])
    assert "db_created" in [event["name"] for event in events if event["database"] == month]


def test_databases_that_do_not_change_are_not_looked_at(
    new_service: Callable[..., Service],
    couchdb: str,
    tmp_path: Path,
    new_account: Callable[..., Account],
    api: Api,
    account: Account,
    box_id: str,
) -> None:
    idle = new_account()
    heads: list[bytes] = []

    def note(head: bytes) -> bool:
        heads.append(head)
        return False

    with (
        CuttingProxy(couchdb, hangs_up_on=note) as proxy,
        Following(new_service(proxy.url), tmp_path / "events") as follower,
    ):
        follower.start()
        # A cluster tells late that databases were created: the first message is told after that.
        for _ in range(2):
            heads.clear()
            stored = set(leave_messages(api, box_id, 1))
            follower.wait_for(lambda events: stored <= set(ids_of_new(events)), account.id)  # noqa: B023 - at once
    lines = [head.split(b"\r\n")[0].decode() for head in heads]

    def requests_of(account_id: str) -> list[str]:
        return [line for line in lines if f"%2F{account_id[4:]}" in line]

    assert [line for line in requests_of(account.id) if "/_changes?" in line]
    assert requests_of(idle.id) == []


def test_a_broker_that_is_away_delays_no_other_consumer(
    new_service: Callable[..., Service],
    tmp_path: Path,
    api: Api,
    account: Account,
    box_id: str,
    django_db_blocker: DjangoDbBlocker,
) -> None:
    service = new_service(AMQP_URL="amqp://127.0.0.1:1")
    django_db_blocker.unblock()
    with Following(service, tmp_path / "events", ("amqp",)) as follower, service.models():
        follower.start()
        (message_id,) = leave_messages(api, box_id, 1)
        follower.wait_for(lambda events: message_id in ids_of_new(events), account.id)

        def amqp_state() -> state.ConsumerState:
            return next(each for each in state.list_consumers() if each.consumer == "amqp")

        wait_until(lambda: "no broker" in amqp_state().error)
        assert amqp_state().waiting_accounts > 0


def test_a_restored_message_is_no_new_one(
    following: Following, api: Api, account: Account, box_id: str, owner: dict[str, Any]
) -> None:
    (message_id,) = leave_messages(api, box_id, 1)
    api.delete(f"vmboxes/{box_id}/messages/{message_id}")
    following.wait_for(lambda events: "doc_deleted" in names_of(events, message_id), account.id)
    restore_messages(owner, box_id, [message_id], None)
    events = following.wait_for(lambda events: names_of(events, message_id)[-1] == "doc_edited", account.id)
    assert "voicemail_new" not in names_of(events, message_id)[2:]
