"""Accounts at the operators' desk, in a real browser."""

from api_client import Account
from browsing import Staff, Windows
from operators import PASSWORD
from playwright.sync_api import expect

pytest_plugins = ["browser_fixtures"]


def test_an_operator_logs_in_and_finds_an_account(staff: Staff, account: Account, window: Windows) -> None:
    desk = staff("Read only")
    page = window.empty(desk.url)
    page.goto("accounts/account/")
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
