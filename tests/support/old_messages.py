"""Messages in the format of Kazoo 3.x: entries in a mailbox's array, and media documents beside it."""

import io
import secrets
from collections.abc import Sequence
from typing import Any

from couch.client import couch
from couch.database import Database
from storage import database_names
from tests.support.api_client import Account

Document = dict[str, Any]


def database(account: Account) -> Database:
    """The account's database."""
    return couch().database(database_names.account_db(account.id))


def make_entry(media_id: str | None = None, **fields: Any) -> Document:
    """An entry for an array. A field with the value None is left out."""
    entry = {
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
    return {key: value for key, value in entry.items() if value is not None}


def add(account: Account, box_id: str, entries: Sequence[Any], audio: bytes | None = b"ID3 old audio") -> list[str]:
    """Add entries to a mailbox's array, and their media documents if there is audio; the media ids."""
    media_ids = [str(entry.get("media_id") or "") for entry in entries if isinstance(entry, dict)]
    if audio is not None:
        for media_id in filter(None, media_ids):
            add_media(account, media_id, audio, source_id=box_id)
    database(account).update(box_id, lambda box: {**box, "messages": [*box.get("messages", []), *entries]})
    return media_ids


def add_media(
    account: Account,
    media_id: str,
    audio: bytes,
    name: str = "uploaded_file.mp3",
    content_type: str = "audio/mpeg",
    **fields: Any,
) -> Document:
    """Add a media document with audio."""
    db = database(account)
    media = {
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
    return db.put_with_attachment(media, name, content_type, io.BytesIO(audio), len(audio))


def read_array(account: Account, box_id: str) -> list[Any]:
    """The entries that remain in a mailbox's array."""
    box = database(account).get(box_id) or {}
    return list(box.get("messages", []))
