"""Makes a mail of an event: reads what it is about, renders the template, and attaches the recording."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, parseaddr
from typing import Any

from django.conf import settings

from accounts import accounts, users
from crossbar.errors import BadIdentifier
from notifications import recipients, rendering, templates
from notifications.macros import Macros, Subject
from notifications.macros import macros_of as macros_of
from notifications.models import Mail
from notifications.rendering import BrokenTemplate
from notifications.store import Place, sample_macros
from notifications.templates import HTML, PLAIN, Template
from storage import private_fields, values
from voicemail.audio import recording as recordings
from voicemail.audio.recording import MissingAudio, Recording
from voicemail.mailboxes import store as mailbox_store
from voicemail.mailboxes import time_zone
from voicemail.messages import file_names
from voicemail.messages import store as message_store

WITHOUT_RECORDING = "without_recording"
"""Set in a mail's details once the mail server has found it too large."""
PREVIEW = "preview"
"""The member of a mail's details that makes it a preview: ``{to: [addresses], members, texts}``."""
_SUBJECT_LENGTH = 200
_NAME_LENGTH = 100


class NothingToSend(Exception):
    """No mail is sent; the message says why."""


@dataclass(frozen=True)
class Texts:
    """What a template makes of macros."""

    subject: str
    sender: str
    reply_to: str
    bodies: dict[str, str]
    """By content type."""
    error: str = ""
    """What is wrong with the template, in whose place ours was used."""


@dataclass(frozen=True)
class Letter:
    """A mail that can be sent."""

    content: bytes
    sender: str
    addresses: list[str]
    subject: str
    template_error: str
    has_recording: bool


def compose(mail: Mail) -> Letter:
    """Return a mail as it is sent; raises NothingToSend, and CouchError if CouchDB fails."""
    if PREVIEW in mail.details:
        return _compose_preview(mail)
    subject = read_subject(mail)
    template = templates.find(subject.account, mail.template)
    if not template.is_enabled and not mail.is_by_hand:
        raise NothingToSend("The template is disabled")
    original = recipients.of_mailbox(subject.box, subject.owner)
    fields = {
        name: recipients.of_member(template.members.get(name), original if name == "to" else [], mail.account_id)
        for name in ("to", "cc", "bcc")
    }
    addresses = list(dict.fromkeys(address for items in fields.values() for address in items))
    if not addresses:
        raise NothingToSend("Nobody gets it")
    is_attached = _is_attached(mail, subject)
    macros = macros_of(subject)
    macros["voicemail"]["is_attached"] = is_attached
    texts = render_mail(template, macros)
    message = new_mail(texts, template, _message_id(mail))
    for header, name in (("To", "to"), ("Cc", "cc")):
        if fields[name]:
            message[header] = ", ".join(fields[name])
    if is_attached and subject.recording is not None:
        _attach(message, subject.recording, subject.file_name)
    return _letter(message, texts, addresses, has_recording=is_attached)


def _compose_preview(mail: Mail) -> Letter:
    """Return a mail about a message that doesn't exist."""
    preview = mail.details[PREVIEW]
    template = with_preview(Place(mail.account_id or None).get(mail.template), preview)
    texts = render_mail(template, sample_macros())
    message = new_mail(texts, template, _message_id(mail))
    message["To"] = ", ".join(preview["to"])
    return _letter(message, texts, preview["to"])


def with_preview(template: Template, preview: Mapping[str, Any]) -> Template:
    """Return a template with the members and texts of a preview in place of its own."""
    members = {**template.members, **preview["members"]}
    texts = template.texts or templates.own(template.id).texts
    return replace(template, members=members, texts={**texts, **preview["texts"]})


def _letter(message: EmailMessage, texts: Texts, addresses: list[str], *, has_recording: bool = False) -> Letter:
    sender = parseaddr(texts.sender)[1]
    return Letter(message.as_bytes(), sender, addresses, texts.subject, texts.error, has_recording)


def _message_id(mail: Mail) -> str:
    return f"<{mail.event_id}@{_own_domain()}>"


def read_subject(mail: Mail) -> Subject:
    """Read what a mail is about; raises NothingToSend if that is gone."""
    try:
        account = accounts.get(mail.account_id)
        box = mailbox_store.get(mail.account_id, mail.mailbox_id)
    except BadIdentifier as error:
        raise NothingToSend(f"{error.data.get('cause', 'It')} was removed") from None
    if not accounts.is_enabled(account):
        raise NothingToSend("The account is disabled")
    owner_id = box.get("owner_id")
    owner = users.find(mail.account_id, owner_id) if isinstance(owner_id, str) else None
    subject = Subject(account, box, owner, None, None, "", mail.details)
    return _with_message(subject, mail) if mail.message_id else subject


def _with_message(subject: Subject, mail: Mail) -> Subject:
    modb = message_store.modb_of(mail.account_id, mail.message_id)
    message = None if modb is None else modb.get(mail.message_id)
    is_gone = not private_fields.is_live(message) and mail.template != templates.DELETED
    if modb is None or message is None or is_gone or message.get("source_id") != mail.mailbox_id:
        raise NothingToSend("The message was removed")
    recording, file_name = None, ""
    if recordings.has_audio(message):
        try:
            recording = recordings.locate(modb, message)
        except MissingAudio:
            pass
        else:
            zone = time_zone.of_box(subject.account, subject.box)
            file_name = file_names.audio_file_name(message, zone, recording)
    return replace(subject, message=message, recording=recording, file_name=file_name)


def _is_attached(mail: Mail, subject: Subject) -> bool:
    recording = subject.recording
    return (
        recording is not None
        and mail.template == templates.TO_EMAIL
        and not values.is_false(subject.box.get("include_message_on_notify"))
        and recording.length <= settings.MAIL_RECORDING_LIMIT
        and not mail.details.get(WITHOUT_RECORDING)
    )


def render_mail(template: Template, macros: Macros) -> Texts:
    """Return what a template makes of macros; what ours makes, and the error, if it is broken."""
    own = templates.own(template.id)
    try:
        return _render_template(template, own, macros)
    except BrokenTemplate as error:
        return replace(_render_template(own, own, macros), error=str(error))


def _render_template(template: Template, own: Template, macros: Macros) -> Texts:
    def line(name: str) -> str:
        source = template.members.get(name) or own.members.get(name) or ""
        if not isinstance(source, str):
            raise BrokenTemplate(f"{name} is no text")
        return " ".join(rendering.render(source, macros, is_html=False).split())

    try:
        subject, sender, reply_to = line("subject"), line("from"), line("reply_to")
    except BrokenTemplate as error:
        raise BrokenTemplate(f"In the subject or an address: {error}") from None
    bodies = {}
    for content_type, source in (template.texts or own.texts).items():
        try:
            bodies[content_type] = rendering.render(source, macros, is_html=content_type == HTML)
        except BrokenTemplate as error:
            raise BrokenTemplate(f"In {content_type}: {error}") from None
    return Texts(
        subject[:_SUBJECT_LENGTH], _mailbox(sender) or settings.DEFAULT_FROM_EMAIL, _mailbox(reply_to), bodies
    )


def new_mail(texts: Texts, template: Template, message_id: str) -> EmailMessage:
    """Return a mail without recipients and attachments."""
    message = EmailMessage(policy=SMTP)
    message["Subject"] = texts.subject
    message["From"] = texts.sender
    if texts.reply_to:
        message["Reply-To"] = texts.reply_to
    message["Date"] = formatdate()
    message["Message-ID"] = message_id
    message["Auto-Submitted"] = "auto-generated"
    charset = template.members.get("template_charset")
    if PLAIN in texts.bodies:
        _add_body(message, texts.bodies[PLAIN], "plain", charset)
    if HTML in texts.bodies:
        _add_body(message, texts.bodies[HTML], "html", charset)
    return message


def _add_body(message: EmailMessage, text: str, subtype: str, charset: Any) -> None:
    add = message.add_alternative if "Content-Type" in message else message.set_content
    add(text, subtype=subtype, charset=_charset(text, charset), cte="quoted-printable")


def _charset(text: str, charset: Any) -> str:
    try:
        text.encode(charset)
    except (TypeError, LookupError, UnicodeError):
        return "utf-8"
    return str(charset)


def _attach(message: EmailMessage, recording: Recording, file_name: str) -> None:
    try:
        content = b"".join(recording.open())
    except MissingAudio as error:  # it was replaced just now
        raise NothingToSend("The recording was removed") from error
    maintype, _, subtype = recording.safe_type.partition(";")[0].partition("/")
    message.add_attachment(content, maintype=maintype, subtype=subtype or "octet-stream", filename=file_name)


def _mailbox(text: str) -> str:
    """Return a sender as a header has it, ``Ada <ada@example.com>``; empty if it is no address."""
    name, address = parseaddr(text)
    if not recipients.is_valid(address):
        return ""
    try:
        return str(Address(display_name=name[:_NAME_LENGTH], addr_spec=address))
    except (MessageError, ValueError):
        return address


def _own_domain() -> str:
    """Return the domain of our own sender, which Message-IDs end with: the same for all mails."""
    return parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"
