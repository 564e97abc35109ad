"""Empty objects that a tool has written as `[]`: PHP's encoder does, and so do dumps that went through it.

What a place holds is decided by the JSON schema of the document's type: where that has an object and no array, `[]`
is an empty object. Documents from CouchDB pass through here when their JSON is decoded (setting COUCHDB_DECODE_JSON),
those of backups when they are read.
"""

import logging
import re
from functools import cache
from typing import Any

import orjson

from couch.requests import documents_in
from crossbar.schema import SchemaValidator
from storage import document_types, schemas

logger = logging.getLogger(__name__)

_OBJECT = {"type": "object"}


def _objects(*names: str, **members: dict[str, Any]) -> dict[str, Any]:
    """A schema that says only that the members of these names are objects; `members` says more of some."""
    return _OBJECT | {"properties": dict.fromkeys(names, _OBJECT) | members}


# What Kazoo keeps in users and accounts for telephony, which the schemas shipped here leave out.
_TELEPHONY: dict[str, dict[str, Any]] = {
    **dict.fromkeys(("call_recording", "call_restriction"), _OBJECT | {"additionalProperties": _OBJECT}),
    "caller_id": _objects("asserted", "emergency", "external", "internal"),
    "voicemail": _objects(notify=_objects("callback")),
    **_objects(
        "call_waiting",
        "caller_id_options",
        "dial_plan",
        "do_not_disturb",
        "formatters",
        "metaflows",
        "music_on_hold",
        "ringtones",
    )["properties"],
}
# The schemas, and what they leave out.
_SCHEMAS: dict[str, dict[str, Any]] = {
    document_types.ACCOUNT: {
        "allOf": [{"$ref": "accounts"}],
        **_objects(
            "preflow",
            "topup",
            "zones",
            notifications=_objects("first_occurrence", "low_balance"),
            **_TELEPHONY,
        ),
    },
    document_types.USER: {
        "allOf": [{"$ref": "users"}],
        **_objects(
            "call_forward",
            "contact_list",
            "directories",
            "hotdesk",
            "profile",
            media=_objects("audio", "encryption", "video"),
            **_TELEPHONY,
        ),
    },
    document_types.MAILBOX: {"$ref": "vmboxes"},
    document_types.MEDIA: {"allOf": [{"$ref": "media"}], **_objects("pvt_attachments")},
    document_types.MESSAGE: _objects(
        "transcription", "pvt_attachments", metadata={"allOf": [{"$ref": "vm_message_metadata"}], **_OBJECT}
    ),
}
# Arrays in CouchDB's answers and in ordinary documents. A text with no other `[]` needs no closer look: that takes
# 18 µs of a mailbox, this 0.3.
_ARRAYS = ("notify_email_addresses", "aliases", "flags", "messages", "rows", "history", "pvt_tree")
_SUSPICIOUS = r"\[\]" + "".join(rf'(?<!"{name}":\[\])' for name in _ARRAYS)
_SUSPICIOUS_TEXT = re.compile(_SUSPICIOUS)
_SUSPICIOUS_BYTES = re.compile(_SUSPICIOUS.encode())


def decode_json(text: str | bytes) -> Any:
    """Decode an answer of CouchDB's, with empty objects in its documents restored. Raises orjson.JSONDecodeError."""
    value = orjson.loads(text)
    pattern: re.Pattern[Any] = _SUSPICIOUS_TEXT if isinstance(text, str) else _SUSPICIOUS_BYTES
    if pattern.search(text):
        for doc in documents_in(value):
            restore_objects(doc)
    return value


def restore_objects(doc: dict[str, Any]) -> None:
    """Turn each `[]` in a document into an empty object where its schema has an object."""
    kind = doc.get("pvt_type")
    validator = _validator(kind) if isinstance(kind, str) else None
    if validator is None:
        return
    try:
        validator.restore_empty_objects(doc)
    except (LookupError, TypeError) as error:  # of a stored schema
        logger.warning("Empty objects of a document of type %s can't be restored: %r", kind, error)


@cache
def _validator(kind: str) -> SchemaValidator | None:
    schema = _SCHEMAS.get(kind)
    return None if schema is None else SchemaValidator(schema, schemas.resolve)
