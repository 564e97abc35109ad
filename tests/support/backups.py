"""Accounts to back up, and what two CouchDBs have of them, to be compared."""

import json
from io import BytesIO
from pathlib import Path
from typing import Any

from backup.backup import BackupOptions, back_up
from backup.chain import open_chain
from backup.layout import Manifest, Selection
from backup.opening import open_place
from backup.progress import Progress, Tally
from backup.restore import RestoreOptions, restore_backup
from backup.verify import verify_backup
from couch.client import Couch, couch
from couch.database import Document
from couch.replication import NewAttachment, Replica
from storage import database_names

MONTHS = ("202610", "202611")
HUGE = 2**70
"""An integer that many JSON libraries can't keep."""


def fill_account(account_id: str, *, messages: int = 6) -> None:
    """Store two months of messages with odd documents among them, some of them changed or deleted since."""
    for month in MONTHS:
        couch().create(database_names.modb(account_id, month))
        for number in range(messages):
            store_message(account_id, month, f"{month}-{number:04}")
    odd = Replica(couch(), database_names.modb(account_id, MONTHS[0]))
    odd.put_new({"_id": "odd", "huge": HUGE, "float": 1.5, "metadata": [], "pvt_type": "mailbox_message"}, [])
    files = {"a/b c.txt": b"text " * 500, "empty": b"", "audio.mp3": bytes(range(256)) * 300}
    attachments = [
        NewAttachment(name, "text/plain" if name.endswith("txt") else "audio/mpeg", len(content), BytesIO(content))
        for name, content in files.items()
    ]
    odd.put_new({"_id": "with three", "é": "\u2028"}, attachments)
    database = couch().database(odd.name)
    for doc_id in ("gone", "soft deleted"):
        database.put({"_id": doc_id})
    database.update("soft deleted", lambda doc: {**doc, "pvt_deleted": True})
    database.delete("gone", (database.get("gone") or {})["_rev"])
    # The same recording once more, as a forwarded message has it.
    store_message(account_id, MONTHS[1], f"{MONTHS[1]}-copy", content=recording(f"{MONTHS[0]}-0000"))


def store_message(account_id: str, month: str, message_id: str, *, content: bytes | None = None) -> Document:
    """Store a message with a recording of its own; its document."""
    audio = recording(message_id) if content is None else content
    doc = {"_id": message_id, "pvt_type": "mailbox_message", "metadata": {"folder": "new", "length": len(audio)}}
    database = couch().database(database_names.modb(account_id, month))
    return database.put_with_attachment(doc, "audio.wav", "audio/x-wav", BytesIO(audio), len(audio))


def recording(message_id: str) -> bytes:
    """The bytes that `store_message` takes for a recording."""
    return b"RIFF" + message_id.encode() * 3_000


def dump_account(server: Couch, account_id: str) -> dict[str, dict[str, Any]]:
    """All that a CouchDB has of an account: documents with their revisions and attachments, by database and id."""
    names = [name for name in server.names(database_names.account_db(account_id)) if database_names.parse(name)]
    return {name: dump_database(server, name) for name in names}


def dump_database(server: Couch, name: str) -> dict[str, Any]:
    """The documents of a database by id, with their revisions and the bytes of their attachments."""
    replica, database = Replica(server, name), server.database(name)
    docs = [doc for doc in replica.changes("0", 100_000).docs if not doc.get("_deleted")]
    dump = {}
    for doc in docs:
        contents = {}
        for attachment, stub in doc.pop("_attachments", {}).items():
            response = database.open_attachment(doc["_id"], attachment, rev=doc["_rev"])
            assert response is not None
            contents[attachment] = (stub["content_type"], response.read())
        dump[doc["_id"]] = (json.dumps(doc, sort_keys=True), contents)
    return dump


def make_backup(
    place: Path | str,
    *accounts: str,
    since: Path | str | None = None,
    server: Couch | None = None,
    with_keys: bool = False,
    **options: Any,
) -> Manifest:
    """Back up accounts, or everything, of the served or another CouchDB; the manifest."""
    selection = Selection(tuple(sorted(accounts)), with_keys)
    earlier = None if since is None else open_place(str(since))
    backup_options = BackupOptions(selection, earlier, **options)
    return back_up(server or couch(), open_place(str(place)), backup_options, Progress())


def restore_into(server: Couch, place: Path | str, *accounts: str, **options: Any) -> Tally:
    """Restore accounts of a backup into a CouchDB; what was counted."""
    progress = Progress()
    restore_backup(server, open_chain(open_place(str(place))), RestoreOptions(accounts=accounts, **options), progress)
    return progress.tally


def check_backup(place: Path | str) -> Tally:
    """Verify a backup; what was counted."""
    progress = Progress()
    verify_backup(open_chain(open_place(str(place))), progress)
    return progress.tally
