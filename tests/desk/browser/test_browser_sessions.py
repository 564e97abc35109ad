"""Sessions in the browser: a warning before they end, and a form that outlives its session."""

from datetime import timedelta

from django.db.models import F
from playwright.sync_api import Page, expect

from desk.models import OperatorSession
from tests.support.browsing import Windows
from tests.support.operators import PASSWORD, new_operator
from tests.support.servers import Running, Service

BACK_AGAIN = "document.dispatchEvent(new Event('visibilitychange'))"


def leave_alone(page: Page, service: Service, name: str, minutes: int) -> None:
    """Let minutes pass, on the page's clock and in the service's table."""
    with service.models():
        rows = OperatorSession.objects.filter(operator__username=name)
        rows.update(used_at=F("used_at") - timedelta(minutes=minutes))
    page.clock.fast_forward(minutes * 60_000)


def test_an_idle_operator_is_warned_and_a_form_outlives_its_session(
    server: Running, service: Service, window: Windows
) -> None:
    desk = new_operator(server.url, service, (), ())
    page = window(desk)
    page.clock.install()
    page.goto("auth/group/add/")
    page.get_by_label("Name:").fill("Night shift")
    notice = page.get_by_role("alert")
    leave_alone(page, service, desk.name, 29)
    expect(notice).to_contain_text("You will be signed out within")
    notice.get_by_role("button", name="Stay signed in").click()
    expect(notice).to_be_hidden()
    leave_alone(page, service, desk.name, 31)
    expect(notice).to_contain_text("You have been signed out")
    with page.context.expect_page() as opening:
        notice.get_by_role("link", name="Sign in in another tab").click()
    tab = opening.value
    tab.get_by_label("Username:").fill(desk.name)
    tab.get_by_label("Password:").fill(PASSWORD)
    tab.get_by_role("button", name="Log in").click()
    expect(tab.get_by_role("navigation", name="Sections")).to_be_visible()
    page.evaluate(BACK_AGAIN)
    expect(notice).to_be_hidden()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("was added successfully")).to_be_visible()
    expect(page.get_by_text("Night shift").first).to_be_visible()
