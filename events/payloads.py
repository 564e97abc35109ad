"""What Kazoo publishes of an event, member by member, without the members that every payload has.

The message broker gets it as it is. Webhooks get it with keys in lower_snake_case.
"""

from collections.abc import Mapping
from typing import Any

from events import event as events
from events.event import Event
from storage import database_names, document_types, private_fields, values
from voicemail.messages import folder_changes, metadata, quota

Payload = dict[str, Any]

_DEFAULT_REASON = "crossbar_action"


def voicemail(event: Event) -> Payload:
    """Return the payload of ``voicemail_new``, ``…_saved`` or ``…_deleted``, by the message's document."""
    doc = event.document
    fields = metadata.of(doc)
    payload = {
        "Account-ID": event.account_id,
        "Account-DB": database_names.encode(database_names.account_db(event.account_id)),
        "Call-ID": _stored_text(fields.get("call_id")),
        "Caller-ID-Name": _stored_text(fields.get("caller_id_name")),
        "Caller-ID-Number": _stored_text(fields.get("caller_id_number")),
        "From-Realm": _stored_text(fields.get("from_realm")) or _realm_of(fields.get("from")),
        "From-User": _stored_text(fields.get("from_user")) or _user(fields.get("from")),
        "To-Realm": _stored_text(fields.get("to_realm")) or _realm_of(fields.get("to")),
        "To-User": _stored_text(fields.get("to_user")) or _user(fields.get("to")),
        "Voicemail-Box": _stored_text(doc.get("source_id")),
        "Voicemail-ID": event.document_id,
        "Voicemail-Length": values.as_integer(fields.get("length")) or 0,
        "Voicemail-Timestamp": metadata.timestamp(doc) or 0,
    }
    if isinstance(doc.get("transcription"), dict):
        payload["Voicemail-Transcription"] = doc["transcription"]
    if event.name == events.VOICEMAIL_DELETED:
        change = folder_changes.last_change(doc)
        payload["Reason"] = (change and change.reason) or _DEFAULT_REASON
    return payload


def voicemail_full(event: Event) -> Payload:
    """Return the payload of ``voicemail_full``, by the mailbox's document."""
    note = event.document.get(quota.FULL_NOTE)
    numbers = note if isinstance(note, dict) else {}
    return {
        "Account-ID": event.account_id,
        "Voicemail-Box": event.document_id,
        "Max-Message-Count": values.as_integer(numbers.get("maximum")) or 0,
        "Message-Count": values.as_integer(numbers.get("count")) or 0,
    }


def document(event: Event) -> Payload:
    """Return the payload of ``doc_created``, ``doc_edited`` or ``doc_deleted``."""
    doc = event.document
    payload: Payload = {
        "ID": event.document_id,
        "Database": database_names.encode(event.database),
        "Account-ID": event.account_id,
        "Rev": _stored_text(doc.get("_rev")),
        "Type": event.type,
        "Is-Soft-Deleted": not doc.get("_deleted") and not private_fields.is_live(doc),
    }
    for name, member in (("Date-Created", "pvt_created"), ("Date-Modified", "pvt_modified")):
        seconds = values.as_integer(doc.get(member))
        if seconds is not None:
            payload[name] = seconds
    if _stored_text(doc.get("pvt_vsn")):
        payload["Version"] = _stored_text(doc.get("pvt_vsn"))
    return payload


def database_payload(event: Event) -> Payload:
    """Return the payload of ``db_created`` or ``db_deleted``."""
    name = database_names.encode(event.database)
    return {"ID": name, "Database": name, "Type": "database"}


def is_message(event: Event) -> bool:
    """Whether an event is of a message's document."""
    return event.type == document_types.MESSAGE


def _stored_text(value: object) -> str:
    return value if isinstance(value, str) else values.as_text(value) or ""


def _user(address: object) -> str:
    return _stored_text(address).partition("@")[0]


def _realm_of(address: object) -> str:
    return _stored_text(address).partition("@")[2]


def lower_snake_case(payload: Mapping[str, Any]) -> Payload:
    """Return a payload with its keys as webhooks have them: ``Voicemail-Box`` as ``voicemail_box``."""
    return {key.lower().replace("-", "_"): value for key, value in payload.items()}
