"""Accounts of Kazoo 3.x made by hand, in a CouchDB or as documents to write into files; and running the command."""

import base64
import hashlib
import io
import secrets
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr
from typing import Any, NamedTuple

from django.core.management import CommandError, call_command

from accounts import creation
from couch.client import Couch, Database, couch
from couch_views.sync import sync
from storage import database_names

Document = dict[str, Any]

MAY_2016 = 63_630_058_722
CREATED = 63_600_000_000
# Times and names of machines, which differ from run to run.
_PASSING = ("_rev", "pvt_api_key", "pvt_created", "pvt_modified", "pvt_node")


def new_id() -> str:
    return secrets.token_hex(16)


def speech(text: str) -> bytes:
    """Bytes that are no other message's."""
    return hashlib.sha256(text.encode()).digest() * 40


class Kazoo3:
    """An account as 3.x left it: documents are collected, then stored or written."""

    def __init__(self, account_id: str | None = None, **fields: Any) -> None:
        self.id = account_id or new_id()
        self.realm = f"{self.id[:12]}.example.com"
        self.account = self._stamped(
            "account",
            self.id,
            name="Old account",
            realm=self.realm,
            pvt_api_key=secrets.token_hex(32),
            pvt_tree=[],
        )
        self.account |= fields
        self.docs: dict[str, Document] = {self.id: self.account}

    def add(self, pvt_type: str, doc_id: str | None = None, **fields: Any) -> Document:
        """A document of whatever type; a field given as None is left out."""
        doc = self._stamped(pvt_type, doc_id or new_id(), **fields)
        doc = {key: value for key, value in doc.items() if value is not None}
        self.docs[doc["_id"]] = doc
        return doc

    def box(self, number: Any = "3000", entries: Sequence[Any] = (), **fields: Any) -> Document:
        fields = {
            "name": f"VMBox {number}",
            "mailbox": number,
            "timezone": "UTC",
            "messages": list(entries),
            **fields,
        }
        return self.add("vmbox", **fields)

    def media(self, content: bytes | None = None, doc_id: str | None = None, **fields: Any) -> Document:
        """A media document; no content: without attachment."""
        doc_id = doc_id or new_id()
        stub = {"content_type": "audio/mpeg", "data": base64.b64encode(content or b"").decode()}
        attachments = {"uploaded_file.mp3": stub} if content is not None else None
        described = {
            "source_type": "voicemail",
            "description": "voicemail message media",
            "_attachments": attachments,
        }
        return self.add(fields.pop("pvt_type", "private_media"), doc_id, **{**described, **fields})

    def message(self, box: Document, text: str = "hello", **fields: Any) -> Document:
        """A clean message: a media document and an entry in the box's array; the entry. None leaves a field out."""
        media = self.media(speech(text), source_id=box["_id"])
        entry = {**self.entry(media["_id"]), **fields}
        entry = {key: value for key, value in entry.items() if value is not None}
        box["messages"].append(entry)
        return entry

    def entry(self, media_id: str, **fields: Any) -> Document:
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

    def store(self, server: Couch | None = None) -> "Kazoo3":
        """Put it into a CouchDB, the served one if none is named."""
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

    @property
    def db(self) -> Database:
        return couch().database(database_names.account_db(self.id))

    def modb(self, month: str = "201605") -> Database:
        return couch().database(database_names.modb(self.id, month))

    def stored_box(self, box: Document) -> Document:
        doc = self.db.get(box["_id"])
        assert doc is not None
        return doc

    def stored_message(self, media_id: str, month: str = "201605") -> Document:
        doc = self.modb(month).get(f"{month}-{media_id}")
        assert doc is not None
        return doc

    def audio_of(self, doc: Document, month: str = "201605") -> bytes:
        ((name, _),) = doc["_attachments"].items()
        stream = self.modb(month).open_attachment(doc["_id"], name)
        assert stream is not None
        return b"".join(stream)

    def messages(self) -> dict[str, Document]:
        """All messages of all months, by id."""
        return {row["id"]: row["doc"] for name in self.months() for row in _docs(name) if "metadata" in row["doc"]}

    def months(self) -> list[str]:
        return couch().names(database_names.account_db(self.id) + "-")

    def _stamped(self, pvt_type: str, doc_id: str, **fields: Any) -> Document:
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


class Ran(NamedTuple):
    """How the command ended, and what it printed."""

    status: int
    out: str
    err: str


def migrate(*arguments: str) -> Ran:
    """Run ``migrate_kazoo3`` in this process."""
    out, err = io.StringIO(), io.StringIO()
    status = 0
    with redirect_stderr(err):
        try:
            call_command("migrate_kazoo3", *arguments, stdout=out, stderr=err)
        except SystemExit as ended:
            status = int(ended.code or 0)
        except CommandError as error:
            status, _ = error.returncode, err.write(str(error))
    sys.stdout.write(out.getvalue() + err.getvalue())
    return Ran(status, out.getvalue(), err.getvalue())


def dump(account_id: str) -> dict[str, Document]:
    """All that is stored of an account, with digests of audio; what differs from run to run is left out."""
    found: dict[str, Document] = {}
    for name in couch().names(database_names.account_db(account_id)):
        for row in _docs(name):
            if not row["id"].startswith("_design/"):
                text = name.replace(database_names.account_db(account_id), "ACCOUNT")
                found[f"{text} {row['id']}".replace(account_id, "ACCOUNT")] = _plain(row["doc"], account_id)
    return found


def snapshot(account_ids: Sequence[str] | None = None) -> dict[str, Any]:
    """The revision of everything there is, of all databases or of some accounts'."""
    prefixes = [database_names.account_db(one) for one in account_ids or []] or [""]
    names = [name for prefix in prefixes for name in couch().names(prefix)]
    return {name: {row["id"]: row["value"]["rev"] for row in couch().database(name).all_docs()} for name in names}


def _docs(name: str) -> list[Document]:
    return couch().database(name).all_docs(include_docs=True)


def _plain(doc: Document, account_id: str) -> Any:
    kept = {key: value for key, value in doc.items() if key not in (*_PASSING, "_attachments")}
    stubs = doc.get("_attachments", {})
    kept["audio"] = {name: [stub["digest"], stub["length"], stub["content_type"]] for name, stub in stubs.items()}
    return _without(kept, account_id)


def _without(value: Any, account_id: str) -> Any:
    """The value with the account's id, and what is made of it, replaced."""
    if isinstance(value, dict):
        return {key: _without(each, account_id) for key, each in value.items()}
    if isinstance(value, list):
        return [_without(each, account_id) for each in value]
    if not isinstance(value, str):
        return value
    name = database_names.account_db(account_id)
    for own in (database_names.encode(name), name, account_id, account_id[:12]):
        value = value.replace(own, "ACCOUNT")
    return value


Maker = Callable[..., Kazoo3]
