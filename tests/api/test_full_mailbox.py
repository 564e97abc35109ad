"""Mailboxes that take a limited number of messages."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from couch.database import Database
from storage import system_config
from tests.support.api_client import Account, Api
from tests.support.audio import Studio
from voicemail.messages.quota import FULL_NOTE


@pytest.fixture(scope="module")
def account(shared_account: Account) -> Account:
    return shared_account


def leave(api: Api, box: dict[str, Any]) -> Any:
    return api.put(f"vmboxes/{box['id']}/messages", {"caller_id_number": "1001"})


def test_a_full_mailbox_refuses_further_messages(api: Api, audio: Studio) -> None:
    box = api.new_box(max_message_count=2)
    assert [leave(api, box).status_code for _ in range(2)] == [201, 201]
    refused = leave(api, box)
    assert (refused.status_code, refused.json()["error"], refused.json()["message"]) == (409, "409", "mailbox_full")
    assert refused.json()["data"] == {
        "message": "mailbox full",
        "cause": box["id"],
        "message_count": 2,
        "max_message_count": 2,
    }
    spoken = audio("mp3")
    files = [
        ("content", ("m.json", b'{"data": {}}', "application/json")),
        ("content", (spoken.name, spoken.content, spoken.content_type)),
    ]
    assert api.put(f"vmboxes/{box['id']}/messages", files=files).status_code == 409
    assert len(api.get(f"vmboxes/{box['id']}/messages").json()["data"]) == 2


def test_saved_messages_count_and_deleted_ones_do_not(api: Api) -> None:
    box = api.new_box(max_message_count=1)
    message_id = leave(api, box).json()["data"]["id"]
    path = f"vmboxes/{box['id']}/messages/{message_id}"
    assert api.post(path, {"folder": "saved"}).status_code == 200
    assert leave(api, box).status_code == 409
    assert api.post(path, {"folder": "deleted"}).status_code == 200
    assert leave(api, box).status_code == 201


def test_there_is_no_limit_unless_one_is_set(api: Api) -> None:
    for box in (api.new_box(), api.new_box(max_message_count=0)):
        assert [leave(api, box).status_code for _ in range(3)] == [201, 201, 201]


def test_an_account_has_a_limit_that_a_mailbox_overrides(own_api: Api) -> None:
    system_config.change_for_account(
        own_api.account_id, "callflow", lambda doc: {**doc, "voicemail": {"max_message_count": 1}}
    )
    box, roomy_box = own_api.new_box(), own_api.new_box(max_message_count=0)
    assert [leave(own_api, box).status_code for _ in range(2)] == [201, 409]
    assert [leave(own_api, roomy_box).status_code for _ in range(2)] == [201, 201]


def test_of_many_messages_at_once_no_more_get_in_than_there_is_room_for(api: Api) -> None:
    box = api.new_box(max_message_count=3)
    clients = [Api(api.url, api.account_id, api.token) for _ in range(8)]
    with ThreadPoolExecutor(len(clients)) as pool:
        statuses = list(pool.map(lambda client: leave(client, box).status_code, clients))
    assert sorted(statuses) == [201] * 3 + [409] * 5


def test_it_is_noted_once_until_there_is_room_again(api: Api, db: Database) -> None:
    box = api.new_box(max_message_count=1)

    def note() -> dict[str, Any] | None:
        doc = db.get(box["id"])
        assert doc is not None
        stored_note: dict[str, Any] | None = doc.get(FULL_NOTE)
        return stored_note

    message_id = leave(api, box).json()["data"]["id"]
    assert note() is None
    assert leave(api, box).status_code == 409
    first = note()
    assert first is not None
    assert (first["count"], first["maximum"]) == (1, 1)
    assert leave(api, box).status_code == 409
    assert note() == first
    assert FULL_NOTE not in api.get(f"vmboxes/{box['id']}").json()["data"]
    assert api.delete(f"vmboxes/{box['id']}/messages/{message_id}").status_code == 200
    assert leave(api, box).status_code == 201
    assert note() is None
    assert leave(api, box).status_code == 409
    second = note()
    assert second is not None
    assert second["id"] != first["id"]


def test_messages_that_are_moved_come_in(api: Api) -> None:
    source, full_box = api.new_box(), api.new_box(max_message_count=1)
    assert leave(api, full_box).status_code == 201
    message_id = leave(api, source).json()["data"]["id"]
    moved = api.post(f"vmboxes/{source['id']}/messages/{message_id}", {"source_id": full_box["id"]})
    assert moved.status_code == 200
