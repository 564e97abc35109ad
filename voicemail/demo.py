"""The demo account of ``make run``: an administrator, two mailboxes, and spoken messages of several days."""

import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from accounts import accounts, creation, users
from couch.database import Document
from crossbar.errors import BadIdentifier
from crossbar.multipart import Part
from storage import gregorian
from voicemail.audio.upload import Upload
from voicemail.mailboxes import store as mailbox_store
from voicemail.messages import metadata
from voicemail.messages import store as message_store

RECORDINGS = Path(__file__).parent / "recordings"
_HOUR = 3600
_DAY = 24 * _HOUR


@dataclass(frozen=True)
class _Message:
    recording: str
    length: int  # milliseconds
    caller_name: str
    caller_number: str
    folder: str
    age: int  # seconds


_MESSAGES = {
    "4000": (
        _Message("dentist", 8112, "Dr Miller", "2025550143", "new", 2 * _HOUR),
        _Message("parcel", 1612, "Front desk", "1000", "saved", _DAY + 3 * _HOUR),
        _Message("meeting", 7146, "Grace", "1002", "new", 5 * _DAY),
        # 31 days ago is always in another month.
        _Message("birthday", 10432, "Charles", "2025550178", "saved", 31 * _DAY),
    ),
    "4001": (_Message("offer", 6421, "Ada", "2025550111", "new", 2 * _DAY),),
}
_BOX_NAMES = {"4000": "Reception", "4001": "Sales"}


def get_or_create(file: Path) -> dict[str, str]:
    """The demo account that a file describes; a new one, described in the file, if CouchDB has no such account.

    Returns what using it takes: account_id, account_name, realm, username, password, api_key, box_id, message_id (the
    newest message of that mailbox), and recording, the path of an audio file to upload.
    """
    demo: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
    if not (demo and _account_exists(demo["account_id"])):
        demo = _create()
        # Only its owner may read the file: it holds a password.
        new_file = file.with_suffix(".new")
        new_file.touch(mode=0o600)
        new_file.write_text(json.dumps(demo, indent=2))
        new_file.replace(file)
    return {**demo, "account_name": accounts.get(demo["account_id"])["name"]}


def _account_exists(account_id: str) -> bool:
    try:
        accounts.get(account_id)
    except BadIdentifier:
        return False
    return True


def _create() -> dict[str, str]:
    """Create an account. Its realm is random, so that demos of several people can share one CouchDB."""
    suffix, password = secrets.token_hex(2), secrets.token_urlsafe(9)
    user: dict[str, Any] = {"username": "demo", "first_name": "Demo", "last_name": "User", "priv_level": "admin"}

    def add_user(account_id: str) -> None:
        users.create(account_id, {**user, "password": password})

    names = {"name": f"Demo {suffix}", "realm": f"demo-{suffix}.localhost"}
    account = creation.create(names, prepare=add_user)
    boxes = {number: _create_box(account, number) for number in _MESSAGES}
    box, newest_message = boxes["4000"]
    return {
        "account_id": account["_id"],
        "realm": account["realm"],
        "username": user["username"],
        "password": password,
        "api_key": account["pvt_api_key"],
        "box_id": box["_id"],
        "message_id": newest_message["_id"],
        "recording": str((RECORDINGS / "parcel.mp3").relative_to(RECORDINGS.parent.parent)),
    }


def _create_box(account: Document, number: str) -> tuple[Document, Document]:
    """Create a mailbox with its messages; the mailbox and its newest message."""
    box = mailbox_store.create(account["_id"], {"name": _BOX_NAMES[number], "mailbox": number})
    messages = [_leave_message(account, box, message) for message in _MESSAGES[number]]
    return box, messages[0]


def _leave_message(account: Document, box: Document, message: _Message) -> Document:
    path = RECORDINGS / f"{message.recording}.mp3"
    fields = metadata.validate(
        {
            "caller_id_name": message.caller_name,
            "caller_id_number": message.caller_number,
            "folder": message.folder,
            "length": message.length,
            "timestamp": gregorian.now() - message.age,
        }
    )
    with path.open("rb") as file:
        part = Part("audio/mpeg", filename=path.name, file=file, length=path.stat().st_size)
        return message_store.create(account, box, fields, Upload.from_part(part, account["_id"], box))
