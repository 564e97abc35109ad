"""Changes of documents that hold values which today's schema refuses: only what a request changes is checked."""

from typing import Any

import pytest

from couch.client import couch
from couch.database import Database
from storage import database_names
from tests.support.api_client import Account, Api
from tests.support.stored_accounts import stored

BOX: dict[str, Any] = {
    "timezone": "Asia/Nowhere",
    "pin": "123",
    "operator_number": [],
    "seek_duration_ms": "soon",
    "media": [],
    "notify": {"callback": {"attempts": "many", "schedule": [60, "often"]}},
    "members": [{"id": "short", "type": "device"}, {}],
    "aliases": ["", 3998],
    "notify_email_addresses": "a@example.com",
    "media_extension": "ogg",
    "require_pin": "yes",
    "owner_id": None,
}
USER = {
    "email": "nobody",
    "priv_level": "king",
    "timezone": "Asia/Nowhere",
    "flags": [1],
    "vm_to_email_enabled": "no",
}
BAD = {"pin": "12", "timezone": "Mars/Olympus", "notify": {"callback": {"attempts": "few"}}, "media": "x"}


@pytest.fixture
def account(shared_account: Account) -> Account:
    return shared_account


@pytest.fixture
def old_box(api: Api, db: Database) -> dict[str, Any]:
    """A mailbox with a bad value in nearly every member, as a client gets it."""
    box = api.new_box()
    db.update(box["id"], lambda doc: {**doc, **BOX, "aliases": ["", int(doc["mailbox"]) + 30_000]})
    data: dict[str, Any] = api.get(f"vmboxes/{box['id']}").json()["data"]
    return data


def test_a_mailbox_is_patched_beside_its_old_values(api: Api, db: Database, old_box: dict[str, Any]) -> None:
    answer = api.patch(f"vmboxes/{old_box['id']}", {"name": "New", "notify": {"callback": {"number": "100"}}})
    assert answer.status_code == 200, answer.text
    assert answer.json()["data"]["name"] == "New"
    doc = db.get(old_box["id"]) or {}
    assert doc["notify"]["callback"] == {**BOX["notify"]["callback"], "number": "100"}
    unchanged = ("timezone", "pin", "operator_number", "seek_duration_ms", "members", "owner_id", "require_pin")
    assert {key: doc[key] for key in unchanged} == {key: BOX[key] for key in unchanged}


def test_a_mailbox_is_replaced_by_what_a_client_got_with_one_change(api: Api, old_box: dict[str, Any]) -> None:
    answer = api.post(f"vmboxes/{old_box['id']}", {**old_box, "name": "New", "media": []})
    assert answer.status_code == 200, answer.text
    assert answer.json()["data"] == {**old_box, "name": "New", "aliases": ["", str(old_box["aliases"][1])]}


@pytest.mark.parametrize("verb", ["PATCH", "POST"])
def test_a_new_bad_value_fails_even_where_an_old_one_was(
    api: Api, db: Database, old_box: dict[str, Any], verb: str
) -> None:
    before = db.get(old_box["id"])
    for name, value in BAD.items():
        data = {name: value} if verb == "PATCH" else {**old_box, name: value}
        answer = api.request(verb, f"vmboxes/{old_box['id']}", json={"data": data})
        assert answer.status_code == 400
        path = "notify.callback.attempts" if name == "notify" else name
        assert set(answer.json()["data"]) == {path}
    added = [*old_box["members"], {"id": "1" * 32, "type": "tenant"}]
    answer = api.request(verb, f"vmboxes/{old_box['id']}", json={"data": {**old_box, "members": added}})
    assert set(answer.json()["data"]) == {"members.2.type"}
    assert db.get(old_box["id"]) == before


def test_a_member_that_a_mailbox_never_had_is_not_required(api: Api, db: Database) -> None:
    box = api.new_box()
    db.update(box["id"], lambda doc: {key: value for key, value in doc.items() if key != "name"})
    assert api.patch(f"vmboxes/{box['id']}", {"require_pin": True}).status_code == 200
    refused = api.patch(f"vmboxes/{box['id']}", {"mailbox": None})
    assert set(refused.json()["data"]) == {"mailbox"}


def test_a_retired_time_zone_is_taken_from_a_client_as_it_is(api: Api) -> None:
    for name in ("US/Pacific-New", "Asia/Calcutta", "Canada/East-Saskatchewan"):
        assert api.new_box(timezone=name)["timezone"] == name


def test_a_user_is_changed_beside_its_old_values(api: Api, db: Database) -> None:
    user = api.put("users", {"first_name": "A", "last_name": "B", "username": "old", "password": "secret 1"}).json()
    path = f"users/{user['data']['id']}"
    doc = db.update(user["data"]["id"], lambda doc: {**doc, **USER, "username": 100, "last_name": None}) or {}
    patched = api.patch(path, {"first_name": "New"})
    assert patched.status_code == 200, patched.text
    shown = patched.json()["data"]
    assert shown == {**user["data"], **USER, "username": 100, "last_name": None, "first_name": "New"}
    assert api.post(path, {**shown, "first_name": "Newer"}).status_code == 200
    after = db.get(user["data"]["id"]) or {}
    assert after["pvt_md5_auth"] == doc["pvt_md5_auth"]
    for name, value in {"email": "somebody", "priv_level": "queen", "flags": [1, 2]}.items():
        refused = api.patch(path, {name: value})
        assert set(refused.json()["data"]) == {"flags.1" if name == "flags" else name}


def test_an_account_is_changed_beside_its_old_values(own_api: Api) -> None:
    account_db = couch().database(database_names.account_db(own_api.account_id))
    odd = {"timezone": "Asia/Nowhere", "name": "x" * 200}
    account_db.update(own_api.account_id, lambda doc: {**doc, **odd})
    shown = own_api.get("").json()["data"]
    assert own_api.patch("", {"some_key": 1}).status_code == 200
    assert own_api.post("", {**shown, "some_key": 2}).status_code == 200
    own, copy = stored(own_api.account_id)
    assert own == copy
    assert {key: own[key] for key in (*odd, "some_key")} == {**odd, "some_key": 2}
    assert set(own_api.patch("", {"timezone": "Mars/Olympus"}).json()["data"]) == {"timezone"}
