"""DELETE vmboxes/{BOX}/messages."""

from typing import Any

import pytest

from storage import gregorian
from tests.support.api_client import Account, Api
from tests.support.kazoo_messages import DAY, leave, stored


@pytest.fixture(scope="module")
def account(shared_account: Account) -> Account:
    """Share an account: each test has its own mailboxes."""
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
    outcome: dict[str, Any] = answer.json()["data"]
    return outcome


def test_without_a_payload_all_messages_of_all_months_are_removed(
    api: Api, account: Account, box: dict[str, Any]
) -> None:
    now = gregorian.now()
    other_box = api.new_box()
    ids = leave(account, box, [now - 60, now - 40 * DAY, now - 70 * DAY])
    (foreign,) = leave(account, other_box, [now - 60])
    outcome = delete(api, box)
    assert sorted(outcome["succeeded"]) == sorted(ids)
    assert outcome["failed"] == []
    assert all(removed(account, key) for key in ids)
    assert not removed(account, foreign)


@pytest.mark.parametrize("where", ["query", "payload"])
def test_the_messages_of_one_folder_are_removed(api: Api, account: Account, box: dict[str, Any], where: str) -> None:
    now = gregorian.now()
    saved = leave(account, box, [now - 60, now - 50], folder="saved")
    (new,) = leave(account, box, [now - 40])
    outcome = delete(api, box, "?folder=saved") if where == "query" else delete(api, box, data={"folder": "saved"})
    assert sorted(outcome["succeeded"]) == sorted(saved)
    assert not removed(account, new)


def test_the_messages_with_the_given_ids_are_removed(api: Api, account: Account, box: dict[str, Any]) -> None:
    now = gregorian.now()
    removed_id, kept_id = leave(account, box, [now - 60, now - 50])
    absent = f"{removed_id[:7]}{'0' * 32}"
    outcome = delete(api, box, data={"messages": [removed_id, removed_id, absent]})
    assert outcome == {"succeeded": [removed_id], "failed": [{absent: "not_found"}]}
    assert removed(account, removed_id)
    assert not removed(account, kept_id)


def test_an_empty_list_of_ids_removes_nothing(api: Api, account: Account, box: dict[str, Any]) -> None:
    (kept_id,) = leave(account, box, [gregorian.now() - 60])
    assert delete(api, box, data={"messages": []}) == {"succeeded": [], "failed": []}
    assert not removed(account, kept_id)


def test_removing_a_message_twice_finds_nothing_the_second_time(
    api: Api, account: Account, box: dict[str, Any]
) -> None:
    (removed_id,) = leave(account, box, [gregorian.now() - 60])
    assert delete(api, box)["succeeded"] == [removed_id]
    assert delete(api, box) == {"succeeded": [], "failed": []}
    assert delete(api, box, data={"messages": [removed_id]})["failed"] == [{removed_id: "not_found"}]


def test_a_message_past_its_retention_is_refused(api: Api, account: Account, box: dict[str, Any]) -> None:
    (old,) = leave(account, box, [gregorian.now() - 100 * DAY])
    assert delete(api, box, data={"messages": [old]})["failed"] == [{old: "prior_to_retention_duration"}]


def test_a_message_past_its_retention_belongs_to_the_folder_deleted(
    api: Api, account: Account, box: dict[str, Any]
) -> None:
    now = gregorian.now()
    (old,) = leave(account, box, [now - 100 * DAY])
    (new,) = leave(account, box, [now - 60])
    assert delete(api, box, "?folder=new") == {"succeeded": [new], "failed": []}
    assert delete(api, box, "?folder=deleted") == {"succeeded": [], "failed": [{old: "prior_to_retention_duration"}]}
    assert stored(account, old)["metadata"]["folder"] == "deleted"


def test_more_messages_than_one_write_takes_are_all_removed(api: Api, account: Account, box: dict[str, Any]) -> None:
    now = gregorian.now()
    ids = leave(account, box, [now - n for n in range(1_100)])
    outcome = delete(api, box)
    assert sorted(outcome["succeeded"]) == sorted(ids)
    assert api.get(f"vmboxes/{box['id']}/messages").json()["data"] == []


def test_an_unknown_mailbox_is_not_found(api: Api) -> None:
    answer = api.delete(f"vmboxes/{'0' * 32}/messages")
    assert answer.status_code == 404
    assert answer.json()["data"]["cause"] == "0" * 32


def test_a_user_removes_no_messages_of_mailboxes_of_others(
    api: Api, account: Account, box: dict[str, Any], log_in: Any
) -> None:
    user = {"first_name": "A", "last_name": "B", "username": "plain", "password": "plain pass"}
    assert api.put("users", user).status_code == 201
    (kept_id,) = leave(account, box, [gregorian.now() - 60])
    answer = log_in(account, "plain", "plain pass").delete(f"vmboxes/{box['id']}/messages")
    assert answer.status_code == 403
    assert not removed(account, kept_id)


def test_messages_that_are_no_list_remove_nothing(api: Api, account: Account, box: dict[str, Any]) -> None:
    (kept_id,) = leave(account, box, [gregorian.now() - 60])
    path = f"vmboxes/{box['id']}/messages"
    for verb, below in (("DELETE", ""), ("POST", ""), ("POST", "/raw")):
        for ids in (kept_id, {"0": kept_id}, None, True):
            answer = api.request(verb, path + below, json={"data": {"messages": ids}})
            assert answer.status_code == 400
            assert answer.json()["data"] == {
                "messages": {"required": {"message": "No array of message ids are specified"}}
            }
    for folder in (None, "", ["new"]):
        assert api.delete(path, {"folder": folder}).json()["data"]["folder"]["enum"]
    assert not removed(account, kept_id)


def test_a_folder_beside_the_data_is_the_last_that_counts(api: Api, account: Account, box: dict[str, Any]) -> None:
    now = gregorian.now()
    (new_id,) = leave(account, box, [now - 60])
    (saved_id,) = leave(account, box, [now - 50], folder="saved")
    path = f"vmboxes/{box['id']}/messages"

    def change(query: str, **body: Any) -> str:
        answer = api.post(f"{path}/{new_id}{query}", json=body)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["data"]["folder"])

    assert change("", data={}, folder="deleted") == "deleted"
    assert change("?folder=new", data={}, folder="deleted") == "new"
    assert change("?folder=new", data={"folder": "saved"}, folder="deleted") == "saved"
    bulk = api.post(path, json={"data": {"messages": [new_id]}, "folder": "new"})
    assert bulk.json()["data"]["succeeded"] == [new_id]
    assert api.get(f"{path}/{new_id}").json()["data"]["folder"] == "new"
    outcome = api.delete(path, json={"data": {}, "folder": "saved"}).json()["data"]
    assert outcome["succeeded"] == [saved_id]
    assert not removed(account, new_id)
