"""Accessibility of every page of the desk, checked by axe: WCAG 2.1 A and AA, light and dark, wide and narrow."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.support.browsing import NARROW, WIDE, Display, Practice, Staff, Windows, all_pages

AXE = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]
COLOUR_RULES = ["color-contrast", "link-in-text-block"]
DJANGO_VIOLATIONS = {"label-title-only": "label:has(> img) + #searchbar"}
"""Rules that Django's own pages violate, with selectors: its lists label their search with a magnifying glass."""
RUN_AXE = """async ([rules, exceptions]) => {
    await Promise.all(document.getAnimations().map(animation => animation.finished));
    const result = await axe.run(document, {runOnly: rules, resultTypes: ['violations'], preload: false});
    const isOurs = id => node => !(exceptions[id] && document.querySelector(node.target[0])?.matches(exceptions[id]));
    return result.violations.flatMap(({id, help, nodes}) =>
        nodes.filter(isOurs(id)).map(node => `${id}: ${help}: ${node.target.join(' ')} ${node.failureSummary}`));
}"""


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_pages_are_accessible_and_fit_the_screen(
    staff: Staff, practice: Practice, window: Windows, size: ViewportSize
) -> None:
    page = window(staff(), display=Display(size), without_policy=True)
    violations: list[str] = []
    for path in all_pages(practice):
        response = page.goto(path)
        assert response is not None
        assert response.status == 200, path
        violations += [f"{path or 'index'}: {violation}" for violation in find_violations(page)]
    assert not violations, "\n".join(violations)


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_errors_and_refusals_are_accessible(
    staff: Staff, practice: Practice, window: Windows, size: ViewportSize
) -> None:
    display = Display(size)
    page = window.open_logged_out(staff("Read only").url, display, without_policy=True)
    page.goto("login/")
    violations = [f"log-in: {violation}" for violation in find_violations(page)]
    page = window(staff("Administrators"), f"desk/mailbox/{practice.account.id}/add/", display, without_policy=True)
    page.locator("#id_mailbox").fill("3000")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_be_visible()
    violations += [f"error: {violation}" for violation in find_violations(page)]
    page.goto("desk/message/?account=" + "0" * 32)
    expect(page.get_by_text("This doesn't exist")).to_be_visible()
    violations += [f"notice: {violation}" for violation in find_violations(page)]
    assert not violations, "\n".join(violations)


def find_violations(page: Page) -> list[str]:
    """What axe finds in light and in dark colours, and whether the page is wider than the screen."""
    page.evaluate(AXE.read_text())
    page.emulate_media(color_scheme="light")
    violations: list[str] = page.evaluate(RUN_AXE, [{"type": "tag", "values": RULES}, DJANGO_VIOLATIONS])
    page.emulate_media(color_scheme="dark")
    in_dark = page.evaluate(RUN_AXE, [{"type": "rule", "values": COLOUR_RULES}, DJANGO_VIOLATIONS])
    violations += [f"in dark: {violation}" for violation in in_dark]
    page.emulate_media(color_scheme="light")
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return [*violations, *([f"{overflow} pixels wider than the screen"] if overflow > 0 else [])]
