"""Accounts of Kazoo 3.x made by hand, in a CouchDB or in backup files, and the command that migrates them."""

import base64
import hashlib
import io
import secrets
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any, NamedTuple

import orjson
from django.core.management import CommandError, call_command

from accounts import creation
from couch.client import Couch, couch
from couch.database import Database
from couch_views.sync import sync
from storage import database_names
from voicemail.messages.folder_changes import MEMBER

Document = dict[str, Any]

MAY_2016 = 63_630_058_722
CREATED = 63_600_000_000
# Fields that differ from run to run.
_VOLATILE_FIELDS = ("_rev", "_attachments", "pvt_api_key", "pvt_created", "pvt_modified", "pvt_node", MEMBER)


def new_id() -> str:
    return secrets.token_hex(16)


def speech(text: str) -> bytes:
    """Audio that differs from that of any other text."""
    return hashlib.sha256(text.encode()).digest() * 40


class Kazoo3Account:
    """An account as 3.x left it: its documents are collected first, then stored or written into files."""

    def __init__(self, account_id: str | None = None, **fields: Any) -> None:
        self.id = account_id or new_id()
        self.realm = f"{self.id[:12]}.example.com"
        self.account = self._document(
            "account",
            self.id,
            name="Old account",
            realm=self.realm,
            pvt_api_key=secrets.token_hex(32),
            pvt_tree=[],
        )
        self.account |= fields
        self.docs: dict[str, Document] = {self.id: self.account}

    # --- documents to be stored ---

    def add(self, pvt_type: str, doc_id: str | None = None, **fields: Any) -> Document:
        """Add a document of any type. A field with the value None is left out."""
        doc = self._document(pvt_type, doc_id or new_id(), **fields)
        doc = {key: value for key, value in doc.items() if value is not None}
        self.docs[doc["_id"]] = doc
        return doc

    def add_box(self, number: Any = "3000", entries: Sequence[Any] = (), **fields: Any) -> Document:
        fields = {
            "name": f"VMBox {number}",
            "mailbox": number,
            "timezone": "UTC",
            "messages": list(entries),
            **fields,
        }
        return self.add("vmbox", **fields)

    def add_media(self, content: bytes | None = None, doc_id: str | None = None, **fields: Any) -> Document:
        """Add a media document, without an attachment if there is no content."""
        stub = {"content_type": "audio/mpeg", "data": base64.b64encode(content or b"").decode()}
        attachments = {"uploaded_file.mp3": stub} if content is not None else None
        fields = {
            "source_type": "voicemail",
            "description": "voicemail message media",
            "_attachments": attachments,
            **fields,
        }
        return self.add(fields.pop("pvt_type", "private_media"), doc_id, **fields)

    def add_message(self, box: Document, text: str = "hello", **fields: Any) -> Document:
        """Add a media document, and an entry in the mailbox's array, which is returned. None leaves a field out."""
        media = self.add_media(speech(text), source_id=box["_id"])
        entry = {**self.make_entry(media["_id"]), **fields}
        entry = {key: value for key, value in entry.items() if value is not None}
        box["messages"].append(entry)
        return entry

    def make_entry(self, media_id: str, **fields: Any) -> Document:
        return {
            "timestamp": MAY_2016,
            "from": f"1001@{self.realm}",
            "to": f"3000@{self.realm}",
            "caller_id_number": "1001",
            "caller_id_name": "Ada",
            "call_id": f"call-{media_id[:8]}",
            "folder": "new",
            "length": 3140,
            "media_id": media_id,
            **fields,
        }

    def store(self, server: Couch | None = None) -> "Kazoo3Account":
        """Store the documents in a CouchDB, by default the served one."""
        server = server or couch()
        server.create(database_names.ACCOUNTS)
        if server is couch():
            creation.prepare_index()
        name = database_names.account_db(self.id)
        server.create(name)
        sync(server.database(name), "account")
        for saved in server.database(name).put_all(list(self.docs.values())):
            assert saved.error is None, saved
        server.database(database_names.ACCOUNTS).put_all([self.account])
        return self

    def write_backup(self, folder: Path) -> str:
        """Write a backup of the account's database into a folder; the folder's path."""
        write_backup(folder, database_names.account_db(self.id), self.docs.values())
        return str(folder)

    # --- what is stored ---

    @property
    def database(self) -> Database:
        return couch().database(database_names.account_db(self.id))

    def modb(self, month: str = "201605") -> Database:
        return couch().database(database_names.modb(self.id, month))

    def stored_box(self, box: Document) -> Document:
        doc = self.database.get(box["_id"])
        assert doc is not None
        return doc

    def stored_message(self, media_id: str, month: str = "201605") -> Document:
        doc = self.modb(month).get(f"{month}-{media_id}")
        assert doc is not None
        return doc

    def read_audio(self, message: Document) -> bytes:
        ((name, _),) = message["_attachments"].items()
        stream = self.modb(message["_id"][:6]).open_attachment(message["_id"], name)
        assert stream is not None
        return b"".join(stream)

    def stored_messages(self) -> dict[str, Document]:
        """All messages of all months, by id."""
        return {
            row["id"]: row["doc"]
            for name in self.modb_names()
            for row in _all_documents(name)
            if "metadata" in row["doc"]
        }

    def modb_names(self) -> list[str]:
        return couch().names(database_names.account_db(self.id) + "-")

    def _document(self, pvt_type: str, doc_id: str, **fields: Any) -> Document:
        return {
            "_id": doc_id,
            "pvt_type": pvt_type,
            "pvt_account_id": self.id,
            "pvt_account_db": database_names.encode(database_names.account_db(self.id)),
            "pvt_created": CREATED,
            "pvt_modified": CREATED,
            "pvt_vsn": "1",
            **fields,
        }


AccountMaker = Callable[..., Kazoo3Account]


def write_backup(folder: Path, database: str, docs: Iterable[Document]) -> None:
    """Write a backup of a database into a folder, as JSON lines."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{database_names.encode(database)}.jsonl"
    path.write_bytes(b"".join(orjson.dumps(doc) + b"\n" for doc in docs))


class CommandResult(NamedTuple):
    """The exit status of a command, and its output."""

    status: int
    out: str
    err: str


def migrate_kazoo3(*arguments: str) -> CommandResult:
    """Run the command ``migrate_kazoo3`` in this process."""
    out, err = io.StringIO(), io.StringIO()
    status = 0
    with redirect_stderr(err):
        try:
            call_command("migrate_kazoo3", *arguments, stdout=out, stderr=err)
        except SystemExit as system_exit:
            status = int(system_exit.code or 0)
        except CommandError as error:
            status, _ = error.returncode, err.write(str(error))
    sys.stdout.write(out.getvalue() + err.getvalue())
    return CommandResult(status, out.getvalue(), err.getvalue())


def dump_account(account_id: str) -> dict[str, Document]:
    """All documents of an account with digests of audio, without ids and fields that differ from run to run."""
    account_name = database_names.account_db(account_id)
    documents: dict[str, Document] = {}
    for name in couch().names(account_name):
        for row in _all_documents(name):
            if not row["id"].startswith("_design/"):
                key = f"{name.replace(account_name, 'ACCOUNT')} {row['id'].replace(account_id, 'ACCOUNT')}"
                documents[key] = _normalise(row["doc"], account_id)
    return documents


def list_revisions(account_id: str) -> dict[str, dict[str, str]]:
    """The revisions of all documents of an account, by database and id."""
    return {
        name: {row["id"]: row["value"]["rev"] for row in couch().database(name).all_docs()}
        for name in couch().names(database_names.account_db(account_id))
    }


def _all_documents(name: str) -> list[Document]:
    return couch().database(name).all_docs(include_docs=True)


def _normalise(doc: Document, account_id: str) -> Any:
    stable = {key: value for key, value in doc.items() if key not in _VOLATILE_FIELDS}
    stubs = doc.get("_attachments", {})
    stable["audio"] = {name: [stub["digest"], stub["length"], stub["content_type"]] for name, stub in stubs.items()}
    return _replace_account(stable, account_id)


def _replace_account(value: Any, account_id: str) -> Any:
    """A JSON value with the account's id, and names made of it, replaced by a word."""
    if isinstance(value, dict):
        return {key: _replace_account(item, account_id) for key, item in value.items()}
    if isinstance(value, list):
        return [_replace_account(item, account_id) for item in value]
    if not isinstance(value, str):
        return value
    name = database_names.account_db(account_id)
    for text in (database_names.encode(name), name, account_id, account_id[:12]):
        value = value.replace(text, "ACCOUNT")
    return value
