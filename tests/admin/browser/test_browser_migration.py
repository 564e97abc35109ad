"""The migration from Kazoo 3.x at the operators' desk, in a real browser."""

from collections.abc import Callable

import old_messages
import pytest
from api_client import Account, Api
from browsing import LOOKS, Look, Windows
from operators import Desk
from playwright.sync_api import expect

pytest_plugins = ["browser_fixtures"]

Operator = Callable[..., Desk]


def test_a_runs_page_tells_of_its_end_by_itself_and_leads_on(
    operator: Operator, account: Account, api: Api, window: Windows
) -> None:
    box = api.new_box("3000")
    old_messages.leave(account, box["id"], [old_messages.entry() for _ in range(5)])
    page = window(operator("Administrators"), f"accounts/account/{account.id}/")
    page.get_by_role("link", name="Migrate", exact=True).click()
    page.get_by_role("button", name="Migrate", exact=True).press("Enter")
    expect(page.get_by_role("heading", name="Migration: done")).to_be_visible(timeout=60_000)
    expect(page.get_by_role("row", name="migrated — 5")).to_be_visible()
    assert old_messages.array(account, box["id"]) == []
    page.get_by_role("link", name="201605-").first.click()
    expect(page.locator("audio")).to_be_visible()
    page.go_back()
    page.get_by_role("button", name="Verify").click()
    expect(page.get_by_role("heading", name="Verification: done")).to_be_visible(timeout=60_000)
    expect(page.get_by_role("row", name="verified — 5")).to_be_visible()


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_nothing_is_wider_than_the_window(
    operator: Operator, account: Account, api: Api, window: Windows, look: Look
) -> None:
    box = api.new_box("3000", name="A mailbox with quite a long name, as people give them")
    old_messages.leave(account, box["id"], [old_messages.entry() for _ in range(2)])
    page = window(operator("Administrators"), "voicemail/migrationrun/", look)
    assert page.evaluate("document.documentElement.scrollWidth") <= look.size["width"]
    page.goto(f"voicemail/migrationrun/{account.id}/")
    assert page.evaluate("document.documentElement.scrollWidth") <= look.size["width"]
    page.get_by_role("button", name="Dry run", exact=True).click()
    expect(page.get_by_role("heading", name="Dry run: done")).to_be_visible(timeout=60_000)
    assert page.evaluate("document.documentElement.scrollWidth") <= look.size["width"]
