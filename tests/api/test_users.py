"""/v2/accounts/{ACCOUNT_ID}/users: users, their passwords, and who may change whom."""

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from couch.database import Database, Document
from storage import database_names, gregorian, view_names
from tests.support.api_client import Account, Api

JANE = {"first_name": "Jane", "last_name": "Doe", "username": "Jane.Doe", "password": "secret 1"}
NOT_SHOWN = ('"password"', "secret 1", "pvt_")


def make(api: Api, **fields: Any) -> dict[str, Any]:
    """A user that is sure to be created."""
    answer = api.put("users", {**JANE, **fields})
    assert answer.status_code == 201, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


def stored(db: Database, user_id: str) -> Document:
    doc = db.get(user_id)
    assert doc is not None
    return doc


def digest(username: str, password: str) -> str:
    return hashlib.md5(f"{username}:{password}".encode()).hexdigest()


@pytest.fixture
def jane(api: Api) -> dict[str, Any]:
    """A user who is no administrator."""
    return make(api)


@pytest.fixture
def as_jane(jane: dict[str, Any], account: Account, log_in: Callable[..., Api]) -> Api:
    """Her client."""
    return log_in(account, "jane.doe", "secret 1")


class TestCreate:
    """PUT."""

    def test_a_new_user_gets_the_schemas_defaults(self, api: Api) -> None:
        answer = api.put("users", {**JANE, "email": "jane@example.com", "own_key": 1})
        assert answer.status_code == 201
        data = answer.json()["data"]
        expected = {
            "first_name": "Jane",
            "last_name": "Doe",
            "username": "jane.doe",
            "email": "jane@example.com",
            "priv_level": "user",
            "enabled": True,
            "verified": False,
            "require_password_update": False,
            "vm_to_email_enabled": True,
            "own_key": 1,
        }
        assert data.items() >= expected.items()
        assert database_names.is_account_id(data["id"])
        assert answer.headers["Location"].endswith(f"/users/{data['id']}")
        assert not any(word in answer.text for word in NOT_SHOWN)

    def test_only_kazoos_hashes_of_the_password_are_stored(self, jane: dict[str, Any], db: Database) -> None:
        doc = stored(db, jane["id"])
        assert doc["pvt_md5_auth"] == digest("jane.doe", "secret 1")
        assert doc["pvt_sha1_auth"] == hashlib.sha1(b"jane.doe:secret 1").hexdigest()
        assert "secret 1" not in str(doc)
        assert "password" not in doc

    def test_the_private_members_are_those_of_kazoo(
        self, jane: dict[str, Any], account: Account, db: Database
    ) -> None:
        doc = stored(db, jane["id"])
        assert doc["pvt_type"] == "user"
        assert doc["pvt_account_id"] == account.id
        assert doc["pvt_account_db"] == database_names.encode(db.name)
        assert doc["pvt_auth_user_id"] == account.user_id
        assert doc["pvt_created"] == doc["pvt_modified"] <= gregorian.now()

    def test_the_user_name_of_another_user_is_refused(self, api: Api, jane: dict[str, Any]) -> None:
        answer = api.put("users", {**JANE, "username": "JANE.doe"})
        assert answer.status_code == 400
        assert "unique" in answer.json()["data"]["username"]

    def test_a_user_name_that_is_not_unique_is_named_beside_all_other_errors(
        self, api: Api, jane: dict[str, Any]
    ) -> None:
        wrong = {"username": "JANE.doe", "priv_level": "root"}
        errors = api.put("users", {**JANE, **wrong}).json()["data"]
        assert {path: list(rules) for path, rules in errors.items()} == {
            "username": ["unique"],
            "priv_level": ["enum"],
        }
        other_id = make(api, username="other")["id"]
        assert api.patch(f"users/{other_id}", wrong).json()["data"] == errors
        # What stays as it is, is not held against a change.
        errors = api.patch(f"users/{jane['id']}", wrong).json()["data"]
        assert list(errors) == ["priv_level"]

    def test_one_of_several_concurrent_clients_gets_the_user_name(self, api: Api, db: Database) -> None:
        with ThreadPoolExecutor(5) as pool:
            answers = list(pool.map(lambda _: api.put("users", JANE), range(5)))
        assert sorted(answer.status_code for answer in answers) == [201, 400, 400, 400, 400]
        assert len(db.view(*view_names.USERS_BY_NAME, key="jane.doe")) == 1
        types = [row["doc"]["pvt_type"] for row in db.all_docs(include_docs=True) if "pvt_type" in row["doc"]]
        assert sorted(types) == ["account", "user", "user"]

    def test_the_user_name_of_a_deleted_user_is_free(self, api: Api, jane: dict[str, Any]) -> None:
        api.delete(f"users/{jane['id']}")
        assert make(api)["id"] != jane["id"]

    def test_several_users_may_have_no_user_name(self, api: Api, db: Database) -> None:
        nameless = {"first_name": "A", "last_name": "B"}
        for _ in range(2):
            answer = api.put("users", nameless)
            assert answer.status_code == 201
            assert "pvt_md5_auth" not in stored(db, answer.json()["data"]["id"])

    @pytest.mark.parametrize(
        ("change", "path", "rule"),
        [
            ({"first_name": None}, "first_name", "type"),
            ({"last_name": ""}, "last_name", "minLength"),
            ({"priv_level": "root"}, "priv_level", "enum"),
            ({"enabled": "yes"}, "enabled", "type"),
            ({"password": ""}, "password", "minLength"),
            ({"password": ["x"]}, "password", "type"),
            ({"username": ""}, "username", "minLength"),
        ],
    )
    def test_members_are_validated_by_the_schema(
        self, api: Api, change: dict[str, Any], path: str, rule: str
    ) -> None:
        answer = api.put("users", {**JANE, **change})
        assert answer.status_code == 400
        assert rule in answer.json()["data"][path]

    def test_private_members_that_a_client_sends_are_not_stored(self, api: Api, db: Database) -> None:
        data = make(api, pvt_md5_auth="f" * 32, _id="b" * 32, id="c" * 32, pvt_deleted=True)
        doc = stored(db, data["id"])
        assert data["id"] not in ("b" * 32, "c" * 32)
        assert doc["pvt_md5_auth"] == digest("jane.doe", "secret 1")
        assert "id" not in doc
        assert "pvt_deleted" not in doc


class TestList:
    """GET of all."""

    def test_users_are_listed_by_user_name_in_pages(self, api: Api, account: Account) -> None:
        for name in ("zoe", "Adam"):
            make(api, username=name)
        everybody = api.get("users").json()
        names = [entry["username"] for entry in everybody["data"]]
        assert names == sorted(["adam", account.username.lower(), "zoe"])
        assert everybody["page_size"] == 50
        first = api.get("users", params={"page_size": "2"}).json()
        second = api.get("users", params={"page_size": "2", "start_key": first["next_start_key"]}).json()
        assert [entry["username"] for entry in first["data"] + second["data"]] == names
        assert "next_start_key" not in second
        backwards = api.get("users", params={"descending": "true"}).json()["data"]
        assert [entry["username"] for entry in backwards] == names[::-1]

    def test_a_summary_shows_no_secret(self, api: Api, jane: dict[str, Any]) -> None:
        answer = api.get("users")
        (entry,) = [entry for entry in answer.json()["data"] if entry["id"] == jane["id"]]
        expected = {"username": "jane.doe", "first_name": "Jane", "last_name": "Doe", "priv_level": "user"}
        assert entry.items() >= expected.items()
        assert not any(word in answer.text for word in NOT_SHOWN)

    def test_a_summary_shows_what_web_interfaces_need(self, api: Api) -> None:
        members = {
            "email": "jane@example.com",
            "presence_id": "1001",
            "timezone": "Europe/Berlin",
            "flags": ["vip"],
        }
        call_forward = {"enabled": True, "number": "+12025550178"}
        user_id = make(api, **members, call_forward=call_forward, own_key=1)["id"]
        (entry,) = [entry for entry in api.get("users").json()["data"] if entry["id"] == user_id]
        names = {"username": "jane.doe", "first_name": "Jane", "last_name": "Doe"}
        features = ["call_forward", "vm_to_email"]
        assert entry == {
            "id": user_id,
            "features": features,
            "priv_level": "user",
            "enabled": True,
            **names,
            **members,
        }

    def test_a_user_with_nothing_on_has_no_features(self, api: Api, db: Database) -> None:
        db.put({"_id": "ab" * 16, "pvt_type": "user", "first_name": "Old", "last_name": "User"})
        (entry,) = [entry for entry in api.get("users").json()["data"] if entry["id"] == "ab" * 16]
        assert entry == {"id": "ab" * 16, "features": [], "first_name": "Old", "last_name": "User", "flags": []}

    def test_the_list_can_be_filtered(self, api: Api, jane: dict[str, Any]) -> None:
        entries = api.get("users", params={"filter_first_name": "Jane", "filter_priv_level": "user"}).json()["data"]
        assert [entry["id"] for entry in entries] == [jane["id"]]

    def test_filters_reveal_no_secret(self, api: Api, jane: dict[str, Any]) -> None:
        guess = {"filter_pvt_md5_auth": digest("jane.doe", "secret 1")}
        assert api.get("users", params=guess).json()["data"] == []

    @pytest.mark.parametrize("key", ["nonsense", "e30", "WzFd"])
    def test_a_malformed_start_key_is_refused(self, api: Api, key: str) -> None:
        answer = api.get("users", params={"start_key": key})
        assert answer.status_code == 400
        assert answer.json()["data"] == {"message": "invalid start key"}

    def test_deleted_users_are_not_listed(self, api: Api, jane: dict[str, Any]) -> None:
        api.delete(f"users/{jane['id']}")
        assert jane["id"] not in [entry["id"] for entry in api.get("users").json()["data"]]


class TestGet:
    """GET of one."""

    def test_the_created_user_is_returned(self, api: Api, jane: dict[str, Any]) -> None:
        answer = api.get(f"users/{jane['id']}")
        assert answer.status_code == 200
        assert answer.json()["data"] == jane
        assert answer.headers["ETag"] == f'"{answer.json()["revision"]}"'

    @pytest.mark.parametrize("user_id", ["f" * 32, "nonsense", "_design", "_all_docs", "%20"])
    def test_an_unknown_user_is_a_bad_identifier(self, api: Api, user_id: str) -> None:
        answer = api.get(f"users/{user_id}")
        assert answer.status_code == 404
        assert answer.json()["message"] == "bad_identifier"

    def test_another_kind_of_document_is_a_bad_identifier(self, api: Api, account: Account) -> None:
        box = api.new_box()
        assert api.get(f"users/{box['id']}").status_code == 404
        assert api.get(f"users/{account.id}").status_code == 404
        assert api.delete(f"users/{box['id']}").status_code == 404
        assert api.get(f"vmboxes/{box['id']}").status_code == 200


class TestChange:
    """POST and PATCH."""

    def test_post_replaces_but_keeps_the_password(
        self, api: Api, jane: dict[str, Any], db: Database, account: Account, log_in: Callable[..., Api]
    ) -> None:
        api.patch(f"users/{jane['id']}", {"own_key": 1})
        data = {"first_name": "J", "last_name": "D", "username": "jane.doe"}
        answer = api.post(f"users/{jane['id']}", data)
        assert answer.status_code == 200
        assert "own_key" not in stored(db, jane["id"])
        log_in(account, "jane.doe", "secret 1")

    def test_a_fetched_user_can_be_sent_back(self, api: Api, jane: dict[str, Any]) -> None:
        answer = api.post(f"users/{jane['id']}", jane)
        assert answer.status_code == 200
        assert answer.json()["data"] == jane

    def test_patch_merges_and_null_removes(self, api: Api, jane: dict[str, Any]) -> None:
        api.patch(f"users/{jane['id']}", {"own": {"a": 1, "b": 2}, "timezone": "Europe/Berlin"})
        data = api.patch(f"users/{jane['id']}", {"own": {"a": None}, "timezone": None}).json()["data"]
        assert data == {**jane, "own": {"b": 2}}

    def test_a_new_password_replaces_the_old_one(
        self, api: Api, jane: dict[str, Any], db: Database, account: Account, log_in: Callable[..., Api]
    ) -> None:
        answer = api.patch(f"users/{jane['id']}", {"password": "secret 2"})
        assert answer.status_code == 200
        assert "secret 2" not in answer.text
        doc = stored(db, jane["id"])
        assert doc["pvt_md5_auth"] == digest("jane.doe", "secret 2")
        log_in(account, "jane.doe", "secret 2")
        old = {"credentials": digest("jane.doe", "secret 1"), "account_id": account.id}
        assert api.put("/v2/user_auth", old).status_code == 401

    def test_a_password_without_a_user_name_is_refused(self, api: Api) -> None:
        nameless = {"first_name": "A", "last_name": "B"}
        user_id = api.put("users", nameless).json()["data"]["id"]
        for answer in (
            api.put("users", {**nameless, "password": "secret 1"}),
            api.patch(f"users/{user_id}", {"password": "secret 1"}),
            api.post(f"users/{user_id}", {**nameless, "password": "secret 1"}),
        ):
            assert answer.status_code == 400
            assert answer.json()["data"].keys() == {"username"}
            assert "required" in answer.json()["data"]["username"]

    def test_a_new_user_name_requires_the_password(
        self, api: Api, jane: dict[str, Any], account: Account, log_in: Callable[..., Api]
    ) -> None:
        answer = api.patch(f"users/{jane['id']}", {"username": "doe"})
        assert answer.status_code == 400
        assert "required" in answer.json()["data"]["password"]
        assert api.patch(f"users/{jane['id']}", {"username": "Doe", "password": "secret 1"}).status_code == 200
        log_in(account, "doe", "secret 1")

    def test_removing_the_user_name_removes_the_hashes(self, api: Api, jane: dict[str, Any], db: Database) -> None:
        assert api.patch(f"users/{jane['id']}", {"username": None}).status_code == 200
        assert not {"username", "pvt_md5_auth", "pvt_sha1_auth"} & stored(db, jane["id"]).keys()

    def test_the_user_name_of_another_user_is_refused(self, api: Api, jane: dict[str, Any]) -> None:
        other_user = make(api, username="other")
        answer = api.patch(f"users/{other_user['id']}", {"username": "jane.doe", "password": "x"})
        assert answer.status_code == 400
        assert "unique" in answer.json()["data"]["username"]

    def test_an_outdated_if_match_is_refused(self, api: Api, jane: dict[str, Any], db: Database) -> None:
        etag = api.get(f"users/{jane['id']}").headers["ETag"]
        assert api.patch(f"users/{jane['id']}", {"a": 1}, headers={"If-Match": etag}).status_code == 200
        for verb in (api.patch, api.post, api.delete):
            assert verb(f"users/{jane['id']}", JANE, headers={"If-Match": etag}).status_code == 412
        assert "pvt_deleted" not in stored(db, jane["id"])

    def test_concurrent_changes_are_all_kept(self, api: Api, jane: dict[str, Any]) -> None:
        with ThreadPoolExecutor(6) as pool:
            answers = list(pool.map(lambda n: api.patch(f"users/{jane['id']}", {f"key_{n}": n}), range(6)))
        assert {answer.status_code for answer in answers} == {200}
        data = api.get(f"users/{jane['id']}").json()["data"]
        assert {data[f"key_{n}"] for n in range(6)} == set(range(6))

    def test_an_unknown_user_is_a_bad_identifier(self, api: Api) -> None:
        for user_id in ("f" * 32, "_design"):
            assert api.patch(f"users/{user_id}", {"a": 1}).status_code == 404
            assert api.post(f"users/{user_id}", JANE).status_code == 404


class TestDelete:
    """DELETE."""

    def test_a_deleted_user_is_marked_and_not_found(self, api: Api, jane: dict[str, Any], db: Database) -> None:
        assert api.delete(f"users/{jane['id']}").status_code == 200
        assert stored(db, jane["id"])["pvt_deleted"] is True
        assert api.get(f"users/{jane['id']}").status_code == 404
        assert api.delete(f"users/{jane['id']}").status_code == 404


class TestPlainUsers:
    """What a user may who is no administrator."""

    def test_a_user_may_change_itself(self, as_jane: Api, jane: dict[str, Any]) -> None:
        answer = as_jane.patch(f"users/{jane['id']}", {"first_name": "Janet"})
        assert answer.status_code == 200
        assert answer.json()["data"]["first_name"] == "Janet"

    def test_a_user_cannot_raise_its_own_level(self, as_jane: Api, jane: dict[str, Any], db: Database) -> None:
        for verb in (as_jane.patch, as_jane.post):
            assert verb(f"users/{jane['id']}", {**JANE, "priv_level": "admin"}).status_code == 403
        assert stored(db, jane["id"])["priv_level"] == "user"

    def test_a_user_may_send_its_present_level(self, as_jane: Api, jane: dict[str, Any]) -> None:
        assert as_jane.patch(f"users/{jane['id']}", {"priv_level": "user"}).status_code == 200

    def test_a_user_cannot_change_or_delete_others(self, as_jane: Api, account: Account, db: Database) -> None:
        doc = stored(db, account.user_id)
        path = f"users/{account.user_id}"
        answers = [as_jane.patch(path, {"password": "x"}), as_jane.post(path, JANE), as_jane.delete(path)]
        assert [answer.status_code for answer in answers] == [403] * 3
        assert stored(db, account.user_id) == doc

    def test_a_user_can_neither_create_users_nor_delete_itself(self, as_jane: Api, jane: dict[str, Any]) -> None:
        assert as_jane.put("users", {**JANE, "username": "new"}).status_code == 403
        assert as_jane.delete(f"users/{jane['id']}").status_code == 403
