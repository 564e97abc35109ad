"""Followers share the slots of accounts, and take over those of one that died."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django.plugin import DjangoDbBlocker

from events import state
from events.leases import SLOTS, Leases, slot_of
from events.models import Lease
from tests.support.servers import Service


@pytest.fixture(autouse=True)
def tables(new_service: Callable[..., Service], django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Tables of this test's own."""
    django_db_blocker.unblock()
    with new_service().models():
        yield


def leases_of(follower: str) -> Leases:
    """The leases of a living follower."""
    state.report("test", follower, 0, 0.0, 0, "")
    return Leases("test", follower)


def test_followers_share_the_slots() -> None:
    first = leases_of("first")
    assert first.renew() == set(range(SLOTS))
    second = leases_of("second")
    assert second.renew() == set()
    assert first.share() == second.share() == SLOTS // 2
    for slot in range(first.share(), SLOTS):
        first.release(slot)
    assert second.renew() == set(range(SLOTS // 2, SLOTS))
    assert first.renew() == set(range(SLOTS // 2))
    assert all((first.epoch(slot) is None) != (second.epoch(slot) is None) for slot in range(SLOTS))


def test_the_slots_of_a_dead_follower_are_taken_over_and_it_notices() -> None:
    first = leases_of("first")
    first.renew()
    state.remove_follower("test", "first")
    Lease.objects.filter(slot=3).update(expires_at=timezone.now() - timedelta(seconds=1))
    second = leases_of("second")
    assert second.renew() == {3}
    epochs = first.epoch(3), second.epoch(3)
    assert epochs == (1, 2)
    assert first.renew() == set(range(SLOTS)) - {3}
    assert first.epoch(3) is None


def test_consumers_have_leases_of_their_own() -> None:
    leases_of("first").renew()
    state.report("another", "second", 0, 0.0, 0, "")
    assert Leases("another", "second").renew() == set(range(SLOTS))


def test_an_accounts_slot_stays_the_same() -> None:
    slots = {slot_of(f"{number:032x}") for number in range(500)}
    assert slots == set(range(SLOTS))
    assert slot_of("accounts") == slot_of("accounts")
