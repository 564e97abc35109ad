"""DELETE vmboxes/{BOX}/messages."""

from typing import Any

import pytest

from storage import gregorian
from tests.support.api_client import Account, Api
from tests.support.kazoo_messages import DAY, leave, stored


@pytest.fixture(scope="module")
def account(shared_account: Account) -> Account:
    """An account for all tests here: each has mailboxes of its own."""
    return shared_account


@pytest.fixture
def box(api: Api) -> dict[str, Any]:
    return api.new_box()


def removed(account: Account, message_id: str) -> bool:
    doc = stored(account, message_id)
    return doc.get("pvt_deleted") is True and doc["metadata"]["folder"] == "deleted"


def delete(api: Api, box: dict[str, Any], query: str = "", data: Any = None) -> dict[str, Any]:
    answer = api.delete(f"vmboxes/{box['id']}/messages{query}", data)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()["data"]
    return told


def test_without_a_payload_all_messages_of_all_months_are_removed(
    api: Api, account: Account, box: dict[str, Any]
) -> None:
    now = gregorian.now()
    other = api.new_box()
    ids = leave(account, box, [now - 60, now - 40 * DAY, now - 70 * DAY])
    (foreign,) = leave(account, other, [now - 60])
    told = delete(api, box)
    assert sorted(told["succeeded"]) == sorted(ids)
    assert told["failed"] == []
    assert all(removed(account, one) for one in ids)
    assert not removed(account, foreign)


@pytest.mark.parametrize("where", ["query", "payload"])
def test_one_folder_can_be_emptied(api: Api, account: Account, box: dict[str, Any], where: str) -> None:
    now = gregorian.now()
    saved = leave(account, box, [now - 60, now - 50], folder="saved")
    (new,) = leave(account, box, [now - 40])
    told = delete(api, box, "?folder=saved") if where == "query" else delete(api, box, data={"folder": "saved"})
    assert sorted(told["succeeded"]) == sorted(saved)
    assert not removed(account, new)


def test_some_ids_can_be_removed(api: Api, account: Account, box: dict[str, Any]) -> None:
    now = gregorian.now()
    gone, kept = leave(account, box, [now - 60, now - 50])
    absent = f"{gone[:7]}{'0' * 32}"
    told = delete(api, box, data={"messages": [gone, gone, absent]})
    assert told == {"succeeded": [gone], "failed": [{absent: "not_found"}]}
    assert removed(account, gone)
    assert not removed(account, kept)


def test_an_empty_list_of_ids_removes_nothing(api: Api, account: Account, box: dict[str, Any]) -> None:
    (kept,) = leave(account, box, [gregorian.now() - 60])
    assert delete(api, box, data={"messages": []}) == {"succeeded": [], "failed": []}
    assert not removed(account, kept)


def test_removing_twice_finds_nothing_the_second_time(api: Api, account: Account, box: dict[str, Any]) -> None:
    (gone,) = leave(account, box, [gregorian.now() - 60])
    assert delete(api, box)["succeeded"] == [gone]
    assert delete(api, box) == {"succeeded": [], "failed": []}
    assert delete(api, box, data={"messages": [gone]})["failed"] == [{gone: "not_found"}]


def test_a_message_past_its_retention_is_refused(api: Api, account: Account, box: dict[str, Any]) -> None:
    (old,) = leave(account, box, [gregorian.now() - 100 * DAY])
    assert delete(api, box, data={"messages": [old]})["failed"] == [{old: "prior_to_retention_duration"}]


def test_one_past_its_retention_is_in_no_folder_but_deleted(api: Api, account: Account, box: dict[str, Any]) -> None:
    now = gregorian.now()
    (old,) = leave(account, box, [now - 100 * DAY])
    (new,) = leave(account, box, [now - 60])
    assert delete(api, box, "?folder=new") == {"succeeded": [new], "failed": []}
    assert delete(api, box, "?folder=deleted") == {"succeeded": [], "failed": [{old: "prior_to_retention_duration"}]}
    assert stored(account, old)["metadata"]["folder"] == "deleted"


def test_more_messages_than_fit_into_one_write_are_all_removed(
    api: Api, account: Account, box: dict[str, Any]
) -> None:
    now = gregorian.now()
    ids = leave(account, box, [now - n for n in range(1_100)])
    told = delete(api, box)
    assert sorted(told["succeeded"]) == sorted(ids)
    assert api.get(f"vmboxes/{box['id']}/messages").json()["data"] == []


def test_an_unknown_box_is_not_found(api: Api) -> None:
    answer = api.delete(f"vmboxes/{'0' * 32}/messages")
    assert answer.status_code == 404
    assert answer.json()["data"]["cause"] == "0" * 32


def test_a_user_who_does_not_own_the_box_may_not(
    api: Api, account: Account, box: dict[str, Any], log_in: Any
) -> None:
    user = {"first_name": "A", "last_name": "B", "username": "plain", "password": "plain pass"}
    assert api.put("users", user).status_code == 201
    (kept,) = leave(account, box, [gregorian.now() - 60])
    answer = log_in(account, "plain", "plain pass").delete(f"vmboxes/{box['id']}/messages")
    assert answer.status_code == 403
    assert not removed(account, kept)
