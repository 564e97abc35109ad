"""Pages of the desk that are open while something happens."""

from collections.abc import Callable
from typing import Any

from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult, get_date_max
from playwright.sync_api import Route, expect

from events import state
from tests.support.api_client import Account, Api
from tests.support.browsing import Windows
from tests.support.operators import new_operator
from tests.support.servers import Running, Service


def test_a_list_shows_new_messages_unless_somebody_is_in_the_middle_of_something(
    server_with: Callable[..., Running],
    service: Service,
    live: Running,
    window: Windows,
    account: Account,
    api: Api,
) -> None:
    server = server_with(LIVE_URL=live.url.replace("127.0.0.1", "{host}"))
    box = api.new_box()
    path = f"vmboxes/{box['id']}/messages"
    api.put(path, {"caller_id_name": "Ada Lovelace"})
    desk = new_operator(server.url, service, ("Support",), ())
    with_socket = window(desk)
    with with_socket.expect_websocket() as opening:
        with_socket.goto(f"desk/message/?account={account.id}&box={box['id']}")
    opening.value.wait_for_event("framereceived")  # the reply to the subscription
    rows = with_socket.locator("#result_list tbody tr")
    expect(rows).to_have_count(1)

    api.put(path, {"caller_id_name": "Grace Hopper"})
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("Grace Hopper")

    rows.first.get_by_role("checkbox").check()
    expect(with_socket.locator(".action-counter")).to_have_text("1 of 2 selected")
    api.put(path, {"caller_id_name": "Alan Turing"})
    notice = with_socket.get_by_text("This list has changed.")
    expect(notice).to_be_visible()
    expect(rows).to_have_count(2)
    notice.get_by_role("link").click()
    expect(rows).to_have_count(3)


def test_the_health_page_refreshes_itself_when_a_job_fails(
    server_with: Callable[..., Running], service: Service, live: Running, window: Windows
) -> None:
    server = server_with(LIVE_URL=live.url.replace("127.0.0.1", "{host}"))
    page = window(new_operator(server.url, service, ("Read only",), ()))
    jobs: list[DBTaskResult[Any, Any]] = []

    def fail_job(route: Route) -> None:
        """Let a job fail after the page is made, and before it listens."""
        with service.models():
            jobs.append(
                DBTaskResult.objects.create(
                    status=TaskResultStatus.FAILED,
                    args_kwargs={"args": [], "kwargs": {}},
                    task_path="tests.of.this",
                    run_after=get_date_max(),
                )
            )
            failed.append(state.job_counts().failed)
        route.continue_()

    failed: list[int] = []
    page.route("**/live.js", fail_job)
    page.goto("desk/account/health/")
    expect(page.get_by_role("link", name=f"{failed[0]} failed")).to_be_visible()
    with service.models():
        jobs[0].delete()
