"""/v2/accounts: who may act on which, creation, and the accounts below one."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from accounts import accounts
from couch.client import couch
from storage import database_names, gregorian, locks, view_names
from tests.support.api_client import Account, Api
from tests.support.stored_accounts import accounts_db, stored


class TestWhoMayActOnWhich:
    """Own account, those below, all."""

    def test_an_unrelated_account_is_forbidden(self, api: Api, new_account: Callable[..., Account]) -> None:
        stranger = new_account()
        for path in ("", "/vmboxes", "/users", "/api_key", "/descendants"):
            answer = api.get(f"/v2/accounts/{stranger.id}{path}")
            assert answer.status_code == 403, path
            assert answer.json()["message"] == "forbidden"
            assert answer.json()["data"] == {"message": "forbidden"}

    def test_an_administrator_may_act_on_descendants_but_not_on_ancestors(
        self, api: Api, account: Account, new_account: Callable[..., Account], log_in: Callable[..., Api]
    ) -> None:
        child = new_account(parent=account.id)
        grandchild = new_account(parent=child.id)
        assert api.get(f"/v2/accounts/{child.id}").status_code == 200
        box = {"name": "Box", "mailbox": "3000"}
        assert api.put(f"/v2/accounts/{grandchild.id}/vmboxes", box).status_code == 201
        below = log_in(grandchild)
        assert below.get(f"/v2/accounts/{child.id}").status_code == 403
        assert below.get(f"/v2/accounts/{account.id}").status_code == 403

    def test_a_plain_user_may_act_on_its_own_account_only(
        self, plain: Api, account: Account, new_account: Callable[..., Account]
    ) -> None:
        child = new_account(parent=account.id)
        assert plain.get("").status_code == 200
        assert plain.get(f"/v2/accounts/{child.id}").status_code == 403

    def test_a_superduper_administrator_may_act_on_all_accounts(
        self, new_account: Callable[..., Account], account: Account, log_in: Callable[..., Api]
    ) -> None:
        boss = log_in(new_account(superduper_admin=True))
        assert boss.get("").json()["data"]["superduper_admin"] is True
        assert boss.get(f"/v2/accounts/{account.id}").status_code == 200
        user = {"first_name": "A", "last_name": "B", "username": "plain", "password": "secret 1"}
        assert boss.put("users", user).status_code == 201

    def test_a_plain_user_of_the_superduper_account_may_not(
        self, new_account: Callable[..., Account], account: Account, log_in: Callable[..., Api]
    ) -> None:
        top = new_account(superduper_admin=True)
        user = {"first_name": "A", "last_name": "B", "username": "plain", "password": "secret 1"}
        assert log_in(top).put("users", user).status_code == 201
        assert log_in(top, "plain", "secret 1").get(f"/v2/accounts/{account.id}").status_code == 403

    def test_clients_cannot_make_themselves_superduper_administrators(self, api: Api, account: Account) -> None:
        forged = {
            "name": "N",
            "superduper_admin": True,
            "pvt_superduper_admin": True,
            "pvt_tree": [],
            "_id": "x" * 32,
        }
        for change in (api.post, api.patch):
            answer = change("", forged)
            assert answer.status_code == 200
            assert answer.json()["data"]["superduper_admin"] is False
        doc, copy = stored(account.id)
        assert doc == copy
        assert doc["pvt_superduper_admin"] is False
        assert "superduper_admin" not in doc


class TestCreate:
    """PUT below an account."""

    @pytest.mark.parametrize("to_parent", [True, False])
    def test_the_parent_is_the_account_in_the_path_or_the_callers(
        self, api: Api, account: Account, new_realm: str, to_parent: bool
    ) -> None:
        path = f"/v2/accounts/{account.id}" if to_parent else "/v2/accounts"
        answer = api.put(path, {"name": "Sub account", "realm": new_realm.upper()})
        assert answer.status_code == 201
        data = answer.json()["data"]
        assert answer.headers["Location"].endswith(f"/v2/accounts/{data['id']}")
        assert (data["name"], data["realm"]) == ("Sub account", new_realm)
        doc, copy = stored(data["id"])
        assert doc == copy
        assert doc["pvt_type"] == "account"
        assert doc["pvt_tree"] == [account.id]
        assert doc["pvt_parent_id"] == account.id
        assert doc["pvt_account_id"] == data["id"]
        assert doc["pvt_account_db"] == database_names.encode(database_names.account_db(data["id"]))
        assert re.fullmatch("[0-9a-f]{64}", doc["pvt_api_key"])
        assert doc["pvt_alphanum_name"] == "subaccount"
        assert doc["pvt_auth_account_id"] == account.id

    def test_a_new_account_has_its_databases_and_design_documents(self, api: Api, new_realm: str) -> None:
        new_id = api.put("", {"name": "Sub", "realm": new_realm}).json()["data"]["id"]
        month = gregorian.month_of(gregorian.now())
        name = database_names.account_db(new_id)
        expected = [name, f"{name}-{month}", f"{name}-{gregorian.next_month(month)}"]
        assert couch().names(name) == expected
        designs = couch().database(name).all_docs(startkey="_design/", endkey="_design0")
        assert {"_design/users", "_design/vmboxes"} <= {row["id"] for row in designs}
        user = {"first_name": "A", "last_name": "B", "username": "u", "password": "p", "priv_level": "admin"}
        assert api.put(f"/v2/accounts/{new_id}/users", user).status_code == 201
        assert api.get(f"/v2/accounts/{new_id}/vmboxes").json()["data"] == []

    def test_an_account_without_a_realm_gets_one(self, api: Api) -> None:
        data = api.put("", {"name": "Sub"}).json()["data"]
        assert re.fullmatch(r"[0-9a-f]{6}\..+", data["realm"])

    def test_the_realm_of_another_account_is_refused(self, api: Api, account: Account) -> None:
        answer = api.put("", {"name": "Sub", "realm": account.realm.upper()})
        assert answer.status_code == 400
        assert answer.json()["data"]["realm"]["unique"]["value"] == account.realm

    def test_a_realm_that_is_not_unique_is_named_beside_all_other_errors(self, api: Api, account: Account) -> None:
        wrong = {"name": "", "realm": account.realm.upper()}
        errors = api.put("", wrong).json()["data"]
        assert {path: list(rules) for path, rules in errors.items()} == {"name": ["minLength"], "realm": ["unique"]}
        new_id = api.put("", {"name": "Sub"}).json()["data"]["id"]
        assert api.patch(f"/v2/accounts/{new_id}", wrong).json()["data"] == errors
        assert list(api.patch("", wrong).json()["data"]) == ["name"]

    def test_one_of_several_concurrent_clients_gets_the_realm(
        self, api: Api, account: Account, new_realm: str
    ) -> None:
        old_names = set(couch().names("account/"))
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda _: api.put("", {"name": "Sub", "realm": new_realm}), range(4)))
        assert sorted(answer.status_code for answer in answers) == [201, 400, 400, 400]
        (winner,) = [answer.json()["data"]["id"] for answer in answers if answer.status_code == 201]
        rows = accounts_db().view(*view_names.ACCOUNTS_BY_REALM, key=new_realm)
        assert [row["id"] for row in rows] == [winner]
        # Whoever lost left nothing behind.
        children = accounts_db().view(*view_names.ACCOUNTS_BY_PARENT, startkey=[account.id], endkey=[account.id, {}])
        assert [row["id"] for row in children] == [winner]
        assert database_names.account_db(winner) in set(couch().names("account/")) - old_names
        assert accounts_db().get(locks.lock_id(accounts.REALM_LOCK, new_realm)) is None

    @pytest.mark.parametrize(
        ("data", "path", "rule"),
        [
            ({}, "name", "required"),
            ({"name": ""}, "name", "minLength"),
            ({"name": "x" * 129}, "name", "maxLength"),
            ({"name": "Sub", "realm": "x"}, "realm", "minLength"),
            ({"name": "Sub", "realm": 7.5}, "realm", "type"),
        ],
    )
    def test_members_are_validated_by_the_schema(
        self, api: Api, account: Account, data: dict[str, Any], path: str, rule: str
    ) -> None:
        answer = api.put("", data)
        assert answer.status_code == 400
        assert rule in answer.json()["data"][path]
        assert api.get("children").json()["data"] == []

    def test_creation_below_an_unrelated_account_is_forbidden(
        self, api: Api, new_account: Callable[..., Account]
    ) -> None:
        assert api.put(f"/v2/accounts/{new_account().id}", {"name": "Sub"}).status_code == 403

    def test_a_plain_user_cannot_create_accounts(self, plain: Api) -> None:
        assert plain.put("", {"name": "Sub"}).status_code == 403
        assert plain.put("/v2/accounts", {"name": "Sub"}).status_code == 403


class TestBelow:
    """GET of children and descendants."""

    def test_children_and_descendants_are_listed_by_name_in_pages(
        self, api: Api, account: Account, new_account: Callable[..., Account]
    ) -> None:
        children = {name: api.put("", {"name": name}).json()["data"]["id"] for name in ("Beta", "Alpha")}
        grandchild = new_account(parent=children["Alpha"])
        assert [entry["id"] for entry in api.get("children").json()["data"]] == [children["Alpha"], children["Beta"]]
        first_page = api.get("descendants", params={"page_size": "2"}).json()
        assert first_page["page_size"] == 2
        second_page = api.get("descendants", params={"start_key": first_page["next_start_key"]}).json()
        ids = [entry["id"] for entry in first_page["data"] + second_page["data"]]
        assert ids == [grandchild.id, children["Alpha"], children["Beta"]]
        assert "next_start_key" not in second_page
        assert first_page["data"][0]["realm"] == grandchild.realm
        assert first_page["data"][0]["tree"] == [account.id, children["Alpha"]]

    def test_a_start_key_of_another_accounts_list_is_refused(
        self, api: Api, account: Account, new_account: Callable[..., Account], log_in: Callable[..., Api]
    ) -> None:
        stranger = log_in(new_account())
        for name in ("A", "B"):
            stranger.put("", {"name": name})
        key = stranger.get("children", params={"page_size": "1"}).json()["next_start_key"]
        answer = api.get("children", params={"start_key": key})
        assert answer.status_code == 400
        assert answer.json()["data"] == {"message": "invalid start key"}

    def test_the_list_can_be_filtered(self, api: Api) -> None:
        for name in ("A", "B"):
            api.put("", {"name": name})
        entries = api.get("children", params={"filter_name": "B"}).json()["data"]
        assert [entry["name"] for entry in entries] == ["B"]

    def test_a_plain_user_cannot_list_accounts(self, plain: Api) -> None:
        assert plain.get("children").status_code == 403


def test_unsupported_verbs_are_refused(api: Api) -> None:
    assert api.post("/v2/accounts", {"name": "x"}).status_code == 405
    assert api.delete("children").status_code == 405
    assert api.get("/v2/user_auth").status_code == 405


def test_head_and_options_are_answered(api: Api) -> None:
    for path in ("", "users", "children", "/v2/token_auth"):
        answer = api.head(path)
        assert (answer.status_code, answer.content) == (200, b""), path
        assert api.without_token().options(path).status_code in (200, 204), path
