"""Accounts at the operators' desk, in a real browser."""

from collections.abc import Callable

from api_client import Account
from browsing import Windows
from operators import PASSWORD, Desk
from playwright.sync_api import expect

pytest_plugins = ["browser_fixtures"]

Operator = Callable[..., Desk]


def test_an_operator_logs_in_and_finds_an_account(operator: Operator, account: Account, window: Windows) -> None:
    desk = operator("Read only")
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
