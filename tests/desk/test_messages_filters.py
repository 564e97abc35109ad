"""Filters of the list of messages, and the suggestions of mailboxes to move messages to."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from desk.messages.list_query import MAX_SEARCHED
from storage import gregorian
from tests.support import old_messages
from tests.support.api_client import Account, Api
from tests.support.kazoo_messages import DAY, database, leave, leave_spoken, stored
from tests.support.operators import Desk
from voicemail.messages import bulk

Operator = Callable[..., Desk]
NOW = gregorian.now()


@pytest.fixture
def box(api: Api) -> dict[str, Any]:
    box = api.new_box("3000")
    return {**box, "_id": box["id"]}


def day(ago: int) -> str:
    return f"{gregorian.to_datetime(NOW) - timedelta(days=ago):%Y-%m-%d}"


def shown(desk: Desk, account: Account, ids: list[str], **query: str) -> list[str]:
    """The messages among some that the list shows."""
    page = desk.get("desk/message/", account=account.id, **query)
    assert page.status_code == 200, page.text
    return [message_id for message_id in ids if message_id in page.text]


def next_page(page: str) -> str:
    match = re.search(r'<a href="([^"]*start_key[^"]*)" rel="next">', page)
    return "desk/message/" + match[1].replace("&amp;", "&") if match else ""


def test_messages_are_filtered_by_day(operator: Operator, account: Account, box: dict[str, Any]) -> None:
    ids = leave(account, box, [NOW, NOW - 2 * DAY, NOW - 40 * DAY, NOW - 200 * DAY])
    today, recent, earlier, old = ids
    desk = operator("Read only")
    assert shown(desk, account, ids) == [today, recent, earlier]
    assert shown(desk, account, ids, since=day(2)) == [today, recent]
    assert shown(desk, account, ids, until=day(2)) == [recent, earlier]
    assert shown(desk, account, ids, since=day(2), until=day(2), box=box["id"]) == [recent]
    assert shown(desk, account, ids, since=day(300), until=day(100)) == [old]
    assert shown(desk, account, ids, until=day(100)) == [old]
    assert shown(desk, account, ids, since="0001-01-01", until="9999-12-31") == ids


def test_invalid_days_are_errors_at_their_fields(operator: Operator, account: Account) -> None:
    desk = operator("Read only")
    for since, until, error in (
        ("yesterday", "", "Enter a valid date."),
        ("", "2026-02-30", "Enter a valid date."),
        ("2026-05-02", "2026-05-01", "This is before the first day."),
    ):
        page = desk.get("desk/message/", account=account.id, since=since, until=until)
        assert (page.status_code, error in page.text) == (200, True)
        assert "Correct the dates above." in page.text


def test_messages_are_filtered_by_transcription_folder_and_caller_at_once(
    operator: Operator, account: Account, box: dict[str, Any]
) -> None:
    ids = leave(account, box, [NOW, NOW - 1], caller_id_name="Ada Lovelace")
    ids += leave(account, box, [NOW - 2], caller_id_name="Ada Lovelace", folder="saved")
    ids += leave(account, box, [NOW - 3], caller_id_name="Grace Hopper")
    transcription = {"result": "success", "text": "hello"}
    for message_id in (ids[0], ids[2], ids[3]):
        database(account, message_id).update(message_id, lambda doc: {**doc, "transcription": transcription})
    desk = operator("Read only")
    assert shown(desk, account, ids, text="yes") == [ids[0], ids[2], ids[3]]
    assert shown(desk, account, ids, text="no") == [ids[1]]
    assert shown(desk, account, ids, q="LOVE") == ids[:3]
    assert shown(desk, account, ids, q="love", text="yes", folder="saved", since=day(1)) == [ids[2]]
    page = desk.get("desk/message/", account=account.id, q="love", text="yes", folder="saved", since=day(1)).text
    for name, value in (("text", "yes"), ("folder", "saved"), ("account", account.id)):
        assert f'<input type="hidden" name="{name}" value="{value}">' in page
    assert f"since={day(1)}" in page


def test_messages_without_audio_are_filtered(operator: Operator, account: Account, box: dict[str, Any]) -> None:
    spoken = leave_spoken(account, box, NOW, b"ID3 spoken")
    silent, linked, removed = leave(account, box, [NOW - 1, NOW - 40 * DAY, NOW - 3])
    link = {"a.mp3": {"handler": {"kz_att_link": {"att_dbname": "x", "att_docid": "y"}}}}
    database(account, linked).update(linked, lambda doc: {**doc, "pvt_attachments": link})
    bulk.remove_messages({"_id": account.id}, box, [removed], None, None)
    (old,) = old_messages.add(account, box["id"], [old_messages.make_entry(timestamp=NOW - DAY)])
    ids = [spoken, silent, linked, removed, old]
    desk = operator("Read only")
    assert shown(desk, account, ids, audio="none") == [silent]
    assert shown(desk, account, ids, audio="none", box=box["id"]) == [silent]
    assert shown(desk, account, ids, audio="none", removed="yes") == [removed]


@pytest.mark.parametrize("text", ["+1 202 555 0178", "(202) 555-0178", "2025550178", "001-202-555-0178", "555 0178"])
def test_a_caller_is_found_by_digits_however_they_are_written(
    operator: Operator, account: Account, box: dict[str, Any], text: str
) -> None:
    numbers = ("+12025550178", "2025550178", "(202) 555-0178", "12025550178")
    ids = [leave(account, box, [NOW - n], caller_id_number=number)[0] for n, number in enumerate(numbers)]
    (other,) = leave(account, box, [NOW], caller_id_number="+12025550179")
    assert shown(operator("Read only"), account, [*ids, other], q=text) == ids


@pytest.mark.parametrize("text", ["JOSÉ", "jose\u0301", "jose", "Elan", "LAN jose", "5550178 jos"])
def test_a_caller_is_found_without_case_and_accents(
    operator: Operator, account: Account, box: dict[str, Any], text: str
) -> None:
    names = ("José Élan", "Jose\u0301 E\u0301lan")
    ids = [
        leave(account, box, [NOW - n], caller_id_name=name, caller_id_number="2025550178")[0]
        for n, name in enumerate(names)
    ]
    (other,) = leave(account, box, [NOW], caller_id_name="Grace", caller_id_number="1001")
    assert shown(operator("Read only"), account, [*ids, other], q=text) == ids


def test_a_search_with_few_matches_continues_where_it_stopped(
    operator: Operator, account: Account, box: dict[str, Any]
) -> None:
    leave(account, box, [NOW - 100 - number for number in range(MAX_SEARCHED + 500)])
    ids = leave(account, box, [NOW, NOW - 90_000], caller_id_name="Grace Hopper")
    desk = operator("Read only")
    first = desk.get("desk/message/", account=account.id, q="hopper").text
    assert [message_id in first for message_id in ids] == [True, False]
    assert f"Search the next {MAX_SEARCHED:,} messages" in first
    assert f"{MAX_SEARCHED:,} messages were searched for this page. There may be more matches." in first
    second = desk.get(next_page(first)).text
    assert [message_id in second for message_id in ids] == [False, True]
    assert next_page(second) == ""
    nothing = desk.get("desk/message/", account=account.id, q="nobody at all").text
    assert f"No match in the first {MAX_SEARCHED:,} messages." in nothing
    assert next_page(nothing)


def test_mailboxes_to_move_to_are_suggested_by_the_start_of_number_or_name(
    operator: Operator, account: Account, api: Api, box: dict[str, Any]
) -> None:
    sales = api.new_box("4001", name="Sales", aliases=["5001"])
    api.new_box("4002", name="<script>Support")
    desk = operator("Support")
    path = f"desk/message/{account.id}/mailboxes.json"

    def suggestions(text: str) -> list[str]:
        return [suggestion["value"] for suggestion in desk.get(path, q=text).json()["suggestions"]]

    assert suggestions("40") == ["4001", "4002"]
    assert suggestions("50") == ["4001"]
    assert suggestions("sal") == ["4001"]
    assert suggestions("nothing") == []
    assert set(suggestions("")) == {"3000", "4001", "4002"}
    first_id, second_id, third_id = leave(account, box, [NOW, NOW - 1, NOW - 2])
    page = f"desk/message/{account.id}/{box['id']}"
    assert "There is no mailbox 40." in desk.post(f"{page}/{first_id}/", action="move", target="40").text
    assert "Enter the mailbox" in desk.post(f"{page}/{first_id}/", action="copy", target=" ").text
    assert "pvt_deleted" not in stored(account, first_id)
    for message_id, target in ((first_id, "4001"), (second_id, " 5001 "), (third_id, sales["id"])):
        assert (
            f"Moved 1 message to {sales['mailbox']} Sales."
            in desk.post(f"{page}/{message_id}/", action="move", target=target).text
        )
    assert len(api.get(f"vmboxes/{sales['id']}/messages").json()["data"]) == 3
    assert operator("Read only").get(path, q="40").status_code == 403


@pytest.mark.parametrize("path", ["message", "mailbox", "accountuser"])
def test_a_wrong_page_is_an_error_in_words_that_leads_on(operator: Operator, account: Account, path: str) -> None:
    page = operator("Read only").get(f"desk/{path}/", account=account.id, start_key="x")
    assert page.status_code == 400
    assert "Faulty request: invalid start key." in page.text
    assert "Try again" not in page.text
    assert 'href="/admin/">Go to the desk' in page.text
