"""Messages at the desk in a real browser: found, played, moved and restored."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from storage import gregorian
from tests.support.api_client import Api
from tests.support.audio import Studio
from tests.support.browsing import Practice, Staff, Windows
from tests.support.kazoo_messages import leave_spoken, stored

PLAY_PAST = """(player, second) => new Promise(resolve => {
    const check = () => player.currentTime > second && resolve(player.currentTime);
    player.addEventListener('timeupdate', check);
    check();
})"""
SEEK = """(player, second) => new Promise(resolve => {
    player.addEventListener('seeked', () => resolve(player.currentTime), {once: true});
    player.currentTime = second;
})"""


def select(page: Page, *callers: str) -> None:
    """Select the messages of some callers."""
    for caller in callers:
        page.locator("#result_list tr", has_text=caller).get_by_role("checkbox").check()


def run_action(page: Page, action: str) -> None:
    """Choose an action, and press Go."""
    page.get_by_label("Action:").select_option(label=action)
    page.get_by_role("button", name="Go", exact=True).click()


def test_a_message_is_played_and_the_player_seeks(staff: Staff, practice: Practice, window: Windows) -> None:
    desk = staff("Support")
    page = window(desk, practice.message_page())
    player = page.locator("audio")
    player.focus()
    page.keyboard.press("Space")
    assert player.evaluate(PLAY_PAST, 0.1) > 0.1
    length = player.evaluate("player => player.duration")
    assert length == pytest.approx(practice.message_seconds[0], abs=0.2)
    assert player.evaluate(SEEK, length - 1) == pytest.approx(length - 1, abs=0.05)
    assert player.evaluate(PLAY_PAST, length - 0.9) > length - 0.9
    assert desk.get(practice.message_page() + "history/").text.count("listened to") == 1


def test_a_format_that_the_browser_lacks_is_played_converted(
    staff: Staff, practice: Practice, window: Windows, audio: Studio
) -> None:
    voice = audio("amr")
    box = practice.boxes[0]
    details: dict[str, Any] = {"name": "voice.amr", "content_type": "audio/amr", "length": voice.milliseconds}
    message_id = leave_spoken(practice.account, box, gregorian.now() - 60, voice.content, **details)
    desk, path = staff("Support"), f"desk/message/{practice.account.id}/{box['id']}/{message_id}/"
    page = window(desk, path)
    player, note = page.locator("audio"), page.locator("#content").get_by_role("status")
    expect(note).to_be_hidden()
    page.get_by_role("button", name="Draw the waveform").click()
    expect(page.get_by_role("button", name="Draw the waveform")).to_be_hidden()
    player.evaluate("player => { player.play(); }")
    assert player.evaluate(PLAY_PAST, 0.1) > 0.1
    expect(note).to_have_text(re.compile(r"can't play .*\(audio/amr\)\. You hear a copy converted to MP3\."))
    assert player.evaluate("player => player.duration") == pytest.approx(voice.milliseconds / 1000, abs=0.2)
    assert player.evaluate(SEEK, 1) == pytest.approx(1, abs=0.05)
    assert desk.get(f"{path}history/").text.count("listened to") == 1


def test_a_click_and_a_key_in_the_waveform_seek(staff: Staff, practice: Practice, window: Windows) -> None:
    page = window(staff("Support"), practice.message_page())
    player, waveform = page.locator("audio"), page.get_by_role("slider", name="Position in the message")
    page.get_by_role("button", name="Draw the waveform").click()
    expect(page.get_by_role("button", name="Draw the waveform")).to_be_hidden()
    drawn = (
        "canvas => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some(value => value)"
    )
    assert waveform.evaluate(drawn)
    player.evaluate(
        "player => new Promise(resolve => {"
        "player.onloadedmetadata = resolve; player.load(); player.play().catch(() => {}); })"
    )
    player.evaluate("player => player.pause()")
    size = waveform.bounding_box()
    assert size is not None
    waveform.click(position={"x": size["width"] / 2, "y": 20})
    half = player.evaluate("player => player.duration") / 2
    assert player.evaluate("player => player.currentTime") == pytest.approx(half, abs=0.1)
    waveform.press("ArrowRight")
    assert player.evaluate("player => player.currentTime") == pytest.approx(half + 1, abs=0.1)
    # The click's position is rounded to a pixel, the slider's value is the player's real position.
    position = player.evaluate("player => player.currentTime.toFixed(1)")
    expect(waveform).to_have_attribute("aria-valuenow", position)


def test_selected_messages_are_moved_to_another_mailbox(
    staff: Staff, practice: Practice, api: Api, window: Windows
) -> None:
    page = window(staff("Support"), practice.message_list())
    select(page, "Ada Lovelace", "Alan Turing")
    expect(page.get_by_text("2 of 4 selected")).to_be_visible()
    page.get_by_role("combobox", name="Mailbox").fill("3002")
    run_action(page, "Move to mailbox")
    expect(page.get_by_text("Moved 2 messages to 3002 Billing.")).to_be_visible()
    expect(page.locator("#result_list tbody tr")).to_have_count(2)
    moved = api.get(f"vmboxes/{practice.boxes[2]['id']}/messages").json()["data"]
    assert {message["caller_id_name"] for message in moved} == {"Ada Lovelace", "Alan Turing"}


def test_a_wrong_mailbox_keeps_what_was_selected(staff: Staff, practice: Practice, window: Windows) -> None:
    page = window(staff("Support"), practice.message_list())
    page.get_by_label("Select all on this page").check()
    expect(page.get_by_text("4 of 4 selected")).to_be_visible()
    page.get_by_role("combobox", name="Mailbox").fill("9999")
    run_action(page, "Move to mailbox")
    expect(page.get_by_text("There is no mailbox 9999.")).to_be_visible()
    expect(page.get_by_text("4 of 4 selected")).to_be_visible()
    expect(page.get_by_role("combobox", name="Mailbox")).to_have_value("9999")
    page.get_by_role("combobox", name="Mailbox").fill("3002")
    page.get_by_role("button", name="Go", exact=True).click()
    expect(page.get_by_text("Moved 4 messages to 3002 Billing.")).to_be_visible()


def test_a_removed_message_is_found_and_restored(staff: Staff, practice: Practice, window: Windows) -> None:
    page = window(staff("Support"), practice.message_list())
    select(page, "Alan Turing")
    run_action(page, "Remove")
    page.get_by_role("button", name="Yes, remove it").click()
    expect(page.get_by_text("Removed 1 message.")).to_be_visible()
    expect(page.get_by_text("Alan Turing")).to_have_count(0)
    assert stored(practice.account, practice.message_ids[2])["pvt_deleted"] is True
    page.get_by_role("link", name="Removed", exact=True).click()
    select(page, "Alan Turing")
    run_action(page, "Restore")
    expect(page.get_by_text("Restored 1 message.")).to_be_visible()
    page.get_by_role("link", name="Live", exact=True).click()
    expect(page.locator("#result_list tr", has_text="Alan Turing")).to_contain_text("saved")
    assert not stored(practice.account, practice.message_ids[2]).get("pvt_deleted")


def test_read_only_operators_get_no_buttons(staff: Staff, practice: Practice, window: Windows) -> None:
    page = window(staff("Read only"), practice.message_page())
    expect(page.get_by_text("You may not listen to messages, nor read their transcriptions.")).to_be_visible()
    for name in ("Remove", "Move", "Put into saved"):
        expect(page.get_by_role("button", name=name)).to_have_count(0)
    page.goto(practice.message_list())
    expect(page.get_by_role("link", name="Removed", exact=True)).to_be_visible()
    expect(page.get_by_label("Action:")).to_have_count(0)
    with page.expect_response("**/audio/") as response:
        page.evaluate("path => fetch(path)", f"/admin/{practice.message_page()}audio/")
    assert response.value.status == 403
    window.expect_error("403 (Forbidden)")


def test_a_hostile_caller_name_is_shown_as_text(staff: Staff, practice: Practice, api: Api, window: Windows) -> None:
    name = "<img src=x onerror=document.title='broken'>\u202eevil" + "x" * 10_000
    message = {"caller_id_name": name, "caller_id_number": "1001"}
    assert api.put(f"vmboxes/{practice.boxes[1]['id']}/messages", message).status_code == 201
    page = window(staff("Support"), practice.message_list(1))
    expect(page.locator("#result_list tbody td", has_text="<img src=x")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    page.locator("#result_list tbody a").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("<img src=x")
    expect(page).not_to_have_title("broken")
