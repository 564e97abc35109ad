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
# What no schema has: the entries of 3.x in a mailbox, and the members of a message.
_SCHEMAS: dict[str, dict[str, Any]] = {
    document_types.ACCOUNT: {"$ref": "accounts"},
    document_types.USER: {"$ref": "users"},
    document_types.MAILBOX: {
        "allOf": [{"$ref": "vmboxes"}],
        "properties": {"messages": {"type": "array", "items": _OBJECT}},
    },
    document_types.MESSAGE: {
        "properties": {
            "metadata": {"allOf": [{"$ref": "vm_message_metadata"}], **_OBJECT},
            "transcription": _OBJECT,
            "pvt_attachments": _OBJECT,
        }
    },
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
            restore(doc)
    return value


def restore(doc: dict[str, Any]) -> None:
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
