"""Mail servers that are away, refuse or are slow, workers that are killed, and jobs that are done twice."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from django.conf import settings
from django.utils import timezone

from notifications.models import Mail, State
from notifications.sending import queue, transmission
from notifications.sending.transmission import Outcome, Steps
from tests.support.mail_server import MailServer
from tests.support.servers import Service

SENDER = "voicemail@example.com"
CONTENT = b"Subject: Hello\r\n\r\nA line\r\n.\r\n..dots\r\n"


@dataclass
class ScriptedServer:
    """A mail server that answers each line that begins with a word as a script says; None: it hangs up."""

    script: dict[str, str | None] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    port: int = 0

    @contextmanager
    def running(self) -> Iterator["ScriptedServer"]:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            self.port = listening.getsockname()[1]
            thread = threading.Thread(target=self._serve, args=(listening,), daemon=True)
            thread.start()
            yield self
        thread.join()

    def _serve(self, listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection, connection.makefile("rwb") as stream:
            self._reply(stream, "220 here")
            is_content = False
            for raw in stream:
                line = raw.decode().rstrip("\r\n")
                self.lines.append(line)
                if is_content and line != ".":
                    continue
                is_content = line == "DATA" and self.script.get("DATA", "354 go on") == "354 go on"
                words = (word for word in self.script if line.startswith(word))
                reply = self.script[next(words)] if any(line.startswith(word) for word in self.script) else "250 OK"
                if reply is None:
                    return
                self._reply(stream, "354 go on" if is_content else reply)

    def _reply(self, stream: object, reply: str) -> None:
        stream.write(f"{reply}\r\n".encode())  # type: ignore[attr-defined]
        stream.flush()  # type: ignore[attr-defined]


def send(port: int, addresses: list[str], begin_end: Callable[..., None] = lambda addresses: None) -> Outcome:
    """What becomes of a mail that is sent to a server on a port."""
    outcomes: list[Outcome] = []
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"HOST": "127.0.0.1", "PORT": port, "TIMEOUT": 10}.items():
            patch.setattr(settings, f"EMAIL_{name}", value)
        patch.setattr(settings, "EMAIL_BACKEND", "django.core.mail.backends.smtp.EmailBackend")
        transmission.send(CONTENT, SENDER, addresses, Steps(lambda: None, begin_end), outcomes.append)
    return outcomes[0]


class TestConversation:
    """What the mail server's replies mean."""

    def test_one_refused_recipient_stops_no_other(self) -> None:
        script: dict[str, str | None] = {"rcpt TO:<b@": "550 no such user", "rcpt TO:<c@": "451 later"}
        with ScriptedServer(script).running() as server:
            outcome = send(server.port, ["a@x.example", "b@x.example", "c@x.example"])
        assert outcome.accepted == {"a@x.example": "250 OK"}
        assert outcome.refused == {"b@x.example": "550 no such user"}
        assert outcome.deferred == {"c@x.example": "451 later"}

    def test_lines_that_begin_with_dots_arrive_as_they_are(self, mail_server: MailServer) -> None:
        assert send(mail_server.port, ["dots@x.example"]).accepted
        (mail,) = mail_server.mails_to("dots@x.example")
        assert mail.message.get_content().replace("\r\n", "\n") == "A line\n.\n..dots\n"

    @pytest.mark.parametrize(
        ("script", "kind"),
        [
            ({"mail": "550 not you"}, "refused"),
            ({"mail": "530 sign in first"}, "deferred"),
            ({"mail": "421 shutting down"}, "deferred"),
            ({"DATA": "451 disk full"}, "deferred"),
            ({"DATA": "554 no"}, "refused"),
            ({".": "554 spam"}, "refused"),
            ({".": "450 later"}, "deferred"),
        ],
    )
    def test_a_refusal_is_for_good_or_for_now_by_its_code(self, script: dict[str, str | None], kind: str) -> None:
        with ScriptedServer(script).running() as server:
            outcome = send(server.port, ["a@x.example"])
        assert getattr(outcome, kind) == {"a@x.example": next(iter(script.values()))}
        assert not outcome.error

    @pytest.mark.parametrize("moment", ["mail", "rcpt", "DATA", "."])
    def test_a_connection_that_breaks_is_an_error(self, moment: str) -> None:
        with ScriptedServer({moment: None}).running() as server:
            outcome = send(server.port, ["a@x.example"])
        assert outcome.is_server_away
        assert outcome.error
        assert [outcome.accepted, outcome.refused, outcome.deferred] == [{}, {}, {}]

    def test_whoever_lost_the_lease_does_not_end_the_mail(self) -> None:
        def lose(addresses: object) -> None:
            raise queue.LeaseLost

        with ScriptedServer().running() as server, pytest.raises(queue.LeaseLost):
            send(server.port, ["a@x.example"], lose)
        assert "DATA" in server.lines
        assert "." not in server.lines


@pytest.fixture
def rows(service: Service) -> Iterator[None]:
    """The models, with an empty queue."""
    with service.models():
        Mail.objects.all().delete()
        yield
        Mail.objects.all().delete()


def new_mail(**members: object) -> Mail:
    members = {"event_id": "e" * 32, "template": "voicemail_to_email", "due_at": timezone.now(), **members}
    return Mail.objects.create(account_id="a" * 32, mailbox_id="b", message_id="m", **members)


@pytest.mark.usefixtures("rows")
class TestQueue:
    """Which mail is sent next, and by whom."""

    def test_an_event_that_comes_again_makes_no_second_mail(self) -> None:
        now = timezone.now()
        for _ in range(2):
            queue.add_mails([Mail(event_id="e" * 32, template="voicemail_to_email", account_id="a" * 32, due_at=now)])
        assert Mail.objects.count() == 1

    def test_two_workers_never_have_the_same_mail(self) -> None:
        new_mail()
        assert queue.claim() is not None
        assert queue.claim() is None

    def test_a_mail_is_sent_again_whose_worker_was_killed_before_its_end(self) -> None:
        new_mail()
        first = queue.claim()
        assert first is not None
        Mail.objects.update(due_at=timezone.now())  # the lease ends
        second = queue.claim()
        assert second is not None
        assert second.state == State.SENDING
        with pytest.raises(queue.LeaseLost):
            queue.begin_end(first, ["a@x.example"])
        queue.begin_end(second, ["a@x.example"])

    def test_a_mail_is_not_sent_again_whose_worker_was_killed_while_the_server_took_it(self) -> None:
        new_mail()
        mail = queue.claim()
        assert mail is not None
        mail.update_recipients({"a@x.example": "", "b@x.example": "451 later"}, State.WAITING)
        queue.begin_end(mail, ["a@x.example"])
        Mail.objects.update(due_at=timezone.now())
        again = queue.claim()
        assert again is not None
        assert again.addresses_in(State.UNCONFIRMED) == ["a@x.example"]
        assert (again.state, again.addresses_in(State.WAITING)) == (State.SENDING, ["b@x.example"])

    def test_pauses_grow_for_days_then_it_ends(self) -> None:
        new_mail()
        mail = queue.claim()
        assert mail is not None
        mail.update_recipients({"a@x.example": ""}, State.WAITING)
        pauses = []
        for _ in range(12):
            due_at = queue.repeat_later(mail, "451 later")
            assert due_at is not None
            pauses.append((due_at - timezone.now()).total_seconds())
        assert pauses[0] < 16
        assert 1_700 < pauses[-1] < 5_401
        mail.created_at = timezone.now() - queue.GIVE_UP_AFTER
        assert queue.repeat_later(mail, "451 later") is None
        assert Mail.objects.get().state == State.FAILED
        assert mail.addresses_in(State.FAILED) == ["a@x.example"]
