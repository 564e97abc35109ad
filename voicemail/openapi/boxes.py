"""What the API document says of boxes."""

from crossbar.openapi.bodies import answer, listing, sent
from crossbar.openapi.dialect import Node, component
from crossbar.openapi.operations import Operation, Table, link
from crossbar.openapi.parameters import ACCEPT, FILTERS, KNOWN, PAGES, UNCHANGED
from voicemail.openapi import samples

TAG = "Boxes"
BOXES = "/v2/accounts/{account_id}/vmboxes"
BOX = f"{BOXES}/{{box_id}}"

_COUNT: Node = {"type": "integer", "minimum": 0}
_TIME: Node = {"type": "integer", "description": "In Gregorian seconds"}
SCHEMAS: dict[str, Node] = {
    "Box": {
        "description": "A box as it is shown. `pin` is there for administrators and the box's owner.",
        "allOf": [
            component("vmboxes"),
            {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]},
        ],
    },
    "BoxMetadata": {
        "type": "object",
        "properties": {
            "id": {"type": "string"},
            "created": _TIME,
            "modified": _TIME,
            "deleted": {"const": True, "description": "Once it is deleted"},
        },
        "required": ["id"],
    },
    "BoxSummary": {
        "type": "object",
        "properties": {
            "id": {"type": "string"},
            "name": {"type": "string"},
            "mailbox": {"type": "string"},
            "owner_id": {"type": "string"},
            "flags": {"type": "array"},
            "messages": {**_COUNT, "description": "How many messages are new or saved"},
            "folders": {
                "type": "object",
                "description": "How many messages are in which folder; missing while there are none",
                "properties": {"new": _COUNT, "saved": _COUNT},
                "required": ["new", "saved"],
            },
        },
        "required": ["id", "messages"],
    },
}
_LISTED = listing("A page of boxes, by name.", component("BoxSummary"), [samples.BOX_SUMMARY], csv=samples.BOXES_CSV)


def _box(description: str, *headers: str, deleted: bool = False, links: Node | None = None) -> Node:
    return answer(
        description,
        component("Box"),
        samples.BOX,
        metadata=component("BoxMetadata"),
        sample_metadata=samples.BOX_TIMES | ({"deleted": True} if deleted else {}),
        headers=headers,
        links=links,
    )


_LINKS = {
    name: link(name, text, account_id="$request.path.account_id", box_id="$response.body#/data/id")
    for name, text in (
        ("getBox", "The box"),
        ("patchBox", "Change it"),
        ("listMessages", "Its messages"),
        ("createMessage", "Leave a message in it"),
        ("deleteBox", "Delete it"),
    )
}

OPERATIONS: Table = {
    ("GET", BOXES): Operation(
        "listBoxes",
        TAG,
        "The boxes of an account",
        {200: _LISTED},
        "Filters look at whole boxes, not only at what is listed of them.",
        (*PAGES, *FILTERS, KNOWN, ACCEPT),
    ),
    ("PUT", BOXES): Operation(
        "createBox",
        TAG,
        "Create a box",
        {201: _box("The new box.", "Location", links=_LINKS)},
        "The schema's defaults are stored. The number, and each alias, is unique in the account: a taken one is 400 "
        "with `mailbox` → `unique`.",
        body=sent(component("vmboxes"), samples.NEW_BOX),
    ),
    ("GET", BOX): Operation("getBox", TAG, "One box", {200: _box("The box.")}, parameters=(KNOWN,)),
    ("POST", BOX): Operation(
        "replaceBox",
        TAG,
        "Replace a box",
        {200: _box("The box as it is now.")},
        "What isn't sent is gone, or back at its default.",
        (UNCHANGED,),
        sent(component("vmboxes"), samples.NEW_BOX),
    ),
    ("PATCH", BOX): Operation(
        "patchBox",
        TAG,
        "Change some of a box",
        {200: _box("The box as it is now.")},
        "Objects are merged member by member, what is `null` is removed.",
        (UNCHANGED,),
        sent(component("vmboxes_changes"), {"some_key": "some_value"}, notify={"notify": {"callback": None}}),
    ),
    ("DELETE", BOX): Operation(
        "deleteBox",
        TAG,
        "Delete a box and its messages",
        {200: _box("The box as it was.", deleted=True)},
        parameters=(UNCHANGED,),
    ),
    ("GET", "/v2/accounts/{account_id}/users/{user_id}/vmboxes"): Operation(
        "listBoxesOfUser",
        TAG,
        "The boxes that a user owns",
        {200: _LISTED},
        parameters=(*PAGES, *FILTERS, KNOWN, ACCEPT),
    ),
}
