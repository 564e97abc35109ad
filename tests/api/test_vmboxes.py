"""/v2/accounts/{ACCOUNT_ID}/vmboxes: list and create."""

import csv
import io
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from couch.database import Database
from storage import gregorian, modbs, view_names
from tests.support.api_client import Account, Api
from voicemail.mailboxes import numbers
from voicemail.messages import retention

# The API document's sample response to its sample request.
SAMPLE = {
    "name": "VMBox 0",
    "require_pin": True,
    "is_setup": False,
    "pin": "0000",
    "mailbox": "3000",
    "timezone": "America/Los_Angeles",
    "check_if_owner": True,
    "delete_after_notify": False,
    "not_configurable": False,
    "notify_email_addresses": [],
    "save_after_notify": False,
    "skip_greeting": False,
    "skip_instructions": False,
    "owner_id": "f1d98a5df729f95cd208ee9430e3b21b",
    "media": {},
}
DEFAULTS = {
    "after_forward_action": "save",
    "aliases": [],
    "announcement_only": False,
    "envelope_type": "default",
    "include_message_on_notify": True,
    "include_transcription_on_notify": True,
    "is_voicemail_ff_rw_enabled": False,
    "media_extension": "mp3",
    "oldest_message_first": False,
    "seek_duration_ms": 10000,
    "skip_envelope": False,
    "transcribe": False,
    "vm_message_forward_type": "only_forward",
}
TAKEN = {"message": "Invalid mailbox number, alias or already exists", "value": "3000"}


def put_message(account: Account, box_id: str, seconds: int, folder: str, **more: Any) -> None:
    """Store a message as Kazoo would."""
    month = gregorian.month_of(seconds)
    doc = {
        "_id": f"{month}-{secrets.token_hex(16)}",
        "pvt_type": "mailbox_message",
        "source_id": box_id,
        "utc_seconds": seconds,
        "metadata": {"timestamp": seconds, "folder": folder},
        **more,
    }
    modbs.ensure(account.id, month).put(doc)


def errors_of(api: Api, data: dict[str, Any]) -> Any:
    answer = api.put("vmboxes", data)
    assert answer.status_code == 400
    assert answer.json()["message"] == "validation error"
    assert answer.json()["error"] == "400"
    return answer.json()["data"]


class TestCreate:
    """PUT."""

    def test_the_api_documents_sample_gets_its_response(self, api: Api) -> None:
        before = gregorian.now()
        answer = api.put("vmboxes", SAMPLE)
        body = answer.json()
        assert answer.status_code == 201
        box_id = body["data"]["id"]
        assert body["data"] == SAMPLE | DEFAULTS | {"id": box_id}
        assert len(box_id) == 32
        assert body["metadata"]["id"] == box_id
        assert before <= body["metadata"]["created"] == body["metadata"]["modified"] <= gregorian.now()
        assert body["metadata"].keys() == {"id", "created", "modified"}
        assert body["status"] == "success"
        assert body["auth_token"] == api.token
        assert answer.headers["ETag"] == f'"{body["revision"]}"'
        assert answer.headers["Location"].endswith(f"/v2/accounts/{api.account_id}/vmboxes/{box_id}")

    def test_a_mailbox_is_stored_as_kazoo_stores_it(self, api: Api, db: Database) -> None:
        box = api.put("vmboxes", SAMPLE).json()
        stored = db.get(box["data"]["id"])
        assert stored is not None
        assert {key: value for key, value in stored.items() if not key.startswith(("_", "pvt_"))} == SAMPLE | DEFAULTS
        assert stored["_rev"] == box["revision"]
        assert stored["pvt_type"] == "vmbox"
        assert stored["pvt_account_id"] == api.account_id
        assert stored["pvt_account_db"] == db.name.replace("/", "%2F")
        assert stored["pvt_created"] == stored["pvt_modified"] == box["metadata"]["created"]
        assert stored["pvt_vsn"] == "1"
        assert stored["pvt_alphanum_name"] == "vmbox0"

    def test_name_and_number_are_enough(self, api: Api) -> None:
        box = api.new_box("3000")
        assert box["is_setup"] is False
        assert box["check_if_owner"] is True
        assert not {"owner_id", "pin", "flags", "messages", "notify", "timezone"} & box.keys()

    def test_unknown_keys_are_kept(self, api: Api, db: Database) -> None:
        box = api.new_box(some_key="some_value", deep={"er": [1, None, "x"]})
        assert box["some_key"] == "some_value"
        stored = db.get(box["id"])
        assert stored is not None
        assert stored["deep"] == {"er": [1, None, "x"]}

    def test_read_only_members_are_not_stored(self, api: Api, db: Database) -> None:
        data: dict[str, Any] = {
            "_id": "a" * 32,
            "_rev": "1-a",
            "id": "b" * 32,
            "pvt_type": "user",
            "pvt_deleted": True,
        }
        box = api.new_box(messages=[{"folder": "new"}], pvt_mine=1, _attachments={}, **data)
        stored = db.get(box["id"])
        assert stored is not None
        assert stored["pvt_type"] == "vmbox"
        assert not {"messages", "id", "pvt_mine", "pvt_deleted", "_attachments"} & stored.keys()
        assert "messages" not in box
        assert box["id"] not in ("a" * 32, "b" * 32)

    def test_the_error_names_every_invalid_field(self, api: Api) -> None:
        errors = errors_of(api, {"name": "", "pin": "123", "media_extension": "flac", "check_if_owner": "yes"})
        assert errors.keys() == {"mailbox", "name", "pin", "media_extension", "check_if_owner"}
        assert errors["mailbox"]["required"]["message"] == "Field is required but missing"
        assert errors["name"]["minLength"]["message"] == "String must be at least 1 characters"
        assert errors["pin"]["minLength"]["target"] == 4
        assert errors["pin"]["minLength"]["value"] == "123"
        assert errors["media_extension"]["enum"]["target"] == ["mp3", "mp4", "wav"]
        assert errors["check_if_owner"]["type"]["message"] == "Value did not match type(s): boolean"

    def test_an_error_within_an_array_has_its_index(self, api: Api) -> None:
        data = {"name": "x", "mailbox": "3000", "notify": {"callback": {"schedule": ["soon"]}}}
        assert errors_of(api, data).keys() == {"notify.callback.schedule.0"}

    def test_text_is_converted_to_the_schemas_type(self, api: Api) -> None:
        box = api.new_box(require_pin="true", seek_duration_ms="500")
        assert box["require_pin"] is True
        assert box["seek_duration_ms"] == 500

    @pytest.mark.parametrize("zone", ["America/New_York", "Europe/Berlin", "inherit"])
    def test_a_known_time_zone_is_accepted(self, api: Api, zone: str) -> None:
        assert api.new_box(timezone=zone)["timezone"] == zone

    @pytest.mark.parametrize("zone", ["Mars/Phobos", "UTC", "x" * 33, 5])
    def test_an_unknown_time_zone_is_refused(self, api: Api, zone: object) -> None:
        assert errors_of(api, {"name": "x", "mailbox": "3000", "timezone": zone}).keys() == {"timezone"}

    def test_an_unknown_owner_is_accepted(self, api: Api) -> None:
        assert api.new_box(owner_id="f" * 32)["owner_id"] == "f" * 32

    def test_a_malformed_owner_is_refused(self, api: Api) -> None:
        assert errors_of(api, {"name": "x", "mailbox": "3000", "owner_id": "joe"}).keys() == {"owner_id"}

    def test_members_of_newer_kazoos_are_validated_without_defaults(self, api: Api) -> None:
        member = {"id": "a" * 32, "type": "user"}
        box = api.new_box("3000", members=[member], shared_vmbox="true")
        assert box["members"] == [member]
        assert box["shared_vmbox"] is True
        assert not {"members", "shared_vmbox", "shared_vmbox_notify_owner_email"} & api.new_box("3001").keys()
        wrong = {"name": "x", "mailbox": "3002", "members": [{"id": "a" * 32, "type": "robot"}]}
        assert errors_of(api, wrong).keys() == {"members.0.type"}

    def test_a_request_without_a_body_lacks_all_required_members(self, api: Api) -> None:
        errors = api.put("vmboxes").json()["data"]
        assert {name: error["required"]["message"] for name, error in errors.items()} == {
            "mailbox": "Field is required but missing",
            "name": "Field is required but missing",
        }

    def test_post_tunnels_put(self, api: Api) -> None:
        answer = api.post("vmboxes?verb=PUT", {"name": "x", "mailbox": "3000"})
        assert answer.status_code == 201
        envelope = {"verb": "put", "data": {"name": "y", "mailbox": "3001"}}
        assert api.post("vmboxes", json=envelope).status_code == 201

    def test_other_verbs_are_refused(self, api: Api) -> None:
        for method in ("POST", "PATCH", "DELETE"):
            answer = api.request(method, "vmboxes", json={"data": {}})
            assert answer.status_code == 405, method
            assert answer.json()["message"] == "invalid_method"

    def test_a_trailing_slash_makes_no_difference(self, api: Api) -> None:
        assert api.put("vmboxes/", {"name": "x", "mailbox": "3000"}).status_code == 201
        assert len(api.get("vmboxes/").json()["data"]) == 1

    def test_a_request_without_a_token_is_refused(self, api: Api) -> None:
        answer = api.without_token().put("vmboxes", SAMPLE)
        assert answer.status_code == 401
        assert answer.json()["message"] == "invalid_credentials"


class TestNumbers:
    """A number belongs to one mailbox of an account."""

    def test_a_number_can_be_used_once(self, api: Api) -> None:
        api.new_box("3000")
        assert errors_of(api, {"name": "Second", "mailbox": "3000"}) == {"mailbox": {"unique": TAKEN}}

    def test_an_alias_is_a_number_like_any_other(self, api: Api) -> None:
        api.new_box("4000", aliases=["3000"])
        assert errors_of(api, {"name": "Second", "mailbox": "3000"}) == {"mailbox": {"unique": TAKEN}}
        assert errors_of(api, {"name": "Second", "mailbox": "5", "aliases": ["3000"]}) == {
            "mailbox": {"unique": TAKEN}
        }

    def test_a_used_number_is_reported_along_with_other_errors(self, api: Api) -> None:
        api.new_box("3000")
        errors = errors_of(api, {"mailbox": "3000"})
        assert errors["mailbox"] == {"unique": TAKEN}
        assert "required" in errors["name"]

    def test_an_old_integer_is_the_same_number(self, api: Api, db: Database) -> None:
        db.put({"_id": "b0" * 16, "pvt_type": "vmbox", "name": "Old", "mailbox": 3000})
        assert errors_of(api, {"name": "Second", "mailbox": "3000"}) == {"mailbox": {"unique": TAKEN}}

    def test_the_number_of_a_deleted_mailbox_is_free_again(self, api: Api) -> None:
        assert api.delete(f"vmboxes/{api.new_box('3000')['id']}").status_code == 200
        assert api.new_box("3000")["mailbox"] == "3000"

    def test_two_accounts_may_have_the_same_number(
        self, api: Api, new_account: Callable[..., Account], log_in: Callable[..., Api]
    ) -> None:
        api.new_box("3000")
        assert log_in(new_account()).new_box("3000")["mailbox"] == "3000"

    def test_one_of_ten_concurrent_clients_gets_the_number(self, api: Api, db: Database) -> None:
        def create(index: int) -> int:
            client = Api(api.url, api.account_id, api.token)
            return client.put("vmboxes", {"name": f"Box {index}", "mailbox": "3000"}).status_code

        with ThreadPoolExecutor(10) as pool:
            statuses = list(pool.map(create, range(20)))
        assert sorted(statuses) == [201] + [400] * 19
        assert [row["key"] for row in db.view(*view_names.MAILBOXES_BY_NUMBER)] == ["3000"]
        assert not [row for row in db.all_docs() if row["id"].startswith(numbers.LOCK_KIND)]


class TestList:
    """GET."""

    def names(self, api: Api, query: str = "") -> list[str]:
        answer = api.get(f"vmboxes{query}")
        assert answer.status_code == 200, answer.text
        return [entry["name"] for entry in answer.json()["data"]]

    def test_an_account_without_mailboxes_has_an_empty_list(self, api: Api) -> None:
        body = api.get("vmboxes").json()
        assert body["data"] == []
        assert body["metadata"] == {}
        assert "next_start_key" not in body

    def test_entries_have_the_members_of_the_api_documents_sample(self, api: Api) -> None:
        box = api.new_box("3000", owner_id="f" * 32)
        body = api.get("vmboxes").json()
        expected = {"id": box["id"], "name": "VMBox 3000", "mailbox": "3000", "owner_id": "f" * 32}
        assert body["data"] == [expected | {"flags": [], "messages": 0}]
        assert body["page_size"] == 50

    def test_a_mailbox_without_an_owner_has_no_owner_id(self, api: Api) -> None:
        api.new_box(flags=["a"])
        (entry,) = api.get("vmboxes").json()["data"]
        assert "owner_id" not in entry
        assert entry["flags"] == ["a"]

    def test_mailboxes_are_listed_by_name(self, api: Api) -> None:
        for number, name in enumerate(("b", "C", "a", "10", "9")):
            api.new_box(str(3000 + number), name=name)
        assert self.names(api) == ["10", "9", "a", "b", "C"]

    def test_pages_follow_each_other_without_gaps_even_among_equal_names(self, api: Api) -> None:
        created = {api.new_box(str(3000 + number), name=f"Box {number % 2}")["id"] for number in range(7)}
        seen: list[str] = []
        key, pages = "", 0
        while key is not None:
            body = api.get("vmboxes?page_size=2" + (f"&start_key={key}" if key else "")).json()
            seen += [entry["id"] for entry in body["data"]]
            assert body["page_size"] == 2
            assert len(body["data"]) == (2 if pages < 3 else 1)
            key, pages = body.get("next_start_key"), pages + 1
        assert pages == 4
        assert len(seen) == 7
        assert set(seen) == created

    def test_a_start_key_needs_no_escaping_in_a_url(self, api: Api) -> None:
        for number in range(2):
            api.new_box(str(3000 + number), name=f"ü & / ? # + % {number}")
        key = api.get("vmboxes?page_size=1").json()["next_start_key"]
        assert key.isascii()
        assert self.names(api, f"?start_key={key}") == ["ü & / ? # + % 1"]

    def test_mailboxes_without_a_name_are_listed_in_pages_too(self, api: Api, db: Database) -> None:
        for number in range(3):
            db.put({"_id": f"b{number}" * 16, "pvt_type": "vmbox", "mailbox": str(number)})
        seen, query = [], "?page_size=1"
        for _ in range(3):
            body = api.get(f"vmboxes{query}").json()
            seen += [entry["id"] for entry in body["data"]]
            query = f"?page_size=1&start_key={body.get('next_start_key')}"
        assert seen == ["b0" * 16, "b1" * 16, "b2" * 16]

    def test_without_pagination_all_are_listed(self, api: Api, db: Database) -> None:
        db.put_all(
            [{"_id": f"{n:032x}", "pvt_type": "vmbox", "name": f"{n:03}", "mailbox": str(n)} for n in range(120)]
        )
        assert len(self.names(api)) == 50
        assert len(self.names(api, "?paginate=false")) == 120

    def test_the_order_can_be_reversed(self, api: Api) -> None:
        for number in range(3):
            api.new_box(str(number), name=str(number))
        assert self.names(api, "?descending=true") == ["2", "1", "0"]
        key = api.get("vmboxes?descending=true&page_size=2").json()["next_start_key"]
        assert self.names(api, f"?descending=true&start_key={key}") == ["0"]

    @pytest.mark.parametrize("query", ["page_size=0", "page_size=x", "start_key=!", "start_key=WzFd"])
    def test_invalid_paging_is_refused(self, api: Api, query: str) -> None:
        answer = api.get(f"vmboxes?{query}")
        assert answer.status_code == 400
        assert answer.json()["message"] == "faulty_request"

    def test_filters_look_at_the_whole_document(self, api: Api) -> None:
        api.new_box("3000", some={"key": "x"}, media_extension="wav")
        api.new_box("3001")
        assert self.names(api, "?filter_some.key=x") == ["VMBox 3000"]
        assert self.names(api, "?filter_media_extension=mp3") == ["VMBox 3001"]
        assert self.names(api, "?has_key=some") == ["VMBox 3000"]
        assert self.names(api, "?key_missing=some&filter_mailbox=3001") == ["VMBox 3001"]
        assert self.names(api, "?filter_mailbox=3002") == []

    def test_a_filtered_page_is_full_while_mailboxes_remain(self, api: Api, db: Database) -> None:
        boxes = [{"_id": f"{n:032x}", "pvt_type": "vmbox", "name": f"{n:04}", "mailbox": str(n)} for n in range(400)]
        db.put_all([box | ({"kind": "wanted"} if n % 100 == 99 else {}) for n, box in enumerate(boxes)])
        body = api.get("vmboxes?filter_kind=wanted&page_size=3").json()
        assert [entry["name"] for entry in body["data"]] == ["0099", "0199", "0299"]
        rest = api.get(f"vmboxes?filter_kind=wanted&page_size=3&start_key={body['next_start_key']}").json()
        assert [entry["name"] for entry in rest["data"]] == ["0399"]
        assert "next_start_key" not in rest

    def test_entries_are_complete_with_another_versions_view(self, api: Api, db: Database) -> None:
        view = "function(doc) { if (doc.pvt_type === 'vmbox') emit(doc.name, {id: doc._id, name: doc.name}); }"

        design = db.get_design("_design/vmboxes") or {}
        db.put_design({**design, "views": {**design["views"], "crossbar_listing": {"map": view}}})
        box = api.new_box("3000")
        assert api.get("vmboxes").json()["data"] == [
            {"id": box["id"], "name": box["name"], "messages": 0, "flags": []}
        ]

    def test_deleted_mailboxes_and_other_documents_are_not_listed(self, api: Api, db: Database) -> None:
        db.put({"_id": "c0" * 16, "pvt_type": "vmbox", "name": "Gone", "mailbox": "1", "pvt_deleted": True})
        db.put({"_id": "c1" * 16, "pvt_type": "callflow", "name": "No box", "mailbox": "2"})
        assert self.names(api) == []

    def test_the_list_comes_as_csv(self, api: Api) -> None:
        api.new_box("3000")
        answer = api.get("vmboxes", headers={"Accept": "text/csv"})
        assert answer.headers["Content-Type"].startswith("text/csv")
        assert answer.headers["Content-Disposition"] == "attachment; filename=vmboxes.csv"
        (row,) = csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))
        assert row["name"] == "VMBox 3000"
        assert row["mailbox"] == "3000"

    def test_head_returns_the_headers_of_get(self, api: Api) -> None:
        answer = api.head("vmboxes")
        assert answer.status_code == 200
        assert answer.content == b""


class TestCounts:
    """The members `messages` and `folders` of a listing's entries."""

    def entry(self, api: Api) -> dict[str, Any]:
        entries: list[dict[str, Any]] = api.get("vmboxes").json()["data"]
        return entries[0]

    def test_new_and_saved_messages_are_counted(self, api: Api, account: Account) -> None:
        box_id, now = api.new_box()["id"], gregorian.now()
        for folder, age in (("new", 0), ("new", 40), ("saved", 80), ("deleted", 0)):
            put_message(account, box_id, now - age * 86_400, folder)
        put_message(account, box_id, now, "deleted", pvt_deleted=True)
        entry = self.entry(api)
        assert entry["messages"] == 3
        assert entry["folders"] == {"new": 2, "saved": 1}

    def test_messages_past_the_retention_are_not_counted_even_in_the_limits_month(
        self, api: Api, account: Account
    ) -> None:
        box_id, limit = api.new_box()["id"], retention.limit(account.id)
        put_message(account, box_id, limit - 60, "new")
        put_message(account, box_id, limit + 3_600, "new")
        assert self.entry(api)["folders"] == {"new": 1, "saved": 0}

    def test_messages_in_the_old_format_are_counted(self, api: Api, db: Database, account: Account) -> None:
        db.put({"_id": "b0" * 16, "pvt_type": "vmbox", "name": "Old", "mailbox": 3000, "messages": [{}, {}]})
        entry = self.entry(api)
        assert entry["messages"] == 2
        assert "folders" not in entry
        put_message(account, "b0" * 16, gregorian.now(), "new")
        assert self.entry(api)["messages"] == 3
