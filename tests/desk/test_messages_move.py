"""Moving, copying and removing messages at the desk loses nothing of them, and mistakes are easily put right."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from storage import gregorian
from tests.support.api_client import Account, Api
from tests.support.forms import fields_of
from tests.support.kazoo_messages import DAY, leave, leave_spoken, stored
from tests.support.operators import Desk

Operator = Callable[..., Desk]
NOW = gregorian.now()


@pytest.fixture
def box(api: Api) -> dict[str, Any]:
    return api.new_box("3000", name="Reception")


@pytest.fixture
def other(api: Api) -> dict[str, Any]:
    return api.new_box("3001", name="Billing")


def page_of(account: Account, box: dict[str, Any], message_id: str, page: str = "") -> str:
    return f"desk/message/{account.id}/{box['id']}/{message_id}/{page}"


def list_of(account: Account, box: dict[str, Any] | None = None) -> str:
    return f"desk/message/?account={account.id}" + (f"&box={box['id']}" if box else "")


def rows(box: dict[str, Any], ids: list[str]) -> list[str]:
    return [f"{box['id']} {message_id}" for message_id in ids]


def test_a_moved_message_keeps_time_folder_and_history_and_both_ends_are_linked(
    operator: Operator, account: Account, box: dict[str, Any], other: dict[str, Any]
) -> None:
    source = leave_spoken(account, box, NOW - 40 * DAY, b"ID3 spoken", folder="saved")
    desk = operator("Support")
    desk.post(page_of(account, box, source), action="deleted")
    answer = desk.post(page_of(account, box, source), action="move", target="3001").text
    new_id = stored(account, source)["pvt_moved_to"]
    doc = stored(account, new_id)
    assert (doc["utc_seconds"], doc["metadata"]["timestamp"]) == (NOW - 40 * DAY,) * 2
    assert doc["metadata"]["folder"] == "deleted"
    assert "Moved 1 message to 3001 Billing." in answer
    assert f"/{page_of(account, other, new_id)}" in answer

    moved, left = desk.get(page_of(account, other, new_id)).text, desk.get(page_of(account, box, source)).text
    assert f'<a href="/admin/{page_of(account, box, source)}"><bdi>3000 Reception</bdi></a>' in moved
    assert f'<a href="/admin/{page_of(account, other, new_id)}"><bdi>3001 Billing</bdi></a>' in left
    assert "This message was moved" in left
    assert 'value="restore"' not in left

    history = desk.get(page_of(account, other, new_id, "history/")).text
    assert "put into deleted" in history
    assert "<b>to</b>: 3001 Billing" in history
    assert f"/{page_of(account, other, new_id)}" in history


def test_a_message_that_was_moved_twice_has_the_history_of_all_its_mailboxes(
    operator: Operator, account: Account, box: dict[str, Any], other: dict[str, Any]
) -> None:
    (source,) = leave(account, box, [NOW])
    desk = operator("Support")
    desk.post(page_of(account, box, source), action="saved")
    desk.post(page_of(account, box, source), action="move", target="3001")
    moved = stored(account, source)["pvt_moved_to"]
    desk.post(page_of(account, other, moved), action="move", target="3000")
    back = stored(account, moved)["pvt_moved_to"]
    history = desk.get(page_of(account, box, back, "history/")).text
    assert "put into saved" in history
    assert history.count("<td>moved</td>") == 2
    places = desk.get(page_of(account, box, back)).text
    assert places.index(page_of(account, box, source)) < places.index(page_of(account, other, moved))


def test_a_copied_message_keeps_time_and_folder(
    operator: Operator, account: Account, api: Api, box: dict[str, Any], other: dict[str, Any]
) -> None:
    (source,) = leave(account, box, [NOW - 40 * DAY], folder="saved")
    answer = operator("Support").post(page_of(account, box, source), action="copy", target="3001").text
    assert "Copied 1 message to 3001 Billing." in answer
    (entry,) = api.get(f"vmboxes/{other['id']}/messages").json()["data"]
    assert (entry["timestamp"], entry["folder"]) == (NOW - 40 * DAY, "saved")


@pytest.mark.parametrize(
    ("target", "error"),
    [
        ("", "Enter the mailbox to move or copy to."),
        ("9999", "There is no mailbox 9999."),
        ("<b>", "There is no mailbox &lt;b&gt;."),
        ("3000", "The messages are in 3000 Reception already."),
    ],
)
@pytest.mark.parametrize("action", ["move", "copy"])
def test_a_wrong_target_is_an_error_at_its_field_and_keeps_the_rest(
    operator: Operator, account: Account, box: dict[str, Any], target: str, error: str, action: str
) -> None:
    first, second = leave(account, box, [NOW, NOW - 5])
    desk = operator("Support")
    answer = desk.post(list_of(account, box), action=action, target=target, selected=rows(box, [second]))
    assert f'id="target_error" role="alert">{error}' in answer.text
    fields = fields_of(answer.text)
    assert (fields["action"], fields["target"], fields["selected"]) == ([action], [target], rows(box, [second]))
    on_page = desk.post(page_of(account, box, first), action=action, target=target).text
    assert f'id="target_error" role="alert">{error}' in on_page
    assert [stored(account, key)["_rev"][:2] for key in (first, second)] == ["1-", "1-"]


def test_a_target_that_holds_some_of_the_messages_is_refused_before_any_is_moved(
    operator: Operator, account: Account, box: dict[str, Any], other: dict[str, Any]
) -> None:
    (here,), (there,) = leave(account, box, [NOW]), leave(account, other, [NOW - 5])
    selected = [*rows(box, [here]), *rows(other, [there])]
    answer = operator("Support").post(list_of(account), action="move", target="3001", selected=selected).text
    assert "Some of the messages are in 3001 Billing already." in answer
    assert fields_of(answer)["selected"] == selected
    assert not stored(account, here).get("pvt_deleted")


def test_an_action_without_a_choice_keeps_what_was_selected(
    operator: Operator, account: Account, box: dict[str, Any]
) -> None:
    ids = leave(account, box, [NOW, NOW - 5])
    answer = operator("Support").post(list_of(account, box), action="", selected=rows(box, ids)).text
    assert "Choose an action." in answer
    assert fields_of(answer)["selected"] == rows(box, ids)


def test_many_failures_are_one_summary_that_unfolds(
    operator: Operator, account: Account, box: dict[str, Any]
) -> None:
    (message_id,) = leave(account, box, [NOW])
    gone = [f"{message_id[:7]}{number:032x}" for number in range(30)]
    answer = operator("Support").post(list_of(account, box), action="saved", selected=rows(box, [message_id, *gone]))
    (summary,) = re.findall(r'<li class="error"><details><summary>(.*?)</summary>', answer.text)
    assert summary == "30 messages were not put into saved."
    assert answer.text.count("it is no longer in its mailbox") == 30
    assert answer.text.count('<li class="error">') == 1
    assert "Put 1 message into saved." in answer.text


def test_removing_asks_says_how_long_messages_can_be_restored_and_is_undone(
    operator: Operator, account: Account, box: dict[str, Any]
) -> None:
    ids = leave(account, box, [NOW - 60, NOW - 50 * DAY], folder="saved")
    desk = operator("Support")
    question = desk.post(list_of(account, box), action="remove", selected=rows(box, ids))
    until = f"{gregorian.to_datetime(NOW + 43 * DAY):%Y-%m-%d}"
    assert "<h1>Remove 2 messages?</h1>" in question.text
    assert f"for 93 days after it was left, the oldest one until {until}." in question.text
    assert not [key for key in ids if stored(account, key).get("pvt_deleted")]

    removed = desk.fill_in(list_of(account, box), question)
    assert "Removed 2 messages." in removed.text
    assert all(stored(account, key)["pvt_deleted"] for key in ids)
    undo = fields_of(re.findall(r'<form method="post"[^>]*class="undo">.*?</form>', removed.text, re.DOTALL)[0])
    undone = desk.session.post(f"{desk.url}/admin/{list_of(account)}&removed=yes", data=undo, timeout=60)
    assert "Restored 2 messages." in undone.text
    assert undone.url == f"{desk.url}/admin/{list_of(account, box)}"
    assert [stored(account, key)["metadata"]["folder"] for key in ids] == ["saved", "saved"]


def test_removing_one_message_asks_on_its_page(operator: Operator, account: Account, box: dict[str, Any]) -> None:
    (message_id,) = leave(account, box, [NOW])
    desk, path = operator("Support"), page_of(account, box, message_id)
    question = desk.post(path, action="remove")
    assert "<h1>Remove 1 message?</h1>" in question.text
    assert "it can be restored for 93 days after it was left, until" in question.text
    removed = desk.fill_in(path, question)
    assert "Removed 1 message." in removed.text
    assert stored(account, message_id)["pvt_deleted"] is True
    assert "It can be restored until" in desk.get(path).text


def test_a_return_address_outside_the_desk_is_ignored(
    operator: Operator, account: Account, box: dict[str, Any]
) -> None:
    (message_id,) = leave(account, box, [NOW])
    answer = operator("Support").post(
        list_of(account, box),
        follow=False,
        action="saved",
        selected=rows(box, [message_id]),
        next="//example.com/admin/",
    )
    assert answer.headers["Location"] == f"/admin/{list_of(account, box)}"
