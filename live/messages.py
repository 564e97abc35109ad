"""Messages between client and server, with the keys that Kazoo's websockets have."""

from typing import Any

import orjson

from crossbar.envelope_format import NODE
from events.event import DOC_DELETED, Event
from live.bindings import Binding
from storage import database_names, values

Message = dict[str, Any]
AUTHENTICATION_FAILED = "failed to authenticate token"
NO_SUCH_BINDING = "no available subscriptions to requested binding"


class MessageError(Exception):
    """A message that can't be done; the text says why."""


def parse_message(text: str | bytes) -> Message:
    """Return a client's message. Raises MessageError."""
    try:
        message = orjson.loads(text)
    except ValueError as error:
        raise MessageError("the message is no JSON") from error
    if not isinstance(message, dict):
        raise MessageError("the message is no JSON object")
    return message


def text_member(message: Message, name: str) -> str:
    """Return a member of a message that is a text, an empty one if it is missing."""
    value = message.get(name)
    return value if isinstance(value, str) else ""


def reply(message: Message, data: Message) -> str:
    """Return the reply to a message that was done."""
    return _reply(message, "success", data)


def error_reply(message: Message, errors: list[str]) -> str:
    """Return the reply to a message that can't be done."""
    return _reply(message, "error", {"errors": errors})


def _reply(message: Message, status: str, data: Message) -> str:
    request_id = text_member(message, "request_id")
    return _to_text({"action": "reply", "request_id": request_id, "status": status, "data": data})


def event_data(event: Event) -> Message:
    """Return what clients are told of an event: which document changed, and how, but not what it holds."""
    doc, database = event.document, database_names.encode(event.database)
    return {
        "action": event.name,
        "account_id": event.account_id,
        "database": database,
        "date_created": values.as_integer(doc.get("pvt_created")),
        "date_modified": values.as_integer(doc.get("pvt_modified")),
        "event_category": "configuration",
        "event_name": event.name,
        "id": event.document_id,
        "is_soft_deleted": event.name == DOC_DELETED,
        "msg_id": event.id,
        "node": NODE,
        "rev": doc.get("_rev"),
        "type": event.type,
    }


def event_message(data: Message, binding: Binding) -> str:
    """Return the message about an event, for the subscription that it belongs to."""
    routing_key = f"{data['event_name']}.{data['database']}.{data['type']}.{data['id']}"
    return _to_text(
        {
            "action": "event",
            "subscribed_key": binding.text,
            "subscription_key": binding.key,
            "name": data["event_name"],
            "routing_key": routing_key,
            "data": data,
        }
    )


def _to_text(message: Message) -> str:
    return orjson.dumps(message).decode()
