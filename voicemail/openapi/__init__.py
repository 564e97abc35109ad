"""What the API document says of mailboxes (`boxes`), messages (`messages`) and their audio (`audio`)."""

from crossbar.openapi.dialect import Node
from crossbar.openapi.operations import Table
from crossbar.openapi.parameters import id_in_path
from voicemail.openapi import audio, boxes, messages

TAGS: list[Node] = [
    {"name": boxes.TAG, "description": "Voicemail boxes: their settings, and how many messages are in them."},
    {
        "name": messages.TAG,
        "description": "Messages live in databases of one month each; an id begins with its month. What is older "
        "than the retention (93 days unless set) is shown as deleted and refuses every change. Messages that an "
        "old Kazoo left in a box are moved to a month when they are changed, under a new id.",
    },
    {"name": audio.TAG, "description": "What callers said."},
]
PARAMETERS: dict[str, Node] = {
    "box_id": id_in_path("box_id", "The box's id."),
    "message_id": id_in_path("message_id", "The message's id."),
    **messages.PARAMETERS,
}
SCHEMAS: dict[str, Node] = {**boxes.SCHEMAS, **messages.SCHEMAS}
OPERATIONS: Table = {**boxes.OPERATIONS, **messages.OPERATIONS, **audio.OPERATIONS}
