"""Templates that clients and operators change: documents of an account, or of the system.

Whoever changes a template that a place doesn't have yet gets a copy of the one that is used there until now. A text
or subject that can't be rendered is refused.
"""

from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from accounts import accounts
from couch.client import couch
from couch.database import Database, Document
from couch.errors import Conflict
from crossbar.errors import BadIdentifier, ValidationFailed
from notifications import rendering, templates
from notifications.macros import Macros
from notifications.rendering import BrokenTemplate
from notifications.templates import HTML, Template
from storage import database_names, documents, private_fields, schemas
from storage.documents import Guard
from storage.private_fields import Actor

TYPE = "notification"
SCHEMA = "notifications"
_RENDERED_MEMBERS = ("subject", "from", "reply_to")
_READ_ONLY = frozenset({"id", "templates", "account_overridden"})


@dataclass(frozen=True)
class Place:
    """An account's templates, or the system's: `account_id` is None then."""

    account_id: str | None = None

    @cached_property
    def database(self) -> Database:
        """Where the documents are."""
        return templates.system_database() if self.account_id is None else accounts.database_of(self.account_id)

    def get(self, template_id: str) -> Template:
        """Return the template that is used here; raises BadIdentifier."""
        _require_known(template_id)
        if self.account_id is None:
            return templates.read(self.database, None, template_id) or templates.own(template_id)
        return templates.find(accounts.get(self.account_id), template_id)

    def has_own(self, template: Template) -> bool:
        """Whether a template is one of this place, and no default."""
        return not template.is_own and template.account_id == self.account_id

    def list_all(self) -> list[Template]:
        """Return all templates that are used here."""
        return [self.get(template_id) for template_id in templates.IDS]


def public_template(place: Place, template: Template) -> Document:
    """Return a template as the API shows it."""
    members = private_fields.without_private(template.members)
    texts = template.texts or templates.own(template.id).texts
    return {
        **{key: value for key, value in members.items() if key not in _READ_ONLY},
        "id": template.id,
        "enabled": template.is_enabled,
        "macros": members.get("macros") or {name: {} for name in _macro_names(sample_macros())},
        "templates": {name: {"length": len(text.encode())} for name, text in texts.items()},
        **({} if place.account_id is None else {"account_overridden": place.has_own(template)}),
    }


def template_summary(place: Place, template: Template) -> Document:
    """Return what listings show of a template."""
    members = public_template(place, template)
    keys = ("id", "friendly_name", "category", "enabled", "subject", "macros", "account_overridden")
    return {key: members[key] for key in keys if key in members}


def text(template: Template, content_type: str) -> str:
    """Return a template's text of a content type; raises BadIdentifier if it has none."""
    texts = template.texts or templates.own(template.id).texts
    if content_type not in texts:
        raise BadIdentifier(templates.attachment_name(content_type))
    return texts[content_type]


def create(place: Place, members: Mapping[str, Any], actor: Actor | None = None) -> Template:
    """Store the template whose `id` members name; raises ValidationFailed, Conflict if there is one already."""
    template_id = members.get("id")
    if not isinstance(template_id, str) or template_id not in templates.IDS:
        message = "Value not found in enumerated list of values"
        raise ValidationFailed.field("id", "enum", message, target=list(templates.IDS), value=template_id)
    template = place.get(template_id)
    if place.has_own(template):
        raise Conflict(templates.template_document_id(template_id))
    documents.put(place.database, _copy(place, template, _validate_template(members, {}), actor))
    return place.get(template_id)


def replace(
    place: Place,
    template_id: str,
    members: Mapping[str, Any] | None,
    texts: Mapping[str, str],
    actor: Actor | None = None,
    guard: Guard | None = None,
) -> Template:
    """Replace a template's public members, unless they are None, and some of its texts, in one write; the template.

    `texts` has them by content type. Raises BadIdentifier, ValidationFailed, Conflict, and what the guard raises.
    """
    for content_type, source in texts.items():
        _require_renderable(content_type, source)

    def change(stored: Document) -> Document:
        changed = stored
        if members is not None:
            validated = _validate_template(members, private_fields.without_private(stored))
            changed = private_fields.replace_public(stored, validated)
        stubs = stored.get("_attachments")
        attachments = dict(stubs) if isinstance(stubs, dict) else {}
        for content_type, source in texts.items():
            attachments |= _attachment(content_type, source)
        return {**changed, "_attachments": attachments}

    return _change_template(place, template_id, change, actor, guard)


def delete(place: Place, template_id: str, guard: Guard | None = None) -> Template:
    """Delete a template, so that the default is used again; what it was. Raises BadIdentifier, Conflict."""
    template = place.get(template_id)
    if not place.has_own(template):
        raise BadIdentifier(template_id)
    if guard is not None:
        guard(template.members)
    place.database.delete(template.members["_id"], template.members["_rev"])
    return template


def sample_macros() -> Macros:
    """Return macros of a message that doesn't exist, for previews and to try templates."""
    moment = datetime(2026, 11, 28, 17, 18, 42, tzinfo=UTC)
    person = {"first_name": "Grace", "last_name": "Hopper", "username": "grace", "email": "grace@example.com"}
    return {
        "voicemail": {
            "vmbox_id": "9d7fdc2b1a4e4c0d8a6f5b3e2c1d0f9a",
            "vmbox_name": "Grace's mailbox",
            "vmbox_number": "1001",
            "msg_id": "202611-3a9c5d7e4f60a1b2c3d4e5f607180b1f",
            "transcription": "Hello Grace, it's Ada. Can you call me back before six?",
            "length": "00:00:42",
            "file_name": "2079460958_2026-11-28_17-18-42.mp3",
            "file_type": "audio/mpeg",
            "file_size": 338_291,
            "is_attached": True,
            "message_count": 100,
            "max_messages": 100,
        },
        "caller_id": {"name": "Ada Lovelace", "number": "2079460958", "name_number": "Ada Lovelace (2079460958)"},
        "from": {"user": "2079460958", "realm": "sip.example.com"},
        "to": {"user": "1001", "realm": "sip.example.com"},
        "date_called": {"local": moment, "utc": moment},
        "user": person,
        "owner": person,
        "account": {"name": "Example Inc", "realm": "sip.example.com"},
        "system": {"hostname": "voicemail.example.com"},
    }


def _macro_names(macros: Mapping[str, Any]) -> list[str]:
    return [f"{group}.{name}" for group, members in macros.items() for name in members]


def _require_known(template_id: str) -> None:
    if template_id not in templates.IDS:
        raise BadIdentifier(template_id)


def _change_template(
    place: Place,
    template_id: str,
    change: Callable[[Document], Document],
    actor: Actor | None,
    guard: Guard | None,
) -> Template:
    template = place.get(template_id)
    if place.has_own(template):
        doc_id = templates.template_document_id(template_id)

        def update(stored: Document) -> Document:
            if guard is not None:
                guard(stored)
            return private_fields.stamp_update(change(stored), actor=actor)

        if documents.update(place.database, doc_id, update) is None:
            raise BadIdentifier(template_id)
    else:
        if guard is not None:
            guard(template.members)
        documents.put(place.database, change(_copy(place, template, template.members, actor)))
    return place.get(template_id)


def _copy(place: Place, template: Template, members: Mapping[str, Any], actor: Actor | None) -> Document:
    """Return a new document of a place, with public members and the texts of the template used until now."""
    doc = {**private_fields.without_private(members), "_id": templates.template_document_id(template.id)}
    doc["_attachments"] = {}
    for content_type, source in template.texts.items():
        doc["_attachments"] |= _attachment(content_type, source)
    if place.account_id is None:
        couch().create(database_names.CONFIG)
    return private_fields.stamp_new(
        doc, pvt_type=TYPE, account_id=place.account_id or "", db_name=place.database.name, actor=actor
    )


def _attachment(content_type: str, source: str) -> Document:
    data = b64encode(source.encode()).decode()
    return {templates.attachment_name(content_type): {"content_type": content_type, "data": data}}


def _validate_template(members: Mapping[str, Any], stored: Mapping[str, Any]) -> Document:
    """Return the members to store; raises ValidationFailed, also for a subject that can't be rendered."""
    public = {key: value for key, value in private_fields.without_private(members).items() if key not in _READ_ONLY}
    validated: Document = schemas.validator(SCHEMA).validate(public, stored=dict(stored))
    for name in _RENDERED_MEMBERS:
        try:
            rendering.render(str(validated.get(name, "")), sample_macros(), is_html=False)
        except BrokenTemplate as error:
            raise ValidationFailed.field(name, "invalid", str(error)) from None
    return validated


def _require_renderable(content_type: str, source: str) -> None:
    try:
        rendering.render(source, sample_macros(), is_html=content_type == HTML)
    except BrokenTemplate as error:
        raise ValidationFailed.field("template", "invalid", f"{content_type}: {error}") from None
