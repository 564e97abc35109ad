"""The hooks that there are: what they are called, what can be chosen in them, and samples of what is sent.

The hooks of calls (``channel_create`` and the like) are a switch's. They are stored and shown, but nothing here is
sent for them.
"""

from collections.abc import Mapping
from typing import Any

from crossbar.errors import BadIdentifier
from storage import document_types

NOTIFICATIONS, OBJECT, ALL = "notifications", "object", "all"
NOTIFICATION_TYPES = ("voicemail_new", "voicemail_saved", "voicemail_deleted", "voicemail_full")
OBJECT_TYPES = (
    *(document_types.MAILBOX, document_types.MESSAGE, document_types.USER),
    *(document_types.ACCOUNT, document_types.MEDIA),
)
OBJECT_ACTIONS = ("doc_created", "doc_edited", "doc_deleted")

_ACCOUNT_ID, _BOX_ID = "4c9d1ab86d6f4a27b3f8c42e0c61b7d5", "0b1f3a9c5d7e4f60a1b2c3d4e5f60718"
_MESSAGE_ID = "202611-6aadef09f6fcf5fd8bcdfca312e923ba"
_OF_NOTIFICATION: dict[str, Any] = {
    "account_id": _ACCOUNT_ID,
    "app_name": "callflow",
    "app_version": "4.0.0",
    "cluster_id": "",
    "event_category": "notifications",
    "msg_id": "7f3e9a5c1b2d4f60a1b2c3d4e5f60718",
    "node": "vmboxes@voicemail.example.com",
    "server_id": "",
    "voicemail_box": _BOX_ID,
}
_OF_MESSAGE: dict[str, Any] = {
    **_OF_NOTIFICATION,
    "account_db": "account%2F4c%2F9d%2F1ab86d6f4a27b3f8c42e0c61b7d5",
    "call_id": "79959ZDNmM2I5ZTliMzA0NzA4",
    "caller_id_name": "Ada Lovelace",
    "caller_id_number": "+4930123456",
    "from_realm": "company.example.com",
    "from_user": "+4930123456",
    "to_realm": "company.example.com",
    "to_user": "1001",
    "voicemail_id": _MESSAGE_ID,
    "voicemail_length": 3140,
    "voicemail_timestamp": 63_961_142_647,
}
_SAMPLES: dict[str, dict[str, Any]] = {
    NOTIFICATIONS: {
        "voicemail_new": {"event_name": "voicemail_new", **_OF_MESSAGE},
        "voicemail_saved": {"event_name": "voicemail_saved", **_OF_MESSAGE},
        "voicemail_deleted": {"event_name": "voicemail_deleted", "reason": "crossbar_action", **_OF_MESSAGE},
        "voicemail_full": {
            "event_name": "voicemail_full",
            **_OF_NOTIFICATION,
            "max_message_count": 100,
            "message_count": 100,
        },
    },
    OBJECT: {
        action: {
            "id": _BOX_ID,
            "account_id": _ACCOUNT_ID,
            "action": action,
            "type": document_types.MAILBOX,
            "auth_account_id": _ACCOUNT_ID,
            "auth_user_id": "9a8b7c6d5e4f30211203f4e5d6c7b8a9",
            "cluster_id": "",
        }
        for action in OBJECT_ACTIONS
    },
}
_SAMPLES[ALL] = {name: sample for samples in tuple(_SAMPLES.values()) for name, sample in samples.items()}


def list_hooks() -> list[dict[str, Any]]:
    """Return the hooks with their names, descriptions and modifiers, the members of ``custom_data`` that choose."""
    return [
        {
            "id": NOTIFICATIONS,
            "name": "Notifications",
            "description": "Voicemail messages that are left, heard or deleted, and mailboxes that are full",
            "modifiers": {"type": _modifier("Which notifications", NOTIFICATION_TYPES)},
        },
        {
            "id": OBJECT,
            "name": "Object",
            "description": "Documents of the account that are created, changed or deleted",
            "modifiers": {
                "type": _modifier("Which documents, by their type", OBJECT_TYPES),
                "action": _modifier("What happened to them", OBJECT_ACTIONS),
            },
        },
        {"id": ALL, "name": "All", "description": "All of these", "modifiers": {}},
    ]


def _modifier(description: str, items: tuple[str, ...]) -> dict[str, Any]:
    return {"type": "array", "description": description, "items": [*items, "all"]}


def list_samples() -> list[str]:
    """Return the ids of the hooks that have samples."""
    return sorted(_SAMPLES)


def get_samples(hook: str) -> dict[str, Any]:
    """Return a sample payload of version v1 for each kind of event of a hook; raises BadIdentifier."""
    if hook not in _SAMPLES:
        raise BadIdentifier(hook)
    return _SAMPLES[hook]


def sample_for(hook: Mapping[str, Any]) -> dict[str, Any]:
    """Return a sample of what is sent for a webhook: the kind of event that its ``custom_data`` chooses, else any."""
    samples = _SAMPLES.get(str(hook.get("hook")), _SAMPLES[ALL])
    custom_data = hook.get("custom_data")
    chosen = custom_data if isinstance(custom_data, dict) else {}
    names = [str(chosen.get(member)) for member in ("type", "action")]
    return next((samples[name] for name in names if name in samples), next(iter(samples.values())))
