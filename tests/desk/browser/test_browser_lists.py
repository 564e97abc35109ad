"""Lists at the desk in a real browser: messages played and put into folders in their rows, files, actions on all."""

from pathlib import Path

from playwright.sync_api import expect

from tests.support.browsing import Practice, Staff, Windows
from tests.support.kazoo_messages import stored

HEARD = """() => new Promise(resolve => {
    const player = document.querySelector('.row-player audio');
    const check = () => player.currentTime > 0.1 && resolve(player.playbackRate);
    player.addEventListener('timeupdate', check);
    check();
})"""


def test_messages_are_played_one_after_the_other_by_keys(staff: Staff, practice: Practice, window: Windows) -> None:
    desk = staff("Support")
    page = window(desk, practice.message_list())
    player = page.get_by_role("group", name="Player")
    page.keyboard.press("j")
    page.evaluate(HEARD)
    expect(page.locator("tr.playing")).to_contain_text("Ada Lovelace")
    player.get_by_label("Speed").select_option("1.5")
    page.get_by_role("heading", level=1).click()
    page.keyboard.press("j")
    assert page.evaluate(HEARD) == 1.5
    expect(page.locator("tr.playing")).to_contain_text("Grace Hopper")
    expect(page.locator("audio")).to_have_count(1)
    page.locator("body").press(" ")
    assert page.locator("audio").evaluate("player => player.paused")
    page.keyboard.press("k")
    expect(page.locator("tr.playing")).to_contain_text("Ada Lovelace")
    page.keyboard.press("k")
    expect(player.get_by_role("status")).to_have_text("There is no further message on this page.")
    page.keyboard.press("?")
    expect(page.get_by_text("Play the next message")).to_be_visible()
    page.get_by_label("Caller", exact=True).press("j")
    expect(page.locator("tr.playing")).to_contain_text("Ada Lovelace")
    history = f"desk/message/{practice.account.id}/{practice.boxes[0]['id']}/{practice.message_ids[0]}/history/"
    assert desk.get(history).text.count("listened to") == 1


def test_a_folder_is_changed_in_its_row_and_the_list_downloaded(
    staff: Staff, practice: Practice, window: Windows
) -> None:
    page = window(staff("Support"), practice.message_list())
    row = page.locator("#result_list tr", has_text="Grace Hopper")
    row.get_by_role("combobox").select_option("saved")
    expect(page.get_by_text("Put 1 message into saved.")).to_be_visible()
    assert stored(practice.account, practice.message_ids[1])["metadata"]["folder"] == "saved"
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    expect(page.get_by_text("4 rows downloaded.")).to_be_visible()
    assert "Grace Hopper" in Path(download.value.path()).read_text(encoding="utf-8-sig")
