"""The pages of mailboxes: found, created, removed; their PINs."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from couch.database import Database
from storage import gregorian
from tests.support.api_client import Account, Api
from tests.support.kazoo_messages import leave_spoken, stored
from tests.support.operators import PIN, Desk
from voicemail.mailboxes import store as mailbox_store

Operator = Callable[..., Desk]
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
    assert "already exists" in desk.post(path, name="Second", mailbox="3000").text
    assert desk.post(path, name="Second", mailbox="3001", notify_email_addresses="a@example.com\nb@example.com").ok
    (box_id,) = [listed["id"] for listed in api.get("vmboxes").json()["data"] if listed["mailbox"] == "3001"]
    stored_box = mailbox_store.get(account.id, box_id)
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


def test_a_mailbox_shows_its_settings_by_subject_and_its_owner_once(
    operator: Operator, account: Account, api: Api
) -> None:
    settings = {
        "owner_id": account.user_id,
        "transcribe": True,
        "notify": {"callback": {"attempts": 7}},
        "odd": {"key": "x"},
    }
    box = api.new_box("3000", aliases=["3999"], **settings)
    page = operator("Read only").get(f"desk/mailbox/{account.id}/{box['id']}/").text
    subjects = re.split("<h3>", page.partition('id="settings-heading"')[2].partition("</section>")[0])
    rows = {
        subject.partition("<")[0]: re.findall("<dt>(.*?)</dt><dd>(.*?)</dd>", re.sub("</?bdi>", "", subject))
        for subject in subjects
    }
    (owner,) = [value for subject in rows.values() for name, value in subject if name == "Owner"]
    assert owner.startswith(f'<a href="/admin/desk/accountuser/{account.id}/{account.user_id}/">')
    assert ("Further numbers", "3999") in rows["Further numbers and time zone"]
    assert ("Transcribe messages", "yes") in rows["Notification"]
    assert ("How often to call", "7") in rows["Calls about new messages"]
    assert ("odd, key", "x") in rows["Odd"]


def test_a_history_tells_values_in_words(operator: Operator, account: Account, api: Api) -> None:
    box = api.new_box("3000", notify_email_addresses=["a@example.com"], transcribe=False)
    desk, path = operator("Support"), f"desk/mailbox/{account.id}/{box['id']}/"
    desk.fill_in(path + "change/", notify_email_addresses="a@example.com\nb@example.com", transcribe="on")
    desk.fill_in(path + "change/", notify_email_addresses="")
    history = desk.get(path + "history/").text
    assert "<b>notify_email_addresses</b>: a@example.com → a@example.com, b@example.com" in history
    assert "<b>notify_email_addresses</b>: a@example.com, b@example.com → empty" in history
    assert "<b>transcribe</b>: no → yes" in history


def test_the_pin_is_shown_on_demand_and_never_recorded(
    operator: Operator, account: Account, box: dict[str, Any], db: Database
) -> None:
    desk = operator("Administrators")
    path = f"desk/mailbox/{account.id}/{box['id']}/"
    assert PIN not in desk.get(path).text + desk.get(path + "pin/").text
    assert PIN in desk.post(path + "pin/").text
    for wrong in ("12ab", "\u0661\u0662\u0663\u0664"):
        page = desk.post(path + "pin/", new=wrong).text
        assert (
            '<ul class="errorlist" id="id_new_error"><li>A PIN consists of the digits 0 to 9 only.</li></ul>' in page
        )
    desk.post(path + "pin/", new="246810")
    assert (db.get(box["id"]) or {})["pin"] == "246810"
    history = desk.get(path + "history/").text
    assert "saw the PIN of" in history
    assert PIN not in history
    assert "<b>pin</b>: (hidden) → (hidden)" in history


def test_a_mailbox_is_removed_after_a_confirmation(
    operator: Operator, account: Account, box: dict[str, Any], message_id: str, db: Database
) -> None:
    desk = operator("Administrators")
    path = f"desk/mailbox/{account.id}/{box['id']}/delete/"
    assert "with its messages (1)" in desk.get(path).text
    desk.post(path)
    assert (db.get(box["id"]) or {})["pvt_deleted"] is True
    assert stored(account, message_id)["pvt_deleted"] is True


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
    for text in (user_id, box["id"], "FRÓNT", "79-99"):
        assert f"/{account.id}/{box['id']}/" in desk.get("desk/mailbox/", account=account.id, q=text).text, text
    blind = operator(permissions=("view_mailbox", "view_account"))
    assert f"/{account.id}/{box['id']}/" in blind.get("desk/mailbox/", account=account.id, q="front").text
    assert "No matching mailboxes." in blind.get("desk/mailbox/", account=account.id, q="lovelace").text
    for text in ("ffice", "000", "front kitchen", "ada byron", "\ufff0", "<script>"):
        page = desk.get("desk/mailbox/", account=account.id, q=text).text
        assert "No matching mailboxes." in page, text


def test_a_hostile_name_is_shown_as_text_and_turns_nothing_around_it(
    operator: Operator, account: Account, box: dict[str, Any], db: Database
) -> None:
    db.update(box["id"], lambda doc: {**doc, "name": HOSTILE, "odd": {"<u>": HOSTILE}})
    desk = operator("Administrators")
    path = f"desk/mailbox/{account.id}/{box['id']}/"
    pages = [desk.get("desk/mailbox/", account=account.id)]
    pages += [desk.get(path + page) for page in ("", "pin/", "delete/")]
    pages += [desk.fill_in(path + "change/", name="", aliases=HOSTILE), desk.post(path + "delete/"), desk.get(path)]
    for page in pages:
        assert page.status_code == 200
        assert "<script>alert(1)" not in page.text
        assert "<u>" not in page.text
    titles = [match[1] for page in pages if (match := re.search(r"<h1>(.*?)</h1>", page.text, re.DOTALL))]
    assert len(titles) == len(pages)
    assert not any("\u202e" in title for title in titles)
