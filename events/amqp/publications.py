"""What is published: exchanges, routing keys, and the members that every payload has, as in Kazoo."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from crossbar.envelope_format import NODE, to_json

NOTIFICATIONS, PRESENCE, CONFIGURATION, TARGETED = "notifications", "presence", "configuration", "targeted"
EXCHANGES = {NOTIFICATIONS: "topic", PRESENCE: "topic", CONFIGURATION: "topic", TARGETED: "direct"}
"""The exchanges, and their types."""
VOICEMAIL_APP = "callflow"
"""The App-Name of voicemail events, as listeners of Kazoo's expect it."""
APP = "vmboxes"
APP_VERSION = "4.0.0"
_ALWAYS_QUOTED = re.compile(r"[.~]")


@dataclass(frozen=True, slots=True)
class Publication:
    """A message for the broker."""

    exchange: str
    routing_key: str
    body: bytes
    message_id: str


def publication(
    exchange: str,
    routing_key: str,
    category: str,
    name: str,
    payload: Mapping[str, Any],
    *,
    message_id: str = "",
    app: str = APP,
) -> Publication:
    """Return a message with the members that every payload has; `message_id` is random if none is given."""
    unique_id = message_id or secrets.token_hex(16)
    members = {**payload, **common_members(category, name, unique_id, app)}
    return Publication(exchange, routing_key, to_json(members), unique_id)


def common_members(category: str, name: str, message_id: str, app: str) -> dict[str, str]:
    """Return the members that every payload has."""
    return {
        "App-Name": app,
        "App-Version": APP_VERSION,
        "Event-Category": category,
        "Event-Name": name,
        "Msg-ID": message_id,
        "Node": NODE,
        "Server-ID": "",
    }


def key_part(text: str) -> str:
    """Return a text as a part of a routing key: letters, digits, ``_`` and ``-`` stay, a space becomes ``+``."""
    quoted = quote(text, safe=" ", errors="surrogatepass").replace(" ", "+")
    return _ALWAYS_QUOTED.sub(lambda match: f"%{ord(match[0]):02X}", quoted)
