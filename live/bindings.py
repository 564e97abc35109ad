"""What clients subscribe to: bindings ``object.{action}.{type}``, as Kazoo's websockets have them.

The action and the type may each be ``*``, and the id of a document may follow the type.
"""

import re
from dataclasses import dataclass

from events.event import DOC_CREATED, DOC_DELETED, DOC_EDITED, Event
from storage import document_types

ANY = "*"
ACTIONS = (DOC_CREATED, DOC_EDITED, DOC_DELETED)
TYPES = (
    document_types.ACCOUNT,
    document_types.DEVICE,
    document_types.MESSAGE,
    document_types.MEDIA,
    document_types.USER,
    document_types.MAILBOX,
)
_MAX_LENGTH = 300
_BINDING = re.compile(r"object\.([^.]+)\.([^.]+)(?:\.(.+))?")


@dataclass(frozen=True, slots=True)
class Binding:
    """A subscription's pattern for events."""

    text: str
    """As the client wrote it."""
    action: str
    type: str
    document_id: str

    def matches(self, event: Event) -> bool:
        """Whether the client wants to hear of an event."""
        return (
            self.action in (ANY, event.name)
            and self.type in (ANY, event.type)
            and self.document_id in (ANY, event.document_id)
        )

    @property
    def key(self) -> str:
        """The pattern in its shortest form."""
        suffix = "" if self.document_id == ANY else f".{self.document_id}"
        return f"object.{self.action}.{self.type}{suffix}"


def parse(text: object) -> Binding | None:
    """Return the binding that a text names; None if there is none of that kind."""
    if not isinstance(text, str) or len(text) > _MAX_LENGTH:
        return None
    match = _BINDING.fullmatch(text)
    if match is None or match[1] not in (ANY, *ACTIONS) or match[2] not in (ANY, *TYPES):
        return None
    return Binding(text, match[1], match[2], match[3] or ANY)
