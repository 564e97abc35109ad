"""Every page of the desk, judged by axe: WCAG 2.1, levels A and AA, light and dark, on wide and narrow screens."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.support.browsing import NARROW, WIDE, Look, Practice, Staff, Windows, pages

AXE = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]
OF_COLOURS = ["color-contrast", "link-in-text-block"]
NOT_OURS = {"label-title-only": "label:has(> img) + #searchbar"}
"""What Django does against a rule, as a selector: its own lists label their search with a magnifying glass."""
JUDGE = """async ([only, not_ours]) => {
    await Promise.all(document.getAnimations().map(animation => animation.finished));
    const told = await axe.run(document, {runOnly: only, resultTypes: ['violations'], preload: false});
    const ours = id => node => !(not_ours[id] && document.querySelector(node.target[0])?.matches(not_ours[id]));
    return told.violations.flatMap(({id, help, nodes}) =>
        nodes.filter(ours(id)).map(node => `${id}: ${help}: ${node.target.join(' ')} ${node.failureSummary}`));
}"""


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_pages_are_accessible_and_fit_the_screen(
    staff: Staff, practice: Practice, window: Windows, size: ViewportSize
) -> None:
    page = window(staff(), look=Look(size), without_policy=True)
    found: list[str] = []
    for path in pages(practice):
        answer = page.goto(path)
        assert answer is not None
        assert answer.status == 200, path
        found += [f"{path or 'index'}: {one}" for one in judged(page)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_errors_and_refusals_are_accessible(
    staff: Staff, practice: Practice, window: Windows, size: ViewportSize
) -> None:
    look = Look(size)
    page = window.empty(staff("Read only").url, look, without_policy=True)
    page.goto("login/")
    found = [f"log-in: {one}" for one in judged(page)]
    page = window(staff("Administrators"), f"desk/mailbox/{practice.account.id}/add/", look, without_policy=True)
    page.locator("#id_mailbox").fill("3000")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_be_visible()
    found += [f"error: {one}" for one in judged(page)]
    page.goto("desk/message/?account=" + "0" * 32)
    expect(page.get_by_text("This doesn't exist")).to_be_visible()
    found += [f"notice: {one}" for one in judged(page)]
    assert not found, "\n".join(found)


def judged(page: Page) -> list[str]:
    """What axe finds wrong in light and in dark, and whether somebody has to scroll to the side."""
    page.evaluate(AXE.read_text())
    page.emulate_media(color_scheme="light")
    found: list[str] = page.evaluate(JUDGE, [{"type": "tag", "values": RULES}, NOT_OURS])
    page.emulate_media(color_scheme="dark")
    found += [f"in dark: {one}" for one in page.evaluate(JUDGE, [{"type": "rule", "values": OF_COLOURS}, NOT_OURS])]
    page.emulate_media(color_scheme="light")
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return [*found, *([f"{overflow} pixels wider than the screen"] if overflow > 0 else [])]
