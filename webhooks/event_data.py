"""What is told of an event: the payloads of version v1, without a hook's own ``custom_data``.

Of notifications it is what Kazoo publishes over AMQP, with keys in lower case; of documents, which one it is.
"""

from typing import Any

from couch.database import Document
from crossbar.envelope_format import NODE
from events.event import VOICEMAIL_DELETED, Event
from storage import database_names, system_config, values
from voicemail.messages import folder_changes, metadata

_NOTIFICATION = "voicemail_"
_APP_NAME, _APP_VERSION = "callflow", "4.0.0"
_REASON = "crossbar_action"


def is_notification(event_name: str) -> bool:
    """Whether an event is about what happened to a mailbox's messages, not to a document."""
    return event_name.startswith(_NOTIFICATION)


def build(event: Event) -> Document:
    """Return the data of an event."""
    return _notification(event) if is_notification(event.name) else _object(event)


def _notification(event: Event) -> Document:
    # Members that the message lacks are left out.
    message = event.document
    stored = metadata.of(message)
    addresses = {**metadata.add_addresses({}, stored), **stored}
    optional: Document = {
        "call_id": stored.get("call_id"),
        "caller_id_name": stored.get("caller_id_name"),
        "caller_id_number": stored.get("caller_id_number"),
        "voicemail_length": values.as_integer(stored.get("length")),
        "voicemail_transcription": message.get("transcription") or None,
    }
    if event.name == VOICEMAIL_DELETED:
        change = folder_changes.last_change(message)
        optional["reason"] = (change.reason if change else None) or _REASON
    return {
        "account_db": database_names.encode(database_names.account_db(event.account_id)),
        "account_id": event.account_id,
        "app_name": _APP_NAME,
        "app_version": _APP_VERSION,
        "cluster_id": _cluster_id(),
        "event_category": "notification",
        "event_name": event.name,
        "msg_id": event.id,
        "node": NODE,
        "server_id": "",
        **{name: str(addresses[name]) for name in ("from_realm", "from_user", "to_realm", "to_user")},
        "voicemail_box": message.get("source_id"),
        "voicemail_id": event.document_id,
        "voicemail_timestamp": metadata.timestamp(message),
        **{name: value for name, value in optional.items() if value is not None},
    }


def _object(event: Event) -> Document:
    document = event.document
    return {
        "id": event.document_id,
        "account_id": event.account_id,
        "action": event.name,
        "type": event.type,
        "auth_account_id": document.get("pvt_auth_account_id"),
        "auth_user_id": document.get("pvt_auth_user_id"),
        "cluster_id": _cluster_id(),
    }


def _cluster_id() -> Any:
    return system_config.category("cluster").get("cluster_id") or ""
