"""Receivers of webhooks, and all that tells them: a follower and a worker beside the service."""

from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest

from tests.support.api_client import Api
from tests.support.audio import Studio
from tests.support.following import Following
from tests.support.receivers import Receiver, Reply
from tests.support.servers import Service


@pytest.fixture
def receiver() -> Iterator[Callable[..., Receiver]]:
    """Starts receivers: ``receiver()``, ``receiver(Reply(500), Reply(200))``; they end with the test."""
    receivers: list[Receiver] = []

    def start(*replies: Reply, **options: Any) -> Receiver:
        receivers.append(Receiver(*replies, **options))
        return receivers[-1]

    yield start
    for running in receivers:
        running.stop()


@pytest.fixture(scope="module")
def telling(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Following]:
    """A follower and a worker of the service, which may send to this machine."""
    folder = tmp_path_factory.mktemp("telling")
    settings = {"WEBHOOK_ALLOWED_NETWORKS": "127.0.0.1"}
    following = Following(service.with_settings(folder, **settings), folder / "events", ("webhooks",))
    following.start()
    following.start_worker()
    yield following
    following.stop()


@pytest.fixture
def new_hook(api: Api, telling: Following) -> Callable[..., str]:
    """Creates webhooks of the account that are told: ``new_hook(receiver.url(), hook="object")``; their ids.

    Those of objects hear of mailboxes if nothing else is said: that the account was created may be told only now.
    """

    def create(uri: str, **members: Any) -> str:
        if members.get("hook") == "object":
            members["custom_data"] = {"type": "vmbox", **members.get("custom_data", {})}
        answer = api.put("webhooks", {"name": "A hook", "uri": uri, "hook": "notifications", **members})
        assert answer.status_code == 201, answer.text
        hook_id: str = answer.json()["data"]["id"]
        return hook_id

    return create


@pytest.fixture
def leave_message(api: Api, audio: Studio) -> Callable[..., str]:
    """Leaves messages in a mailbox: ``leave_message(box_id)``, with audio unless it says otherwise; their ids."""

    def leave(box_id: str, *, with_audio: bool = True, **members: Any) -> str:
        path, files = f"vmboxes/{box_id}/messages", None
        if with_audio:
            spoken = audio("mp3")
            files = [
                ("content", ("m.json", orjson.dumps({"data": members}), "application/json")),
                ("content", (spoken.name, spoken.content, spoken.content_type)),
            ]
        answer = api.put(path, files=files) if files else api.put(path, members)
        assert answer.status_code == 201, answer.text
        message_id: str = answer.json()["data"]["id"]
        return message_id

    return leave
