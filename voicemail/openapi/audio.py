"""What the API document says of the audio of messages."""

from crossbar.openapi.bodies import files, sent, upload
from crossbar.openapi.dialect import Node, component
from crossbar.openapi.operations import Operation, Table
from crossbar.openapi.parameters import ACCEPT, KNOWN, RANGE, UNCHANGED
from voicemail.messages import metadata
from voicemail.openapi import samples
from voicemail.openapi.messages import MESSAGE, MESSAGES, message

TAG = "Audio"
_SENT_AS = ("audio/*", "video/*", "application/ogg", "application/octet-stream")
_FILE = ("ETag", "Content-Disposition", "Accept-Ranges")


def _body() -> Node:
    parts = upload(
        "One part of media; of JSON beside it the length counts, in milliseconds",
        component(metadata.SCHEMA),
        bare=("audio/*", "video/mp4", "application/octet-stream"),
    )
    base64: Node = {
        "type": "string",
        "contentEncoding": "base64",
        "description": "The media in base64, perhaps behind `data:audio/mpeg;base64,`",
    }
    return {"required": True, "content": {**parts, "application/base64": {"schema": base64}}}


OPERATIONS: Table = {
    ("GET", f"{MESSAGE}/raw"): Operation(
        "getAudio",
        TAG,
        "The audio of a message",
        {
            200: files("The audio, of the type that it was stored as.", *_SENT_AS, headers=_FILE),
            206: files("A part of the audio.", *_SENT_AS, headers=(*_FILE, "Content-Range")),
        },
        "Its name is made of the caller's number and the time in the box's zone. A message without audio is 404. "
        "Several ranges at once get all of it.",
        (KNOWN, RANGE, ACCEPT),
        errors=(406,),
        enveloped=False,
    ),
    ("PUT", f"{MESSAGE}/raw"): Operation(
        "putAudio",
        TAG,
        "Give a message its audio",
        {200: message("The message.")},
        "It takes the place of whatever audio there was.",
        ("pretty", UNCHANGED),
        _body(),
        enveloped=False,
    ),
    ("POST", f"{MESSAGES}/raw"): Operation(
        "getArchive",
        TAG,
        "The audio of many messages, in a ZIP",
        {200: files("The ZIP.", "application/zip", headers=("Content-Disposition",))},
        "One file per message. Ids of no message of the box, and messages without audio, are listed in "
        "`missing.txt` inside it; where none has audio, the answer is 404.",
        body=sent(component("Selection"), {"messages": [samples.MESSAGE_ID]}),
        enveloped=False,
    ),
}
