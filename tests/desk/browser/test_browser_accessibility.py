"""Accessibility of every page of the desk, checked by axe: WCAG 2.1 A and AA, light and dark, wide and narrow."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.support.browsing import WIDE, Practice, Staff, Windows, all_pages
from tests.support.message_lists import start_run, work
from tests.support.servers import Service
from tests.support.visible_pages import list_pages

pytestmark = pytest.mark.long

AXE = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]
NARROWEST = ViewportSize(width=320, height=844)
COLOUR_RULES = ["color-contrast", "link-in-text-block"]
DJANGO_VIOLATIONS = {
    "label-title-only": "label:has(> img) + #searchbar",
    "aria-prohibited-attr": ".selector .search-label-icon",
}
"""Rules that Django's own pages violate, with selectors: a magnifying glass labels the search of lists and groups."""
RUN_AXE = """async ([rules, exceptions]) => {
    await Promise.all(document.getAnimations().map(animation => animation.finished));
    const result = await axe.run(document, {runOnly: rules, resultTypes: ['violations'], preload: false});
    const isOurs = id => node => !(exceptions[id] && document.querySelector(node.target[0])?.matches(exceptions[id]));
    return result.violations.flatMap(({id, help, nodes}) =>
        nodes.filter(isOurs(id)).map(node => `${id}: ${help}: ${node.target.join(' ')} ${node.failureSummary}`));
}"""


def test_pages_are_accessible_and_fit_the_screen(
    staff: Staff, practice: Practice, service: Service, window: Windows
) -> None:
    page = window(staff(), without_policy=True)
    violations: list[str] = []
    for path in dict.fromkeys([*all_pages(practice), *list_pages(staff(), service, practice)]):
        response = page.goto(path)
        assert response is not None
        assert response.status == 200, path
        violations += [f"{path or 'index'}: {violation}" for violation in find_violations(page)]
    assert not violations, "\n".join(violations)


def test_the_player_of_a_list_and_the_pages_of_a_run_are_accessible(
    staff: Staff, practice: Practice, service: Service, window: Windows
) -> None:
    desk = staff("Support")
    page = window(desk, practice.message_list(), without_policy=True)
    page.get_by_role("button", name="Play the message of").first.click()
    expect(page.get_by_role("group", name="Player")).to_be_visible()
    page.keyboard.press("?")
    violations = [f"player: {violation}" for violation in find_violations(page)]
    path = start_run(desk, practice.message_list(), action="move", target="3001", all="yes")
    page.goto(path)
    violations += [f"run: {violation}" for violation in find_violations(page)]
    work(service, path)
    page.goto(path)
    violations += [f"result: {violation}" for violation in find_violations(page)]
    assert not violations, "\n".join(violations)


def test_errors_and_refusals_are_accessible(staff: Staff, practice: Practice, window: Windows) -> None:
    page = window.open_logged_out(staff("Read only").url, without_policy=True)
    page.goto("login/")
    violations = [f"log-in: {violation}" for violation in find_violations(page)]
    page = window(staff("Administrators"), f"desk/mailbox/{practice.account.id}/add/", without_policy=True)
    page.locator("#id_mailbox").fill("3000")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_be_visible()
    violations += [f"error: {violation}" for violation in find_violations(page)]
    page.goto("desk/message/?account=" + "0" * 32)
    expect(page.get_by_text("This doesn't exist")).to_be_visible()
    violations += [f"notice: {violation}" for violation in find_violations(page)]
    page.goto("/")
    violations += [f"front page: {violation}" for violation in find_violations(page)]
    page.goto("nothing/")
    violations += [f"unknown page: {violation}" for violation in find_violations(page)]
    window.expect_error("404 (Not Found)")
    assert not violations, "\n".join(violations)


def find_violations(page: Page) -> list[str]:
    """What axe finds on a page, wide and narrow, in light and in dark colours, and where it exceeds the screen."""
    page.evaluate(AXE.read_text())
    violations: list[str] = []
    for name, size in (("wide", WIDE), ("narrow", NARROWEST)):
        page.set_viewport_size(size)
        page.emulate_media(color_scheme="light")
        in_light = page.evaluate(RUN_AXE, [{"type": "tag", "values": RULES}, DJANGO_VIOLATIONS])
        overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        violations += [f"{name}: {violation}" for violation in in_light]
        violations += [f"{name}: {overflow} pixels wider than the screen"] if overflow > 0 else []
    # Colours are the same in every size.
    page.emulate_media(color_scheme="dark")
    in_dark = page.evaluate(RUN_AXE, [{"type": "rule", "values": COLOUR_RULES}, DJANGO_VIOLATIONS])
    return [*violations, *(f"in dark: {violation}" for violation in in_dark)]
