"""What a row of the list of messages can do without leaving the list."""

from collections.abc import Callable
from typing import Any

import pytest
import requests

from storage import gregorian
from tests.support.api_client import Account, Api
from tests.support.forms import fields_of
from tests.support.kazoo_messages import leave, stored
from tests.support.message_lists import path_of_list, text_of
from tests.support.operators import Desk

Operator = Callable[..., Desk]
NOW = gregorian.now()


@pytest.fixture
def box(api: Api) -> dict[str, Any]:
    return api.new_box("3000", name="Reception")


def send(desk: Desk, path: str, row_id: str, folder: str, **headers: str) -> requests.Response:
    """Choose a folder in a row, as a script does it if it accepts JSON, or as its button does."""
    token = desk.get(path).text.partition('csrfmiddlewaretoken" value="')[2].partition('"')[0]
    fields = {"csrfmiddlewaretoken": token, "row_folder": row_id, f"folder {row_id}": folder}
    return desk.session.post(f"{desk.url}/admin/{path}", data=fields, headers=headers, timeout=60)


def test_a_folder_is_changed_in_its_row_with_and_without_a_script(
    operator: Operator, account: Account, box: dict[str, Any]
) -> None:
    first, second = leave(account, box, [NOW, NOW - 5])
    desk, path = operator("Support"), path_of_list(account, box)
    row_id = f"{box['id']} {first}"
    answer = send(desk, path, row_id, "saved", Accept="application/json")
    assert answer.json() == {"row": row_id, "text": "Put 1 message into saved."}
    page = send(desk, path, f"{box['id']} {second}", "deleted")
    assert "Put 1 message into deleted." in text_of(page)
    folders = [stored(account, message_id)["metadata"]["folder"] for message_id in (first, second)]
    assert folders == ["saved", "deleted"]
    assert "put into saved" in desk.get(f"desk/message/{account.id}/{box['id']}/{first}/history/").text


def test_a_folder_that_cannot_be_changed_is_an_error_in_words(
    operator: Operator, account: Account, box: dict[str, Any]
) -> None:
    (message_id,) = leave(account, box, [NOW])
    desk, path = operator("Support"), path_of_list(account, box)
    gone = f"{box['id']} {message_id[:7]}{'0' * 32}"
    answer = send(desk, path, gone, "saved", Accept="application/json")
    assert answer.status_code == 409
    assert "it is no longer in its mailbox" in answer.json()["error"]
    assert "Choose a folder." in send(desk, path, f"{box['id']} {message_id}", "trash").text
    assert stored(account, message_id)["metadata"]["folder"] == "new"


def test_the_largest_page_can_be_sent(operator: Operator, account: Account, box: dict[str, Any]) -> None:
    desk, path = operator("Support"), path_of_list(account, box)
    rows = [f"{box['id']} {number:032x}" for number in range(500)]
    folders: dict[str, Any] = {f"folder {row_id}": "new" for row_id in rows}
    page = desk.post(path, action="", selected=rows, **folders)
    assert (page.status_code, "Choose an action." in page.text) == (200, True)


def test_rows_offer_what_the_operator_may_do(operator: Operator, account: Account, box: dict[str, Any]) -> None:
    (message_id,) = leave(account, box, [NOW])
    path, row_id = path_of_list(account, box), f"{box['id']} {message_id}"
    support, reader = operator("Support"), operator("Read only")
    audio = f'data-audio="/admin/desk/message/{account.id}/{box["id"]}/{message_id}/audio/"'
    assert audio in support.get(path).text
    page = reader.get(path).text
    assert "data-audio" not in page
    assert 'name="row_folder"' not in page
    assert send(reader, path, row_id, "saved").status_code == 403
    removed = support.get(f"{path}&removed=yes").text
    assert 'name="row_folder"' not in removed


def test_a_few_messages_that_were_moved_or_put_elsewhere_are_brought_back_by_undo(
    operator: Operator, account: Account, api: Api, box: dict[str, Any]
) -> None:
    other = api.new_box("3001", name="Billing")
    ids = leave(account, box, [NOW, NOW - 5])
    desk, path = operator("Support"), path_of_list(account, box)
    rows = [f"{box['id']} {message_id}" for message_id in ids]
    page = desk.post(path, action="saved", selected=rows)
    undone = desk.post(path_of_list(account), **undo_fields(page.text))
    assert "Put 2 messages into new." in text_of(undone)
    page = desk.post(path, action="move", target="3001", selected=rows)
    assert "Moved 2 messages to 3001 Billing." in text_of(page)
    undone = desk.post(path_of_list(account), **undo_fields(page.text))
    assert "Moved 2 messages to 3000 Reception." in text_of(undone)
    assert not api.get(f"vmboxes/{other['id']}/messages").json()["data"]


def undo_fields(page: str) -> dict[str, Any]:
    """The fields of a notice's form that undoes what was done."""
    form = page.partition('class="undo"')[2].partition("</form>")[0]
    fields = fields_of(f'<form method="post">{form.partition(">")[2]}</form>')
    return {name: values for name, values in fields.items() if name != "csrfmiddlewaretoken"}
