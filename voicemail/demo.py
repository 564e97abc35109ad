"""The demo account of ``make run``: an administrator, two mailboxes, a few spoken messages of different days."""

import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from accounts import accounts, creation, users
from couch.client import Document
from crossbar.errors import BadIdentifier
from crossbar.multipart import Part
from storage import gregorian
from voicemail.mailboxes import store as mailbox_store
from voicemail.messages import store as message_store

RECORDINGS = Path(__file__).parent / "recordings"
_HOUR = 3600
_DAY = 24 * _HOUR


@dataclass(frozen=True)
class _Message:
    recording: str
    length: int  # milliseconds
    caller: str
    number: str
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
_NAMES = {"4000": "Reception", "4001": "Sales"}


def demo(file: Path) -> dict[str, str]:
    """The demo account that the file tells of; a new one, told of in the file, when CouchDB has no such account.

    Returns what one needs to use it: account_id, realm, username, password, api_key, the ids of a box and of a
    message in it, and a recording that one might leave.
    """
    known: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
    if known and _is_there(known["account_id"]):
        return known
    made = _make()
    # Its owner's alone: a password is in it.
    new = file.with_suffix(".new")
    new.touch(mode=0o600)
    new.write_text(json.dumps(made, indent=2))
    new.replace(file)
    return made


def _is_there(account_id: str) -> bool:
    try:
        accounts.get(account_id)
    except BadIdentifier:
        return False
    return True


def _make() -> dict[str, str]:
    """A new account; its realm is random, so that the demos of several people can share one CouchDB."""
    unique, password = secrets.token_hex(2), secrets.token_urlsafe(9)
    user: dict[str, Any] = {"username": "demo", "first_name": "Demo", "last_name": "User", "priv_level": "admin"}

    def add_user(account_id: str) -> None:
        users.create(account_id, {**user, "password": password})

    names = {"name": f"Demo {unique}", "realm": f"demo-{unique}.localhost"}
    account = creation.create(names, prepare=add_user)
    left = {number: _fill(account, number) for number in _MESSAGES}
    box, newest = left["4000"]
    return {
        "account_id": account["_id"],
        "realm": account["realm"],
        "username": user["username"],
        "password": password,
        "api_key": account["pvt_api_key"],
        "box_id": box["_id"],
        "message_id": newest["_id"],
        "recording": str((RECORDINGS / "parcel.mp3").relative_to(RECORDINGS.parent.parent)),
    }


def _fill(account: Document, number: str) -> tuple[Document, Document]:
    """A mailbox with its messages; returns it and the newest of them."""
    box = mailbox_store.create(account["_id"], {"name": _NAMES[number], "mailbox": number})
    left = [_leave(account, box, message) for message in _MESSAGES[number]]
    return box, left[0]


def _leave(account: Document, box: Document, message: _Message) -> Document:
    path = RECORDINGS / f"{message.recording}.mp3"
    metadata = {
        "caller_id_name": message.caller,
        "caller_id_number": message.number,
        "folder": message.folder,
        "length": message.length,
        "timestamp": gregorian.now() - message.age,
    }
    with path.open("rb") as file:
        audio = Part("audio/mpeg", filename=path.name, file=file, length=path.stat().st_size)
        return message_store.create(account, box, metadata, audio, None)
