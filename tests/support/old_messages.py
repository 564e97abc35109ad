"""Messages as Kazoo 3.x kept them: entries of an array in the mailbox, and media documents beside it."""

import io
import secrets
from collections.abc import Sequence
from typing import Any

from couch.client import Database, couch
from storage import database_names
from tests.support.api_client import Account

Document = dict[str, Any]


def database(account: Account) -> Database:
    """The account's database."""
    return couch().database(database_names.account_db(account.id))


def entry(media_id: str | None = None, **fields: Any) -> Document:
    """An entry of the array; a field given as None is left out."""
    told = {
        "timestamp": 63630058722,
        "from": "1001@old.example.com",
        "to": "3000@old.example.com",
        "caller_id_number": "1001",
        "caller_id_name": "Ada",
        "call_id": secrets.token_hex(8),
        "folder": "new",
        "length": 3140,
        "media_id": media_id or secrets.token_hex(16),
        **fields,
    }
    return {key: value for key, value in told.items() if value is not None}


def leave(account: Account, box_id: str, entries: Sequence[Any], audio: bytes | None = b"ID3 old audio") -> list[str]:
    """Put entries into a box's array, each with its media document unless there is no audio; their media ids."""
    db = database(account)
    for each in entries:
        if (
            audio is not None
            and isinstance(each, dict)
            and isinstance(each.get("media_id"), str)
            and each["media_id"]
        ):
            leave_media(account, each["media_id"], audio, source_id=box_id)
    db.update(box_id, lambda box: {**box, "messages": [*box.get("messages", []), *entries]})
    return [each.get("media_id", "") for each in entries if isinstance(each, dict)]


def leave_media(
    account: Account,
    media_id: str,
    audio: bytes,
    name: str = "uploaded_file.mp3",
    content_type: str = "audio/mpeg",
    **fields: Any,
) -> Document:
    """A media document with audio."""
    db = database(account)
    doc = {
        "_id": media_id,
        "name": "mailbox 3000 message 5-9-2016 10:05:22",
        "description": "voicemail message media",
        "source_type": "voicemail",
        "media_source": "recording",
        "streamable": True,
        "pvt_type": "private_media",
        "pvt_account_id": account.id,
        "pvt_account_db": database_names.encode(db.name),
        "pvt_created": 63630058720,
        "pvt_modified": 63630058730,
        **fields,
    }
    return db.put_with_attachment(doc, name, content_type, io.BytesIO(audio), len(audio))


def array(account: Account, box_id: str) -> list[Any]:
    """What is left in a box's array."""
    found: list[Any] = (database(account).get(box_id) or {}).get("messages", [])
    return found
