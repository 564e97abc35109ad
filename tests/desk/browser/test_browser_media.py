"""Media at the desk in a real browser: spoken, uploaded, and heard."""

import pytest
from playwright.sync_api import Route, expect

from tests.support.api_client import Api
from tests.support.audio import Studio
from tests.support.browsing import PLAY, Practice, Staff, Windows


def test_a_text_is_heard_before_it_is_saved(staff: Staff, practice: Practice, api: Api, window: Windows) -> None:
    page = window(staff("Support"), f"desk/media/{practice.account.id}/add/")
    page.get_by_label("Name").fill("Closed")
    page.locator("#id_text").fill("We are closed.")
    page.get_by_label("Language").fill("xx")
    page.get_by_role("button", name="Listen").click()
    expect(page.get_by_text("Please provide a voice like female/en-US")).to_be_visible()
    window.expect_error("400 (Bad Request)")
    page.get_by_label("Language").fill("en-gb")
    page.get_by_role("button", name="Listen").click()
    player = page.get_by_label("The spoken text")
    expect(player).to_be_visible()
    assert player.evaluate(PLAY) > 0.1
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("“Closed” was created.")).to_be_visible()
    (entry,) = api.get("media", params={"filter_name": "Closed"}).json()["data"]
    assert entry["media_source"] == "tts"


def test_an_upload_shows_its_progress_and_its_errors(
    staff: Staff, practice: Practice, api: Api, window: Windows, audio: Studio
) -> None:
    page = window(staff("Support"), f"desk/media/{practice.account.id}/add/")
    page.get_by_label("Audio").set_input_files({"name": "a.pdf", "mimeType": "application/pdf", "buffer": b"%PDF"})
    page.get_by_label("Name").fill("A song")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("This isn't audio.")).to_be_visible()
    page.get_by_label("Audio").set_input_files(audio("wav").path)
    uploads: list[Route] = []
    page.route("**/add/", lambda route: uploads.append(route))
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("progressbar", name="Uploaded")).to_be_visible()
    uploads[0].abort()
    expect(page.get_by_text("The upload failed: the connection was lost.")).to_be_visible()
    window.expect_error("net::ERR_FAILED")
    page.unroute_all()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("“A song” was created.")).to_be_visible()
    (entry,) = api.get("media", params={"filter_name": "A song"}).json()["data"]
    assert page.url.endswith(f"/desk/media/{practice.account.id}/{entry['id']}/")
    player = page.get_by_label("The audio", exact=True)
    assert player.evaluate(PLAY) > 0.1
    assert player.evaluate("player => player.duration") == pytest.approx(audio("wav").milliseconds / 1000, abs=0.2)
