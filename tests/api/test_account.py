"""/v2/accounts/{ACCOUNT_ID}: get, replace, patch and delete, and what is stored in both places."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from couch.client import Database
from storage import gregorian, view_names
from tests.support.api_client import Account, Api
from tests.support.servers import wait_until
from tests.support.stored_accounts import accounts_db, stored


class TestGet:
    """GET of one account."""

    def test_it_tells_all_that_is_public(self, api: Api, account: Account) -> None:
        answer = api.get("")
        assert answer.status_code == 200
        data = answer.json()["data"]
        assert data["id"] == account.id
        assert (data["name"], data["realm"]) == (account.name, account.realm)
        assert data["enabled"] is True
        assert data["superduper_admin"] is False
        assert data["is_reseller"] is False
        assert data["language"] == "en-us"
        assert abs(data["created"] - gregorian.now()) < 300
        assert not [key for key in data if key.startswith(("_", "pvt_"))]
        assert account.api_key not in answer.text

    def test_what_kazoo_put_into_the_document_is_shown_too(self, api: Api, account: Account, db: Database) -> None:
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

    def test_post_replaces_what_is_public_and_keeps_what_is_private(self, api: Api, account: Account) -> None:
        api.patch("", {"language": "de-de", "own": {"a": 1}})
        before, _ = stored(account.id)
        answer = api.post("", {"name": "New name", "timezone": "Europe/Berlin"})
        assert answer.status_code == 200
        own, copy = stored(account.id)
        assert own == copy
        assert (own["name"], own["timezone"], own["realm"]) == ("New name", "Europe/Berlin", account.realm)
        assert own["pvt_alphanum_name"] == "newname"
        assert "own" not in own
        assert "language" not in own
        kept = [key for key in before if key.startswith("pvt_") and key not in ("pvt_modified", "pvt_alphanum_name")]
        assert {key: own[key] for key in kept if key != "pvt_request_id"} == {
            key: before[key] for key in kept if key != "pvt_request_id"
        }

    def test_patch_merges_and_null_removes(self, api: Api, account: Account) -> None:
        api.patch("", {"own": {"a": 1, "b": 2}, "language": "de-de"})
        data = api.patch("", {"own": {"b": None, "c": 3}, "language": None}).json()["data"]
        assert data["own"] == {"a": 1, "c": 3}
        assert (data["name"], data["language"]) == (account.name, "en-us")
        own, copy = stored(account.id)
        assert own == copy

    def test_what_was_read_can_be_sent_back(self, api: Api, account: Account) -> None:
        data = api.get("").json()["data"]
        answer = api.post("", data)
        assert answer.status_code == 200
        assert answer.json()["data"] == data
        own, _ = stored(account.id)
        assert not {"id", "created", "superduper_admin", "is_reseller", "reseller_id"} & own.keys()

    def test_a_new_realm_is_found_and_the_old_one_is_free(self, api: Api, account: Account, new_realm: str) -> None:
        assert api.patch("", {"realm": new_realm.upper()}).json()["data"]["realm"] == new_realm
        rows = accounts_db().view(*view_names.ACCOUNTS_BY_REALM, keys=[account.realm, new_realm])
        assert [row["key"] for row in rows] == [new_realm]
        assert api.put("", {"name": "Sub", "realm": account.realm}).status_code == 201

    def test_a_realm_that_another_has_is_refused(
        self, api: Api, account: Account, new_account: Callable[..., Account]
    ) -> None:
        answer = api.patch("", {"realm": new_account().realm})
        assert answer.status_code == 400
        assert "unique" in answer.json()["data"]["realm"]
        assert stored(account.id)[0]["realm"] == account.realm

    def test_the_own_realm_may_be_sent_again(self, api: Api, account: Account) -> None:
        assert api.post("", {"name": "N", "realm": account.realm}).status_code == 200

    def test_an_unknown_time_zone_is_refused(self, api: Api) -> None:
        answer = api.patch("", {"timezone": "Mars/Olympus"})
        assert answer.status_code == 400
        assert "timezone" in answer.json()["data"]

    def test_if_match_of_an_older_revision_is_refused(self, api: Api, account: Account) -> None:
        etag = api.get("").headers["ETag"]
        assert api.patch("", {"name": "One"}, headers={"If-Match": etag}).status_code == 200
        assert api.patch("", {"name": "Two"}, headers={"If-Match": etag}).status_code == 412
        assert stored(account.id)[0]["name"] == "One"

    def test_changes_at_the_same_time_all_arrive_in_both_places(self, api: Api, account: Account) -> None:
        with ThreadPoolExecutor(6) as pool:
            answers = list(pool.map(lambda n: api.patch("", {f"key_{n}": n}), range(6)))
        assert {answer.status_code for answer in answers} == {200}
        own, copy = stored(account.id)
        assert own == copy
        assert {own[f"key_{n}"] for n in range(6)} == set(range(6))

    def test_the_next_change_mends_a_copy_that_was_left_behind(self, api: Api, account: Account) -> None:
        accounts_db().update(account.id, lambda doc: {**doc, "name": "Left behind", "pvt_api_key": "old"})
        assert api.patch("", {"name": "Current"}).status_code == 200
        own, copy = stored(account.id)
        assert own == copy

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

    def test_a_plain_user_changes_nothing(self, plain: Api, account: Account) -> None:
        before = stored(account.id)
        answers = [plain.post("", {"name": "N"}), plain.patch("", {"name": "N"}), plain.delete("")]
        assert [answer.status_code for answer in answers] == [403] * 3
        assert stored(account.id) == before


class TestDelete:
    """DELETE."""

    def test_it_is_marked_in_both_places_and_found_no_more(
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

    def test_its_realm_is_free_again(self, api: Api, account: Account, new_account: Callable[..., Account]) -> None:
        child = new_account(parent=account.id)
        api.delete(f"/v2/accounts/{child.id}")
        assert api.put("", {"name": "Another", "realm": child.realm}).status_code == 201

    def test_one_with_accounts_below_it_stays(
        self, api: Api, account: Account, new_account: Callable[..., Account]
    ) -> None:
        child = new_account(parent=account.id)
        new_account(parent=child.id)
        answer = api.delete(f"/v2/accounts/{child.id}")
        assert answer.status_code == 400
        assert "account_has_descendants" in answer.json()["data"]["account"]
        assert api.get(f"/v2/accounts/{child.id}").status_code == 200

    def test_a_repeat_finishes_what_was_broken_off(
        self, api: Api, account: Account, new_account: Callable[..., Account]
    ) -> None:
        child = new_account(parent=account.id)
        accounts_db().update(child.id, lambda doc: {**doc, "pvt_deleted": True})
        assert api.delete(f"/v2/accounts/{child.id}").status_code == 200
        assert [doc["pvt_deleted"] for doc in stored(child.id)] == [True, True]
