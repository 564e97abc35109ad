"""Kills in the middle of moving many messages, and of sending many as a ZIP."""

import io
import threading
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from tests.support.api_client import Api
from tests.support.machine import Machine
from tests.support.servers import Service, wait_until

pytestmark = pytest.mark.long

MESSAGES = 60
MEGABYTE = 1 << 20


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory, new_service: Callable[..., Service]) -> Iterator[Machine]:
    machine = Machine(tmp_path_factory.mktemp("bulk-kills"), new_service)
    yield machine
    machine.stop()


def leave_spoken(api: Api, box_id: str, content: bytes) -> str:
    answer = api.put(f"vmboxes/{box_id}/messages", files={"audio": ("voice.mp3", content, "audio/mpeg")})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["data"]["media_id"])


def live(machine: Machine, box_id: str) -> dict[str, dict[str, Any]]:
    docs = machine.stored()
    return {doc["_id"]: doc for doc in docs if doc["source_id"] == box_id and not doc.get("pvt_deleted")}


@pytest.mark.parametrize(("victim", "numbers"), [("service", ("5100", "5101")), ("couchdb", ("5200", "5201"))])
def test_a_move_that_is_killed_loses_nothing_and_is_completed_by_a_repeat(
    machine: Machine, victim: str, numbers: tuple[str, str]
) -> None:
    api = machine.api()
    first, second = (api.new_box(number)["id"] for number in numbers)
    contents = [b"message %d " % number * 9_999 for number in range(MESSAGES)]
    wish = {"source_id": second, "messages": [leave_spoken(api, first, content) for content in contents]}

    def move() -> None:
        try:
            machine.api().post(f"vmboxes/{first}/messages", wish)
        except requests.RequestException:
            return

    moving = threading.Thread(target=move)
    moving.start()
    wait_until(lambda: len(live(machine, second)) >= 5)
    (machine.kill_service if victim == "service" else machine.kill_couchdb)()
    moving.join()
    (machine.start_service if victim == "service" else machine.start_couchdb)()
    assert len(live(machine, first)) + len(live(machine, second)) >= MESSAGES
    answers = []

    def repeat() -> bool:
        answers.append(machine.api().post(f"vmboxes/{first}/messages", wish))
        assert answers[-1].status_code in (200, 503), answers[-1].text
        return answers[-1].status_code == 200

    wait_until(repeat)
    told = answers[-1].json()["data"]
    moved = live(machine, second)
    assert live(machine, first) == {}
    assert len(moved) == MESSAGES
    assert set(told["succeeded"]) <= set(moved)
    assert {reason for one in told["failed"] for reason in one.values()} <= {"not_found"}
    heard = [machine.api().get(f"vmboxes/{second}/messages/{one}/raw").content for one in moved]
    assert sorted(heard) == sorted(contents)


def test_a_zip_that_couchdb_cuts_off_is_not_taken_for_whole(machine: Machine) -> None:
    api = machine.api()
    box_id = api.new_box("5300")["id"]
    # More than all the buffers on the way can hold.
    ids = [leave_spoken(api, box_id, bytes([n]) * (4 * MEGABYTE)) for n in range(12)]
    wish = {"messages": ids}
    answer = api.post(f"vmboxes/{box_id}/messages/raw", wish, stream=True)
    assert answer.status_code == 200
    received = io.BytesIO()
    pieces = answer.iter_content(MEGABYTE)
    received.write(next(pieces))
    machine.kill_couchdb()
    with pytest.raises(requests.RequestException):
        received.writelines(pieces)
    machine.start_couchdb()
    with pytest.raises(zipfile.BadZipFile):
        zipfile.ZipFile(received)
    again = machine.api().post(f"vmboxes/{box_id}/messages/raw", wish)
    assert zipfile.ZipFile(io.BytesIO(again.content)).testzip() is None
