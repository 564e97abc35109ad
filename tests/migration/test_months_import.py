"""Sources with messages in MODbs, as one migrated in part or a Kazoo 4 has: the messages are copied as they are."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from couch.client import Couch, couch
from storage import database_names
from tests.support.kazoo3 import (
    MAY_2016,
    Document,
    Kazoo3Account,
    list_revisions,
    migrate_kazoo3,
    new_id,
    speech,
    write_backup,
)

MONTH = "201605"


class PartlyMigrated:
    """An account of another system, with an entry in a mailbox's array and messages in a MODb; none of it is here."""

    def __init__(self, kazoo3: Kazoo3Account) -> None:
        self.kazoo3 = kazoo3
        self.box = kazoo3.add_box("3000")
        self.docs: dict[str, Document] = {}
        """The documents of the MODb."""
        self.entry = kazoo3.add_message(self.box, "still in the array")

    def add_message(self, text: str | None, **fields: Any) -> Document:
        """Add a message to the MODb, without audio if there is no text. None leaves a field out."""
        message_id = fields.pop("_id", f"{MONTH}-{new_id()}")
        metadata = {**self.kazoo3.make_entry(message_id), "folder": "saved", "from_user": "1001", "unknown": 7}
        stub = {"content_type": "audio/mpeg", "data": base64.b64encode(speech(text or "")).decode()}
        doc = {
            "_id": message_id,
            "name": "mailbox 3000 message 2016-05-09 10:4:7",
            "source_type": "voicemail",
            "source_id": self.box["_id"],
            "media_filename": "source.mp3",
            "utc_seconds": MAY_2016,
            "metadata": metadata,
            "history": ["a" * 32],
            "pvt_type": "mailbox_message",
            "pvt_account_id": self.kazoo3.id,
            "pvt_account_db": database_names.encode(database_names.modb(self.kazoo3.id, MONTH)),
            "pvt_created": MAY_2016,
            "pvt_modified": MAY_2016 + 60,
            "pvt_unknown": {"any": "thing"},
            "_attachments": {"source.mp3": stub} if text is not None else None,
            **fields,
        }
        self.docs[message_id] = {key: value for key, value in doc.items() if value is not None}
        return self.docs[message_id]

    def add_linked_message(self, text: str) -> Document:
        """Add a message whose audio is still in its media document."""
        media = self.kazoo3.add_media(speech(text), source_id=self.box["_id"])
        account_db = database_names.encode(database_names.account_db(self.kazoo3.id))
        link = {"att_dbname": account_db, "att_docid": media["_id"]}
        linked = {"content_type": "audio/mpeg", "length": 0, "stub": False, "handler": {"kz_att_link": link}}
        return self.add_message(None, pvt_attachments={"uploaded_file.mp3": linked})

    def write_backup(self, folder: Path) -> str:
        self.kazoo3.write_backup(folder)
        write_backup(folder, database_names.modb(self.kazoo3.id, MONTH), self.docs.values())
        return str(folder)

    def store(self, url: str) -> str:
        """Store the account in another CouchDB; its URL."""
        server = Couch(url, connect_timeout=5, read_timeout=60)
        self.kazoo3.store(server)
        server.create(database_names.modb(self.kazoo3.id, MONTH))
        modb = server.database(database_names.modb(self.kazoo3.id, MONTH))
        for saved in modb.put_all(list(self.docs.values())):
            assert saved.error is None, saved
        return url

    def stored(self, doc: Document) -> Document:
        """A message as it is stored here."""
        return self.kazoo3.stored_message(doc["_id"].removeprefix(f"{MONTH}-"))


@pytest.fixture
def account(kazoo3: Kazoo3Account) -> PartlyMigrated:
    return PartlyMigrated(kazoo3)


SourceMaker = Callable[[PartlyMigrated], str]


@pytest.fixture(params=["folder", "couchdb"])
def make_source(request: pytest.FixtureRequest, source_url: str, tmp_path: Path) -> SourceMaker:
    """Puts an account into a source; returns the source as the command line names it."""

    def make(account: PartlyMigrated) -> str:
        if request.param == "folder":
            return account.write_backup(tmp_path / "backup")
        return account.store(source_url)

    return make


class Report(NamedTuple):
    """The exit status of a migration, and the outcome and reason of each message, by id."""

    status: int
    rows: dict[str, tuple[str, str]]


def migrate(source: str, account: PartlyMigrated, tmp_path: Path, *arguments: str) -> Report:
    path = tmp_path / "report.json"
    result = migrate_kazoo3("--source", source, "--account", account.kazoo3.id, "--report", str(path), *arguments)
    rows = json.loads(path.read_text())["entries"]
    return Report(result.status, {row["message_id"]: (row["outcome"], row["reason"]) for row in rows})


def fields(doc: Document) -> Document:
    """A document without what CouchDB adds to it."""
    return {key: value for key, value in doc.items() if key == "_id" or key[0] != "_"}


def test_messages_of_a_month_are_copied_as_they_are(
    account: PartlyMigrated, make_source: SourceMaker, tmp_path: Path
) -> None:
    live, removed = account.add_message("live"), account.add_message("removed", pvt_deleted=True)
    without_audio, linked = account.add_message(None), account.add_linked_message("linked")
    account.docs["cdr"] = {"_id": f"{MONTH}-call", "pvt_type": "cdr"}
    source = make_source(account)
    expected = {doc["_id"]: ("copied", "") for doc in (live, removed, linked)}
    expected[without_audio["_id"]] = ("copied", "no_audio")
    expected[f"{MONTH}-{account.entry['media_id']}"] = ("migrated", "")
    assert migrate(source, account, tmp_path, "--dry-run") == (0, expected)
    assert couch().names(database_names.account_db(account.kazoo3.id)) == []
    assert migrate(source, account, tmp_path) == (0, expected)
    for doc, text in ((live, "live"), (removed, "removed"), (linked, "linked")):
        assert account.kazoo3.read_audio(account.stored(doc)) == speech(text)
    for doc in (live, removed, without_audio):
        assert fields(account.stored(doc)) == fields(doc)
    assert "pvt_attachments" not in account.stored(linked)
    assert set(account.kazoo3.stored_messages()) == set(expected)
    revisions = list_revisions(account.kazoo3.id)
    second_report = migrate(source, account, tmp_path)
    assert (second_report.status, {outcome for outcome, _ in second_report.rows.values()}) == (0, {"present"})
    assert list_revisions(account.kazoo3.id) == revisions
    assert migrate(source, account, tmp_path, "--verify") == (0, dict.fromkeys(expected, ("verified", "")))


def test_documents_that_are_no_messages_are_counted_and_left_out(
    account: PartlyMigrated, make_source: SourceMaker
) -> None:
    account.add_message("hello")
    account.docs["cdr"] = {"_id": f"{MONTH}-call", "pvt_type": "cdr"}
    result = migrate_kazoo3("--source", make_source(account), "--account", account.kazoo3.id)
    assert "1 cdr" in next(line for line in result.out.splitlines() if line.startswith("left out"))
    assert (result.status, account.kazoo3.modb().get(f"{MONTH}-call")) == (0, None)


def test_entry_whose_message_is_in_a_month_is_not_migrated_again(
    account: PartlyMigrated, make_source: SourceMaker, tmp_path: Path
) -> None:
    media_id = account.entry["media_id"]
    message = account.add_message(
        "still in the array", _id=f"{MONTH}-{media_id}", pvt_previous_id=media_id, history=None
    )
    assert migrate(make_source(account), account, tmp_path).status == 0
    assert list(account.kazoo3.stored_messages()) == [message["_id"]]
    assert account.stored(message)["metadata"]["folder"] == "saved"
    assert account.kazoo3.stored_box(account.box).get("messages", []) == []


def test_changed_messages_are_reported_and_never_overwritten(
    account: PartlyMigrated, make_source: SourceMaker, tmp_path: Path
) -> None:
    used, damaged, lost = (account.add_message(text) for text in ("used", "damaged", "lost"))
    source, modb = make_source(account), account.kazoo3.modb()
    assert migrate(source, account, tmp_path).status == 0
    stored = account.stored(used)
    metadata = {**stored["metadata"], "folder": "new"}
    modb.put({**stored, "metadata": metadata, "pvt_modified": stored["pvt_modified"] + 1})
    modb.put({**account.stored(damaged), "utc_seconds": 1})
    modb.delete(lost["_id"], account.stored(lost)["_rev"])
    report = migrate(source, account, tmp_path, "--verify")
    assert report.status == 1
    assert report.rows[used["_id"]] == ("changed", "")
    assert report.rows[damaged["_id"]] == ("differing", "utc_seconds")
    assert report.rows[lost["_id"]] == ("missing", "not_migrated")
    migrate(source, account, tmp_path)
    assert account.stored(used)["metadata"]["folder"] == "new"
    assert account.kazoo3.read_audio(account.stored(lost)) == speech("lost")


def test_backup_of_a_month_alone_needs_the_account_here(account: PartlyMigrated, tmp_path: Path) -> None:
    message = account.add_message("later")
    folder = tmp_path / "backup"
    write_backup(folder, database_names.modb(account.kazoo3.id, MONTH), account.docs.values())
    report = tmp_path / "problems.json"
    assert migrate_kazoo3("--source", str(folder), "--report", str(report)).status == 1
    (problem,) = json.loads(report.read_text())["summary"]["problems"]
    assert problem["reason"] == "no_account_document"
    account.kazoo3.store()
    assert migrate(str(folder), account, tmp_path) == (0, {message["_id"]: ("copied", "")})


def test_missing_audio_is_copied_from_a_better_backup(account: PartlyMigrated, tmp_path: Path) -> None:
    message = account.add_message("hello")
    good_backup = account.write_backup(tmp_path / "good")
    stub = {"content_type": "audio/mpeg", "stub": True, "length": 5, "digest": "md5-abc", "revpos": 1}
    message["_attachments"] = {"source.mp3": stub}
    poor_backup = account.write_backup(tmp_path / "poor")
    assert migrate(poor_backup, account, tmp_path).rows[message["_id"]] == ("copied", "no_audio")
    assert migrate(good_backup, account, tmp_path).rows[message["_id"]] == ("copied", "")
    assert account.kazoo3.read_audio(account.stored(message)) == speech("hello")


def test_only_messages_of_named_boxes_are_copied(account: PartlyMigrated, tmp_path: Path) -> None:
    of_named_box, of_other_box = account.add_message("named"), account.add_message("other", source_id="b" * 32)
    source = account.write_backup(tmp_path / "backup")
    report = migrate(source, account, tmp_path, "--box", account.box["_id"])
    assert report.rows[of_named_box["_id"]] == ("copied", "")
    assert of_other_box["_id"] not in account.kazoo3.stored_messages()
    assert migrate(source, account, tmp_path).rows[of_other_box["_id"]] == ("copied", "")
    assert of_other_box["_id"] in account.kazoo3.stored_messages()
