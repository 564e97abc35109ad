"""Workers that are killed while they send a mail, and a mail server that is away: no mail is lost, or comes twice."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from django.utils import timezone

from couch.client import couch
from notifications.models import Mail, State
from storage import database_names
from tests.notifications.conftest import LeaveMessage
from tests.support.api_client import Account, Api
from tests.support.following import Following
from tests.support.mail_server import MailServer
from tests.support.servers import Service, wait_until


class SlowMailServer(MailServer):
    """A mail server that is silent at a moment, ``RCPT`` or ``DATA``, until it is released."""

    def __init__(self, moment: str) -> None:
        super().__init__()
        self.moment = moment
        self.reached, self.released = threading.Event(), threading.Event()

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take a recipient; aiosmtpd calls it."""
        envelope.rcpt_tos.append(address)
        await self._pause("RCPT")
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        """Keep a mail; aiosmtpd calls it."""
        reply = await super().handle_DATA(server, session, envelope)
        await self._pause("DATA")
        return reply

    async def _pause(self, moment: str) -> None:
        if moment == self.moment and not self.released.is_set():
            self.reached.set()
            await asyncio.to_thread(self.released.wait)


ADDRESS = "killed.worker@example.com"
Sending = Callable[[str], tuple[SlowMailServer, Following]]


@pytest.fixture
def sending(new_service: Callable[..., Service]) -> Iterator[Sending]:
    """A mail server that is silent at a moment, and a follower and a worker that send to it."""
    running: list[tuple[SlowMailServer, Following]] = []

    def start(moment: str) -> tuple[SlowMailServer, Following]:
        server = SlowMailServer(moment)
        server.start()
        service = new_service(EMAIL_URL=server.url)
        following = Following(service, service.folder / "events", ("mails",))
        running.append((server, following))
        following.start()
        following.start_worker()
        return running[-1]

    yield start
    for server, following in running:
        server.released.set()
        following.stop()
        server.stop()


@contextmanager
def restarted(server: SlowMailServer, following: Following) -> Iterator[None]:
    """Kill the worker at the moment at which the mail server is silent, end its lease, and start another worker."""
    assert server.reached.wait(60)
    following.running[-1].kill()
    server.released.set()
    with following.service.models():
        Mail.objects.update(due_at=timezone.now())
        following.start_worker()
        yield


def folder_of(account: Account, message_id: str) -> str:
    doc = couch().database(database_names.modb(account.id, message_id[:6])).get(message_id)
    assert doc is not None
    folder: str = doc["metadata"]["folder"]
    return folder


def test_a_mail_that_was_not_complete_is_sent_again(
    sending: Sending, api: Api, account: Account, leave_message: LeaveMessage
) -> None:
    server, following = sending("RCPT")
    box = api.new_box(notify_email_addresses=[ADDRESS], delete_after_notify=True)
    message_id = leave_message(box["id"])
    with restarted(server, following):
        wait_until(lambda: Mail.objects.get(message_id=message_id).state == State.SENT)
    assert len(server.mails_to(ADDRESS)) == 1
    assert folder_of(account, message_id) == "deleted"


def test_a_mail_that_the_server_has_is_not_sent_again(
    sending: Sending, api: Api, account: Account, leave_message: LeaveMessage
) -> None:
    server, following = sending("DATA")
    box = api.new_box(notify_email_addresses=[ADDRESS], delete_after_notify=True)
    message_id = leave_message(box["id"])
    with restarted(server, following):
        wait_until(lambda: Mail.objects.get(message_id=message_id).state == State.UNCONFIRMED)
    assert len(server.mails_to(ADDRESS)) == 1
    assert folder_of(account, message_id) == "new", "nobody knows whether the mail arrived"


def test_a_mail_waits_for_a_mail_server_that_is_away(sending: Sending, api: Api, leave_message: LeaveMessage) -> None:
    server, following = sending("never")
    server.stop()
    box = api.new_box(notify_email_addresses=[ADDRESS])
    message_id = leave_message(box["id"])
    mails = Mail.objects.filter(message_id=message_id)
    with following.service.models():
        wait_until(lambda: mails.filter(is_server_away=True).exists())
        assert mails.get().state == State.WAITING
        server.start()
        wait_until(lambda: mails.get().state == State.SENT)
    assert len(server.mails_to(ADDRESS)) == 1
