"""Tasks of docs/desk.md, done step by step.

With ``DOCS_IMAGES=1``, the tests save the guide's pictures to docs/images/.
"""

import io
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, ViewportSize, expect

from couch.client import couch
from storage import database_names
from tests.support.api_client import Api
from tests.support.browsing import NARROW, PLAY, Display, Practice, Staff, Windows
from tests.support.kazoo_messages import stored
from tests.support.operators import NEW_PIN
from tests.support.overview import collect
from tests.support.servers import Service
from voicemail.mailboxes import store as mailbox_store

IMAGES = Path(__file__).parents[3] / "docs" / "images"
MAX_HEIGHT = 860
# A Chromium without windows has no microphone, not even one that only beeps.
REFUSED_MICROPHONE = """() => {
    navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', 'NotAllowedError'));
}"""
BEEPING_MICROPHONE = """() => {
    navigator.mediaDevices.getUserMedia = async () => {
        const context = new AudioContext(), tone = context.createOscillator();
        const target = context.createMediaStreamDestination();
        tone.connect(target);
        tone.start();
        return target.stream;
    };
}"""
GUIDE_DISPLAY = Display(ViewportSize(width=1200, height=760))
Picture = Callable[[Page, str], None]


@pytest.fixture
def picture() -> Picture:
    """Saves a picture of a page for the guide, if pictures are asked for; it is made small for the repository."""

    def save(page: Page, name: str) -> None:
        if not os.environ.get("DOCS_IMAGES"):
            return
        page.mouse.move(0, 0)
        image = Image.open(io.BytesIO(page.screenshot(full_page=True, animations="disabled"))).convert("RGB")
        cropped = image.crop((0, 0, image.width, min(image.height, MAX_HEIGHT)))
        IMAGES.mkdir(exist_ok=True)
        cropped.quantize(colors=64, dither=Image.Dither.NONE).save(IMAGES / f"{name}.png", optimize=True)

    return save


def test_the_account_of_a_caller_is_found(
    staff: Staff, practice: Practice, window: Windows, picture: Picture
) -> None:
    page = window(staff("Support"), display=GUIDE_DISPLAY)
    page.get_by_role("combobox", name="Find anything").press_sequentially(practice.account.realm[:6])
    expect(page.get_by_role("option", name="Green Valley Dental")).to_be_visible()
    picture(page, "desk-accounts")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Green Valley Dental", exact=True).first.click()
    expect(page.get_by_role("heading", name="Mailboxes", exact=True)).to_be_visible()
    expect(page.get_by_role("row", name="3000 Reception")).to_be_visible()
    picture(page, "desk-account")


def test_a_removed_message_is_heard_and_restored(
    staff: Staff, practice: Practice, window: Windows, picture: Picture
) -> None:
    page = window(staff("Support"), practice.message_page(1), display=GUIDE_DISPLAY)
    page.get_by_role("button", name="Remove").click()
    page.get_by_role("button", name="Yes, remove it").click()
    expect(page.get_by_text("Removed 1 message.")).to_be_visible()
    page.goto(practice.account_page)
    page.get_by_role("navigation", name="Sections").get_by_role("link", name="Messages").click()
    page.get_by_role("link", name="Removed", exact=True).click()
    page.locator("#result_list tr", has_text="Grace Hopper").get_by_role("link").first.click()
    page.get_by_role("button", name="Draw the waveform").click()
    expect(page.get_by_role("button", name="Draw the waveform")).to_be_hidden()
    page.get_by_role("slider", name="Position in the message").press("PageUp")
    picture(page, "desk-message")
    page.get_by_role("button", name="Restore").click()
    expect(page.get_by_text("Restored 1 message.")).to_be_visible()
    assert stored(practice.account, practice.message_ids[1])["metadata"]["folder"] == "new"


def test_the_first_page_leads_to_what_needs_somebody(
    staff: Staff, practice: Practice, api: Api, service: Service, window: Windows, picture: Picture
) -> None:
    box = practice.boxes[0]
    assert api.patch(f"vmboxes/{box['id']}", {"max_message_count": 1}).status_code == 200
    with service.models():
        collect(practice.account)
    page = window(staff("Support"), "", display=GUIDE_DISPLAY)
    card = page.get_by_role("listitem").filter(has=page.get_by_role("heading", name="Full mailboxes"))
    expect(card).to_contain_text("Worth a look")
    picture(page, "desk-overview")
    card.get_by_role("link", name="1 mailbox is full").click()
    page.get_by_role("link", name="3000 Reception").click()
    expect(page).to_have_url(re.compile(f"desk/mailbox/{practice.account.id}/{box['id']}/$"))


def test_a_pin_is_changed(staff: Staff, practice: Practice, window: Windows, picture: Picture) -> None:
    page = window(staff("Administrators"), practice.box_page(), display=GUIDE_DISPLAY)
    page.get_by_role("link", name="PIN", exact=True).click()
    page.get_by_label("New PIN:").fill(NEW_PIN)
    picture(page, "desk-pin")
    page.get_by_role("button", name="Change it").click()
    expect(page.get_by_role("heading", name="3000 Reception")).to_be_visible()
    assert mailbox_store.get(practice.account.id, practice.boxes[0]["id"])["pin"] == NEW_PIN
    page.locator("#content").get_by_role("link", name="History").click()
    expect(page.get_by_role("row", name="changed the PIN of")).to_contain_text("(hidden) → (hidden)")


def test_messages_are_moved_to_another_mailbox(
    staff: Staff, practice: Practice, window: Windows, picture: Picture
) -> None:
    page = window(staff("Support"), practice.message_list(), display=GUIDE_DISPLAY)
    for caller in ("Ada Lovelace", "Alan Turing"):
        page.locator("#result_list tr", has_text=caller).get_by_role("checkbox").check()
    page.get_by_label("Action:").select_option(label="Move to mailbox")
    page.get_by_role("combobox", name="Mailbox").fill("3002")
    picture(page, "desk-messages")
    page.get_by_role("button", name="Go", exact=True).click()
    expect(page.get_by_text("Moved 2 messages to 3002 Billing.")).to_be_visible()
    page.goto(practice.message_list(2))
    expect(page.locator("#result_list tbody tr")).to_have_count(2)


def test_a_greeting_is_recorded_heard_and_saved(
    staff: Staff, practice: Practice, api: Api, window: Windows, picture: Picture
) -> None:
    page = window(staff("Support"), practice.box_page(1), display=GUIDE_DISPLAY)
    page.get_by_role("link", name=re.compile("Change ?: Unavailable")).click()
    status = page.locator("#content").get_by_role("status").first
    page.evaluate(REFUSED_MICROPHONE)
    page.get_by_role("button", name="Record").click()
    expect(status).to_have_text(
        "The browser refused the microphone. Allow it for this page in the browser's settings, then try again."
    )
    page.evaluate(BEEPING_MICROPHONE)
    page.get_by_role("button", name="Record").click()
    # A busy machine may not look while it is at 0:01.
    expect(status).to_have_text(re.compile(r"Recording: [0-4]:(?!00)\d\d of at most 5:00"))
    picture(page, "desk-greeting")
    page.get_by_role("button", name="Stop").click()
    expect(status).to_have_text("Recorded. Listen to it, then save it or record again.")
    assert page.get_by_label("Your recording").evaluate(PLAY) > 0.1
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("hear the new greeting")).to_be_visible()
    media_id = api.get(f"vmboxes/{practice.boxes[1]['id']}").json()["data"]["media"]["unavailable"]
    media = api.get(f"media/{media_id}").json()["data"]
    assert (media["media_source"], media["content_type"]) == ("recording", "audio/mpeg")
    greeting = page.get_by_label("Unavailable", exact=True)
    assert greeting.evaluate(PLAY) > 0.1
    assert greeting.evaluate("player => player.duration") > 0.5


def test_the_retention_of_an_account_is_changed(
    staff: Staff, practice: Practice, window: Windows, picture: Picture
) -> None:
    page = window(staff("Administrators"), practice.account_page, display=GUIDE_DISPLAY)
    page.get_by_label("Days:").fill("30")
    page.get_by_role("button", name="Change", exact=True).click()
    expect(page.get_by_role("list").get_by_text("Messages are kept for 30 days.")).to_be_visible()
    settings = couch().database(database_names.account_db(practice.account.id)).get("configs_callflow") or {}
    assert settings["voicemail"]["message_retention_duration"] == 30
    page.get_by_role("link", name="History").click()
    expect(page.get_by_role("cell", name="message_retention_duration")).to_contain_text("30")
    picture(page, "desk-history")


def test_the_desk_fits_a_phone(staff: Staff, practice: Practice, window: Windows, picture: Picture) -> None:
    page = window(staff("Support"), practice.message_page(), display=Display(NARROW, is_dark=True))
    expect(page.locator("audio")).to_be_in_viewport()
    picture(page, "desk-narrow")
