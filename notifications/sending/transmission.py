"""The conversation with the mail server, address by address, up to the line that ends the mail."""

import re
import smtplib
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from django.core.mail import get_connection

from notifications.sending import queue

_CHUNK = 64 * 1024
_LINE_START_DOT = re.compile(rb"(?m)^\.")
_TOO_LARGE = 552
_ABOUT_SERVICE = frozenset({530, 534, 535, 538})
"""Replies that say that the service itself must sign in, or otherwise: no fault of the mail."""


@dataclass
class Outcome:
    """What became of a mail: the mail server's reply of each address, or an error that concerns them all."""

    accepted: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    """For good: a repeat would end the same."""
    deferred: dict[str, str] = field(default_factory=dict)
    error: str = ""
    is_server_away: bool = False
    is_too_large: bool = False


@dataclass(frozen=True)
class Steps:
    """What is called on the way, and may raise `queue.LeaseLost`, after which nothing was sent."""

    renew: Callable[[], None]
    begin_end: Callable[[Iterable[str]], None]


def send(
    content: bytes, sender: str, addresses: Iterable[str], steps: Steps, record: Callable[[Outcome], None]
) -> None:
    """Send a mail to addresses, and have the outcome recorded at once; `content` has lines that end with CRLF."""
    backend = get_connection()
    try:
        try:
            backend.open()
            steps.renew()
            outcome = _Conversation(backend.connection, content, steps).hold(sender, list(addresses))
        except (OSError, smtplib.SMTPException) as error:
            record(Outcome(error=error_line(error), is_server_away=True))
        else:
            record(outcome)
            with suppress(OSError, smtplib.SMTPException):
                backend.connection.quit()
    finally:
        if backend.connection is not None:
            backend.connection.close()  # without QUIT if the mail has no end: the server drops it


def error_line(error: Exception) -> str:
    """Return what went wrong as a line of text."""
    reply = getattr(error, "smtp_error", None)
    text = _reply_text(getattr(error, "smtp_code", 0), reply) if isinstance(reply, bytes) else str(error)
    return " ".join((text or type(error).__name__).split())


class _Conversation:
    def __init__(self, smtp: smtplib.SMTP, content: bytes, steps: Steps) -> None:
        self._smtp = smtp
        self._content = content
        self._steps = steps

    def hold(self, sender: str, addresses: list[str]) -> Outcome:
        outcome = Outcome()
        self._smtp.ehlo_or_helo_if_needed()
        options = [f"size={len(self._content)}"] if self._smtp.has_extn("size") else []
        code, reply = self._smtp.mail(sender, options)
        if not _is_success(code):
            return _sort(outcome, addresses, code, reply)
        willing: list[str] = []
        for address in addresses:
            self._steps.renew()
            code, reply = self._smtp.rcpt(address)
            if _is_success(code):
                willing.append(address)
            else:
                _sort(outcome, [address], code, reply)
        if not willing:
            return outcome
        code, reply = self._smtp.docmd("DATA")
        if code == 354:
            code, reply = self._send_content(willing)
        return _sort(outcome, willing, code, reply)

    def _send_content(self, addresses: list[str]) -> tuple[int, bytes]:
        for chunk in _chunks(self._content):
            self._smtp.send(chunk)
            self._steps.renew()
        self._steps.begin_end(addresses)
        if self._smtp.sock is not None:
            self._smtp.sock.settimeout(queue.ENDING_SECONDS)
        self._smtp.send(b".\r\n")
        return self._smtp.getreply()


def _chunks(content: bytes) -> Iterator[bytes]:
    stuffed = _LINE_START_DOT.sub(b"..", content)
    if not stuffed.endswith(b"\r\n"):
        stuffed += b"\r\n"
    for start in range(0, len(stuffed), _CHUNK):
        yield stuffed[start : start + _CHUNK]


def _sort(outcome: Outcome, addresses: list[str], code: int, reply: bytes) -> Outcome:
    """Add addresses to the outcome by the code of the mail server's reply."""
    if _is_success(code):
        replies = outcome.accepted
    else:
        replies = outcome.refused if 500 <= code < 600 and code not in _ABOUT_SERVICE else outcome.deferred
        outcome.is_too_large = outcome.is_too_large or code == _TOO_LARGE
    replies.update(dict.fromkeys(addresses, _reply_text(code, reply)))
    return outcome


def _is_success(code: int) -> bool:
    return 200 <= code < 300


def _reply_text(code: int, reply: bytes) -> str:
    return " ".join(f"{code} {reply.decode(errors='replace')}".split())
