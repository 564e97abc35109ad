"""The health check and the desk's page that say whether changes are told."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from pytest_django import DjangoDbBlocker

from tests.support.following import Following
from tests.support.mail_server import MailServer
from tests.support.operators import Desk, new_operator
from tests.support.servers import Running, Service, direct, wait_until


@pytest.fixture(scope="module")
def own_service(
    new_service: Callable[..., Service], mail_server: MailServer, django_db_blocker: DjangoDbBlocker
) -> Service:
    """A service with tables of its own, whose followers no other test starts, and a mail server."""
    django_db_blocker.unblock()
    return new_service(EMAIL_URL=mail_server.url)


@pytest.fixture(scope="module")
def own_server(own_service: Service) -> Iterator[Running]:
    """The running service."""
    running = own_service.start()
    yield running
    running.stop()


def health(server: Running) -> requests.Response:
    """The answer of the health check."""
    return direct().get(f"{server.url}/health/events", timeout=60)


def test_health_says_whether_somebody_follows_the_changes(
    own_service: Service, own_server: Running, tmp_path: Path
) -> None:
    answer = health(own_server)
    assert (answer.status_code, answer.json()["status"]) == (503, "late")
    assert answer.json()["consumers"]["webhooks"]["followers"] == 0
    following = Following(own_service, tmp_path / "events", ("webhooks", "mails", "search"))
    following.start()
    wait_until(lambda: health(own_server).ok)
    state = health(own_server).json()
    assert (state["status"], state["jobs"]) == ("telling", {"waiting": 0, "running": 0, "failed": 0})
    webhooks = state["consumers"]["webhooks"]
    assert (webhooks["followers"], webhooks["all_accounts_followed"], webhooks["failing"]) == (1, True, False)
    following.stop()
    wait_until(lambda: health(own_server).status_code == 503)


def test_the_desk_shows_followers_jobs_broker_and_mail_server(own_service: Service, own_server: Running) -> None:
    desk: Desk = new_operator(own_server.url, own_service, ("Read only",), ())
    page = desk.get("desk/account/health/").text
    section = page.partition('id="events-heading"')[2].partition("</section>")[0]
    assert "nobody follows changes: start manage.py follow_changes" in section
    assert "0 waiting, 0 running, 0 failed" in section
    assert "none (AMQP_URL)" in section
    assert '<dt>Mail server</dt><dd class="state-good">answers</dd>' in section


def test_a_mail_server_that_is_away_is_told(new_service: Callable[..., Service]) -> None:
    service = new_service(EMAIL_URL="smtp://127.0.0.1:1")
    running = service.start()
    page = new_operator(running.url, service, ("Read only",), ()).get("desk/account/health/").text
    assert "doesn't answer" in page.partition("<dt>Mail server</dt>")[2].partition("</dd>")[0].replace("&#x27;", "'")
    running.stop()
