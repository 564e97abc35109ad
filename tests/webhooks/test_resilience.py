"""Killed workers, dead receivers, events that come twice, and hooks that end while something waits for them."""

import threading
from collections.abc import Callable, Iterator

import pytest
from django.utils import timezone

from couch.client import couch
from storage import database_names
from tests.support.api_client import Account, Api
from tests.support.following import Following
from tests.support.receivers import Receiver, Reply
from tests.support.servers import Service, free_port, wait_until
from tests.webhooks.test_delivery import attempts_of, told
from webhooks.models import Delivery
from webhooks.sending.queue import PER_HOST

Receivers = Callable[..., Receiver]
NewHook = Callable[..., str]


@pytest.fixture
def release() -> Iterator[threading.Event]:
    """What receivers wait for before they answer."""
    event = threading.Event()
    yield event
    event.set()


class TestKilledWorkers:
    """Nothing is lost that a worker was sending."""

    def test_what_a_killed_worker_was_sending_is_sent_again_with_the_same_event_id(
        self,
        api: Api,
        service: Service,
        receiver: Receivers,
        new_hook: NewHook,
        telling: Following,
        release: threading.Event,
    ) -> None:
        crm = receiver(Reply(pause=release.wait), Reply(200))
        hook_id = new_hook(crm.url(), hook="object", format="json", custom_data={"type": "vmbox"})
        box_id = api.new_box()["id"]
        told(crm, 1)
        telling.running[-1].kill()
        with service.models():  # its lease ends
            waiting = Delivery.objects.filter(hook_id=hook_id, is_done=False)
            assert [delivery.is_sending for delivery in waiting] == [True]
            waiting.update(due_at=timezone.now())
        telling.start_worker()
        requests = told(crm, 2)
        assert [request.json["id"] for request in requests] == [box_id, box_id]
        assert requests[0].event_id == requests[1].event_id

    def test_a_repeat_comes_after_a_restart(
        self, api: Api, receiver: Receivers, new_hook: NewHook, telling: Following
    ) -> None:
        crm = receiver(Reply(503, {"Retry-After": "2"}), Reply(200))
        hook_id = new_hook(crm.url(), hook="object")
        api.new_box()
        attempts_of(api, hook_id, 1)
        telling.running[-1].kill()
        telling.start_worker()
        assert len({request.event_id for request in told(crm, 2)}) == 1

    def test_a_receiver_that_comes_back_is_told(self, api: Api, receiver: Receivers, new_hook: NewHook) -> None:
        crm = receiver(port=free_port())
        crm.stop()
        hook_id = new_hook(crm.url(), hook="object", retries=4)
        api.new_box()
        (attempt,) = attempts_of(api, hook_id, 1)
        assert (attempt["reason"], "resp_status_code" in attempt) == ("kazoo http client error", False)
        back = receiver(port=crm.port)
        assert told(back)[0].event_id == attempt["event_id"]


class TestDeadReceivers:
    """A receiver that is silent for long keeps nobody else waiting."""

    def test_others_are_told_meanwhile(
        self,
        api: Api,
        service: Service,
        receiver: Receivers,
        new_hook: NewHook,
        release: threading.Event,
    ) -> None:
        silent, crm = receiver(Reply(pause=release.wait)), receiver()
        for _ in range(6):
            new_hook(silent.url(), hook="object", custom_data={"type": "vmbox"})
        new_hook(crm.url(), hook="object", format="json", custom_data={"type": "vmbox"})
        first, second = api.new_box()["id"], api.new_box()["id"]
        assert {request.json["id"] for request in told(crm, 2)} == {first, second}
        with service.models():
            sending = Delivery.objects.filter(
                host=f"127.0.0.1:{silent.port}", is_sending=True, due_at__gt=timezone.now()
            )
            assert sending.count() <= PER_HOST


class TestEnds:
    """Hooks that end while something waits for them."""

    @pytest.fixture
    def waiting_hook(self, api: Api, receiver: Receivers, new_hook: NewHook) -> str:
        """A hook with an event that waits to be sent again."""
        hook_id = new_hook(receiver(Reply(503, {"Retry-After": "600"})).url(), hook="object")
        api.new_box()
        attempts_of(api, hook_id, 1)
        return hook_id

    @pytest.mark.parametrize("verb", ["delete", "disable"])
    def test_nothing_more_is_sent_for_a_deleted_or_disabled_hook(
        self, api: Api, service: Service, waiting_hook: str, verb: str
    ) -> None:
        path = f"webhooks/{waiting_hook}"
        answer = api.delete(path) if verb == "delete" else api.patch(path, {"enabled": False})
        assert answer.status_code == 200
        with service.models():
            # Events of earlier tests in the account may come late, and wait for the hook, too.
            assert set(Delivery.objects.filter(hook_id=waiting_hook).values_list("is_done", flat=True)) == {True}

    @pytest.mark.parametrize("verb", ["delete", "disable"])
    def test_the_hooks_of_an_account_end_with_it(
        self,
        api: Api,
        account: Account,
        service: Service,
        telling: Following,
        new_account: Callable[..., Account],
        log_in: Callable[..., Api],
        verb: str,
    ) -> None:
        below = log_in(new_account(parent=account.id))
        members = {"name": "A", "uri": "http://127.0.0.2/", "hook": "notifications"}
        hook_id = below.put("webhooks", members).json()["data"]["id"]
        path = f"/v2/accounts/{below.account_id}"
        answer = api.delete(path) if verb == "delete" else api.patch(path, {"enabled": False})
        assert answer.status_code == 200, answer.text
        hooks = couch().database(database_names.WEBHOOKS)
        wait_until(lambda: (hooks.get(hook_id) or {})["enabled"] is False)
        assert (hooks.get(hook_id) or {})["pvt_disabled_message"] == f"The account was {verb}d"
