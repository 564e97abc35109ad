"""/v2/accounts/{ACCOUNT_ID}: get, replace, patch and delete, and what is stored in both places."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from couch.database import Database
from storage import gregorian, system_config, view_names
from tests.support.api_client import Account, Api
from tests.support.servers import wait_until
from tests.support.stored_accounts import accounts_db, stored


class TestGet:
    """GET of one account."""

    def test_all_public_members_are_returned(self, api: Api, account: Account) -> None:
        answer = api.get("")
        assert answer.status_code == 200
        data = answer.json()["data"]
        assert data["id"] == account.id
        assert (data["name"], data["realm"]) == (account.name, account.realm)
        assert data["enabled"] is True
        assert data["superduper_admin"] is False
        assert data["is_reseller"] is False
        assert data["language"] == "en-us"
        assert data["timezone"] == system_config.category("accounts").get("default_timezone", "Etc/UTC")
        assert abs(data["created"] - gregorian.now()) < 300
        assert not [key for key in data if key.startswith(("_", "pvt_"))]
        assert account.api_key not in answer.text

    def test_members_that_kazoo_stored_are_shown(self, api: Api, account: Account, db: Database) -> None:
        extra = {"music_on_hold": {"media_id": "x"}, "pvt_reseller": True, "pvt_reseller_id": account.id}
        db.update(account.id, lambda doc: {**doc, **extra})
        data = api.get("").json()["data"]
        assert data["music_on_hold"] == {"media_id": "x"}
        assert (data["is_reseller"], data["reseller_id"]) == (True, account.id)

    def test_the_revision_is_the_etag(self, api: Api) -> None:
        answer = api.get("")
        assert answer.headers["ETag"] == f'"{answer.json()["revision"]}"'
        assert api.get("", headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304

    @pytest.mark.parametrize("account_id", ["nonsense", "F" * 32, "_users", "a" * 31, "%2e%2e", "g" * 32])
    def test_a_malformed_id_is_a_bad_identifier(self, api: Api, account_id: str) -> None:
        answer = api.get(f"/v2/accounts/{account_id}")
        assert answer.status_code == 404
        assert answer.json()["message"] == "bad_identifier"

    def test_an_unknown_account_is_a_bad_identifier(self, api: Api) -> None:
        answer = api.get(f"/v2/accounts/{'f' * 32}")
        assert answer.status_code == 404
        assert answer.json()["data"] == {"message": "bad identifier", "cause": "f" * 32}


class TestChange:
    """POST and PATCH."""

    def test_post_replaces_public_members_and_keeps_private_ones(self, api: Api, account: Account) -> None:
        api.patch("", {"language": "de-de", "own": {"a": 1}})
        old_doc, _ = stored(account.id)
        answer = api.post("", {"name": "New name", "timezone": "Europe/Berlin"})
        assert answer.status_code == 200
        doc, copy = stored(account.id)
        assert doc == copy
        assert (doc["name"], doc["timezone"], doc["realm"]) == ("New name", "Europe/Berlin", account.realm)
        assert doc["pvt_alphanum_name"] == "newname"
        assert not {"own", "language"} & doc.keys()
        changes = {"pvt_modified", "pvt_alphanum_name", "pvt_request_id"}
        private_keys = {key for key in old_doc if key.startswith("pvt_")} - changes
        assert {key: doc[key] for key in private_keys} == {key: old_doc[key] for key in private_keys}

    def test_patch_merges_and_null_removes(self, api: Api, account: Account) -> None:
        api.patch("", {"own": {"a": 1, "b": 2}, "language": "de-de"})
        data = api.patch("", {"own": {"b": None, "c": 3}, "language": None}).json()["data"]
        assert data["own"] == {"a": 1, "c": 3}
        assert (data["name"], data["language"]) == (account.name, "en-us")
        doc, copy = stored(account.id)
        assert doc == copy

    def test_a_fetched_account_can_be_sent_back(self, api: Api, account: Account) -> None:
        data = api.get("").json()["data"]
        answer = api.post("", data)
        assert answer.status_code == 200
        assert answer.json()["data"] == data
        doc, _ = stored(account.id)
        assert not {"id", "created", "superduper_admin", "is_reseller", "reseller_id"} & doc.keys()

    def test_a_changed_realm_frees_the_old_one(self, api: Api, account: Account, new_realm: str) -> None:
        assert api.patch("", {"realm": new_realm.upper()}).json()["data"]["realm"] == new_realm
        rows = accounts_db().view(*view_names.ACCOUNTS_BY_REALM, keys=[account.realm, new_realm])
        assert [row["key"] for row in rows] == [new_realm]
        assert api.put("", {"name": "Sub", "realm": account.realm}).status_code == 201

    def test_the_realm_of_another_account_is_refused(
        self, api: Api, account: Account, new_account: Callable[..., Account]
    ) -> None:
        answer = api.patch("", {"realm": new_account().realm})
        assert answer.status_code == 400
        assert "unique" in answer.json()["data"]["realm"]
        assert stored(account.id)[0]["realm"] == account.realm

    def test_an_account_may_keep_its_realm(self, api: Api, account: Account) -> None:
        assert api.post("", {"name": "N", "realm": account.realm}).status_code == 200

    def test_an_unknown_time_zone_is_refused(self, api: Api) -> None:
        answer = api.patch("", {"timezone": "Mars/Olympus"})
        assert answer.status_code == 400
        assert "timezone" in answer.json()["data"]

    def test_an_outdated_if_match_is_refused(self, api: Api, account: Account) -> None:
        etag = api.get("").headers["ETag"]
        assert api.patch("", {"name": "One"}, headers={"If-Match": etag}).status_code == 200
        assert api.patch("", {"name": "Two"}, headers={"If-Match": etag}).status_code == 412
        assert stored(account.id)[0]["name"] == "One"

    def test_concurrent_changes_are_all_kept_in_the_document_and_its_copy(self, api: Api, account: Account) -> None:
        with ThreadPoolExecutor(6) as pool:
            answers = list(pool.map(lambda n: api.patch("", {f"key_{n}": n}), range(6)))
        assert {answer.status_code for answer in answers} == {200}
        doc, copy = stored(account.id)
        assert doc == copy
        assert {doc[f"key_{n}"] for n in range(6)} == set(range(6))

    def test_the_next_change_repairs_an_outdated_copy(self, api: Api, account: Account) -> None:
        accounts_db().update(account.id, lambda doc: {**doc, "name": "Left behind", "pvt_api_key": "old"})
        assert api.patch("", {"name": "Current"}).status_code == 200
        doc, copy = stored(account.id)
        assert doc == copy

    def test_a_parent_disables_and_enables_an_account(
        self, api: Api, account: Account, new_account: Callable[..., Account], log_in: Callable[..., Api]
    ) -> None:
        child = new_account(parent=account.id)
        below = log_in(child)
        path = f"/v2/accounts/{child.id}"
        assert api.patch(path, {"enabled": False}).json()["data"]["enabled"] is False
        assert stored(child.id)[1]["pvt_enabled"] is False
        wait_until(lambda: {below.get("").status_code for _ in range(4)} == {401})
        assert api.patch(path, {"name": "Still disabled"}).json()["data"]["enabled"] is False
        assert api.post(path, {"name": "Still disabled"}).json()["data"]["enabled"] is False
        assert api.patch(path, {"enabled": True}).json()["data"]["enabled"] is True
        wait_until(lambda: {below.get("").status_code for _ in range(4)} == {200})

    def test_a_plain_user_can_change_nothing(self, plain: Api, account: Account) -> None:
        documents = stored(account.id)
        answers = [plain.post("", {"name": "N"}), plain.patch("", {"name": "N"}), plain.delete("")]
        assert [answer.status_code for answer in answers] == [403] * 3
        assert stored(account.id) == documents


class TestDelete:
    """DELETE."""

    def test_a_deleted_account_is_marked_in_both_documents_and_not_found(
        self, api: Api, account: Account, new_account: Callable[..., Account]
    ) -> None:
        child = new_account(parent=account.id)
        answer = api.delete(f"/v2/accounts/{child.id}")
        assert answer.status_code == 200
        assert answer.json()["data"]["id"] == child.id
        assert [doc["pvt_deleted"] for doc in stored(child.id)] == [True, True]
        wait_until(lambda: {api.get(f"/v2/accounts/{child.id}").status_code for _ in range(4)} == {404})
        assert api.get("children").json()["data"] == []
        assert accounts_db().view(*view_names.ACCOUNTS_BY_REALM, key=child.realm) == []

    def test_the_realm_of_a_deleted_account_is_free(
        self, api: Api, account: Account, new_account: Callable[..., Account]
    ) -> None:
        child = new_account(parent=account.id)
        api.delete(f"/v2/accounts/{child.id}")
        assert api.put("", {"name": "Another", "realm": child.realm}).status_code == 201

    def test_an_account_with_descendants_cannot_be_deleted(
        self, api: Api, account: Account, new_account: Callable[..., Account]
    ) -> None:
        child = new_account(parent=account.id)
        new_account(parent=child.id)
        answer = api.delete(f"/v2/accounts/{child.id}")
        assert answer.status_code == 400
        assert "account_has_descendants" in answer.json()["data"]["account"]
        assert api.get(f"/v2/accounts/{child.id}").status_code == 200

    def test_repeating_an_interrupted_deletion_completes_it(
        self, api: Api, account: Account, new_account: Callable[..., Account]
    ) -> None:
        child = new_account(parent=account.id)
        accounts_db().update(child.id, lambda doc: {**doc, "pvt_deleted": True})
        assert api.delete(f"/v2/accounts/{child.id}").status_code == 200
        assert [doc["pvt_deleted"] for doc in stored(child.id)] == [True, True]
