"""Mailboxes at the operators' desk."""

from collections.abc import Callable
from typing import Any

import pytest
from api_client import Account, Api
from kazoo_messages import leave_spoken, stored
from operators import Desk

from accounts import gregorian
from accounts.couch import Database
from voicemail import mailboxes

Operator = Callable[..., Desk]


@pytest.fixture
def box(api: Api) -> dict[str, Any]:
    return api.new_box("3000", pin="4321", some_key="kept")


@pytest.fixture
def message_id(account: Account, box: dict[str, Any]) -> str:
    return leave_spoken(account, box, gregorian.now(), b"ID3" + bytes(range(256)) * 40)


@pytest.mark.parametrize("text", ["3000", "VMBox", "3999"])
def test_a_mailbox_is_found_by_number_name_and_alias(
    operator: Operator, account: Account, api: Api, text: str
) -> None:
    box = api.new_box("3000", aliases=["3999"])
    page = operator("Read only").get("voicemail/mailbox/", account=account.id, q=text)
    assert f"/admin/voicemail/mailbox/{account.id}/{box['id']}/" in page.text


def test_a_mailbox_is_created_and_what_is_wrong_stands_at_its_field(
    operator: Operator, account: Account, api: Api, box: dict[str, Any]
) -> None:
    desk = operator("Administrators")
    path = f"voicemail/mailbox/{account.id}/add/"
    taken = desk.send(path, name="Second", mailbox="3000")
    assert "already exists" in taken.text
    assert desk.send(path, name="Second", mailbox="3001", notify_email_addresses="a@example.com\nb@example.com").ok
    (made,) = [one for one in api.get("vmboxes").json()["data"] if one["mailbox"] == "3001"]
    stored_box = mailboxes.get(account.id, made["id"])
    assert stored_box["notify_email_addresses"] == ["a@example.com", "b@example.com"]


def test_a_change_keeps_what_the_form_does_not_show(
    operator: Operator, account: Account, box: dict[str, Any], db: Database
) -> None:
    desk = operator("Administrators")
    path = f"voicemail/mailbox/{account.id}/{box['id']}/"
    assert desk.send(path + "change/", name="Renamed", mailbox="3000", check_if_owner="on").ok
    changed = db.get(box["id"]) or {}
    assert (changed["name"], changed["some_key"], changed["pin"]) == ("Renamed", "kept", "4321")
    assert "VMBox 3000 → Renamed" in desk.get(path + "history/").text


def test_the_pin_is_shown_on_demand_and_never_recorded(
    operator: Operator, account: Account, box: dict[str, Any], db: Database
) -> None:
    desk = operator("Administrators")
    path = f"voicemail/mailbox/{account.id}/{box['id']}/"
    assert "4321" not in desk.get(path).text + desk.get(path + "pin/").text
    assert "4321" in desk.send(path + "pin/").text
    desk.send(path + "pin/", new="8765")
    assert (db.get(box["id"]) or {})["pin"] == "8765"
    history = desk.get(path + "history/").text
    assert "saw the PIN of" in history
    assert "4321" not in history
    assert "8765" not in history


def test_a_mailbox_is_removed_after_asking(
    operator: Operator, account: Account, box: dict[str, Any], message_id: str, db: Database
) -> None:
    desk = operator("Administrators")
    path = f"voicemail/mailbox/{account.id}/{box['id']}/delete/"
    assert "its 1 messages" in desk.get(path).text
    desk.send(path)
    assert (db.get(box["id"]) or {})["pvt_deleted"] is True
    assert stored(account, message_id)["pvt_deleted"] is True
