"""The search in a real browser, by the keyboard alone."""

from playwright.sync_api import expect

from search import index
from storage import database_names
from tests.desk.browser.test_browser_accessibility import find_violations
from tests.support.browsing import Practice, Staff, Windows
from tests.support.messages_of_box import stored
from tests.support.servers import Service


def test_a_message_is_found_by_a_dictated_number_and_half_a_companys_name(
    staff: Staff, practice: Practice, window: Windows, service: Service
) -> None:
    account_id, message_id = practice.account.id, practice.message_ids[1]
    realm = practice.account.realm
    account = {"_id": account_id, "pvt_type": "account", "name": "Green Valley Dental", "realm": realm}
    with service.models():
        index.put_documents(database_names.account_db(account_id), [account])
        index.put_documents(database_names.modb(account_id, message_id[:6]), [stored(practice.account, message_id)])
    page = window(staff("Support"), practice.account_page, without_policy=True)
    field, options = page.get_by_role("combobox", name="Find anything"), page.get_by_role("option")

    page.keyboard.press("/")
    expect(field).to_be_focused()
    page.keyboard.type(f"1 555 0101 {realm[:-3]}")
    expect(options).to_have_count(2)
    expect(field).to_have_attribute("aria-expanded", "true")
    assert not find_violations(page)
    page.keyboard.press("Escape")
    expect(options.first).to_be_hidden()
    expect(field).to_be_focused()
    page.keyboard.press("Escape")
    expect(field).not_to_be_focused()

    page.keyboard.press("/")
    page.keyboard.press("Enter")
    result = page.get_by_role("link", name="Grace Hopper")
    expect(result).to_be_visible()
    assert not find_violations(page)
    field.focus()
    page.keyboard.press("ArrowDown")
    expect(result).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(field).to_be_focused()

    page.keyboard.press("End")
    page.keyboard.type(" valley")
    expect(options).to_have_count(2)
    page.keyboard.press("ArrowDown")
    expect(options.first).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/{practice.message_page(1)}")
