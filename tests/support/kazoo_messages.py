"""Messages put into CouchDB the way a Kazoo does, past the API: any number, any age."""

import io
import secrets
from collections.abc import Sequence
from typing import Any

from couch.database import Database
from storage import database_names, gregorian, modbs
from tests.support.api_client import Account
from voicemail.mailboxes import time_zone
from voicemail.messages import metadata
from voicemail.messages import store as message_store

DAY = 86_400


def document(account: Account, box: dict[str, Any], timestamp: int, **fields: Any) -> dict[str, Any]:
    """A message's document; fields are of its metadata, Gregorian seconds and milliseconds."""
    owner = {"_id": account.id, "realm": account.realm}
    stored = {**box, "_id": box["id"]}
    described = {
        "timestamp": timestamp,
        "folder": "new",
        "length": 1000,
        "call_id": secrets.token_hex(8),
        "caller_id_number": "1001",
        "caller_id_name": "Ada",
        "from": f"1001@{account.realm}",
        "to": f"{box['mailbox']}@{account.realm}",
        **fields,
    }
    return message_store.build(
        owner, stored, metadata.add_addresses(owner, described), time_zone.of_box(owner, stored)
    )


def leave(account: Account, box: dict[str, Any], timestamps: Sequence[int], **fields: Any) -> list[str]:
    """Messages without audio, one per timestamp; their ids, in the same order."""
    ids = []
    months: dict[str, list[dict[str, Any]]] = {}
    for timestamp in timestamps:
        doc = document(account, box, timestamp, **fields)
        months.setdefault(gregorian.month_of(timestamp), []).append(doc)
        ids.append(doc["_id"])
    for month, docs in months.items():
        for saved in modbs.ensure(account.id, month).put_all(docs):
            assert saved.error is None, saved
    return ids


def leave_spoken(
    account: Account,
    box: dict[str, Any],
    timestamp: int,
    content: bytes,
    name: str = "msg.mp3",
    content_type: str = "audio/mpeg",
    **fields: Any,
) -> str:
    """A message with its audio; its id."""
    doc = document(account, box, timestamp, **fields)
    modb = modbs.ensure(account.id, gregorian.month_of(timestamp))
    modb.put_with_attachment({**doc, "media_filename": name}, name, content_type, io.BytesIO(content), len(content))
    return str(doc["_id"])


def stored(account: Account, message_id: str) -> dict[str, Any]:
    """A message's document as CouchDB has it; an empty one when there is none."""
    return database(account, message_id).get(message_id) or {}


def database(account: Account, message_id: str) -> Database:
    """The MODb that a message's id names."""
    month = database_names.month_of_message(message_id)
    assert month is not None
    found = modbs.find(account.id, month)
    assert found is not None
    return found


def audio_of(account: Account, message_id: str) -> bytes:
    """The one attachment of a message, as CouchDB has it."""
    (name,) = stored(account, message_id)["_attachments"]
    stream = database(account, message_id).open_attachment(message_id, name)
    assert stream is not None
    return b"".join(stream)
