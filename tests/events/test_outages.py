"""CouchDB and followers may be killed under writes: what was acknowledged is told."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from pytest_django.plugin import DjangoDbBlocker

from events import state
from tests.support.following import Following
from tests.support.machine import Machine
from tests.support.servers import Service, wait_until


@pytest.fixture
def machine(
    tmp_path: Path, new_service: Callable[..., Service], django_db_blocker: DjangoDbBlocker
) -> Iterator[Machine]:
    """Both servers, whose tables may be used here."""
    django_db_blocker.unblock()
    machine = Machine(tmp_path, new_service)
    yield machine
    machine.stop()


@pytest.fixture
def following(machine: Machine, tmp_path: Path) -> Iterator[Following]:
    """A follower of the machine's changes."""
    following = Following(machine.service, tmp_path / "events", consumer="recording")
    following.start()
    yield following
    following.stop()


def ids_of_new(following: Following) -> list[str]:
    """The ids of messages in the order in which they were first told as new."""
    events = [event for event in following.events() if event["name"] == "voicemail_new"]
    return list(dict.fromkeys(event["document"]["_id"] for event in events))


def test_what_was_acknowledged_is_told_although_couchdb_and_the_follower_are_killed(
    machine: Machine, following: Following
) -> None:
    acknowledged: list[str] = []
    is_over = threading.Event()

    def leave_messages() -> None:
        while not is_over.is_set():
            try:
                answer = machine.api().put(f"vmboxes/{machine.box_id}/messages", {})
            except requests.RequestException:
                continue
            if answer.status_code == 201:
                acknowledged.append(answer.json()["data"]["media_id"])
            else:
                is_over.wait(0.05)

    writer = threading.Thread(target=leave_messages)
    writer.start()
    for count in (10, 20, 30):
        wait_until(lambda count=count: len(acknowledged) >= count)  # type: ignore[misc]
        machine.kill_couchdb()
        if count == 20:
            following.running[-1].kill()
            following.start_without_waiting()
        machine.start_couchdb()
    wait_until(lambda: len(acknowledged) >= 40)
    is_over.set()
    writer.join()
    wait_until(lambda: set(acknowledged) <= set(ids_of_new(following)))
    told = [message_id for message_id in ids_of_new(following) if message_id in set(acknowledged)]
    assert told == acknowledged


def recording_state() -> state.ConsumerState | None:
    """The state of the tests' consumer."""
    return next((each for each in state.list_consumers() if each.consumer == "recording"), None)


def wait_for_state(is_reached: Callable[[state.ConsumerState], bool]) -> state.ConsumerState:
    """The state of the tests' consumer, as soon as it is such."""
    wait_until(lambda: (current := recording_state()) is not None and is_reached(current))
    current = recording_state()
    assert current is not None
    return current


def test_the_state_says_that_nobody_hears_changes(machine: Machine, following: Following) -> None:
    with machine.service.models():
        current = wait_for_state(lambda current: current.is_complete)
        assert (current.followers, current.error) == (1, "")
        machine.kill_couchdb()
        wait_for_state(lambda current: current.seconds_behind > 2)
        machine.start_couchdb()
        wait_for_state(lambda current: current.seconds_behind < 1)
        following.running[-1].kill()
        assert wait_for_state(lambda current: current.followers == 0).error
