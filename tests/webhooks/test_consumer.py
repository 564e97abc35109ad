"""What a batch of events puts into the queue of webhooks."""

import pytest

from events.event import DOC_CREATED, VOICEMAIL_NEW, Batch, Event
from storage import database_names
from tests.support.api_client import Account, Api
from tests.support.servers import Service
from webhooks.consumer import Webhooks
from webhooks.models import Delivery


def deliver(service: Service, account: Account, *events: Event) -> None:
    with service.models():
        Webhooks().deliver(Batch(events[0].database, account.id, events))


@pytest.fixture
def hook_id(api: Api) -> str:
    """A hook of everything, which nobody sends for: no follower and no worker runs in these tests."""
    members = {"name": "A", "uri": "https://127.0.0.2/", "hook": "all"}
    created: str = api.put("webhooks", members).json()["data"]["id"]
    return created


def test_an_event_that_comes_twice_is_queued_once(account: Account, service: Service, hook_id: str) -> None:
    database = database_names.account_db(account.id)
    event = Event("1" * 32, DOC_CREATED, database, account.id, {"_id": "2" * 32, "pvt_type": "vmbox"})
    deliver(service, account, event, event)
    deliver(service, account, event)
    with service.models():
        assert Delivery.objects.filter(hook_id=hook_id, event_id=event.id).count() == 1


def test_texts_that_postgresql_does_not_take_are_kept(account: Account, service: Service, hook_id: str) -> None:
    name = "N\x00L \ud83d"
    message = {"_id": "202611-1", "pvt_type": "mailbox_message", "metadata": {"caller_id_name": name}}
    event = Event("3" * 32, VOICEMAIL_NEW, database_names.modb(account.id, "202611"), account.id, message)
    deliver(service, account, event)
    with service.models():
        (delivery,) = Delivery.objects.filter(hook_id=hook_id, event_id=event.id)
    assert delivery.data["caller_id_name"] == name
    assert delivery.data_json.isascii()
    assert "\x00" not in delivery.data_json


@pytest.mark.parametrize(
    "message",
    [{}, {"metadata": []}, {"metadata": {"from": 3, "length": "x"}}, {"source_id": 4, "pvt_created": "x"}],
)
def test_odd_messages_are_told_all_the_same(
    account: Account, service: Service, hook_id: str, message: dict[str, object]
) -> None:
    document = {"_id": "202611-1", "pvt_type": "mailbox_message", **message}
    event = Event("4" * 32, VOICEMAIL_NEW, database_names.modb(account.id, "202611"), account.id, document)
    deliver(service, account, event)
    with service.models():
        (delivery,) = Delivery.objects.filter(hook_id=hook_id, event_id=event.id)
    assert delivery.data["voicemail_id"] == "202611-1"
