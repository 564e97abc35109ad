"""Removed messages: listed, shown, played and restored."""

from collections.abc import Callable
from typing import Any

import pytest

from storage import gregorian
from tests.support.api_client import Account, Api
from tests.support.kazoo_messages import DAY, leave, leave_spoken, stored
from tests.support.operators import Desk
from voicemail.mailboxes import removal
from voicemail.mailboxes import store as mailbox_store
from voicemail.messages import bulk, move, restore

Operator = Callable[..., Desk]
NOW = gregorian.now()


@pytest.fixture
def box(api: Api) -> dict[str, Any]:
    box = api.new_box("3000")
    return {**box, "_id": box["id"]}


def page_of(account: Account, box: dict[str, Any], message_id: str, page: str = "") -> str:
    return f"desk/message/{account.id}/{box['id']}/{message_id}/{page}"


def removed_list(account: Account, box: dict[str, Any] | None = None, **query: str) -> str:
    in_box = f"&box={box['id']}" if box else ""
    more = "".join(f"&{name}={value}" for name, value in query.items())
    return f"desk/message/?account={account.id}{in_box}&removed=yes{more}"


def remove(owner: dict[str, Any], box: dict[str, Any], *ids: str) -> None:
    assert bulk.remove_messages(owner, box, ids, None, None).failed == []


def test_removed_messages_are_listed_across_months_the_latest_first(
    operator: Operator, account: Account, owner: dict[str, Any], box: dict[str, Any], api: Api
) -> None:
    other_box = api.new_box("3001")
    other_box["_id"] = other_box["id"]
    late, early = leave(account, box, [NOW, NOW - 45 * DAY], folder="saved")
    (elsewhere,) = leave(account, other_box, [NOW - 60])
    live, moved = leave(account, box, [NOW - 5, NOW - 6])
    remove(owner, box, early, late)
    remove(owner, other_box, elsewhere)
    move.move_messages(owner, box, [moved], other_box, None)
    desk = operator("Read only")
    of_box, of_account = (desk.get(removed_list(account, listed)).text for listed in (box, None))
    assert of_box.index(late) < of_box.index(early)
    assert elsewhere not in of_box
    assert of_account.index(late) < of_account.index(elsewhere) < of_account.index(early)
    for page in (of_box, of_account):
        assert live not in page
        assert moved not in page
        assert "<bdi>saved</bdi>" in page
    in_saved = desk.get(removed_list(account, None, folder="saved")).text
    assert late in in_saved
    assert elsewhere not in in_saved


def test_removed_messages_are_listed_in_pages(
    operator: Operator, account: Account, owner: dict[str, Any], box: dict[str, Any]
) -> None:
    ids = leave(account, box, [NOW - number for number in range(60)])
    remove(owner, box, *ids)
    desk = operator("Read only")
    first = desk.get(removed_list(account, box)).text
    assert [message_id for message_id in ids if message_id in first] == ids[:50]
    ((_, following),) = [(0, part.split('"')[0]) for part in first.split('href="')[1:] if "start_key" in part[:300]]
    second = desk.get(f"desk/message/{following.replace('&amp;', '&')}").text
    assert [message_id for message_id in ids if message_id in second] == ids[50:]


def test_a_removed_message_is_shown_played_and_restored(
    operator: Operator, account: Account, owner: dict[str, Any], box: dict[str, Any]
) -> None:
    message_id = leave_spoken(account, box, NOW, b"ID3 spoken", folder="saved")
    remove(owner, box, message_id)
    desk, path = operator("Support"), page_of(account, box, message_id)
    page = desk.get(path).text
    assert "was removed" in page
    assert "removed from saved" in page
    assert desk.get(path + "audio/").content == b"ID3 spoken"
    response = desk.post(path, action="restore", folder="saved")
    assert "Restored 1 message." in response.text
    assert "was removed" not in response.text
    doc = stored(account, message_id)
    assert "pvt_deleted" not in doc
    assert doc["metadata"]["folder"] == "saved"
    history = desk.get(path + "history/").text
    assert "restored" in history
    assert "<b>folder</b>: saved" in history


def test_selected_messages_are_restored_and_failures_are_explained(
    operator: Operator, account: Account, owner: dict[str, Any], box: dict[str, Any], api: Api
) -> None:
    gone = api.new_box("3001")
    gone["_id"] = gone["id"]
    fit, saved = leave(account, box, [NOW - 1, NOW - 2], folder="saved")
    (lost,) = leave(account, gone, [NOW - 3], caller_id_name="<b>Grace")
    (old,) = leave(account, box, [NOW - 200 * DAY], caller_id_name="Edsger", folder="deleted")
    bulk.remove_messages(owner, box, None, None, None, with_expired=True)
    removal.remove_box(owner, gone["id"])
    desk = operator("Support")
    selected = [
        f"{mailbox['id']} {message_id}"
        for mailbox, message_id in ((box, fit), (box, saved), (gone, lost), (box, old))
    ]
    response = desk.post(removed_list(account), action="restore", selected=selected).text
    assert "Restored 2 messages." in response
    assert "Grace" in response
    assert "<b>Grace" not in response
    assert "its mailbox is removed. Restore the mailbox first" in response
    assert "Edsger" in response
    assert "older than messages are kept" in response
    assert [stored(account, message_id)["metadata"]["folder"] for message_id in (fit, saved)] == ["saved", "saved"]
    deleted = [stored(account, message_id).get("pvt_deleted") for message_id in (fit, saved, lost, old)]
    assert deleted == [None, None, True, True]


def test_the_history_of_a_message_shows_the_difference(
    operator: Operator, account: Account, box: dict[str, Any]
) -> None:
    (message_id,) = leave(account, box, [NOW])
    desk, path = operator("Support"), page_of(account, box, message_id)
    desk.post(path, action="saved")
    desk.post(path, action="remove", confirmed="yes")
    history = desk.get(path + "history/").text
    assert "<b>metadata.folder</b>: new → saved" in history
    assert "<b>metadata.folder</b>: saved → deleted" in history
    assert "<b>pvt_deleted</b>: — → yes" in history


def test_a_message_that_cannot_be_restored_says_why_and_has_no_button(
    operator: Operator, account: Account, owner: dict[str, Any], box: dict[str, Any]
) -> None:
    (message_id,) = leave(account, box, [NOW])
    removal.remove_box(owner, box["id"])
    desk, path = operator("Support"), page_of(account, box, message_id)
    page = desk.get(path).text
    assert "Its mailbox is removed, too" in page
    assert 'value="restore"' not in page
    assert "its mailbox is removed. Restore the mailbox first" in desk.post(path, action="restore").text
    assert stored(account, message_id)["pvt_deleted"] is True
    assert message_id in desk.get(removed_list(account, box)).text


def test_operators_who_may_not_change_messages_cannot_restore_any(
    operator: Operator, account: Account, owner: dict[str, Any], box: dict[str, Any]
) -> None:
    (message_id,) = leave(account, box, [NOW])
    remove(owner, box, message_id)
    desk = operator("Read only")
    assert 'value="restore"' not in desk.get(page_of(account, box, message_id)).text
    selected = f"{box['id']} {message_id}"
    for path in (page_of(account, box, message_id), removed_list(account, box)):
        assert desk.post(path, action="restore", selected=selected).status_code == 403
    assert restore.get_removed(account.id, box["id"], message_id)


def test_messages_of_another_account_are_not_shown(
    operator: Operator, account: Account, new_account: Callable[..., Account]
) -> None:
    other_account = new_account()
    theirs = mailbox_store.create(other_account.id, {"name": "Theirs", "mailbox": "3000"})
    (message_id,) = leave(other_account, {**theirs, "id": theirs["_id"]}, [NOW])
    remove({"_id": other_account.id, "realm": other_account.realm}, theirs, message_id)
    desk = operator("Read only")
    assert message_id not in desk.get(removed_list(account)).text
    assert "Removed message" not in desk.get(page_of(account, {"id": theirs["_id"]}, message_id)).text
