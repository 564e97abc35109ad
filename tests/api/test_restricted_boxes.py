"""The settings that reserve mailboxes for their owners or administrators."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.api_client import Account, Api
from tests.support.kazoo_settings import system_settings
from tests.support.servers import Service

pytestmark = pytest.mark.alone

SETTINGS = {"should_restrict_access_to_owner": True, "should_restrict_access_to_unowned": True}


@pytest.fixture
def restricted(service: Service, tmp_path: Path) -> Iterator[str]:
    """The URL of a service with these settings, which are restored in CouchDB afterwards."""
    with system_settings("crossbar.voicemail", SETTINGS):
        running = service.with_settings(tmp_path, WEB_CONCURRENCY="1").start()
        yield running.url
        running.stop()


def test_users_see_only_messages_of_their_own_mailboxes(
    api: Api, account: Account, log_in: Callable[..., Api], restricted: str
) -> None:
    person = {"first_name": "A", "last_name": "B", "username": "user", "password": "secret 1", "priv_level": "user"}
    owner_id = api.put("users", person).json()["data"]["id"]
    boxes = [api.new_box("3000", owner_id=owner_id), api.new_box("3001", owner_id="f" * 32), api.new_box("3002")]
    paths = [new_message(api, box) for box in boxes]
    token = log_in(account, "user", "secret 1").token
    user, admin = Api(restricted, account.id, token), Api(restricted, account.id, api.token)
    for client, visible in ((user, [0]), (admin, [0, 1, 2])):
        listed_boxes = [box_id for entry in client.get("vmboxes/messages").json()["data"] for box_id in entry]
        assert sorted(listed_boxes) == sorted(boxes[number]["id"] for number in visible)
        for number, (box, path) in enumerate(zip(boxes, paths, strict=True)):
            statuses = {
                client.get(path_in_box).status_code
                for path_in_box in (path, f"{path}/raw", f"vmboxes/{box['id']}/messages")
            }
            assert statuses == ({200} if number in visible else {403})


def new_message(api: Api, box: dict[str, Any]) -> str:
    files = [("content", ("voice.mp3", b"audio", "audio/mpeg"))]
    answer = api.put(f"vmboxes/{box['id']}/messages", files=files)
    assert answer.status_code == 201, answer.text
    return f"vmboxes/{box['id']}/messages/{answer.json()['data']['media_id']}"
