"""PUT /v2/accounts/{ACCOUNT_ID}/vmboxes/{VM_BOX_ID}/messages: metadata, whose audio may follow with /raw."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from couch.client import couch
from couch.database import Database
from storage import database_names, gregorian
from tests.support.api_client import Account, Api
from tests.support.messages_of_box import messages_in, path_of, stored

MAY_2016 = 63_630_058_722  # 2016-05-10 00:18:42 UTC, the API document's


@pytest.fixture(scope="module")
def account(shared_account: Account) -> Account:
    """Share an account: each test has its own mailboxes."""
    return shared_account


@pytest.fixture
def box(api: Api) -> dict[str, Any]:
    """A mailbox in Los Angeles."""
    return api.new_box(timezone="America/Los_Angeles")


class TestMetadata:
    """What is stored of the metadata, and returned."""

    def test_the_metadata_comes_back_as_in_the_api_document(self, api: Api, box: dict[str, Any]) -> None:
        data = {
            "caller_id_name": "userb userb",
            "caller_id_number": "1001",
            "folder": "saved",
            "from": "1001@aeac33.sip.2600hz.com",
            "to": "1000@aeac33.sip.2600hz.com",
            "call_id": "79959ZDNmM2I5ZTliMzA0NzA4N2FjNjlmODA5OWVkZjUxZWU",
            "length": 3140,
            "timestamp": gregorian.now() - 60,
        }
        answer = api.put(path_of(box), data)
        assert answer.status_code == 201, answer.text
        body = answer.json()
        assert {key: body["data"][key] for key in data} == data
        assert re.fullmatch(r"\d{6}-[0-9a-f]{32}", body["data"]["media_id"])
        assert body["data"]["id"] == body["data"]["media_id"]
        assert not [key for key in body["data"] if key.startswith(("_", "pvt_"))]
        assert body["metadata"] == {}
        assert body["status"] == "success"

    def test_location_and_revision_lead_to_the_message(self, api: Api, box: dict[str, Any], account: Account) -> None:
        answer = api.put(path_of(box), {"caller_id_number": "1001"})
        response = api.get("/v2" + answer.headers["Location"].partition("/v2")[2])
        assert response.status_code == 200, response.text
        assert response.json()["data"] == answer.json()["data"]
        revision = stored(account, answer.json()["data"]["media_id"])["_rev"]
        assert answer.json()["revision"] == response.json()["revision"] == revision
        assert answer.headers["ETag"] == f'"{revision}"'

    def test_the_document_is_one_that_kazoo_reads(self, api: Api, box: dict[str, Any], account: Account) -> None:
        data = {"caller_id_number": "1001", "from": "1001", "timestamp": MAY_2016, "length": 3140, "call_id": "c1"}
        message_id = api.put(path_of(box), data).json()["data"]["media_id"]
        doc = stored(account, message_id)
        db_name = database_names.encode(database_names.modb(account.id, "201605"))
        assert message_id.startswith("201605-")
        expected = {
            "name": f"mailbox {box['mailbox']} message 2016-05-09 17:18:42",
            "description": "voicemail message with media",
            "source_type": "voicemail",
            "source_id": box["id"],
            "media_source": "recording",
            "streamable": True,
            "utc_seconds": MAY_2016,
            "pvt_type": "mailbox_message",
            "pvt_account_id": account.id,
            "pvt_account_db": db_name,
            "pvt_vsn": "1",
        }
        assert {key: doc[key] for key in expected} == expected
        assert doc["metadata"] == {
            "media_id": message_id,
            "call_id": "c1",
            "caller_id_name": "anonymous",
            "caller_id_number": "1001",
            "from": f"1001@{account.realm}",
            "from_user": "1001",
            "from_realm": account.realm,
            "to": f"{box['mailbox']}@{account.realm}",
            "to_user": box["mailbox"],
            "to_realm": account.realm,
            "length": 3140,
            "timestamp": MAY_2016,
            "folder": "new",
        }
        assert doc["pvt_created"] == doc["pvt_modified"] >= gregorian.now() - 60
        assert doc["pvt_auth_user_id"] == account.user_id
        assert "_attachments" not in doc

    def test_missing_members_get_defaults(self, api: Api, box: dict[str, Any], account: Account) -> None:
        before = gregorian.now()
        data = api.put(path_of(box), {}).json()["data"]
        assert before <= data["timestamp"] <= gregorian.now()
        assert len(data["call_id"]) == 32
        expected = {
            "folder": "new",
            "length": 1,
            "caller_id_number": "anonymous",
            "caller_id_name": "anonymous",
            "from": f"anonymous@{account.realm}",
            "to": f"{box['mailbox']}@{account.realm}",
        }
        assert {key: data[key] for key in expected} == expected
        assert api.put(path_of(box), {}).json()["data"]["call_id"] != data["call_id"]

    def test_a_missing_from_is_the_number_of_the_caller_id(
        self, api: Api, box: dict[str, Any], account: Account
    ) -> None:
        data = api.put(path_of(box), {"caller_id_number": "+15551234567", "from": ""}).json()["data"]
        assert data["from"] == f"+15551234567@{account.realm}"

    def test_addresses_of_an_account_without_a_realm_are_nodomain(self, own_api: Api) -> None:
        account_id = own_api.account_id
        for name in (database_names.ACCOUNTS, database_names.account_db(account_id)):
            couch().database(name).update(account_id, lambda doc: {k: v for k, v in doc.items() if k != "realm"})
        data = own_api.put(path_of(own_api.new_box("3000")), {"from": "1001"}).json()["data"]
        assert (data["from"], data["to"]) == ("1001@nodomain", "3000@nodomain")

    def test_an_address_with_a_host_is_kept_and_the_message_can_be_changed(
        self, api: Api, box: dict[str, Any]
    ) -> None:
        addresses = {"from": "user@host", "to": "1000@example.org"}
        data = api.put(path_of(box), addresses).json()["data"]
        assert (data["from"], data["from_user"], data["from_realm"]) == ("user@host", "user", "host")
        assert (data["to"], data["to_user"], data["to_realm"]) == ("1000@example.org", "1000", "example.org")
        path = f"{path_of(box)}/{data['media_id']}"
        assert api.post(path, {"folder": "saved"}).json()["data"]["from"] == "user@host"
        assert api.delete(path).status_code == 200
        assert api.get(path).status_code == 404

    def test_read_only_members_are_not_stored(self, api: Api, box: dict[str, Any], account: Account) -> None:
        forged = "201605-" + "0" * 32
        data = {
            "_id": forged,
            "_rev": "7-x",
            "id": forged,
            "media_id": forged,
            "messages": [{"media_id": "x"}],
            "pvt_deleted": True,
            "pvt_account_id": "x",
            "transcription": {"text": "never said"},
            "retention": "enforced",
        }
        data = api.put(path_of(box), data).json()["data"]
        doc = stored(account, data["media_id"])
        assert forged not in (data["media_id"], doc["_id"], doc["metadata"]["media_id"])
        assert doc["pvt_account_id"] == account.id
        assert not {"messages", "transcription", "pvt_deleted"} & {*doc, *doc["metadata"]}
        assert not set(doc["metadata"]) & {"_id", "_rev", "id", "pvt_account_id", "retention"}

    def test_curl_sends_json_as_a_form(self, api: Api, box: dict[str, Any]) -> None:
        body = b'{"data":{"caller_id_name":"someone","caller_id_number":"6001","folder":"new"}}'
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = api.put(path_of(box), body, headers=kind)
        assert answer.status_code == 201, answer.text
        assert answer.json()["data"]["caller_id_name"] == "someone"

    def test_post_tunnels_put(self, api: Api, box: dict[str, Any]) -> None:
        assert api.post(path_of(box) + "?verb=PUT", {}).status_code == 201


class TestMonths:
    """A message is stored in the month of its timestamp."""

    def test_a_month_without_a_database_gets_one(
        self, api: Api, box: dict[str, Any], modb: Callable[[str], Database]
    ) -> None:
        assert not modb("201501").exists()
        seconds = gregorian.month_bounds("201501")[1]
        message_id = api.put(path_of(box), {"timestamp": seconds}).json()["data"]["media_id"]
        assert modb("201501").get(message_id) is not None
        assert modb("201501").get_design("_design/mailbox_messages") is not None
        later = api.put(path_of(box), {"timestamp": seconds + 1}).json()["data"]["media_id"]
        assert later.startswith("201502-")

    @pytest.mark.parametrize("timestamp", [-1, 0, 1, "yesterday", "", 1.5, None, 315_569_520_000, 10**30, [1], True])
    def test_an_impossible_timestamp_is_refused(
        self, api: Api, box: dict[str, Any], account: Account, timestamp: Any
    ) -> None:
        before = messages_in(account)
        answer = api.put(path_of(box), {"timestamp": timestamp})
        assert answer.status_code == 400, answer.text
        body = answer.json()
        assert body["message"] in ("validation error",)
        assert "timestamp" in body["data"] or "json" in body["data"]
        assert messages_in(account) == before

    @pytest.mark.parametrize("timestamp", [gregorian.UNIX_OFFSET, 315_569_519_999])
    def test_the_first_and_last_possible_timestamps_are_accepted(self, api: Api, timestamp: int) -> None:
        for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):
            box = api.new_box(timezone=zone)
            answer = api.put(path_of(box), {"timestamp": timestamp, "folder": "new"})
            assert answer.status_code == 201, answer.text
            assert api.get(f"{path_of(box)}/{answer.json()['data']['id']}").status_code == 200

    def test_a_timestamp_may_be_text(self, api: Api, box: dict[str, Any]) -> None:
        assert api.put(path_of(box), {"timestamp": str(MAY_2016)}).json()["data"]["timestamp"] == MAY_2016


class TestNames:
    """The document's name has the mailbox's local time."""

    @pytest.fixture
    def account(self, new_account: Callable[..., Account]) -> Account:
        """An account for each test, which changes its zone and its user's."""
        return new_account()

    @pytest.mark.parametrize(
        ("box_zone", "time"),
        [
            ("America/Los_Angeles", "2016-05-09 17:4:7"),
            ("Europe/Berlin", "2016-05-10 2:4:7"),
            ("Asia/Kolkata", "2016-05-10 5:34:7"),
            (None, "2016-05-10 0:4:7 UTC"),
        ],
    )
    def test_the_name_has_the_time_in_the_mailboxes_zone(
        self, api: Api, account: Account, box_zone: str | None, time: str
    ) -> None:
        for db in (database_names.ACCOUNTS, database_names.account_db(account.id)):
            couch().database(db).update(account.id, lambda doc: {**doc, "timezone": None})
        box = api.new_box(**({"timezone": box_zone} if box_zone else {}))
        seconds = MAY_2016 - 14 * 60 - 35
        message_id = api.put(path_of(box), {"timestamp": seconds}).json()["data"]["id"]
        assert stored(account, message_id)["name"] == f"mailbox {box['mailbox']} message {time}"

    def test_the_name_has_the_time_in_the_owners_zone_if_the_mailbox_inherits(
        self, api: Api, account: Account, db: Database
    ) -> None:
        db.update(account.user_id, lambda doc: {**doc, "timezone": "Asia/Kolkata"})
        box = api.new_box(timezone="inherit", owner_id=account.user_id)
        message_id = api.put(path_of(box), {"timestamp": MAY_2016}).json()["data"]["id"]
        assert stored(account, message_id)["name"] == f"mailbox {box['mailbox']} message 2016-05-10 5:48:42"


class TestRefusals:
    """Requests that are refused store nothing."""

    @pytest.mark.parametrize(
        ("data", "field", "rule"),
        [
            ({"folder": "inbox"}, "folder", "enum"),
            ({"length": -1}, "length", "minimum"),
            ({"length": "long"}, "length", "type"),
            ({"caller_id_name": 7}, "caller_id_name", "type"),
            ({"from": ["a"]}, "from", "type"),
        ],
    )
    def test_metadata_is_validated_by_the_schema(
        self, api: Api, box: dict[str, Any], account: Account, data: dict[str, Any], field: str, rule: str
    ) -> None:
        before = messages_in(account)
        answer = api.put(path_of(box), data)
        assert answer.status_code == 400
        assert list(answer.json()["data"][field]) == [rule]
        assert messages_in(account) == before

    def test_the_error_names_every_invalid_field(self, api: Api, box: dict[str, Any]) -> None:
        answer = api.put(path_of(box), {"folder": "inbox", "length": "long", "to": 1})
        assert set(answer.json()["data"]) == {"folder", "length", "to"}

    @pytest.mark.parametrize("box_id", ["0" * 32, "nonsense", "_design%2Fvmboxes", "..%2F.."])
    def test_an_unknown_mailbox_is_not_found(self, api: Api, box_id: str) -> None:
        answer = api.put(f"vmboxes/{box_id}/messages", {})
        assert answer.status_code == 404
        assert answer.json()["status"] == "error"

    def test_a_deleted_mailbox_is_not_found(
        self, api: Api, box: dict[str, Any], account: Account, db: Database
    ) -> None:
        db.update(box["id"], lambda doc: {**doc, "pvt_deleted": True})
        answer = api.put(path_of(box), {})
        assert answer.status_code == 404
        assert answer.json()["data"]["cause"] == box["id"]

    def test_a_mailbox_that_another_instance_has_just_deleted_is_not_found(
        self, api: Api, box: dict[str, Any], account: Account, db: Database
    ) -> None:
        assert api.put(path_of(box), {}).status_code == 201
        before = messages_in(account)
        db.update(box["id"], lambda doc: {**doc, "pvt_deleted": True})
        answer = api.put(path_of(box), {})
        assert (answer.status_code, answer.json()["data"]["cause"]) == (404, box["id"])
        assert messages_in(account) == before

    def test_a_body_without_data_is_refused(self, api: Api, box: dict[str, Any]) -> None:
        assert "data" in api.request("PUT", path_of(box), json={"folder": "new"}).json()["data"]
        assert api.request("PUT", path_of(box)).status_code == 400
        assert api.request("PUT", path_of(box), data=b"{", headers={"Content-Type": "application/json"}).json()[
            "data"
        ]["json"]["invalid"]

    def test_a_user_creates_messages_in_its_own_mailbox_only(
        self, api: Api, account: Account, log_in: Callable[..., Api]
    ) -> None:
        person = {
            "first_name": "A",
            "last_name": "B",
            "username": "user",
            "password": "secret 1",
            "priv_level": "user",
        }
        owner_id = api.put("users", person).json()["data"]["id"]
        own_box, other_box = api.new_box(owner_id=owner_id), api.new_box()
        user = log_in(account, "user", "secret 1")
        assert user.put(path_of(own_box), {}).status_code == 201
        assert user.put(path_of(other_box), {}).status_code == 403
