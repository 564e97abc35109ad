"""Clients that leave, move and delete messages, ten a second, and remember what the service acknowledged."""

import hashlib
import itertools
import json
import secrets
from dataclasses import dataclass, field, replace
from threading import Event, Thread
from typing import Any

import requests

from tests.support.api_client import Api
from tests.support.recordings import parts


@dataclass
class Acknowledged:
    """A message as the service acknowledged it."""

    digest: str
    folder: str


@dataclass
class Writer:
    """One client with a mailbox of its own, in a thread."""

    api: Api
    box_id: str
    messages: dict[str, Acknowledged] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    unavailable: int = 0
    """How many answers were 503 with Retry-After, after which it sent the request again."""
    _ended: Event = field(default_factory=Event)

    def start(self) -> None:
        """Begin to write."""
        self._thread = Thread(target=self._run)
        self._thread.start()

    def stop(self) -> None:
        """Let it end after what it is doing."""
        self._ended.set()
        self._thread.join(timeout=60)

    def acknowledged(self) -> dict[str, Acknowledged]:
        """The messages so far but the latest, which it may be changing now."""
        return {message_id: replace(message) for message_id, message in list(self.messages.items())[:-1]}

    def _run(self) -> None:
        try:
            for number in itertools.count():
                if self._ended.wait(0.1):
                    return
                self._leave_one(number)
        except (AssertionError, requests.RequestException) as error:
            self.failures.append(repr(error))

    def _leave_one(self, number: int) -> None:
        """Leave a message; every second one is moved to another folder, and every fourth one deleted."""
        audio = secrets.token_bytes(3_000)
        fields = (None, "application/json", json.dumps({"caller_id_number": str(number)}).encode())
        answer = self._send("PUT", "messages", **parts(fields, ("voice.mp3", "audio/mpeg", audio)))
        message_id = answer.json()["data"]["media_id"]
        message = self.messages[message_id] = Acknowledged(hashlib.sha256(audio).hexdigest(), "new")
        if number % 2:
            self._send("POST", f"messages/{message_id}", json={"data": {"folder": "saved"}})
            message.folder = "saved"
        if number % 4 == 1:
            self._send("DELETE", f"messages/{message_id}")
            message.folder = "deleted"

    def _send(self, method: str, path: str, **request: Any) -> requests.Response:
        """The answer, which is a success; after 503 with Retry-After the request is sent again."""
        while True:
            answer = self.api.request(method, f"vmboxes/{self.box_id}/{path}", **request)
            if answer.status_code != 503:
                assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text}"
                return answer
            assert int(answer.headers["Retry-After"]) > 0
            self.unavailable += 1
            self._ended.wait(0.2)
