"""The pages of API keys with scopes."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from accounts.api_keys import store
from couch.database import Database
from storage import gregorian
from tests.support.api_client import Account, Api
from tests.support.operators import Desk

Operator = Callable[..., Desk]
TEXT = re.compile(r'<code id="key-text" class="long">(vmb_\w+)</code>')


@pytest.fixture
def key(api: Api) -> dict[str, Any]:
    created: dict[str, Any] = api.put(
        "api_keys", {"name": "Archive", "scopes": ["read_messages", "hear"], "networks": ["127.0.0.0/8"]}
    ).json()["data"]
    return created


def page_of(account: Account, key: dict[str, Any], page: str = "") -> str:
    return f"desk/apikey/{account.id}/{key['id']}/{page}"


def test_a_new_key_is_shown_once_and_works(operator: Operator, account: Account, api: Api) -> None:
    desk = operator("Administrators")
    path = f"desk/apikey/{account.id}/add/"
    answer = desk.fill_in(path, name="Robot", scopes=["hear", "read_messages"], expires="2099-12-31", networks="")
    (text,) = TEXT.findall(answer.text)
    assert "no-store" in answer.headers["Cache-Control"]
    assert Api(api.url, account.id, text).get("vmboxes").status_code == 200
    (stored,) = store.list_keys(account.id)
    assert (stored["name"], set(stored["scopes"]), stored.get("owner_id")) == (
        "Robot",
        {"hear", "read_messages"},
        None,
    )
    assert gregorian.to_datetime(stored["expires"]).isoformat() == "2099-12-31T23:59:59+00:00"
    secret = text.rpartition("_")[2]
    for page in ("", "change/", "history/"):
        assert secret not in desk.get(page_of(account, {"id": store.key_id_of(stored)}, page)).text
    assert secret not in desk.get("desk/auditentry/", account_id=account.id).text


def test_a_key_of_a_user_is_added_from_the_users_page(operator: Operator, account: Account) -> None:
    desk = operator("Administrators")
    path = f"desk/apikey/{account.id}/add/?user={account.user_id}"
    assert path in desk.get(f"desk/accountuser/{account.id}/{account.user_id}/").text
    assert TEXT.search(desk.fill_in(path, name="Robot", scopes=["hear"]).text)
    assert [stored["owner_id"] for stored in store.list_keys(account.id)] == [account.user_id]


def test_the_list_says_what_each_key_may_do(operator: Operator, account: Account, key: dict[str, Any]) -> None:
    page = operator("Read only").get("desk/apikey/", account=account.id).text
    assert page_of(account, key) in page
    assert "See messages, Hear recordings" in page
    assert "Add API key" not in page


def test_errors_appear_at_their_fields(operator: Operator, account: Account) -> None:
    page = operator("Administrators").post(f"desk/apikey/{account.id}/add/", name="Robot", networks="home").text
    assert "This field is required" in page
    page = (
        operator("Administrators")
        .post(f"desk/apikey/{account.id}/add/", name="Robot", scopes=["hear"], networks="home", expires="2001-01-01")
        .text
    )
    assert "Must be an address, or a network" in page
    assert store.list_keys(account.id) == []


def test_a_change_keeps_the_rest(operator: Operator, account: Account, key: dict[str, Any]) -> None:
    desk = operator("Administrators")
    assert "was changed" in desk.fill_in(page_of(account, key, "change/"), scopes=["hear"]).text
    stored = store.get(account.id, key["id"])
    assert (stored["name"], stored["scopes"], stored["networks"]) == ("Archive", ["hear"], ["127.0.0.0/8"])
    assert store.SECRET in stored


def test_what_is_stored_oddly_is_shown_and_blocks_no_change(
    operator: Operator, account: Account, key: dict[str, Any], db: Database
) -> None:
    desk, odd = operator("Administrators"), {"scopes": "hear", "networks": 5, "expires": 10**18, "owner_id": "a/b"}
    db.update(f"api_key-{key['id']}", lambda doc: {**doc, **odd})
    assert page_of(account, key) in desk.get("desk/apikey/", account=account.id).text
    for page in ("", "change/", "delete/", "history/"):
        assert desk.get(page_of(account, key, page)).ok
    assert "was revoked" in desk.post(page_of(account, key, "delete/")).text


def test_a_key_is_revoked_after_a_confirmation(operator: Operator, account: Account, key: dict[str, Any]) -> None:
    desk = operator("Administrators")
    assert "Nobody has used it yet." in desk.get(page_of(account, key, "delete/")).text
    assert "was revoked" in desk.post(page_of(account, key, "delete/")).text
    assert store.list_keys(account.id) == []
