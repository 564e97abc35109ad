"""Accounts at the desk in a real browser."""

from playwright.sync_api import expect

from tests.support.api_client import Account
from tests.support.browsing import Staff, Windows
from tests.support.operators import PASSWORD


def test_an_operator_logs_in_and_finds_an_account(staff: Staff, account: Account, window: Windows) -> None:
    desk = staff("Read only")
    page = window.open_logged_out(desk.url)
    page.goto("desk/account/")
    page.get_by_label("Username").fill(desk.name)
    page.get_by_label("Password").fill("not it")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_text("Please enter the correct username and password")).to_be_visible()
    page.get_by_label("Username").fill(desk.name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.get_by_label("Search").fill(account.realm)
    page.keyboard.press("Enter")
    page.get_by_role("link", name=account.name).click()
    expect(page.get_by_role("heading", name=account.name)).to_be_visible()
    expect(page.locator("dd", has_text=account.realm)).to_be_visible()
