"""The migration from Kazoo 3.x at the desk in a real browser."""

from collections.abc import Callable

import pytest
from playwright.sync_api import ViewportSize, expect

from tests.desk.browser.test_browser_accessibility import find_violations
from tests.support import old_messages
from tests.support.api_client import Account, Api
from tests.support.browsing import NARROW, WIDE, Display, Windows
from tests.support.operators import Desk

pytestmark = pytest.mark.long

Operator = Callable[..., Desk]


def test_the_page_of_a_run_updates_itself_and_offers_the_next_step(
    operator: Operator, account: Account, api: Api, window: Windows
) -> None:
    box = api.new_box("3000")
    old_messages.add(account, box["id"], [old_messages.make_entry() for _ in range(5)])
    page = window(operator("Administrators"), f"desk/account/{account.id}/")
    page.get_by_role("link", name="Migrate", exact=True).click()
    page.get_by_role("button", name="Migrate", exact=True).press("Enter")
    expect(page.get_by_role("heading", name="Migration: done")).to_be_visible(timeout=60_000)
    expect(page.get_by_role("row", name="migrated — 5")).to_be_visible()
    assert old_messages.read_array(account, box["id"]) == []
    page.get_by_role("link", name="201605-").first.click()
    expect(page.locator("audio")).to_be_visible()
    page.go_back()
    page.get_by_role("button", name="Verify").click()
    expect(page.get_by_role("heading", name="Verification: done")).to_be_visible(timeout=60_000)
    expect(page.get_by_role("row", name="verified — 5")).to_be_visible()


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_pages_of_a_migration_are_accessible_and_fit_the_screen(
    operator: Operator, account: Account, api: Api, window: Windows, size: ViewportSize
) -> None:
    box = api.new_box("3000", name="A mailbox with quite a long name, as people give them")
    failing = old_messages.make_entry("f" * 32)
    old_messages.add(account, box["id"], [old_messages.make_entry() for _ in range(2)])
    old_messages.add(account, box["id"], [failing], audio=None)
    page = window(
        operator("Administrators"), f"migration/migrationrun/{account.id}/", Display(size), without_policy=True
    )
    violations = find_violations(page)
    page.get_by_role("button", name="Dry run", exact=True).click()
    expect(page.get_by_role("heading", name="Dry run: done, with 1 to look at")).to_be_visible(timeout=60_000)
    # The page has loaded itself again: only then it has the report.
    expect(page.get_by_role("heading", name="Report", exact=True)).to_be_visible(timeout=60_000)
    violations += find_violations(page)
    for path in ("", f"{account.id}/", f"{account.id}/purge/"):
        page.goto(f"migration/migrationrun/{path}")
        violations += [f"{path}: {violation}" for violation in find_violations(page)]
    assert not violations, "\n".join(violations)
