"""What the API document says of messages."""

from crossbar.openapi.bodies import answer, listing, sent, upload
from crossbar.openapi.dialect import Node, component
from crossbar.openapi.operations import Operation, Table, link
from crossbar.openapi.parameters import ACCEPT, FILTERS, KNOWN, PAGES, TIMES, UNCHANGED, query
from voicemail.messages import metadata
from voicemail.openapi import samples
from voicemail.openapi.boxes import BOX, BOXES

TAG = "Messages"
MESSAGES = f"{BOX}/messages"
MESSAGE = f"{MESSAGES}/{{message_id}}"
PARAMETERS: dict[str, Node] = {
    "folder": query("folder", "A folder of the box.", {"enum": list(metadata.FOLDERS)}),
}

_TEXT: Node = {"type": "string"}
_IDS: Node = {"type": "array", "items": _TEXT, "minItems": 1}
_FOLDER: Node = {"enum": list(metadata.FOLDERS)}
_CALLED: Node = {
    "timestamp": {"type": ["integer", "null"], "description": "When it was left, in Gregorian seconds"},
    "folder": _TEXT,
    "length": {"type": "integer", "description": "In milliseconds"},
    "media_id": {**_TEXT, "description": "Its id"},
    "transcribed": {"type": "boolean", "description": "There is a transcription"},
}
_RETAINED: Node = {
    "retention": {"const": "enforced", "description": "It is older than the retention"},
    "retention_message": _TEXT,
}
_TRANSCRIPTION: Node = {
    "type": "object",
    "description": "What was said, if Kazoo wrote it down",
    "properties": {"result": _TEXT, "text": _TEXT},
}
_MANY: Node = {"type": "object", "properties": {"messages": {**_IDS, "description": "Ids; duplicates count once"}}}
_TARGET: Node = {
    "source_id": {
        "description": "The id of the box to move to, or the ids of the boxes to copy to",
        "anyOf": [{**_TEXT, "minLength": 1}, _IDS],
    },
    "folder": {**_FOLDER, "description": "The folder to go to; what is unknown or missing means saved"},
}
SCHEMAS: dict[str, Node] = {
    "Message": {
        "description": "A message as it is shown",
        "allOf": [
            component(metadata.SCHEMA),
            {
                "type": "object",
                "properties": {"id": _TEXT, "transcription": _TRANSCRIPTION, **_RETAINED},
                "required": ["id", "media_id", "folder"],
            },
        ],
    },
    "MessageSummary": {
        "type": "object",
        "description": "A message in a listing",
        "properties": {**_CALLED, **_RETAINED},
        "required": ["media_id", "folder"],
    },
    "MessageSummaryOfBox": {
        "type": "object",
        "description": "A message in a listing, under its box's id",
        "additionalProperties": component("MessageSummary"),
        "minProperties": 1,
        "maxProperties": 1,
    },
    "Outcome": {
        "type": "object",
        "description": "What became of each message. A move or copy tells the new messages' ids.",
        "properties": {
            "succeeded": {"type": "array", "items": _TEXT},
            "failed": {
                "type": "array",
                "items": {
                    "type": "object",
                    "description": "Why, by id: not_found, conflict, prior_to_retention_duration, missing_audio ...",
                    "additionalProperties": _TEXT,
                    "minProperties": 1,
                    "maxProperties": 1,
                },
            },
        },
        "required": ["succeeded", "failed"],
    },
    "Change": {"type": "object", "description": "What to do with a message", "properties": _TARGET},
    "Changes": {
        "description": "What to do with which messages",
        "allOf": [component("Selection"), component("Change")],
    },
    "Selection": {**_MANY, "description": "Which messages", "required": ["messages"]},
}
_LISTING = (*PAGES, *TIMES, *FILTERS, "folder", KNOWN, ACCEPT)
_CHANGE = """\
* `folder`, in the query or the data, puts into a folder.
* `source_id` with the id of another box moves there: under a new id, into the folder new.
* `source_id` with a list of ids copies to each of these boxes."""


def message(description: str, *headers: str, links: Node | None = None) -> Node:
    """An answer with one message."""
    return answer(description, component("Message"), samples.MESSAGE, headers=headers, links=links)


def _outcome() -> Node:
    return answer("What became of each message.", component("Outcome"), samples.OUTCOME)


def _creation() -> Node:
    body = sent(component(metadata.SCHEMA), samples.NEW_MESSAGE)
    parts = upload(
        "A part of JSON (the metadata alone, or in an envelope) and one of media, told apart by their own content "
        "types, whatever their names are",
        component(metadata.SCHEMA),
    )
    return {**body, "content": {**body["content"], **parts}}


_LINKS = {
    name: link(
        name,
        text,
        account_id="$request.path.account_id",
        box_id="$request.path.box_id",
        message_id="$response.body#/data/media_id",
    )
    for name, text in (
        ("getMessage", "The message"),
        ("changeMessage", "Put it into a folder, or another box"),
        ("getAudio", "Its audio"),
        ("putAudio", "Give it its audio"),
        ("deleteMessage", "Remove it"),
    )
}

OPERATIONS: Table = {
    ("GET", f"{BOXES}/messages"): Operation(
        "listMessagesOfAccount",
        TAG,
        "The messages of all boxes",
        {
            200: listing(
                "A page of messages, newest first, each under its box's id.",
                component("MessageSummaryOfBox"),
                [{samples.BOX_ID: samples.SUMMARY}],
                csv=samples.MESSAGES_CSV,
            )
        },
        parameters=_LISTING,
    ),
    ("GET", MESSAGES): Operation(
        "listMessages",
        TAG,
        "The messages of a box",
        {
            200: listing(
                "A page of messages, newest first, the folder deleted included. `paginate=true` puts each under its "
                "box's id.",
                {"anyOf": [component("MessageSummary"), component("MessageSummaryOfBox")]},
                [samples.SUMMARY],
                csv=samples.MESSAGES_CSV,
            )
        },
        parameters=_LISTING,
    ),
    ("PUT", MESSAGES): Operation(
        "createMessage",
        TAG,
        "Leave a message",
        {201: message("The new message.", "Location", links=_LINKS)},
        "With its audio in the same request, or by its metadata alone: then its audio is put to `raw` next. What "
        "isn't said is filled in: the time is now, the folder new, the caller anonymous.",
        body=_creation(),
    ),
    ("POST", MESSAGES): Operation(
        "changeMessages",
        TAG,
        "Change, move or copy messages",
        {200: _outcome()},
        _CHANGE,
        ("folder",),
        sent(
            component("Changes"),
            {"messages": [samples.MESSAGE_ID, samples.GONE_ID], "folder": "saved"},
            move={"messages": [samples.MESSAGE_ID], "source_id": samples.OTHER_BOX_ID},
            copy={"messages": [samples.MESSAGE_ID], "source_id": [samples.OTHER_BOX_ID]},
        ),
    ),
    ("DELETE", MESSAGES): Operation(
        "deleteMessages",
        TAG,
        "Remove messages",
        {200: _outcome()},
        "Those that the data names, else those of a folder, else all.",
        ("folder",),
        sent(
            {**_MANY, "properties": {**_MANY["properties"], "folder": _FOLDER}},
            {"messages": [samples.MESSAGE_ID, samples.GONE_ID]},
            required=False,
            folder={"folder": "deleted"},
        ),
    ),
    ("GET", MESSAGE): Operation(
        "getMessage",
        TAG,
        "One message",
        {200: message("The message.")},
        "A message that was in no folder is in new from now on.",
        (KNOWN,),
    ),
    ("POST", MESSAGE): Operation(
        "changeMessage",
        TAG,
        "Change, move or copy a message",
        {
            200: answer(
                "The message as it is now; of copies, what became of each.",
                {"anyOf": [component("Message"), component("Outcome")]},
                {**samples.MESSAGE, "folder": "saved"},
            )
        },
        _CHANGE,
        ("folder", UNCHANGED),
        sent(
            component("Change"),
            {"folder": "saved"},
            required=False,
            move={"source_id": samples.OTHER_BOX_ID},
            copy={"source_id": [samples.OTHER_BOX_ID]},
        ),
    ),
    ("DELETE", MESSAGE): Operation(
        "deleteMessage",
        TAG,
        "Remove a message",
        {200: message("The message as it was, in the folder deleted.")},
        parameters=(UNCHANGED,),
    ),
}
