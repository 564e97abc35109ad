"""The pages of messages."""

import io
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from storage import gregorian
from tests.support import old_messages
from tests.support.api_client import Account, Api
from tests.support.forms import fields_of
from tests.support.kazoo_messages import database, leave, leave_spoken, stored
from tests.support.operators import Desk

Operator = Callable[..., Desk]
HOSTILE = "<script>alert(1)</script>\u202e" + "x" * 10_000


@pytest.fixture(scope="module")
def account(shared_account: Account) -> Account:
    """An account for all tests here: each has mailboxes of its own."""
    return shared_account


@pytest.fixture
def box(api: Api) -> dict[str, Any]:
    return api.new_box()


@pytest.fixture
def message_id(account: Account, box: dict[str, Any]) -> str:
    return leave_spoken(account, box, gregorian.now(), b"ID3" + bytes(range(256)) * 40)


def page_of(account: Account, box: dict[str, Any], message_id: str, page: str = "") -> str:
    return f"desk/message/{account.id}/{box['id']}/{message_id}/{page}"


def test_messages_are_listed_across_months_and_found_by_caller(
    operator: Operator, account: Account, box: dict[str, Any]
) -> None:
    now = gregorian.now()
    ids = leave(account, box, [now, now - 40 * 86_400])
    (from_grace,) = leave(account, box, [now - 60], caller_id_name="Grace")
    (old,) = old_messages.add(account, box["id"], [old_messages.make_entry(timestamp=now - 86_400)])
    desk = operator("Read only")
    for query in ({"account": account.id}, {"account": account.id, "box": box["id"]}):
        page = desk.get("desk/message/", **query).text
        assert all(message_id in page for message_id in [*ids, from_grace, old])
        matches = desk.get("desk/message/", q="grace", **query).text
        assert from_grace in matches
        assert ids[0] not in matches


def test_the_audio_is_sent_in_parts_and_recorded_once(
    operator: Operator, account: Account, box: dict[str, Any], message_id: str
) -> None:
    desk = operator("Support")
    path = page_of(account, box, message_id)
    assert "<audio" in desk.get(path).text
    whole = desk.get(path + "audio/")
    assert (whole.status_code, len(whole.content)) == (200, 3 + 256 * 40)
    part = desk.session.get(f"{desk.url}/admin/{path}audio/", headers={"Range": "bytes=5000-5009"}, timeout=60)
    assert (part.status_code, part.content) == (206, whole.content[5000:5010])
    assert desk.get(path + "history/").text.count("listened to") == 1


def test_operators_who_may_not_listen_get_neither_audio_nor_transcription(
    operator: Operator, account: Account, box: dict[str, Any], message_id: str
) -> None:
    said = {"result": "success", "text": "Call me back"}
    database(account, message_id).update(message_id, lambda doc: {**doc, "transcription": said})
    desk, path = operator("Read only"), page_of(account, box, message_id)
    operator("Support").post(path, action="saved")
    for page in (path, path + "history/", f"desk/message/?account={account.id}&q=Call"):
        answer = desk.get(page)
        assert answer.status_code == 200
        assert "Call me back" not in answer.text
    assert desk.get(path + "audio/").status_code == 403


def test_reading_a_transcription_is_recorded_once(
    operator: Operator, account: Account, box: dict[str, Any], message_id: str
) -> None:
    desk, path = operator("Support"), page_of(account, box, message_id)
    desk.get(path)
    assert "read the transcription" not in desk.get(path + "history/").text
    said = {"result": "success", "text": "Call me back"}
    database(account, message_id).update(message_id, lambda doc: {**doc, "transcription": said})
    operator("Read only").get(path)
    assert "read the transcription" not in desk.get(path + "history/").text
    for _ in range(2):
        assert "Call me back" in desk.get(path).text
    assert desk.get(path + "history/").text.count("read the transcription of") == 1


def test_a_message_is_put_into_a_folder_and_removed(
    operator: Operator, account: Account, box: dict[str, Any], message_id: str
) -> None:
    desk = operator("Support")
    path = page_of(account, box, message_id)
    desk.post(path, action="saved")
    assert stored(account, message_id)["metadata"]["folder"] == "saved"
    desk.post(path, action="remove", confirmed="yes")
    assert stored(account, message_id)["pvt_deleted"] is True


@pytest.mark.parametrize("action", ["saved", "remove", "move"])
def test_read_only_operators_cannot_change_a_message(
    operator: Operator, account: Account, box: dict[str, Any], message_id: str, action: str
) -> None:
    before = stored(account, message_id)
    response = operator("Read only").post(page_of(account, box, message_id), action=action, target=box["id"])
    assert response.status_code == 403
    assert stored(account, message_id) == before


def test_selected_messages_are_moved_and_failures_are_explained(
    operator: Operator, account: Account, api: Api, box: dict[str, Any]
) -> None:
    target = api.new_box("3001")
    ids = leave(account, box, [gregorian.now(), gregorian.now() - 5])
    desk = operator("Support")
    path = f"desk/message/?account={account.id}&box={box['id']}"
    missing_id = f"{ids[0][:7]}{'0' * 32}"
    selected = [f"{box['id']} {message_id}" for message_id in (*ids, missing_id)]
    response = desk.post(path, action="move", target=target["id"], selected=selected)
    assert "Moved 2 messages to 3001 " in response.text
    assert "it is no longer in its mailbox" in response.text
    assert len(api.get(f"vmboxes/{target['id']}/messages").json()["data"]) == 2


def test_selected_messages_are_downloaded_as_a_zip(
    operator: Operator, account: Account, box: dict[str, Any], message_id: str
) -> None:
    path = f"desk/message/?account={account.id}&box={box['id']}"
    response = operator("Support").post(path, action="zip", selected=f"{box['id']} {message_id}")
    archive = zipfile.ZipFile(io.BytesIO(response.content))
    assert [len(archive.read(name)) for name in archive.namelist()] == [3 + 256 * 40]


def test_a_zip_without_any_audio_is_refused_and_the_selection_stays(
    operator: Operator, account: Account, box: dict[str, Any]
) -> None:
    (message_id,) = leave(account, box, [gregorian.now()])
    path, selected = f"desk/message/?account={account.id}&box={box['id']}", [f"{box['id']} {message_id}"]
    answer = operator("Support").post(path, action="zip", selected=selected)
    assert "The selected messages have no audio." in answer.text
    fields = fields_of(answer.text)
    assert (fields["action"], fields["selected"]) == (["zip"], selected)
    assert "downloaded" not in operator("Support").get(page_of(account, box, message_id, "history/")).text


def test_a_hostile_caller_name_is_shown_as_text(operator: Operator, account: Account, box: dict[str, Any]) -> None:
    (message_id,) = leave(account, box, [gregorian.now()], caller_id_name=HOSTILE)
    desk = operator("Support")
    for path in (f"desk/message/?account={account.id}", page_of(account, box, message_id)):
        page = desk.get(path).text
        assert "<script>alert(1)" not in page
        assert "&lt;script&gt;" in page
        assert "x" * 1_000 not in page
