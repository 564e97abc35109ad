"""A mail server, and all that sends mails to it: a follower and a worker beside the service."""

from collections.abc import Callable, Iterator

import orjson
import pytest

from tests.support.api_client import Api
from tests.support.audio import Studio
from tests.support.following import Following
from tests.support.mail_server import MailServer
from tests.support.servers import Service

LeaveMessage = Callable[..., str]


@pytest.fixture(scope="module")
def mailing(new_service: Callable[..., Service], mail_server: MailServer) -> Iterator[Following]:
    """A follower and a worker, with tables of their own, which send mails to `mail_server`."""
    service = new_service(EMAIL_URL=mail_server.url, EMAIL_FROM="Voicemail <voicemail@example.com>")
    following = Following(service, service.folder / "events", ("mails",))
    following.start()
    following.start_worker()
    yield following
    following.stop()


@pytest.fixture
def leave_message(api: Api, audio: Studio) -> LeaveMessage:
    """Leaves messages in a mailbox: ``leave_message(box_id)``, with audio unless it says otherwise; their ids."""

    def leave(box_id: str, *, with_audio: bool = True, **members: object) -> str:
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
