"""Pages about the whole service hear that how it is doing has changed."""

from collections.abc import Callable

from django.contrib.auth.models import User

from events import state
from events.event import Event
from live import tickets
from live.system import SystemWatch
from tests.live.conftest import Client
from tests.support.api_client import Account
from tests.support.operators import Desk, limit
from tests.support.servers import Service


def subscribe(client: Client, service: Service, operator: str) -> dict[str, object]:
    """The reply to a subscription with the ticket of an operator."""
    with service.models():
        ticket = tickets.issue(tickets.SYSTEM, str(User.objects.get(username=operator).pk))
    data = {"account_id": tickets.SYSTEM, "binding": "object.*.*"}
    client.send({"action": "subscribe", "auth_token": ticket, "data": data})
    return client.next()


def test_a_page_about_the_service_is_told_once_and_whenever_something_changes(service: Service) -> None:
    published: list[str] = []

    def publish(account_id: str, events: list[Event]) -> None:
        assert account_id == tickets.SYSTEM
        published.extend(event.document_id for event in events)

    with service.models():
        watch = SystemWatch(publish, lambda: True, pause_seconds=0)
        for _ in range(3):
            watch.look()
        assert published == [tickets.SYSTEM]
        watch.hear()
        watch.look()
        assert len(published) == 2
        state.report("webhooks", "a follower of this test", 16, 0.0, 0, "")
        watch.look()
        state.remove_follower("webhooks", "a follower of this test")
        watch.look()
    assert len(published) == 4


def test_an_operator_who_sees_everything_hears_of_the_service(
    client: Client, service: Service, operator: Callable[..., Desk]
) -> None:
    assert subscribe(client, service, operator("Read only").name)["status"] == "success"
    assert client.next_event_of(tickets.SYSTEM)["data"]["account_id"] == tickets.SYSTEM


def test_nobody_else_hears_of_the_service(
    client: Client, service: Service, fresh_operator: Callable[..., Desk], account: Account
) -> None:
    reply = client.ask("subscribe", binding="object.*.*", account_id=tickets.SYSTEM)
    assert reply["data"]["errors"] == [f"unauthorized for account {tickets.SYSTEM}"]
    limited = fresh_operator("Administrators")
    limit(service, limited, account)
    assert subscribe(client, service, limited.name)["status"] == "error"
