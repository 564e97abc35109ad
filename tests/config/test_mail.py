"""EMAIL_URL says which mail server Django sends by."""

import subprocess
import sys
from collections.abc import Callable

from tests.support.mail_server import MailServer
from tests.support.servers import PROJECT, Service

SEND = """
import config.wsgi
from django.core.mail import send_mail
send_mail("Greetings", "Hello Zoë", None, ["ada@example.com"])
"""


def send(service: Service) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", SEND]
    return subprocess.run(command, cwd=PROJECT, env=service.environment(), capture_output=True, text=True)


def test_mail_goes_to_the_server_in_email_url(
    new_service: Callable[..., Service], new_mail_server: Callable[[], MailServer]
) -> None:
    server = new_mail_server()
    ended = send(new_service(EMAIL_URL=server.url, EMAIL_FROM="Voicemail <voicemail@example.com>"))
    assert ended.returncode == 0, ended.stderr
    (mail,) = server.mails
    assert (mail.sender, mail.recipients) == ("voicemail@example.com", ("ada@example.com",))
    assert (mail.message["From"], mail.message["Subject"]) == ("Voicemail <voicemail@example.com>", "Greetings")
    assert mail.part("plain").strip() == "Hello Zoë"


def test_a_server_that_refuses_a_mail_is_an_error(
    new_service: Callable[..., Service], new_mail_server: Callable[[], MailServer]
) -> None:
    server = new_mail_server()
    server.refusal = "451 Try again later"
    ended = send(new_service(EMAIL_URL=server.url))
    assert ended.returncode != 0
    assert "Try again later" in ended.stderr
    assert server.mails == []


def test_without_a_mail_server_mail_goes_nowhere(new_service: Callable[..., Service]) -> None:
    ended = send(new_service())
    assert ended.returncode == 0, ended.stderr
