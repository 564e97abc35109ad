"""/v2/accounts/{ACCOUNT_ID}/vmboxes/{VM_BOX_ID}/messages/{VM_MSG_ID}: get, change and remove one message."""

import secrets
from collections.abc import Callable
from typing import Any

import pytest
from requests import Response

from couch.client import couch
from storage import database_names, gregorian, modbs, system_config
from tests.support.api_client import Account, Api

DAY = 86_400


@pytest.fixture(scope="module")
def account(shared_account: Account) -> Account:
    """Share an account: each test has its own mailboxes."""
    return shared_account


@pytest.fixture
def box(api: Api) -> dict[str, Any]:
    """A mailbox."""
    return api.new_box()


@pytest.fixture
def other_box(api: Api) -> dict[str, Any]:
    """Another mailbox of the same account."""
    return api.new_box()


@pytest.fixture
def path(api: Api, box: dict[str, Any]) -> str:
    """The path of a new message."""
    return new_message(api, box)


def new_message(api: Api, box: dict[str, Any], **sent: Any) -> str:
    answer = api.put(f"vmboxes/{box['id']}/messages", {"caller_id_number": "1001", **sent})
    assert answer.status_code == 201, answer.text
    return f"vmboxes/{box['id']}/messages/{answer.json()['data']['media_id']}"


def id_of(path: str) -> str:
    return path.rpartition("/")[2]


def stored(account: Account, path: str) -> dict[str, Any]:
    doc: dict[str, Any] | None = modb_of(account, id_of(path)).get(id_of(path))
    assert doc is not None
    return doc


def modb_of(account: Account, message_id: str) -> Any:
    month = database_names.month_of_message(message_id)
    assert month is not None
    return couch().database(database_names.modb(account.id, month))


def put_doc(account: Account, box: dict[str, Any], seconds: int, **fields: Any) -> str:
    """The path of a message that another program wrote, without the fields that are None."""
    month = gregorian.month_of(seconds)
    message_id = f"{month}-{secrets.token_hex(16)}"
    metadata = {"media_id": message_id, "timestamp": seconds, "folder": "new", "caller_id_number": "1001"}
    doc = {
        "_id": message_id,
        "pvt_type": "mailbox_message",
        "source_id": box["id"],
        "utc_seconds": seconds,
        "metadata": metadata,
        "pvt_of_kazoos": [1],
        **fields,
    }
    modbs.ensure(account.id, month).put({key: value for key, value in doc.items() if value is not None})
    return f"vmboxes/{box['id']}/messages/{message_id}"


def assert_unknown(answer: Any, message_id: str) -> None:
    assert answer.status_code == 404, answer.text
    assert answer.json()["message"] == "bad_identifier"
    assert answer.json()["data"] == {"message": "bad identifier", "cause": message_id[:200]}


def expired_time() -> int:
    return gregorian.now() - 100 * DAY


class TestGet:
    """GET."""

    def test_the_transcription_is_part_of_the_metadata(self, api: Api, account: Account, path: str) -> None:
        spoken = {"result": "success", "text": "This is a test of the voicemail transcription."}
        modb_of(account, id_of(path)).update(id_of(path), lambda doc: {**doc, "transcription": spoken})
        body = api.get(path).json()
        assert body["data"]["transcription"] == spoken
        assert body["data"]["folder"] == "new"
        assert body["revision"] == stored(account, path)["_rev"]

    def test_private_members_are_not_shown(self, api: Api, account: Account, box: dict[str, Any]) -> None:
        path = put_doc(account, box, gregorian.now())
        data = api.get(path).json()["data"]
        assert data.keys() == {"id", "media_id", "timestamp", "folder", "caller_id_number"}

    def test_an_unchanged_message_is_not_sent_again(self, api: Api, path: str) -> None:
        etag = api.get(path).headers["ETag"]
        assert api.get(path, headers={"If-None-Match": etag}).status_code == 304
        api.post(path, {"folder": "saved"})
        assert api.get(path, headers={"If-None-Match": etag}).status_code == 200

    @pytest.mark.parametrize("metadata", [{"caller_id_number": "7"}, {"folder": ""}, None])
    def test_a_message_without_a_folder_is_put_into_new(
        self, api: Api, account: Account, box: dict[str, Any], metadata: Any
    ) -> None:
        path = put_doc(account, box, gregorian.now(), metadata=metadata)
        assert api.get(path).json()["data"]["folder"] == "new"
        doc = stored(account, path)
        assert doc["metadata"]["folder"] == "new"
        assert doc["metadata"].get("caller_id_number") == (metadata or {}).get("caller_id_number")
        assert doc["pvt_of_kazoos"] == [1]
        assert api.get(path).json()["revision"] == doc["_rev"]

    def test_numbers_that_were_stored_as_text_are_shown_as_numbers(
        self, api: Api, account: Account, box: dict[str, Any]
    ) -> None:
        now = gregorian.now()
        path = put_doc(account, box, now, metadata={"timestamp": str(now - 60), "length": "3140", "folder": "new"})
        shown = api.get(path).json()["data"]
        assert (shown["timestamp"], shown["length"]) == (now - 60, 3140)
        (listed,) = api.get(f"vmboxes/{box['id']}/messages").json()["data"]
        assert listed.items() >= {"timestamp": now - 60, "length": 3140}.items()

    def test_a_message_that_lost_its_metadata_still_has_a_timestamp(
        self, api: Api, account: Account, box: dict[str, Any]
    ) -> None:
        now = gregorian.now()
        path = put_doc(account, box, now, metadata=None)
        shown = {"timestamp": now, "folder": "new", "media_id": id_of(path), "id": id_of(path)}
        assert api.get(path).json()["data"] == shown

    def test_a_message_past_its_retention_is_shown_as_deleted(
        self, api: Api, account: Account, box: dict[str, Any]
    ) -> None:
        path = put_doc(account, box, expired_time())
        data = api.get(path).json()["data"]
        assert (data["folder"], data["retention"]) == ("deleted", "enforced")
        assert "no update is permitted" in data["retention_message"]
        assert stored(account, path)["metadata"]["folder"] == "new"

    def test_an_account_may_keep_its_messages_for_longer(
        self, new_account: Callable[..., Account], log_in: Callable[..., Api]
    ) -> None:
        account = new_account()
        own = {"_id": "configs_callflow", "voicemail": {"message_retention_duration": 120}}
        # Before the service has read anything of the account, which it caches for some seconds.
        couch().database(database_names.account_db(account.id)).put(own)
        api = log_in(account)
        path = put_doc(account, api.new_box(), expired_time())
        assert system_config.for_account(account.id, "callflow")["voicemail"]
        assert "retention" not in api.get(path).json()["data"]

    def test_a_message_is_found_in_its_own_mailbox_only(
        self, api: Api, account: Account, path: str, other_box: dict[str, Any], new_account: Callable[..., Account],
        log_in: Callable[..., Api],
    ) -> None:  # fmt: skip
        message_id = id_of(path)
        assert_unknown(api.get(f"vmboxes/{other_box['id']}/messages/{message_id}"), message_id)
        stranger = log_in(new_account())
        assert stranger.get(f"/v2/accounts/{account.id}/{path}").status_code == 403
        own = stranger.new_box()
        assert_unknown(stranger.get(f"vmboxes/{own['id']}/messages/{message_id}"), message_id)

    @pytest.mark.parametrize(
        "message_id",
        [
            "nonsense",
            "201605-",
            "201605-" + "0" * 32,
            "201613-" + "0" * 32,
            "_design",
            "209912-" + "0" * 900,
            "\u202e",
        ],
    )
    def test_an_unknown_or_malformed_id_is_not_found(self, api: Api, box: dict[str, Any], message_id: str) -> None:
        path = f"vmboxes/{box['id']}/messages/{message_id}"
        for answer in (api.get(path), api.post(path, {"folder": "saved"}), api.delete(path)):
            assert_unknown(answer, message_id)

    def test_another_kind_of_document_is_not_found(self, api: Api, account: Account, box: dict[str, Any]) -> None:
        assert api.get(put_doc(account, box, gregorian.now(), pvt_type="cdr")).status_code == 404

    def test_a_removed_message_is_not_found(self, api: Api, account: Account, box: dict[str, Any]) -> None:
        path = put_doc(account, box, gregorian.now(), pvt_deleted=True)
        for answer in (api.get(path), api.post(path, {"folder": "new"}), api.delete(path)):
            assert_unknown(answer, id_of(path))

    def test_a_message_of_an_unknown_or_deleted_mailbox_is_not_found(
        self, api: Api, path: str, box: dict[str, Any]
    ) -> None:
        assert api.get(f"vmboxes/{'0' * 32}/messages/{id_of(path)}").status_code == 404
        api.delete(f"vmboxes/{box['id']}")
        assert_unknown(api.get(path), box["id"])


class TestFolder:
    """POST of a folder."""

    @pytest.mark.parametrize("folder", ["saved", "deleted", "new"])
    def test_the_folder_may_be_in_the_payload_or_the_query(
        self, api: Api, account: Account, box: dict[str, Any], folder: str
    ) -> None:
        payload, query = {"folder": folder}, f"?folder={folder}"
        senders: list[Callable[[str], Response]] = [
            lambda path: api.post(path, payload),
            lambda path: api.post(path + query),
            lambda path: api.post(path + query, {}),
        ]
        for send in senders:
            path = new_message(api, box)
            before = api.get(path).json()["data"]
            answer = send(path)
            assert answer.status_code == 200, answer.text
            assert answer.json()["data"] == before | {"folder": folder}
            doc = stored(account, path)
            assert doc["metadata"]["folder"] == folder
            assert answer.json()["revision"] == doc["_rev"]
            assert "pvt_deleted" not in doc

    @pytest.mark.parametrize("data", [{}, {"folder": "inbox"}, {"folder": 7}])
    def test_an_unknown_or_missing_folder_means_saved(self, api: Api, path: str, data: dict[str, Any]) -> None:
        assert api.post(path, data).json()["data"]["folder"] == "saved"

    def test_a_message_in_the_folder_deleted_can_be_moved_back(self, api: Api, path: str) -> None:
        api.post(path, {"folder": "deleted"})
        assert api.get(path).json()["data"]["folder"] == "deleted"
        assert api.post(path, {"folder": "new"}).json()["data"]["folder"] == "new"

    def test_a_change_of_folder_keeps_private_members_and_audio(
        self, api: Api, account: Account, box: dict[str, Any]
    ) -> None:
        path = put_doc(account, box, gregorian.now())
        api.put(f"{path}/raw", b"audio", headers={"Content-Type": "audio/mpeg"})
        api.post(path, {"folder": "saved"})
        doc = stored(account, path)
        assert doc["pvt_of_kazoos"] == [1]
        assert doc["_attachments"]
        assert doc["pvt_modified"] >= gregorian.now() - 60
        assert api.get(f"{path}/raw").content == b"audio"

    def test_a_change_needs_the_revision_in_if_match(self, api: Api, account: Account, path: str) -> None:
        etag = api.get(path).headers["ETag"]
        assert api.post(path, {"folder": "saved"}, headers={"If-Match": etag}).status_code == 200
        answer = api.post(path, {"folder": "deleted"}, headers={"If-Match": etag})
        assert answer.status_code == 412
        assert api.delete(path, headers={"If-Match": etag}).status_code == 412
        assert stored(account, path)["metadata"]["folder"] == "saved"

    def test_a_message_past_its_retention_is_not_changed(
        self, api: Api, account: Account, box: dict[str, Any]
    ) -> None:
        path = put_doc(account, box, expired_time())
        for answer in (api.post(path, {"folder": "saved"}), api.delete(path)):
            assert answer.status_code == 400, answer.text
            body = answer.json()
            assert body["message"] == "prior_to_retention_duration"
            assert body["data"]["cause"] == id_of(path)
            assert "no update is permitted" in body["data"]["message"]
            assert stored(account, path)["metadata"]["folder"] == "deleted"
            assert "pvt_deleted" not in stored(account, path)


class TestMoveAndCopy:
    """POST of a source_id."""

    def test_a_move_returns_the_moved_message(
        self, api: Api, account: Account, path: str, box: dict[str, Any], other_box: dict[str, Any]
    ) -> None:
        api.put(f"{path}/raw", b"audio", headers={"Content-Type": "audio/mpeg"})
        answer = api.post(path, {"source_id": other_box["id"]})
        assert answer.status_code == 200, answer.text
        data = answer.json()["data"]
        assert not [key for key in data if key.startswith(("_", "pvt_"))]
        assert data["media_id"] != id_of(path)
        assert (data["folder"], data["to"]) == ("new", f"{other_box['mailbox']}@{account.realm}")
        moved_path = f"vmboxes/{other_box['id']}/messages/{data['media_id']}"
        assert api.get(moved_path).json()["data"] == data
        assert api.get(f"{moved_path}/raw").content == b"audio"
        assert_unknown(api.get(path), id_of(path))
        assert stored(account, moved_path)["history"] == [box["id"]]

    def test_a_copy_returns_the_new_ids(
        self, api: Api, path: str, box: dict[str, Any], other_box: dict[str, Any]
    ) -> None:
        third = api.new_box()
        data = api.post(path, {"source_id": [other_box["id"], third["id"]]}).json()["data"]
        assert data["failed"] == []
        assert len(set(data["succeeded"])) == 2
        assert id_of(path) not in data["succeeded"]
        assert api.get(path).status_code == 200
        for target in (other_box, third):
            entries = api.get(f"vmboxes/{target['id']}/messages").json()["data"]
            assert [entry["media_id"] in data["succeeded"] for entry in entries] == [True]

    @pytest.mark.parametrize("source_id", ["", [], None])
    def test_an_empty_destination_is_refused(self, api: Api, account: Account, path: str, source_id: Any) -> None:
        answer = api.post(path, {"source_id": source_id})
        assert answer.status_code == 400
        assert list(answer.json()["data"]["source_id"]) == ["required"]
        assert stored(account, path)["_rev"].startswith("1-")

    @pytest.mark.parametrize("source_id", [7, {"a": 1}, [7], [""]])
    def test_a_destination_must_be_text_or_a_list_of_text(self, api: Api, path: str, source_id: Any) -> None:
        assert list(api.post(path, {"source_id": source_id}).json()["data"]["source_id"]) == ["type"]

    @pytest.mark.parametrize("is_copy", [False, True])
    def test_the_same_mailbox_is_refused_as_destination(
        self, api: Api, account: Account, path: str, box: dict[str, Any], is_copy: bool
    ) -> None:
        answer = api.post(path, {"source_id": [box["id"]] if is_copy else box["id"]})
        assert answer.status_code == 400
        assert list(answer.json()["data"]) == ["source_id"]
        assert stored(account, path)["_rev"].startswith("1-")

    def test_an_unknown_destination_is_not_found(self, api: Api, path: str, other_box: dict[str, Any]) -> None:
        unknown = "0" * 32
        for source_id in (unknown, [other_box["id"], unknown]):
            assert_unknown(api.post(path, {"source_id": source_id}), unknown)
        assert api.get(path).status_code == 200
        assert api.get(f"vmboxes/{other_box['id']}/messages").json()["data"] == []


class TestDelete:
    """DELETE."""

    def test_deleting_a_message_keeps_its_document(
        self, api: Api, account: Account, path: str, box: dict[str, Any]
    ) -> None:
        answer = api.delete(path)
        assert answer.status_code == 200, answer.text
        assert answer.json()["data"]["media_id"] == id_of(path)
        assert not [key for key in answer.json()["data"] if key.startswith(("_", "pvt_"))]
        doc = stored(account, path)
        assert doc["pvt_deleted"] is True
        assert doc["metadata"]["folder"] == "deleted"
        assert_unknown(api.get(path), id_of(path))
        assert api.get(f"vmboxes/{box['id']}/messages").json()["data"] == []
        assert_unknown(api.delete(path), id_of(path))


class TestUsers:
    """Users who are not administrators see all mailboxes and change messages in their own."""

    def test_only_the_owner_changes_messages(
        self, api: Api, account: Account, path: str, log_in: Callable[..., Api]
    ) -> None:
        person = {
            "first_name": "A",
            "last_name": "B",
            "username": "user",
            "password": "secret 1",
            "priv_level": "user",
        }
        owner_id = api.put("users", person).json()["data"]["id"]
        user = log_in(account, "user", "secret 1")
        own = new_message(api, api.new_box(owner_id=owner_id))
        assert user.get(path).status_code == 200
        audio = {"headers": {"Content-Type": "audio/mpeg"}}
        for answer in (
            user.post(path, {"folder": "saved"}),
            user.delete(path),
            user.put(f"{path}/raw", b"a", **audio),
        ):
            assert answer.status_code == 403
        assert stored(account, path)["_rev"].startswith("1-")
        assert user.put(f"{own}/raw", b"a", **audio).status_code == 201
        assert user.post(own, {"source_id": path.split("/")[1]}).status_code == 403
        assert user.post(own, {"folder": "saved"}).status_code == 200
        assert user.delete(own).status_code == 200

    def test_without_a_token_nothing_is_shown(self, api: Api, path: str) -> None:
        stranger = api.without_token()
        for answer in (
            stranger.get(path),
            stranger.post(path, {}),
            stranger.delete(path),
            stranger.get(f"{path}/raw"),
        ):
            assert answer.status_code == 401
