"""A real SMTP server that keeps what it receives."""

from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.support.servers import free_port, wait_until


@dataclass(frozen=True)
class ReceivedMail:
    """A mail as the server received it: the envelope's addresses, and the message."""

    sender: str
    recipients: tuple[str, ...]
    message: EmailMessage

    def part(self, subtype: str) -> str:
        """The body as ``plain`` or ``html`` text; empty if it has none."""
        body = self.message.get_body((subtype,))
        return "" if body is None else str(body.get_content())


class MailServer:
    """Receives mails on a port of its own, which it keeps when it is stopped and started again.

    `url` is what EMAIL_URL takes. While `refusal` is an SMTP reply ("451 Try again later"), it answers each mail.
    """

    def __init__(self) -> None:
        self.mails: list[ReceivedMail] = []
        self.refusal = ""
        self.port = free_port()
        self.url = f"smtp://127.0.0.1:{self.port}"
        self._controller: Controller | None = None

    def start(self) -> None:
        """Accept connections."""
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)
        self._controller.start()

    def stop(self) -> None:
        """Refuse connections."""
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    def mails_to(self, address: str) -> list[ReceivedMail]:
        """The mails to an address, the oldest first."""
        return [mail for mail in list(self.mails) if address in mail.recipients]

    def wait_for(self, address: str, count: int = 1) -> list[ReceivedMail]:
        """The mails to an address, as soon as there are so many."""
        wait_until(lambda: len(self.mails_to(address)) >= count)
        return self.mails_to(address)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        """Keep a mail, or refuse it; aiosmtpd calls it."""
        if self.refusal:
            return self.refusal
        content = envelope.content or b""
        message = message_from_bytes(
            content if isinstance(content, bytes) else content.encode(), policy=policy.default
        )
        assert isinstance(message, EmailMessage)
        self.mails.append(ReceivedMail(envelope.mail_from or "", tuple(envelope.rcpt_tos), message))
        return "250 OK"
