"""What is told of an event: the payloads of version v1, without a hook's own ``custom_data``.

Of notifications it is what Kazoo publishes over AMQP, with keys in lower case; of documents, which one it is.
"""

from typing import Any

from couch.database import Document
from events import event as events
from events import payloads
from events.amqp.publications import VOICEMAIL_APP, common_members
from events.event import Event
from storage import system_config

_NOTIFICATIONS = frozenset(
    {events.VOICEMAIL_NEW, events.VOICEMAIL_SAVED, events.VOICEMAIL_DELETED, events.VOICEMAIL_FULL}
)
_CATEGORY = "notifications"


def is_notification(event_name: str) -> bool:
    """Whether an event is about what happened to a mailbox's messages, not to a document."""
    return event_name in _NOTIFICATIONS


def data_of(event: Event) -> Document:
    """Return the data of an event."""
    return _notification(event) if is_notification(event.name) else _object(event)


def _notification(event: Event) -> Document:
    payload = payloads.voicemail_full(event) if event.name == events.VOICEMAIL_FULL else payloads.voicemail(event)
    payload |= common_members(_CATEGORY, event.name, event.id, VOICEMAIL_APP)
    return {**payloads.lower_snake_case(payload), "cluster_id": _cluster_id()}


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
