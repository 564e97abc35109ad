"""The queue of deliveries: who is next, when something is sent again, and when it is given up."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from events import overdue_check
from events.event import DOC_CREATED, Batch, Event
from storage import gregorian
from tests.support.servers import Service
from webhooks.consumer import Webhooks
from webhooks.models import Delivery
from webhooks.sending import queue, sender
from webhooks.sending.delivery import retry_after

DAY = timedelta(hours=24)


@pytest.fixture(scope="module")
def own_service(new_service: Callable[..., Service]) -> Service:
    """A service whose tables nobody else uses."""
    return new_service()


@pytest.fixture
def tables(own_service: Service, service: Service) -> Iterator[None]:
    """Empty tables for the models of this process."""
    with own_service.models():
        Delivery.objects.all().delete()
        DBTaskResult.objects.all().delete()
        yield


def add(count: int = 1, host: str = "crm.example.com:443", age: int = 60, **members: Any) -> None:
    """Store deliveries to a host that have been due for some seconds."""
    first = Delivery.objects.count()
    due_at = timezone.now() - timedelta(seconds=age)
    common: dict[str, Any] = {"hook_id": "1", "account_id": "2", "data_json": "{}", "host": host, "due_at": due_at}
    queue.add_deliveries(
        Delivery(event_id=str(number), **common, **members) for number in range(first, first + count)
    )


@pytest.mark.usefixtures("tables")
class TestClaims:
    """Which delivery is next."""

    def test_the_one_that_is_due_for_the_longest_time_is_next_and_nobody_elses(self) -> None:
        add(host="b")
        add(host="a", age=120)
        add(host="c", age=-60)
        hosts = [delivery.host if delivery else None for delivery in (queue.claim(), queue.claim(), queue.claim())]
        assert hosts == ["a", "b", None]

    def test_a_host_gets_few_requests_at_a_time_and_one_after_it_has_failed(self) -> None:
        add(6, host="healthy")
        add(3, host="failing", age=30, tries=1)
        claimed = [queue.claim() for _ in range(9)]
        hosts = [delivery.host for delivery in claimed if delivery is not None]
        assert (hosts.count("healthy"), hosts.count("failing")) == (queue.PER_HOST, 1)
        assert claimed[0] is not None
        queue.finish(claimed[0])
        assert (queue.claim() or Delivery()).host == "healthy"

    def test_failing_hosts_get_half_of_the_places_at_most(self, settings: Any) -> None:
        settings.WEBHOOKS_AT_ONCE = 4
        for number in range(5):
            add(host=f"failing {number}", age=120, tries=1)
        add(host="healthy")
        claimed = [queue.claim() for _ in range(6)]
        hosts = [delivery.host for delivery in claimed if delivery is not None]
        assert (len(hosts), "healthy" in hosts) == (3, True)

    def test_a_lease_that_ended_is_for_somebody_else(self) -> None:
        add()
        first = queue.claim()
        assert first is not None
        Delivery.objects.update(due_at=timezone.now() - timedelta(seconds=1))
        second = queue.claim()
        assert second is not None
        queue.finish(first)  # too late
        assert Delivery.objects.get().is_done is False
        queue.finish(second)
        assert Delivery.objects.get().is_done is True


@pytest.mark.usefixtures("tables")
class TestRepeats:
    """When a delivery is sent again."""

    def pauses(self, quick_repeats: int, count: int) -> list[float]:
        add()
        pauses = []
        for _ in range(count):
            Delivery.objects.update(due_at=timezone.now())
            delivery = queue.claim()
            assert delivery is not None
            before = timezone.now()
            due_at = queue.repeat_later(delivery, quick_repeats, None)
            assert due_at is not None
            pauses.append((due_at - before).total_seconds())
        return pauses

    def test_the_first_repeats_are_quick_and_then_the_pauses_grow(self) -> None:
        pauses = self.pauses(2, 14)
        assert all(1.5 < pause < 3 for pause in pauses[:2])
        assert all(4 < pause < 16 for pause in pauses[2:3])
        assert all(1_800 <= pause < 5_500 for pause in pauses[11:])
        assert Delivery.objects.get().tries == 14

    def test_without_quick_repeats_the_pauses_grow_at_once(self) -> None:
        assert all(pause > 4 for pause in self.pauses(0, 2))

    def test_after_a_day_it_is_given_up(self) -> None:
        add(first_tried_at=timezone.now() - DAY + timedelta(seconds=30), tries=20)
        delivery = queue.claim()
        assert delivery is not None
        assert queue.repeat_later(delivery, 2, 3_600) is None
        assert Delivery.objects.get().is_done is True

    @pytest.mark.parametrize(
        ("value", "seconds"),
        [("120", 120), ("0", 0), (" 7 ", 7), ("-1", None), ("soon", None), ("", None), ("1e3", None)],
    )
    def test_a_receiver_says_how_long_to_wait(self, value: str, seconds: float | None) -> None:
        assert retry_after({"retry-after": value}) == seconds

    def test_a_receiver_may_say_until_when_to_wait(self) -> None:
        until = timezone.now() + timedelta(seconds=90)
        pause = retry_after({"retry-after": f"{until:%a, %d %b %Y %H:%M:%S} GMT"})
        assert pause is not None
        assert 60 < pause <= 90
        assert retry_after({"retry-after": "Sun, 06 Nov 1994 08:49:37 GMT"}) == 0


@pytest.mark.usefixtures("tables")
def test_old_deliveries_and_jobs_are_deleted() -> None:
    add(is_done=True, age=3_600)
    add(is_done=True)
    add(age=3_600)
    for _ in range(2):
        sender.schedule()
    old_job = DBTaskResult.objects.first()
    assert old_job is not None
    DBTaskResult.objects.filter(pk=old_job.pk).update(started_at=timezone.now() - timedelta(hours=1))
    queue.delete_old()
    overdue_check.delete_old_jobs(sender.send_due_webhooks)
    assert sorted(Delivery.objects.values_list("event_id", flat=True)) == ["1", "2"]
    assert DBTaskResult.objects.count() == 1


@pytest.mark.usefixtures("tables")
def test_events_pass_while_somebody_else_sends_webhooks(settings: Any, couchdb: str) -> None:
    settings.SEND_WEBHOOKS = False
    event = Event("1" * 32, DOC_CREATED, "account/aa/bb/cc", "a" * 32, {"_id": "1", "pvt_created": gregorian.now()})
    Webhooks().deliver(Batch(event.database, event.account_id, (event,)))
    assert not Delivery.objects.exists()
