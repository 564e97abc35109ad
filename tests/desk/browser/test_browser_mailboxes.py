"""Mailboxes at the desk in a real browser: created, changed, denied, and reached by keyboard alone."""

from playwright.sync_api import Locator, Page, expect

from tests.desk.browser.test_browser_accessibility import find_violations
from tests.support.api_client import Api
from tests.support.browsing import Practice, Staff, Windows
from tests.support.mailbox_runs import work
from tests.support.operators import NEW_PIN, PIN
from tests.support.servers import Service
from voicemail.mailboxes import store as mailbox_store


def test_a_mailbox_is_created_after_an_error_was_corrected(
    staff: Staff, practice: Practice, api: Api, window: Windows
) -> None:
    page = window(staff("Administrators"), f"desk/mailbox/?account={practice.account.id}")
    page.get_by_role("link", name="Add mailbox").click()
    number, name = page.locator("#id_mailbox"), page.locator("#id_name")
    number.fill("3000")
    name.fill("Night line")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Please correct the error below.")).to_be_visible()
    expect(page.locator(".field-mailbox .errorlist")).to_be_visible()
    expect(name).to_have_value("Night line")
    number.fill("3003")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="3003 Night line")).to_be_visible()
    boxes = api.get("vmboxes").json()["data"]
    assert [box["mailbox"] for box in boxes if box["name"] == "Night line"] == ["3003"]


def test_the_form_shows_stored_settings_and_keeps_them(staff: Staff, practice: Practice, window: Windows) -> None:
    page = window(staff("Administrators"), practice.box_page() + "change/")
    expect(page.locator("#id_mailbox")).to_have_value("3000")
    expect(page.locator("#id_timezone")).to_have_value("Europe/Berlin")
    page.locator("#id_name").fill("Front desk")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="3000 Front desk")).to_be_visible()
    stored = mailbox_store.get(practice.account.id, practice.boxes[0]["id"])
    expected = {
        "name": "Front desk",
        "mailbox": "3000",
        "timezone": "Europe/Berlin",
        "pin": PIN,
        "some_key": "kept",
    }
    assert {key: stored.get(key) for key in expected} == expected


def test_a_pin_is_shown_on_demand_and_changed(staff: Staff, practice: Practice, window: Windows) -> None:
    page = window(staff("Administrators"), practice.box_page())
    page.get_by_role("link", name="PIN").click()
    expect(page.get_by_text(PIN)).to_have_count(0)
    page.get_by_role("button", name="Show it").click()
    expect(page.get_by_text(PIN)).to_be_visible()
    page.get_by_label("New PIN:").fill(NEW_PIN)
    page.get_by_role("button", name="Change it").click()
    expect(page.get_by_role("heading", name="3000 Reception")).to_be_visible()
    assert mailbox_store.get(practice.account.id, practice.boxes[0]["id"])["pin"] == NEW_PIN


def test_pages_without_permission_are_neither_linked_nor_shown(
    staff: Staff, practice: Practice, window: Windows
) -> None:
    desk = staff("Support")
    page = window(desk, practice.box_page())
    expect(page.get_by_role("link", name="Change", exact=True)).to_be_visible()
    for name in ("PIN", "Remove"):
        expect(page.get_by_role("link", name=name, exact=True)).to_have_count(0)
    for path in ("pin/", "delete/"):
        response = page.goto(practice.box_page() + path)
        assert response is not None
        assert response.status == 403
        expect(page.get_by_role("heading", name="You may not do this")).to_be_visible()
        expect(page.get_by_text(PIN)).to_have_count(0)
    window.expect_error("403 (Forbidden)")


def test_a_mailbox_is_found_and_renamed_with_the_keyboard_alone(
    staff: Staff, practice: Practice, window: Windows
) -> None:
    page = window(staff("Administrators"))
    page.keyboard.press("/")
    expect(page.get_by_role("combobox", name="Find anything")).to_be_focused()
    page.keyboard.type(practice.account.realm)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Results for")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to main content")).to_be_focused()
    page.keyboard.press("Enter")
    content, sections = page.locator("#content"), page.get_by_role("navigation", name="Sections")
    for place, link, heading in (
        (content, "Green Valley Dental", "Green Valley Dental"),
        (sections, "Mailboxes", "Mailboxes"),
        (content, "3000", "3000 Reception"),
        (content, "Change", "Change 3000 Reception"),
    ):
        follow(page, place.get_by_role("link", name=link, exact=True), heading)
    tab_to(page, page.locator("#id_name"))
    page.keyboard.press("Control+A")
    page.keyboard.type("Desk")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="3000 Desk")).to_be_visible()


def follow(page: Page, link: Locator, heading: str) -> None:
    """Follow a link with the keyboard, to the page with a heading."""
    tab_to(page, link)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=heading, level=1)).to_be_visible()


def tab_to(page: Page, element: Locator) -> None:
    """Press Tab until an element has the focus, and shows it."""
    has_focus = "element => element.matches(':focus-visible')"
    expect(element).to_be_visible()
    for _ in range(80):
        if element.evaluate(has_focus):
            break
        page.keyboard.press("Tab")
    assert element.evaluate(has_focus)


def test_mailboxes_are_imported_with_their_progress_and_their_errors(
    staff: Staff, practice: Practice, service: Service, window: Windows
) -> None:
    page = window(staff("Administrators"), f"desk/mailbox/?account={practice.account.id}", without_policy=True)
    page.get_by_role("link", name="Import").click()
    violations = find_violations(page)
    content = b"mailbox,name\n3000,Front desk\n3010,Lab\n3010,Twice\n"
    page.get_by_label("CSV file").set_input_files({"name": "a.csv", "mimeType": "text/csv", "buffer": content})
    page.get_by_role("button", name="Preview").click()
    page.get_by_text("1 with errors, and why").click()
    expect(page.get_by_role("listitem").get_by_text("Keep one of the two lines.")).to_be_visible()
    violations += find_violations(page)
    page.get_by_role("button", name="Store the 2 good ones").click()
    expect(page.get_by_role("progressbar")).to_be_visible()
    violations += find_violations(page)
    work(service, page.url)
    expect(page.get_by_role("heading", name="Result")).to_be_visible()
    expect(page.get_by_text("1 created, 1 changed, 1 with errors.")).to_be_visible()
    violations += find_violations(page)
    page.goto(f"desk/mailbox/?account={practice.account.id}")
    page.get_by_label("Select all on this page").check()
    page.get_by_label("Action:").select_option(label="Change settings")
    page.get_by_role("button", name="Go").click()
    expect(page.get_by_role("heading", name="Change settings of 4 mailboxes")).to_be_visible()
    violations += find_violations(page)
    assert not violations, "\n".join(violations)
    assert mailbox_store.get(practice.account.id, practice.boxes[0]["id"])["name"] == "Front desk"
