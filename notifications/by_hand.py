"""Mails that somebody asks for: a preview of a template, or one that was sent before, once more."""

import json
import uuid
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from crossbar.errors import ValidationFailed
from notifications import composing, log, recipients, rendering, store
from notifications.models import Mail
from notifications.sending import queue, sender
from notifications.store import Place
from notifications.templates import CONTENT_TYPES

_MOST = 10
_MEMBERS = ("subject", "from", "reply_to", "template_charset")


def send_preview(place: Place, template_id: str, data: Mapping[str, Any]) -> Mail:
    """Send a preview of a template to ``to.email_addresses`` of the data, which may have other members and texts.

    `templates` of the data has texts by content type. Raises BadIdentifier, ValidationFailed.
    """
    place.get(template_id)
    preview = {
        "to": _addresses(data.get("to")),
        "members": {name: data[name] for name in _MEMBERS if isinstance(data.get(name), str)},
        "texts": _texts(data.get("templates")),
    }
    return _add(place.account_id or "", template_id, {composing.PREVIEW: preview})


def send_again(account_id: str, event_id: str) -> Mail:
    """Send a mail once more to those who get it now, with a Message-ID of its own; raises BadIdentifier."""
    mail = log.get(account_id, event_id)
    return _add(mail.account_id, mail.template, mail.details, mail.mailbox_id, mail.message_id)


def _add(account_id: str, template_id: str, details: Any, mailbox_id: str = "", message_id: str = "") -> Mail:
    mail = Mail(
        event_id=uuid.uuid4().hex,
        template=template_id,
        account_id=account_id,
        mailbox_id=mailbox_id,
        message_id=message_id,
        details_json=json.dumps(details),
        due_at=timezone.now(),
        is_by_hand=True,
        created_at=timezone.now(),
    )
    with transaction.atomic():
        queue.add_mails([mail])
        sender.schedule()
    return mail


def _addresses(value: object) -> list[str]:
    listed = value.get("email_addresses") if isinstance(value, dict) else None
    addresses = listed if isinstance(listed, list) else []
    if not addresses:
        raise ValidationFailed.field("to.email_addresses", "required", "Field is required but missing")
    if len(addresses) > _MOST:
        message = f"A preview goes to {_MOST} addresses at most"
        raise ValidationFailed.field("to.email_addresses", "maxItems", message, target=_MOST)
    for number, address in enumerate(addresses):
        if not recipients.is_valid(address):
            message = "Field is not in the correct format"
            raise ValidationFailed.field(f"to.email_addresses.{number}", "wrong_format", message, value=address)
    return addresses


def _texts(value: object) -> dict[str, str]:
    texts = value if isinstance(value, dict) else {}
    return {name: texts[name] for name in CONTENT_TYPES if isinstance(texts.get(name), str)}


def render_html(source: str) -> str:
    """Return what HTML of a template makes of a message that doesn't exist; raises BrokenTemplate."""
    return rendering.render(source, store.sample_macros(), is_html=True)


def fault(place: Place, template_id: str) -> str:
    """Return what is wrong with a template, so that ours is used in its place; empty if nothing is."""
    return composing.render_mail(place.get(template_id), store.sample_macros()).error
