"""Either server may be killed at any moment: what was acknowledged stays, what was not leaves nothing half done."""

import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from tests.support.api_client import Api
from tests.support.audio import Studio
from tests.support.machine import Machine
from tests.support.servers import Service, wait_until

UPLOADERS = 4


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory, new_service: Callable[..., Service]) -> Iterator[Machine]:
    machine = Machine(tmp_path_factory.mktemp("kills"), new_service)
    yield machine
    machine.stop()


@pytest.fixture
def recording(audio: Studio) -> bytes:
    """A few hundred kilobytes of speech, so that kills meet uploads half way."""
    return audio("wav", "One two three four five six seven eight nine ten. " * 8).content


class Uploads:
    """Clients that leave messages with audio, one after the other, until the service is gone."""

    def __init__(self, machine: Machine, recording: bytes) -> None:
        self.machine, self.recording = machine, recording
        self.acknowledged: list[str] = []
        self.other_answers: list[requests.Response] = []
        self.threads = [threading.Thread(target=self._leave, daemon=True) for _ in range(UPLOADERS)]
        for thread in self.threads:
            thread.start()

    def _leave(self) -> None:
        api = self.machine.api()
        for _ in range(500):
            try:
                answer = leave_message(api, self.machine.box_id, self.recording)
            except requests.RequestException:
                return
            if answer.status_code != 201:
                self.other_answers.append(answer)
                return
            self.acknowledged.append(answer.json()["data"]["media_id"])

    def join(self) -> None:
        for thread in self.threads:
            thread.join()


def leave_message(api: Api, box_id: str, recording: bytes) -> requests.Response:
    """One request with metadata and audio."""
    metadata = json.dumps({"data": {"caller_id_name": "Grace", "caller_id_number": "2001"}})
    parts = {
        "metadata": ("message.json", metadata, "application/json"),
        "audio": ("voice.wav", recording, "audio/x-wav"),
    }
    return api.put(f"vmboxes/{box_id}/messages", files=parts)


def assert_whole(machine: Machine, acknowledged: list[str], recording: bytes) -> None:
    """Every message there is has its audio, whole; every acknowledged one is there, in CouchDB and in the API."""
    stored = {doc["_id"]: doc for doc in machine.stored()}
    assert set(acknowledged) <= set(stored)
    for doc in stored.values():
        assert [each["length"] for each in doc.get("_attachments", {}).values()] == [len(recording)], doc["_id"]
    api = machine.api()
    listed = api.get(f"vmboxes/{machine.box_id}/messages?paginate=false").json()["data"]
    assert {each["media_id"] for each in listed} == set(stored)
    for message_id in acknowledged[-3:]:
        assert api.get(f"vmboxes/{machine.box_id}/messages/{message_id}/raw").content == recording


@pytest.mark.parametrize("victim", ["service", "couchdb"])
def test_a_kill_in_the_middle_of_uploads_leaves_no_message_without_its_audio(
    machine: Machine, recording: bytes, victim: str
) -> None:
    uploads = Uploads(machine, recording)
    wait_until(lambda: len(uploads.acknowledged) >= 12 or bool(uploads.other_answers))
    kill, start = {
        "service": (machine.kill_service, machine.start_service),
        "couchdb": (machine.kill_couchdb, machine.start_couchdb),
    }[victim]
    kill()
    uploads.join()
    start()
    for answer in uploads.other_answers:
        assert_unreachable(answer)
    assert len(uploads.acknowledged) >= 12
    assert_whole(machine, uploads.acknowledged, recording)


def test_an_upload_that_is_cut_off_leaves_nothing(machine: Machine, recording: bytes) -> None:
    before = {doc["_id"]: doc["_rev"] for doc in machine.stored()}
    half_sent = threading.Event()

    def body() -> Iterator[bytes]:
        metadata = 'Content-Type: application/json\r\n\r\n{"data": {}}'
        head = f"--cut\r\n{metadata}\r\n--cut\r\nContent-Type: audio/x-wav\r\n\r\n"
        yield head.encode() + recording[: len(recording) // 2]
        half_sent.set()
        wait_until(lambda: machine.server.process.poll() is not None)
        yield recording[len(recording) // 2 :] + b"\r\n--cut--"

    def kill() -> None:
        half_sent.wait(timeout=30)
        machine.kill_service()

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    with pytest.raises(requests.RequestException):
        machine.api().put(
            f"vmboxes/{machine.box_id}/messages",
            body(),
            headers={"Content-Type": "multipart/mixed; boundary=cut"},
        )
    killer.join()
    machine.start_service()
    assert {doc["_id"]: doc["_rev"] for doc in machine.stored()} == before


def test_replacing_audio_that_is_cut_off_keeps_the_old_audio(machine: Machine, recording: bytes) -> None:
    box_id = machine.box_id
    message_id = leave_message(machine.api(), box_id, recording).json()["data"]["media_id"]
    stop = threading.Event()
    versions = {recording, recording + recording[-200:]}

    def replace() -> None:
        api = machine.api()
        while not stop.is_set():
            for content in versions:
                try:
                    api.put(
                        f"vmboxes/{box_id}/messages/{message_id}/raw", content, headers={"Content-Type": "audio/wav"}
                    )
                except requests.RequestException:
                    return

    replacing = threading.Thread(target=replace, daemon=True)
    replacing.start()
    first = revision(machine, message_id)
    wait_until(lambda: revision(machine, message_id) > first + 5)
    machine.kill_service()
    stop.set()
    replacing.join()
    machine.start_service()
    found = machine.api().get(f"vmboxes/{box_id}/messages/{message_id}/raw").content
    assert found in versions


def test_without_couchdb_it_says_so_and_recovers_by_itself(machine: Machine, recording: bytes) -> None:
    api, box_id = machine.api(), machine.box_id
    message_id = leave_message(api, box_id, recording).json()["data"]["media_id"]
    requests_to_try: list[Callable[[], requests.Response]] = [
        lambda: api.get("vmboxes"),
        lambda: api.get(f"vmboxes/{box_id}"),
        lambda: api.get(f"vmboxes/{box_id}/messages"),
        lambda: api.get(f"vmboxes/{box_id}/messages/{message_id}/raw"),
        lambda: api.put("vmboxes", {"name": "Another", "mailbox": "4000"}),
        lambda: api.post(f"vmboxes/{box_id}/messages", {"messages": [message_id], "folder": "saved"}),
        lambda: leave_message(api, box_id, recording),
    ]
    assert api.get("/health/ready").status_code == 200
    machine.kill_couchdb()
    for request in requests_to_try:
        assert_unreachable(request())
    assert api.get("/health/ready").status_code == 503
    assert api.get("/health/live").status_code == 200
    machine.start_couchdb()
    assert api.get("/health/ready").status_code == 200
    assert api.get(f"vmboxes/{box_id}/messages/{message_id}").json()["data"]["folder"] == "new"
    for request in requests_to_try:
        assert request().status_code in (200, 201)


def assert_unreachable(answer: requests.Response) -> None:
    body: dict[str, Any] = answer.json()
    assert (answer.status_code, body["status"], body["error"]) == (503, "error", "503"), answer.text
    assert body["message"] == "datastore_unreachable"
    assert int(answer.headers["Retry-After"]) > 0


def revision(machine: Machine, message_id: str) -> int:
    """How often a message was written."""
    return next(int(doc["_rev"].partition("-")[0]) for doc in machine.stored() if doc["_id"] == message_id)
