"""/v2/accounts/{ACCOUNT_ID}/vmboxes/{VM_BOX_ID}: get, replace, patch and delete."""

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from couch.database import Database
from storage import gregorian, modbs
from tests.support.api_client import Account, Api
from voicemail.mailboxes import numbers

LEGACY = {
    "_id": "b0" * 16,
    "pvt_type": "vmbox",
    "name": "Old",
    "mailbox": 3000,
    "messages": [{"media_id": "a" * 32}],
    "pvt_of_kazoos": {"kept": True},
    "pvt_created": 63_600_000_000,
    "pvt_modified": 63_600_000_001,
    "own_key": 1,
}


@pytest.fixture
def box(api: Api) -> dict[str, Any]:
    """A mailbox with a PIN."""
    return api.new_box("3000", pin="1234")


def stored_in(db: Database, box_id: str) -> dict[str, Any]:
    doc = db.get(box_id)
    assert doc is not None
    return doc


@pytest.fixture
def log_in_user(api: Api, account: Account, log_in: Callable[..., Api]) -> Callable[[str], tuple[str, Api]]:
    """Create a user who is not an administrator and log it in: its id and its client."""

    def make(username: str) -> tuple[str, Api]:
        data = {
            "first_name": "A",
            "last_name": "B",
            "username": username,
            "password": "secret 1",
            "priv_level": "user",
        }
        answer = api.put("users", data)
        assert answer.status_code == 201, answer.text
        return answer.json()["data"]["id"], log_in(account, username, "secret 1")

    return make


def assert_unknown(answer: Any, box_id: str) -> None:
    assert answer.status_code == 404, answer.text
    assert answer.json()["message"] == "bad_identifier"
    assert answer.json()["data"] == {"message": "bad identifier", "cause": box_id}


class TestGet:
    """GET."""

    def test_the_created_mailbox_is_returned(self, api: Api, box: dict[str, Any]) -> None:
        answer = api.get(f"vmboxes/{box['id']}")
        body = answer.json()
        assert answer.status_code == 200
        assert body["data"] == box
        assert body["metadata"].keys() == {"id", "created", "modified"}
        assert answer.headers["ETag"] == f'"{body["revision"]}"'

    def test_an_unchanged_mailbox_is_not_sent_again(self, api: Api, box: dict[str, Any]) -> None:
        etag = api.get(f"vmboxes/{box['id']}").headers["ETag"]
        answer = api.get(f"vmboxes/{box['id']}", headers={"If-None-Match": etag})
        assert answer.status_code == 304
        assert answer.content == b""

    def test_private_members_and_legacy_messages_are_not_shown(self, api: Api, db: Database) -> None:
        db.put(LEGACY)
        body = api.get(f"vmboxes/{LEGACY['_id']}").json()
        assert body["data"] == {"id": LEGACY["_id"], "name": "Old", "mailbox": 3000, "own_key": 1}
        assert body["metadata"] == {"id": LEGACY["_id"], "created": 63_600_000_000, "modified": 63_600_000_001}

    @pytest.mark.parametrize("box_id", ["f" * 32, "nonsense", "_all_docs", "_design", "%20", "..%2F..%2F_users"])
    def test_an_unknown_mailbox_is_a_bad_identifier(self, api: Api, box_id: str) -> None:
        assert api.get(f"vmboxes/{box_id}").status_code == 404

    def test_the_error_names_the_unknown_mailbox(self, api: Api) -> None:
        assert_unknown(api.get(f"vmboxes/{'f' * 32}"), "f" * 32)

    def test_another_kind_of_document_is_not_found(self, api: Api, account: Account) -> None:
        assert_unknown(api.get(f"vmboxes/{account.user_id}"), account.user_id)

    def test_a_deleted_mailbox_is_not_found(self, api: Api, db: Database) -> None:
        db.put({**LEGACY, "pvt_deleted": True})
        assert_unknown(api.get(f"vmboxes/{LEGACY['_id']}"), str(LEGACY["_id"]))

    def test_a_mailbox_of_another_account_is_not_found(
        self, box: dict[str, Any], new_account: Callable[..., Account], log_in: Callable[..., Api]
    ) -> None:
        assert_unknown(log_in(new_account()).get(f"vmboxes/{box['id']}"), box["id"])


class TestReplace:
    """POST."""

    def test_the_sent_members_replace_the_mailbox(self, api: Api, db: Database, box: dict[str, Any]) -> None:
        created = stored_in(db, box["id"])
        answer = api.post(f"vmboxes/{box['id']}", {"name": "Other name", "mailbox": "3000", "new_key": [1]})
        body = answer.json()
        assert answer.status_code == 200
        assert body["data"]["name"] == "Other name"
        assert body["data"]["new_key"] == [1]
        assert "pin" not in body["data"]
        assert body["data"]["media_extension"] == "mp3"
        stored = stored_in(db, box["id"])
        assert stored["_rev"] == body["revision"] != created["_rev"]
        assert stored["pvt_created"] == created["pvt_created"]
        assert stored["pvt_modified"] >= created["pvt_modified"]
        assert stored["pvt_alphanum_name"] == "othername"

    def test_a_fetched_mailbox_can_be_sent_back(self, api: Api, box: dict[str, Any]) -> None:
        assert api.post(f"vmboxes/{box['id']}", box).json()["data"] == box

    def test_private_members_are_kept(self, api: Api, db: Database) -> None:
        db.put(LEGACY)
        data: dict[str, Any] = {
            "name": "New",
            "mailbox": "3000",
            "messages": [],
            "pvt_of_kazoos": None,
            "pvt_type": "user",
        }
        body = api.post(f"vmboxes/{LEGACY['_id']}", data).json()
        assert "messages" not in body["data"]
        stored = stored_in(db, str(LEGACY["_id"]))
        assert stored["messages"] == LEGACY["messages"]
        assert stored["pvt_of_kazoos"] == {"kept": True}
        assert stored["pvt_type"] == "vmbox"
        assert stored["pvt_created"] == 63_600_000_000
        assert stored["mailbox"] == "3000"
        assert "own_key" not in stored

    def test_an_old_integer_number_may_be_sent_back(self, api: Api, db: Database) -> None:
        db.put(LEGACY)
        answer = api.post(f"vmboxes/{LEGACY['_id']}", {"name": "New", "mailbox": 3000})
        assert answer.status_code == 200
        assert answer.json()["data"]["mailbox"] == "3000"

    def test_empty_objects_that_a_tool_wrote_as_arrays_are_objects(self, api: Api, db: Database) -> None:
        db.put({**LEGACY, "media": [], "notify": {"callback": []}, "flags": []})
        path = f"vmboxes/{LEGACY['_id']}"
        box = api.get(path).json()["data"]
        assert [box[name] for name in ("media", "notify", "flags")] == [{}, {"callback": {}}, []]
        assert api.patch(path, {"name": "New"}).status_code == 200
        assert api.post(path, box | {"mailbox": "3000"}).status_code == 200
        assert stored_in(db, str(LEGACY["_id"]))["media"] == {}

    def test_the_result_is_validated(self, api: Api, db: Database, box: dict[str, Any]) -> None:
        answer = api.post(f"vmboxes/{box['id']}", {"name": "Without a number"})
        assert answer.status_code == 400
        assert answer.json()["data"].keys() == {"mailbox"}
        assert stored_in(db, box["id"])["_rev"].startswith("1-")

    def test_a_mailbox_may_keep_its_number(self, api: Api) -> None:
        box = api.new_box("3000", aliases=["4000"])
        swapped = box | {"mailbox": "4000", "aliases": ["3000"]}
        assert api.post(f"vmboxes/{box['id']}", swapped).json()["data"]["mailbox"] == "4000"

    def test_the_number_of_another_mailbox_is_refused(self, api: Api, db: Database, box: dict[str, Any]) -> None:
        api.new_box("3001", aliases=["4000"])
        for change in ({"mailbox": "3001"}, {"mailbox": "4000"}, {"aliases": ["3001"]}):
            answer = api.post(f"vmboxes/{box['id']}", box | change)
            assert answer.status_code == 400
            assert answer.json()["data"]["mailbox"].keys() == {"unique"}
        assert stored_in(db, box["id"])["mailbox"] == "3000"
        assert not [row for row in db.all_docs() if row["id"].startswith(numbers.LOCK_KIND)]

    def test_an_unknown_mailbox_is_reported_before_invalid_members(self, api: Api) -> None:
        assert_unknown(api.post(f"vmboxes/{'f' * 32}", {}), "f" * 32)


class TestPatch:
    """PATCH."""

    def test_the_documents_sample_adds_a_key(self, api: Api, db: Database, box: dict[str, Any]) -> None:
        answer = api.patch(f"vmboxes/{box['id']}", {"some_key": "some_value"})
        assert answer.status_code == 200
        assert answer.json()["data"] == box | {"some_key": "some_value"}
        assert stored_in(db, box["id"])["some_key"] == "some_value"

    def test_objects_are_merged_and_null_removes(self, api: Api, db: Database) -> None:
        box = api.new_box(deep={"a": {"b": 1, "c": 2}, "d": [1, 2]}, pin="1234")
        data = api.patch(f"vmboxes/{box['id']}", {"deep": {"a": {"b": None, "e": 3}, "d": [3]}, "pin": None}).json()
        assert data["data"]["deep"] == {"a": {"c": 2, "e": 3}, "d": [3]}
        stored = stored_in(db, box["id"])
        assert stored["deep"] == {"a": {"c": 2, "e": 3}, "d": [3]}
        assert "pin" not in stored

    def test_a_removed_member_gets_its_default_back(self, api: Api) -> None:
        box = api.new_box(media_extension="wav")
        assert api.patch(f"vmboxes/{box['id']}", {"media_extension": None}).json()["data"]["media_extension"] == "mp3"

    def test_the_result_is_validated(self, api: Api, db: Database, box: dict[str, Any]) -> None:
        answer = api.patch(f"vmboxes/{box['id']}", {"name": None, "pin": "1"})
        assert answer.status_code == 400
        assert answer.json()["data"].keys() == {"name", "pin"}
        assert stored_in(db, box["id"])["_rev"].startswith("1-")

    def test_private_members_are_kept(self, api: Api, db: Database) -> None:
        db.put(LEGACY)
        data = {"messages": None, "pvt_of_kazoos": None, "_id": "x", "name": "New"}
        assert api.patch(f"vmboxes/{LEGACY['_id']}", data).status_code == 200
        stored = stored_in(db, str(LEGACY["_id"]))
        assert stored["messages"] == LEGACY["messages"]
        assert stored["pvt_of_kazoos"] == {"kept": True}
        assert stored["own_key"] == 1
        assert stored["mailbox"] == "3000"

    def test_a_changed_number_is_free_for_others(self, api: Api, box: dict[str, Any]) -> None:
        assert api.patch(f"vmboxes/{box['id']}", {"mailbox": "3001"}).status_code == 200
        assert api.new_box("3000")["mailbox"] == "3000"
        assert api.patch(f"vmboxes/{box['id']}", {"mailbox": "3000"}).status_code == 400

    def test_an_unknown_mailbox_is_not_found(self, api: Api) -> None:
        assert_unknown(api.patch(f"vmboxes/{'f' * 32}", {"some_key": "some_value"}), "f" * 32)

    def test_concurrent_patches_are_all_kept(self, api: Api, db: Database, box: dict[str, Any]) -> None:
        def patch(index: int) -> int:
            client = Api(api.url, api.account_id, api.token)
            return client.patch(f"vmboxes/{box['id']}", {f"key_{index}": index}).status_code

        with ThreadPoolExecutor(6) as pool:
            assert list(pool.map(patch, range(6))) == [200] * 6
        stored = stored_in(db, box["id"])
        assert [stored[f"key_{index}"] for index in range(6)] == list(range(6))

    def test_one_of_two_mailboxes_gets_a_contested_number(self, api: Api) -> None:
        boxes = [api.new_box(str(3000 + number))["id"] for number in range(4)]

        def patch(box_id: str) -> int:
            return Api(api.url, api.account_id, api.token).patch(f"vmboxes/{box_id}", {"mailbox": "1"}).status_code

        with ThreadPoolExecutor(4) as pool:
            assert sorted(pool.map(patch, boxes)) == [200, 400, 400, 400]


class TestIfMatch:
    """Changes of one revision only."""

    @pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
    def test_another_revision_is_refused(self, api: Api, db: Database, box: dict[str, Any], method: str) -> None:
        before = stored_in(db, box["id"])
        body = {"json": {"data": {"name": "Changed", "mailbox": "3000"}}}
        answer = api.request(method, f"vmboxes/{box['id']}", headers={"If-Match": '"1-0"'}, **body)
        assert answer.status_code == 412
        assert stored_in(db, box["id"]) == before
        current = {"If-Match": f'"{before["_rev"]}"'}
        assert api.request(method, f"vmboxes/{box['id']}", headers=current, **body).status_code == 200

    def test_one_of_several_writers_of_the_same_revision_wins(
        self, api: Api, db: Database, box: dict[str, Any]
    ) -> None:
        headers = {"If-Match": api.get(f"vmboxes/{box['id']}").headers["ETag"]}

        def patch(index: int) -> int:
            client = Api(api.url, api.account_id, api.token)
            return client.patch(f"vmboxes/{box['id']}", {"writer": index}, headers=headers).status_code

        with ThreadPoolExecutor(6) as pool:
            assert sorted(pool.map(patch, range(6))) == [200, 412, 412, 412, 412, 412]
        assert stored_in(db, box["id"])["_rev"].startswith("2-")


class TestDelete:
    """DELETE."""

    def test_deleting_keeps_the_document_and_returns_the_mailbox(
        self, api: Api, db: Database, box: dict[str, Any]
    ) -> None:
        answer = api.delete(f"vmboxes/{box['id']}")
        body = answer.json()
        assert answer.status_code == 200
        assert body["data"] == box
        assert body["metadata"].keys() == {"id", "created", "modified", "deleted"}
        assert body["metadata"]["deleted"] is True
        stored = stored_in(db, box["id"])
        assert stored["pvt_deleted"] is True
        assert stored["name"] == box["name"]
        assert stored["_rev"] == body["revision"]

    def test_a_deleted_mailbox_is_gone(self, api: Api, box: dict[str, Any]) -> None:
        api.delete(f"vmboxes/{box['id']}")
        for method in ("GET", "POST", "PATCH", "DELETE"):
            assert_unknown(api.request(method, f"vmboxes/{box['id']}", json={"data": box}), box["id"])
        assert api.get("vmboxes").json()["data"] == []

    def test_its_messages_are_removed(self, api: Api, account: Account, box: dict[str, Any]) -> None:
        now = gregorian.now()
        for number, seconds in enumerate((now, now - 40 * 86_400)):
            self.put_message(account, box["id"], seconds, number)
        other_user = self.put_message(account, "f" * 32, now, 7)
        assert api.delete(f"vmboxes/{box['id']}").status_code == 200
        for _, month in modbs.list_existing(account.id):
            for row in month.all_docs(include_docs=True):
                if row["doc"].get("source_id") == box["id"]:
                    assert row["doc"]["pvt_deleted"] is True
                    assert row["doc"]["metadata"]["folder"] == "deleted"
        assert "pvt_deleted" not in stored_in(modbs.ensure(account.id, gregorian.month_of(now)), other_user)

    def test_repeating_an_interrupted_deletion_completes_it(
        self, api: Api, db: Database, account: Account, box: dict[str, Any]
    ) -> None:
        message_id = self.put_message(account, box["id"], gregorian.now(), 1)
        db.update(box["id"], lambda doc: {**doc, "pvt_deleted": True})
        answer = api.delete(f"vmboxes/{box['id']}")
        assert answer.status_code == 200
        assert answer.json()["metadata"]["deleted"] is True
        assert stored_in(modbs.ensure(account.id, message_id[:6]), message_id)["pvt_deleted"] is True
        assert_unknown(api.delete(f"vmboxes/{box['id']}"), box["id"])

    def test_an_unknown_mailbox_is_not_found(self, api: Api, account: Account) -> None:
        assert_unknown(api.delete(f"vmboxes/{'f' * 32}"), "f" * 32)
        assert_unknown(api.delete(f"vmboxes/{account.user_id}"), account.user_id)

    @staticmethod
    def put_message(account: Account, box_id: str, seconds: int, number: int) -> str:
        month = gregorian.month_of(seconds)
        message_id = f"{month}-{hashlib.md5(f'{box_id}{number}'.encode()).hexdigest()}"
        metadata = {"timestamp": seconds, "folder": "new", "media_id": message_id}
        doc = {"_id": message_id, "pvt_type": "mailbox_message", "source_id": box_id, "utc_seconds": seconds}
        modbs.ensure(account.id, month).put({**doc, "metadata": metadata})
        return message_id


class TestUsers:
    """What users may do who are not administrators."""

    def test_the_pin_is_shown_to_administrators_and_to_the_owner(
        self, api: Api, log_in_user: Callable[[str], tuple[str, Api]]
    ) -> None:
        owner_id, owner = log_in_user("owner")
        _, other_user = log_in_user("other")
        box_id = api.new_box("3000", pin="1234", owner_id=owner_id)["id"]
        assert api.get(f"vmboxes/{box_id}").json()["data"]["pin"] == "1234"
        assert owner.get(f"vmboxes/{box_id}").json()["data"]["pin"] == "1234"
        assert "pin" not in other_user.get(f"vmboxes/{box_id}").json()["data"]

    def test_a_filter_finds_no_pin_that_is_not_shown(
        self, api: Api, log_in_user: Callable[[str], tuple[str, Api]]
    ) -> None:
        api.new_box("3000", pin="1234")
        _, other_user = log_in_user("other")
        assert len(api.get("vmboxes?filter_pin=1234").json()["data"]) == 1
        assert other_user.get("vmboxes?filter_pin=1234").json()["data"] == []

    def test_only_the_owner_changes_the_mailbox(
        self, api: Api, db: Database, log_in_user: Callable[[str], tuple[str, Api]]
    ) -> None:
        owner_id, owner = log_in_user("owner")
        _, other_user = log_in_user("other")
        box = api.new_box("3000", owner_id=owner_id)
        path = f"vmboxes/{box['id']}"
        for answer in (other_user.patch(path, {"a": 1}), other_user.post(path, box), other_user.delete(path)):
            assert answer.status_code == 403
            assert answer.json()["message"] == "forbidden"
        assert stored_in(db, box["id"])["_rev"].startswith("1-")
        assert owner.patch(path, {"a": 1}).status_code == 200
        assert owner.post(path, box).status_code == 200

    def test_only_administrators_create_mailboxes(self, log_in_user: Callable[[str], tuple[str, Api]]) -> None:
        user_id, user = log_in_user("user")
        assert user.put("vmboxes", {"name": "Mine", "mailbox": "3000", "owner_id": user_id}).status_code == 403

    def test_no_pin_is_logged(self, api: Api, server: Any) -> None:
        box = api.new_box("3000", pin="86*297")
        api.patch(f"vmboxes/{box['id']}", {"pin": "97*318"})
        api.get("vmboxes?filter_pin=97*318")
        logged = server.logged()
        assert "86*297" not in logged
        assert "97*318" not in logged


class TestNumbers:
    """Numbers and aliases of one mailbox."""

    @pytest.mark.parametrize("aliases", [["3001", "3001"], ["3001", "3000"], ["3000"]])
    def test_each_number_is_there_once(self, api: Api, box: dict[str, Any], aliases: list[str]) -> None:
        for answer in (
            api.patch(f"vmboxes/{box['id']}", {"aliases": aliases}),
            api.post(f"vmboxes/{box['id']}", {**box, "aliases": aliases}),
            api.put("vmboxes", {"name": "B", "mailbox": "3000", "aliases": aliases}),
        ):
            assert answer.status_code == 400
            assert set(answer.json()["data"]) == {"mailbox"}
            assert answer.json()["data"]["mailbox"]["unique"] == {
                "message": "Invalid mailbox number, alias or already exists",
                "value": aliases[-1],
            }
        assert api.get(f"vmboxes/{box['id']}").json()["data"]["aliases"] == []

    def test_a_number_that_is_stored_twice_can_stay_but_not_come_again(
        self, api: Api, db: Database, box: dict[str, Any]
    ) -> None:
        db.update(box["id"], lambda doc: {**doc, "mailbox": 3000, "aliases": ["3001", 3001, "3000"]})
        path = f"vmboxes/{box['id']}"
        assert api.patch(path, {"name": "New"}).status_code == 200
        assert api.patch(path, {"aliases": ["3001", "3001", "3001", "3000"]}).json()["data"]["mailbox"]["unique"]
        assert api.patch(path, {"aliases": ["3001", "3000"]}).status_code == 200
        assert api.patch(path, {"aliases": ["3001", "3001"]}).json()["data"]["mailbox"]["unique"]


class TestAddress:
    """The e-mail address of Kazoo 3.x."""

    @pytest.mark.parametrize(
        ("sent", "addresses"),
        [
            ({"notify_email_address": "a@example.com"}, ["a@example.com"]),
            ({"notify_email_address": ["a@example.com", "b@example.com"]}, ["a@example.com", "b@example.com"]),
            ({"notify_email_address": ""}, []),
            (
                {"notify_email_address": "a@example.com", "notify_email_addresses": ["b@example.com"]},
                ["b@example.com", "a@example.com"],
            ),
        ],
    )
    def test_it_becomes_the_list(
        self, api: Api, box: dict[str, Any], sent: dict[str, Any], addresses: list[str]
    ) -> None:
        created = api.put("vmboxes", {"name": "B", "mailbox": "3001", **sent}).json()["data"]
        changed = api.patch(f"vmboxes/{box['id']}", sent).json()["data"]
        replaced = api.post(f"vmboxes/{created['id']}", {"name": "B", "mailbox": "3001", **sent}).json()["data"]
        for data in (created, changed, replaced):
            assert data["notify_email_addresses"] == addresses
            assert "notify_email_address" not in data

    def test_it_is_checked_as_an_entry_of_the_list(self, api: Api, db: Database, box: dict[str, Any]) -> None:
        refused = api.patch(f"vmboxes/{box['id']}", {"notify_email_address": 7})
        assert set(refused.json()["data"]) == {"notify_email_addresses.0"}
        db.update(box["id"], lambda doc: {**doc, "notify_email_address": 7})
        changed = api.patch(f"vmboxes/{box['id']}", {"name": "New"})
        assert changed.json()["data"]["notify_email_addresses"] == [7]
