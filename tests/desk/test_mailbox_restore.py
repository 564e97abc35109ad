"""Removed mailboxes: shown and restored."""

from collections.abc import Callable
from typing import Any

import pytest

from couch.database import Database
from storage import gregorian
from tests.support.api_client import Account, Api
from tests.support.kazoo_messages import leave_spoken, stored
from tests.support.operators import PIN, Desk

Operator = Callable[..., Desk]


@pytest.fixture
def box(api: Api) -> dict[str, Any]:
    return api.new_box("3000", pin=PIN, some_key="kept")


@pytest.fixture
def message_id(account: Account, box: dict[str, Any]) -> str:
    return leave_spoken(account, box, gregorian.now(), b"ID3" + bytes(range(256)) * 40)


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
