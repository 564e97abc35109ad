"""Mailboxes at the operators' desk."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from couch.client import Database
from storage import gregorian, schemas
from tests.support.api_client import Account, Api
from tests.support.forms import fields_of
from tests.support.kazoo_messages import leave_spoken, stored
from tests.support.operators import NEW_PIN, PIN, Desk
from voicemail.mailboxes import store as mailbox_store

Operator = Callable[..., Desk]
CALLBACK = ("attempts", "disabled", "interval_s", "number", "schedule", "timeout_s")
HOSTILE = "<script>alert(1)</script>\u202e" + "x" * 10_000


@pytest.fixture
def box(api: Api) -> dict[str, Any]:
    return api.new_box("3000", pin=PIN, some_key="kept")


@pytest.fixture
def message_id(account: Account, box: dict[str, Any]) -> str:
    return leave_spoken(account, box, gregorian.now(), b"ID3" + bytes(range(256)) * 40)


@pytest.mark.parametrize("text", ["3000", "VMBox", "3999"])
def test_a_mailbox_is_found_by_number_name_and_alias(
    operator: Operator, account: Account, api: Api, text: str
) -> None:
    box = api.new_box("3000", aliases=["3999"])
    page = operator("Read only").get("desk/mailbox/", account=account.id, q=text)
    assert f"/admin/desk/mailbox/{account.id}/{box['id']}/" in page.text


def test_a_mailbox_is_created_and_errors_appear_at_their_fields(
    operator: Operator, account: Account, api: Api, box: dict[str, Any]
) -> None:
    desk = operator("Administrators")
    path = f"desk/mailbox/{account.id}/add/"
    taken = desk.post(path, name="Second", mailbox="3000")
    assert "already exists" in taken.text
    assert desk.post(path, name="Second", mailbox="3001", notify_email_addresses="a@example.com\nb@example.com").ok
    (made,) = [one for one in api.get("vmboxes").json()["data"] if one["mailbox"] == "3001"]
    stored_box = mailbox_store.get(account.id, made["id"])
    assert stored_box["notify_email_addresses"] == ["a@example.com", "b@example.com"]


def test_a_change_keeps_what_the_form_does_not_show(
    operator: Operator, account: Account, box: dict[str, Any], db: Database
) -> None:
    desk = operator("Administrators")
    path = f"desk/mailbox/{account.id}/{box['id']}/"
    assert "was changed" in desk.fill_in(path + "change/", name="Renamed").text
    changed = db.get(box["id"]) or {}
    assert (changed["name"], changed["some_key"], changed["pin"]) == ("Renamed", "kept", PIN)
    assert "VMBox 3000 → Renamed" in desk.get(path + "history/").text


def test_the_pin_is_shown_on_demand_and_never_recorded(
    operator: Operator, account: Account, box: dict[str, Any], db: Database
) -> None:
    desk = operator("Administrators")
    path = f"desk/mailbox/{account.id}/{box['id']}/"
    assert PIN not in desk.get(path).text + desk.get(path + "pin/").text
    assert PIN in desk.post(path + "pin/").text
    desk.post(path + "pin/", new=NEW_PIN)
    assert (db.get(box["id"]) or {})["pin"] == NEW_PIN
    history = desk.get(path + "history/").text
    assert "saw the PIN of" in history
    assert PIN not in history
    assert NEW_PIN not in history


def test_a_mailbox_is_removed_after_a_confirmation(
    operator: Operator, account: Account, box: dict[str, Any], message_id: str, db: Database
) -> None:
    desk = operator("Administrators")
    path = f"desk/mailbox/{account.id}/{box['id']}/delete/"
    assert "with its messages (1)" in desk.get(path).text
    desk.post(path)
    assert (db.get(box["id"]) or {})["pvt_deleted"] is True
    assert stored(account, message_id)["pvt_deleted"] is True


# --- the form ---


def test_the_form_shows_every_setting_of_the_schema_with_its_description(
    operator: Operator, account: Account
) -> None:
    page = operator("Administrators").get(f"desk/mailbox/{account.id}/add/").text
    shown = fields_of(page)
    schema = schemas.get(mailbox_store.SCHEMA)["properties"]
    nested = {"media": {"media__unavailable"}, "notify": {f"notify__callback__{one}" for one in CALLBACK}}
    expected = set().union(*(nested.get(name, {name}) for name in schema)) - {"pin"}
    # A box that isn't checked is none of a form's data.
    assert expected - shown.keys() == {
        name for name, rules in schema.items() if rules.get("type") == "boolean" and rules.get("default") is False
    }
    assert shown["seek_duration_ms"] == ["10000"]
    assert "Default: 10000." in page
    assert "How often a call that nobody answers is tried." in page


def test_every_kind_of_setting_is_stored_as_its_schema_says(
    operator: Operator, account: Account, box: dict[str, Any], db: Database
) -> None:
    desk = operator("Administrators")
    path = f"desk/mailbox/{account.id}/{box['id']}/change/"
    answer = desk.fill_in(
        path,
        aliases="3998\r\n\r\n 3999 ",
        timezone="Europe/Berlin",
        owner_id=account.user_id,
        check_if_owner=[],
        transcribe="on",
        shared_vmbox="false",
        envelope_type="caller_and_time",
        seek_duration_ms="5000",
        operator_number="0",
        media__unavailable="a" * 32,
        notify__callback__attempts="3",
        notify__callback__disabled="true",
        notify__callback__schedule="60\n120",
        members=json.dumps([{"id": "b" * 32, "type": "user"}]),
    )
    assert "was changed" in answer.text
    stored_box = db.get(box["id"]) or {}
    expected = {
        "aliases": ["3998", "3999"],
        "timezone": "Europe/Berlin",
        "owner_id": account.user_id,
        "check_if_owner": False,
        "transcribe": True,
        "shared_vmbox": False,
        "envelope_type": "caller_and_time",
        "seek_duration_ms": 5000,
        "operator_number": "0",
        "media": {"unavailable": "a" * 32},
        "notify": {"callback": {"attempts": 3, "disabled": True, "schedule": [60, 120]}},
        "members": [{"id": "b" * 32, "type": "user"}],
    }
    assert {key: stored_box.get(key) for key in expected} == expected


def test_emptied_fields_remove_their_members(operator: Operator, account: Account, api: Api, db: Database) -> None:
    callback = {"attempts": 3, "disabled": True, "number": "5551234"}
    box = api.new_box(
        "3000", silence_hits=7, seek_duration_ms=1, owner_id=account.user_id, notify={"callback": callback, "sms": 1}
    )
    path = f"desk/mailbox/{account.id}/{box['id']}/change/"
    emptied = ("silence_hits", "seek_duration_ms", "owner_id", "notify__callback__attempts")
    kept = {**dict.fromkeys(emptied, ""), "notify__callback__disabled": ""}
    assert "was changed" in operator("Support").fill_in(path, None, **kept).text
    changed = db.get(box["id"]) or {}
    assert "silence_hits" not in changed
    assert "owner_id" not in changed
    assert changed["seek_duration_ms"] == 10_000
    assert changed["notify"] == {"callback": {"number": "5551234"}, "sms": 1}


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("seek_duration_ms", "soon", "Enter a whole number"),
        ("media__unavailable", "short", "at least 32 characters"),
        ("notify__callback__schedule", "60\nlater", "did not match type"),
        ("members", "[{]", "Enter a valid JSON"),
        ("name", "", "This field is required"),
        ("mailbox", "3001", "already exists"),
    ],
)
def test_an_error_appears_at_its_field_and_nothing_is_stored(
    operator: Operator,
    account: Account,
    api: Api,
    box: dict[str, Any],
    db: Database,
    field: str,
    value: str,
    message: str,
) -> None:
    api.new_box("3001")
    before = db.get(box["id"])
    path = f"desk/mailbox/{account.id}/{box['id']}/change/"
    page = (
        operator("Administrators").fill_in(path, None, name="Typed", **{field: value})
        if field != "name"
        else (operator("Administrators").fill_in(path, name=value))
    )
    errors = re.search(rf'<ul class="errorlist" id="id_{field}_error">(.*?)</ul>', page.text, re.DOTALL)
    assert errors, page.text
    assert message in errors[1]
    assert fields_of(page.text)[field] == [value]
    assert db.get(box["id"]) == before


def test_stored_values_that_no_widget_can_show_are_kept(
    operator: Operator, account: Account, box: dict[str, Any], db: Database
) -> None:
    odd = {
        "aliases": [3998],
        "operator_number": 7,
        "transcribe": "true",
        "owner_id": "f" * 32,
        "silence_hits": "12",
        "name": "two\nlines " + HOSTILE[:60],
    }
    db.update(box["id"], lambda doc: {**doc, **odd})
    desk = operator("Administrators")
    path = f"desk/mailbox/{account.id}/{box['id']}/change/"
    page = desk.get(path)
    assert "<script>alert(1)" not in page.text
    assert "was changed" in desk.fill_in(path, page, require_pin="on").text
    changed = db.get(box["id"]) or {}
    assert changed["require_pin"] is True
    assert {key: changed[key] for key in ("operator_number", "owner_id", "name")} == {
        key: odd[key] for key in ("operator_number", "owner_id", "name")
    }
    assert changed["aliases"] == ["3998"] or changed["aliases"] == [3998]


def test_an_unknown_time_zone_may_stay_but_not_be_chosen(
    operator: Operator, account: Account, box: dict[str, Any], db: Database
) -> None:
    db.update(box["id"], lambda doc: {**doc, "timezone": "Mars/Olympus"})
    desk = operator("Administrators")
    path = f"desk/mailbox/{account.id}/{box['id']}/change/"
    assert fields_of(desk.get(path).text)["timezone"] == ["Mars/Olympus"]
    assert "Select a valid choice" in desk.fill_in(path, timezone="Venus/Maat").text
    assert (db.get(box["id"]) or {})["timezone"] == "Mars/Olympus"


def test_an_owner_is_chosen_by_name(operator: Operator, account: Account, api: Api, box: dict[str, Any]) -> None:
    user = {
        "first_name": "Ada",
        "last_name": "<script>alert(1)</script>",
        "username": "ada",
        "password": "difference",
    }
    user_id = api.put("users", user).json()["data"]["id"]
    desk = operator("Administrators")
    path = f"desk/mailbox/{account.id}/{box['id']}/"
    page = desk.get(path + "change/")
    assert "Ada &lt;script&gt;alert(1)&lt;/script&gt; (ada)" in page.text
    assert "<script>alert(1)" not in desk.fill_in(path + "change/", page, owner_id=user_id).text
    assert api.get(f"vmboxes/{box['id']}").json()["data"]["owner_id"] == user_id
    assert "Ada &lt;script&gt;" in desk.get(path).text


# --- two at once ---


def test_an_edit_conflict_shows_the_changes_and_keeps_the_entries(
    operator: Operator, account: Account, api: Api, box: dict[str, Any], db: Database
) -> None:
    desk = operator("Administrators")
    path = f"desk/mailbox/{account.id}/{box['id']}/change/"
    opened = desk.get(path)
    api.patch(f"vmboxes/{box['id']}", {"name": "By the API", "timezone": "Europe/Berlin", "some_key": "new"})
    told = desk.fill_in(path, opened, name="By the operator", aliases="3999")
    assert "Changed in the meantime" in told.text
    for change in ("VMBox 3000", "By the API", "Europe/Berlin", "some_key"):
        assert change in told.text
    assert (db.get(box["id"]) or {})["name"] == "By the API"
    shown = fields_of(told.text)
    assert [shown[one] for one in ("name", "aliases", "timezone")] == [
        ["By the operator"],
        ["3999"],
        ["Europe/Berlin"],
    ]
    assert "was changed" in desk.fill_in(path, told).text
    changed = db.get(box["id"]) or {}
    assert {key: changed[key] for key in ("name", "aliases", "timezone", "some_key", "pin")} == {
        "name": "By the operator",
        "aliases": ["3999"],
        "timezone": "Europe/Berlin",
        "some_key": "new",
        "pin": PIN,
    }


def test_changes_of_members_that_no_form_shows_are_no_conflict(
    operator: Operator, account: Account, box: dict[str, Any], db: Database
) -> None:
    desk = operator("Administrators")
    path = f"desk/mailbox/{account.id}/{box['id']}/change/"
    opened = desk.get(path)
    db.update(box["id"], lambda doc: {**doc, "pin": "9999", "pvt_request_id": "kazoo", "messages": []})
    assert "was changed" in desk.fill_in(path, opened, name="Renamed").text
    changed = db.get(box["id"]) or {}
    assert (changed["name"], changed["pin"], changed["messages"]) == ("Renamed", "9999", [])


@pytest.mark.parametrize("base", ["", "made:up"])
def test_a_form_without_a_valid_snapshot_is_an_edit_conflict(
    operator: Operator, account: Account, box: dict[str, Any], db: Database, base: str
) -> None:
    desk = operator("Administrators")
    path = f"desk/mailbox/{account.id}/{box['id']}/change/"
    before = db.get(box["id"])
    told = desk.fill_in(path, None, name="Renamed", desk_snapshot=base)
    assert "Changed in the meantime" in told.text
    assert db.get(box["id"]) == before
    assert "was changed" in desk.fill_in(path, told).text
    assert (db.get(box["id"]) or {})["name"] == "Renamed"


def test_a_form_without_changes_stores_nothing(
    operator: Operator, account: Account, box: dict[str, Any], db: Database
) -> None:
    before = db.get(box["id"])
    path = f"desk/mailbox/{account.id}/{box['id']}/change/"
    assert "Nothing was changed" in operator("Administrators").fill_in(path).text
    assert db.get(box["id"]) == before


# --- removed ones ---


def test_a_removed_mailbox_is_found_shown_and_restored_with_its_messages(
    operator: Operator, account: Account, box: dict[str, Any], message_id: str, db: Database
) -> None:
    desk = operator("Administrators")
    path = f"desk/mailbox/{account.id}/{box['id']}/"
    assert path not in desk.get("desk/mailbox/", account=account.id, removed="yes").text
    desk.post(path + "delete/")
    assert path not in desk.get("desk/mailbox/", account=account.id).text
    for text in ("", "300", "vmbox"):
        assert path in desk.get("desk/mailbox/", account=account.id, removed="yes", q=text).text
    assert path not in desk.get("desk/mailbox/", account=account.id, removed="yes", q="nobody").text
    page = desk.get(path).text
    assert "This mailbox was removed" in page
    assert "restores its messages (1)" in page
    assert f"/admin/{path}change/" not in page
    assert "with its messages (1)" in desk.get(path + "restore/").text
    assert "was restored, with its messages (1)." in desk.post(path + "restore/").text
    assert (db.get(box["id"]) or {}).get("pvt_deleted") is not True
    assert stored(account, message_id).get("pvt_deleted") is not True
    assert "restored" in desk.get(path + "history/").text


def test_an_interrupted_restore_is_shown_and_finished(
    operator: Operator, account: Account, api: Api, box: dict[str, Any], message_id: str, db: Database
) -> None:
    api.delete(f"vmboxes/{box['id']}")
    live = {"pvt_deleted": False, "pvt_restoring": {"since": None}}
    db.update(box["id"], lambda doc: {**doc, **live})
    desk = operator("Administrators")
    path = f"desk/mailbox/{account.id}/{box['id']}/"
    page = desk.get(path).text
    assert "Restoring this mailbox was interrupted" in page
    assert f"/admin/{path}restore/" in page
    desk.post(path + "restore/")
    assert "interrupted" not in desk.get(path).text
    assert stored(account, message_id).get("pvt_deleted") is not True


def test_a_restore_is_refused_while_another_mailbox_has_the_number(
    operator: Operator, account: Account, api: Api, box: dict[str, Any], db: Database
) -> None:
    desk = operator("Administrators")
    path = f"desk/mailbox/{account.id}/{box['id']}/"
    desk.post(path + "delete/")
    api.new_box("3000")
    assert "Another mailbox has the number 3000" in desk.post(path + "restore/").text
    assert (db.get(box["id"]) or {})["pvt_deleted"] is True


def test_operators_who_may_not_remove_mailboxes_cannot_restore_them(
    operator: Operator, account: Account, api: Api, box: dict[str, Any], db: Database
) -> None:
    api.delete(f"vmboxes/{box['id']}")
    desk = operator("Support")
    path = f"desk/mailbox/{account.id}/{box['id']}/"
    assert "/restore/" not in desk.get(path).text
    assert desk.post(path + "restore/").status_code == 403
    assert (db.get(box["id"]) or {})["pvt_deleted"] is True


# --- searching ---


def test_mailboxes_are_found_by_the_start_of_numbers_words_and_owner_names(
    operator: Operator, account: Account, api: Api
) -> None:
    user = {"first_name": "Ada", "last_name": "Lovelace", "username": "countess", "password": "difference"}
    user_id = api.put("users", user).json()["data"]["id"]
    box = api.new_box("3000", name="Front Office", aliases=["7999"], owner_id=user_id)
    api.new_box("4000", name="Kitchen")
    desk = operator("Read only")
    for text in ("30", "799", "off", "OFFICE front", "ada", "love", "ada lovelace", "countess"):
        page = desk.get("desk/mailbox/", account=account.id, q=text).text
        assert f"/{account.id}/{box['id']}/" in page, text
        assert "Ada Lovelace (countess)" in page
        assert "Kitchen" not in page, text
    for text in ("ffice", "000", "front kitchen", "ada byron", "\ufff0", "<script>"):
        page = desk.get("desk/mailbox/", account=account.id, q=text).text
        assert "No matching mailboxes." in page, text


def test_an_owner_is_typed_if_there_are_too_many_users_for_a_list(
    operator: Operator, account: Account, box: dict[str, Any], db: Database
) -> None:
    names = [f"user{n}" for n in range(250)]
    db.put_all([{"_id": f"{n:032x}", "pvt_type": "user", "username": name} for n, name in enumerate(names)])
    desk = operator("Administrators")
    path = f"desk/mailbox/{account.id}/{box['id']}/change/"
    assert "There is no user" in desk.fill_in(path, owner_id="nobody").text
    assert "was changed" in desk.fill_in(path, owner_id="USER249").text
    assert (db.get(box["id"]) or {})["owner_id"] == f"{249:032x}"
    assert "Nothing was changed" in desk.fill_in(path).text
    suggested = desk.get(f"desk/mailbox/{account.id}/owners/", q="user24").json()["suggestions"]
    assert {"value": "user249", "text": "user249"} in suggested
    assert len(suggested) == 11


def test_a_hostile_name_is_shown_as_text_and_turns_nothing_around_it(
    operator: Operator, account: Account, box: dict[str, Any], db: Database
) -> None:
    db.update(box["id"], lambda doc: {**doc, "name": HOSTILE, "odd": {"<u>": HOSTILE}})
    desk = operator("Administrators")
    path = f"desk/mailbox/{account.id}/{box['id']}/"
    pages = [desk.get("desk/mailbox/", account=account.id)]
    pages += [desk.get(path + one) for one in ("", "pin/", "delete/")]
    pages += [desk.fill_in(path + "change/", name="", aliases=HOSTILE), desk.post(path + "delete/"), desk.get(path)]
    for page in pages:
        assert page.status_code == 200
        assert "<script>alert(1)" not in page.text
        assert "<u>" not in page.text
    titles = [found[1] for page in pages if (found := re.search(r"<h1>(.*?)</h1>", page.text, re.DOTALL))]
    assert len(titles) == len(pages)
    assert not any("\u202e" in title for title in titles)
