"""The form of a mailbox: every kind of setting, errors, and edit conflicts."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from couch.database import Database
from storage import schemas
from tests.support.api_client import Account, Api
from tests.support.forms import fields_of
from tests.support.operators import NEW_PIN, PIN, Desk
from voicemail.mailboxes import search as mailbox_search
from voicemail.mailboxes import store as mailbox_store

Operator = Callable[..., Desk]
CALLBACK = ("attempts", "disabled", "interval_s", "number", "schedule", "timeout_s")
HOSTILE = "<script>alert(1)</script>\u202e" + "x" * 10_000


@pytest.fixture
def box(api: Api) -> dict[str, Any]:
    return api.new_box("3000", pin=PIN, some_key="kept")


def test_the_form_shows_every_setting_of_the_schema_with_its_description(
    operator: Operator, account: Account
) -> None:
    page = operator("Administrators").get(f"desk/mailbox/{account.id}/add/").text
    shown = fields_of(page)
    schema = schemas.get(mailbox_store.SCHEMA)["properties"]
    nested = {"media": {"media__unavailable"}, "notify": {f"notify__callback__{name}" for name in CALLBACK}}
    expected = set().union(*(nested.get(name, {name}) for name in schema))
    # A checkbox that isn't checked is not part of a form's data.
    assert expected - shown.keys() == {
        name for name, rules in schema.items() if rules.get("type") == "boolean" and rules.get("default") is False
    }
    assert shown["seek_duration_ms"] == ["10000"]
    assert "Default: 10000." in page
    assert "How often a call that nobody answers is tried." in page
    assert page.index('name="pin"') < page.index("<details>") < page.index('name="timezone"')
    assert "Put messages into saved once the e-mail is sent" in page


def test_a_mailbox_gets_its_pin_when_it_is_created(operator: Operator, account: Account) -> None:
    path = f"desk/mailbox/{account.id}/add/"
    desk = operator("Administrators")
    page = desk.post(path, mailbox="3000", name="A", pin="12ab").text
    assert '<ul class="errorlist" id="id_pin_error"><li>A PIN consists of the digits 0 to 9 only.</li></ul>' in page
    assert "<li>String must be at least 4 characters</li>" in desk.post(path, mailbox="3000", name="A", pin="12").text
    assert desk.post(path, mailbox="3000", name="A", pin=NEW_PIN).ok
    assert mailbox_search.find_exact(account.id, "3000")["pin"] == NEW_PIN
    blind = operator(permissions=("view_mailbox", "add_mailbox", "view_account"))
    assert 'name="pin"' not in blind.get(path).text
    blind.post(path, mailbox="3001", name="B", pin=NEW_PIN)
    assert "pin" not in mailbox_search.find_exact(account.id, "3001")


def test_a_mailbox_for_a_user_is_filled_in(operator: Operator, account: Account, api: Api) -> None:
    api.new_box("3000", aliases=["3001"])
    api.new_box("50")
    user = {"first_name": "Ada", "last_name": "Lovelace", "username": "ada", "email": "ada@example.com"}
    user_id = api.put("users", {**user, "password": "difference"}).json()["data"]["id"]
    desk = operator("Administrators")
    path = f"desk/mailbox/{account.id}/add/?owner={user_id}"
    assert f"/admin/{path}" in desk.get(f"desk/accountuser/{account.id}/{user_id}/").text
    pin = fields_of(desk.get(path).text)["pin"][0]
    assert desk.fill_in(path, pin=NEW_PIN).ok
    box = mailbox_search.find_exact(account.id, "3002")
    assert (len(pin), pin.isdigit()) == (4, True)
    assert {key: box[key] for key in ("name", "owner_id", "notify_email_addresses", "pin")} == {
        "name": "Ada Lovelace",
        "owner_id": user_id,
        "notify_email_addresses": ["ada@example.com"],
        "pin": NEW_PIN,
    }
    api.patch(f"users/{user_id}", {"presence_id": "2077"})
    assert fields_of(desk.get(path).text)["mailbox"] == ["2077"]
    assert f"?owner={user_id}" not in operator("Read only").get(f"desk/accountuser/{account.id}/{user_id}/").text


def test_every_kind_of_setting_is_stored_as_its_schema_says(
    operator: Operator, account: Account, box: dict[str, Any], db: Database
) -> None:
    desk = operator("Administrators")
    path = f"desk/mailbox/{account.id}/{box['id']}/change/"
    response = desk.fill_in(
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
    assert "was changed" in response.text
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
    values = {**dict.fromkeys(emptied, ""), "notify__callback__disabled": ""}
    assert "was changed" in operator("Support").fill_in(path, None, **values).text
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
        "name": "two\nlines \0 " + HOSTILE[:60],
        "seek_duration_ms": "soon",
        "silence_threshold": -3,
        "notify_email_addresses": {"a": 1},
        "require_pin": "true",
        "check_if_owner": "maybe",
        "notify": {"callback": {"attempts": 2.5, "schedule": ["often", None]}},
    }
    db.update(box["id"], lambda doc: {**doc, **odd})
    desk = operator("Administrators")
    path = f"desk/mailbox/{account.id}/{box['id']}/change/"
    page = desk.get(path)
    assert "<script>alert(1)" not in page.text
    assert "was changed" in desk.fill_in(path, page, skip_greeting="on", require_pin=[], aliases="3998\n3997").text
    changed = db.get(box["id"]) or {}
    kept = odd.keys() - {"aliases", "transcribe", "silence_hits", "require_pin"}
    assert {key: changed[key] for key in kept} == {key: odd[key] for key in kept}
    assert [changed[key] for key in ("skip_greeting", "require_pin", "transcribe")] == [True, False, True]
    assert changed["silence_hits"] == 12
    assert changed["aliases"] == ["3998", "3997"]
    refused = desk.fill_in(path, seek_duration_ms="later", silence_threshold="-4")
    assert refused.text.count("Value must be at least 1") == 1
    assert "type(s): integer" in refused.text


def test_a_stored_mailbox_that_lacks_a_required_member_can_be_changed(
    operator: Operator, account: Account, box: dict[str, Any], db: Database
) -> None:
    db.update(box["id"], lambda doc: {key: value for key, value in doc.items() if key != "name"})
    desk = operator("Administrators")
    path = f"desk/mailbox/{account.id}/{box['id']}/change/"
    assert "was changed" in desk.fill_in(path, skip_greeting="on").text
    assert "This field is required" in desk.fill_in(path, mailbox="").text


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


def test_an_edit_conflict_shows_the_changes_and_keeps_the_entries(
    operator: Operator, account: Account, api: Api, box: dict[str, Any], db: Database
) -> None:
    desk = operator("Administrators")
    path = f"desk/mailbox/{account.id}/{box['id']}/change/"
    opened = desk.get(path)
    api.patch(f"vmboxes/{box['id']}", {"name": "By the API", "timezone": "Europe/Berlin", "some_key": "new"})
    conflict = desk.fill_in(path, opened, name="By the operator", aliases="3999")
    assert "Changed in the meantime" in conflict.text
    for change in ("VMBox 3000", "By the API", "Europe/Berlin", "some_key"):
        assert change in conflict.text
    assert (db.get(box["id"]) or {})["name"] == "By the API"
    shown = fields_of(conflict.text)
    assert [shown[name] for name in ("name", "aliases", "timezone")] == [
        ["By the operator"],
        ["3999"],
        ["Europe/Berlin"],
    ]
    assert "was changed" in desk.fill_in(path, conflict).text
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


@pytest.mark.parametrize("snapshot", ["", "made:up"])
def test_a_form_without_a_valid_snapshot_is_an_edit_conflict(
    operator: Operator, account: Account, box: dict[str, Any], db: Database, snapshot: str
) -> None:
    desk = operator("Administrators")
    path = f"desk/mailbox/{account.id}/{box['id']}/change/"
    before = db.get(box["id"])
    conflict = desk.fill_in(path, None, name="Renamed", desk_snapshot=snapshot)
    assert "Changed in the meantime" in conflict.text
    assert db.get(box["id"]) == before
    assert "was changed" in desk.fill_in(path, conflict).text
    assert (db.get(box["id"]) or {})["name"] == "Renamed"


def test_a_form_without_changes_stores_nothing(
    operator: Operator, account: Account, box: dict[str, Any], db: Database
) -> None:
    before = db.get(box["id"])
    path = f"desk/mailbox/{account.id}/{box['id']}/change/"
    assert "Nothing was changed" in operator("Administrators").fill_in(path).text
    assert db.get(box["id"]) == before


@pytest.mark.parametrize(
    ("field", "value", "messages"),
    [
        ("mailbox", "30 01", ["“30 01” can&#x27;t be dialled"]),
        ("mailbox", "\u0663\u0660\u0660\u0661", ["can&#x27;t be dialled"]),
        (
            "aliases",
            "3998\nfront desk\n3999\n<b>",
            ["“front desk” can&#x27;t be dialled", "“&lt;b&gt;” can&#x27;t be dialled"],
        ),
        ("notify_email_addresses", "ada@example.com, ada@\nb@c", ["“ada@” is not an e-mail address", "“b@c” is not"]),
    ],
)
def test_what_operators_type_is_checked_entry_by_entry(
    operator: Operator,
    account: Account,
    box: dict[str, Any],
    db: Database,
    field: str,
    value: str,
    messages: list[str],
) -> None:
    before = db.get(box["id"])
    page = operator("Administrators").fill_in(
        f"desk/mailbox/{account.id}/{box['id']}/change/", None, **{field: value}
    )
    errors = re.search(rf'<ul class="errorlist" id="id_{field}_error">(.*?)</ul>', page.text, re.DOTALL)
    assert errors, page.text
    assert errors[1].count("<li>") == len(messages)
    assert "Further numbers that the mailbox answers to. One per line." in page.text
    assert all(message in errors[1] for message in messages), errors[1]
    assert db.get(box["id"]) == before


def test_numbers_and_addresses_that_are_stored_already_may_stay(
    operator: Operator, account: Account, box: dict[str, Any], db: Database
) -> None:
    odd = {
        "mailbox": "front desk",
        "aliases": ["old one", "3998"],
        "notify_email_addresses": ["nobody", "a@example.com"],
    }
    db.update(box["id"], lambda doc: {**doc, **odd})
    path = f"desk/mailbox/{account.id}/{box['id']}/change/"
    page = operator("Administrators").fill_in(
        path, aliases="old one\n3999", notify_email_addresses="nobody; b@example.com\nc@example.com"
    )
    assert "was changed" in page.text
    stored_box = db.get(box["id"]) or {}
    assert (stored_box["mailbox"], stored_box["aliases"]) == ("front desk", ["old one", "3999"])
    assert stored_box["notify_email_addresses"] == ["nobody", "b@example.com", "c@example.com"]


@pytest.mark.parametrize(("field", "value"), [("mailbox", "3001"), ("mailbox", "3777"), ("aliases", "3998\n3777")])
def test_a_taken_number_is_an_error_at_its_field_that_leads_to_its_mailbox(
    operator: Operator, account: Account, api: Api, box: dict[str, Any], field: str, value: str
) -> None:
    other = api.new_box("3001", name="<b>Sales", aliases=["3777"])
    paths = (f"desk/mailbox/{account.id}/{box['id']}/change/", f"desk/mailbox/{account.id}/add/")
    filled = {"name": "New", "mailbox": "3000" if field == "mailbox" else "3002", field: value}
    for path in paths:
        page = operator("Administrators").fill_in(path, None, **filled)
        errors = re.search(rf'<ul class="errorlist" id="id_{field}_error">(.*?)</ul>', page.text, re.DOTALL)
        assert errors, page.text
        link = f'<a href="/admin/desk/mailbox/{account.id}/{other["id"]}/">3001 &lt;b&gt;Sales</a>'
        assert link in errors[1]
        assert "already exists" in errors[1]


@pytest.mark.parametrize("aliases", ["3002", "3777\n3777"])
def test_a_number_that_a_mailbox_has_twice_is_an_error_of_its_aliases(
    operator: Operator, account: Account, aliases: str
) -> None:
    path = f"desk/mailbox/{account.id}/add/"
    page = operator("Administrators").fill_in(path, None, name="New", mailbox="3002", aliases=aliases)
    (error,) = re.findall(r'<ul class="errorlist" id="id_aliases_error"><li>(.*?)</li></ul>', page.text)
    assert error == f"{aliases[:4]} already exists. This mailbox has it twice."
