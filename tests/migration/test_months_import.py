"""A source that has messages in MODbs already, as one migrated in part or a Kazoo 4 has: they come as they are."""

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from couch.client import Couch, couch
from storage import database_names
from tests.support.kazoo3 import MAY_2016, Kazoo3Account, list_revisions, migrate_kazoo3, new_id, speech
from tests.support.servers import start_couchdb

Document = dict[str, Any]
MONTH = "201605"


class HalfMigrated:
    """An account of another system, with messages in its array and in a MODb; none of it is here."""

    def __init__(self, kazoo3: Kazoo3Account) -> None:
        self.kazoo3 = kazoo3
        self.box = kazoo3.add_box("3000")
        self.month: dict[str, Document] = {}
        self.entry = kazoo3.add_message(self.box, "still in the array")

    def message(self, text: str | None, **fields: Any) -> Document:
        """A message in the MODb; without text without audio. A field given as None is left out."""
        message_id = fields.pop("_id", f"{MONTH}-{new_id()}")
        described = {**self.kazoo3.make_entry(message_id), "folder": "saved", "from_user": "1001", "theirs": 7}
        stub = {"content_type": "audio/mpeg", "data": base64.b64encode(speech(text or "")).decode()}
        doc = {
            "_id": message_id,
            "name": "mailbox 3000 message 2016-05-09 10:4:7",
            "source_type": "voicemail",
            "source_id": self.box["_id"],
            "media_filename": "theirs.mp3",
            "utc_seconds": MAY_2016,
            "metadata": described,
            "history": ["a" * 32],
            "pvt_type": "mailbox_message",
            "pvt_account_id": self.kazoo3.id,
            "pvt_account_db": database_names.encode(database_names.modb(self.kazoo3.id, MONTH)),
            "pvt_created": MAY_2016,
            "pvt_modified": MAY_2016 + 60,
            "pvt_theirs": {"any": "thing"},
            "_attachments": {"theirs.mp3": stub} if text is not None else None,
            **fields,
        }
        self.month[message_id] = {key: value for key, value in doc.items() if value is not None}
        return self.month[message_id]

    def linked(self, text: str) -> Document:
        """A message whose audio is still in its media document."""
        media = self.kazoo3.add_media(speech(text), source_id=self.box["_id"])
        link = {
            "att_dbname": database_names.encode(database_names.account_db(self.kazoo3.id)),
            "att_docid": media["_id"],
        }
        linked = {"content_type": "audio/mpeg", "length": 0, "stub": False, "handler": {"kz_att_link": link}}
        return self.message(None, pvt_attachments={"uploaded_file.mp3": linked})

    def into_folder(self, folder: Path) -> str:
        folder.mkdir(exist_ok=True)
        name = database_names.encode(database_names.account_db(self.kazoo3.id))
        for file, docs in ((name, self.kazoo3.docs), (f"{name}-{MONTH}", self.month)):
            (folder / f"{file}.jsonl").write_bytes(b"".join(orjson.dumps(doc) + b"\n" for doc in docs.values()))
        return str(folder)

    def into_couchdb(self, url: str) -> str:
        server = Couch(url, connect_timeout=5, read_timeout=60)
        self.kazoo3.store(server)
        server.create(database_names.modb(self.kazoo3.id, MONTH))
        for saved in server.database(database_names.modb(self.kazoo3.id, MONTH)).put_all(list(self.month.values())):
            assert saved.error is None, saved
        return url

    def stored(self, doc: Document) -> Document:
        return self.kazoo3.stored_message(doc["_id"].removeprefix(f"{MONTH}-"))


@pytest.fixture
def half(kazoo3: Kazoo3Account) -> HalfMigrated:
    return HalfMigrated(kazoo3)


@pytest.fixture(scope="module")
def another(couchdb: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of another CouchDB."""
    other = start_couchdb(tmp_path_factory.mktemp("other") / "couchdb")
    yield other.url
    other.stop()


@pytest.fixture(params=["folder", "couchdb"])
def given(request: pytest.FixtureRequest, another: str, tmp_path: Path) -> Callable[[HalfMigrated], str]:
    """Puts an account into a source, and says how the command line names it."""

    def give(half: HalfMigrated) -> str:
        return half.into_folder(tmp_path / "backup") if request.param == "folder" else half.into_couchdb(another)

    return give


def told(source: str, half: HalfMigrated, tmp_path: Path, *arguments: str) -> tuple[int, dict[str, tuple[str, str]]]:
    """The exit status, and what became of each message: outcome and reason."""
    report = tmp_path / "told.json"
    ran = migrate_kazoo3("--source", source, "--account", half.kazoo3.id, "--report", str(report), *arguments)
    rows = json.loads(report.read_text())["entries"]
    return ran.status, {row["message_id"]: (row["outcome"], row["reason"]) for row in rows}


def own(doc: Document) -> Document:
    return {key: value for key, value in doc.items() if key == "_id" or key[0] != "_"}


def test_messages_of_months_come_as_they_are(
    half: HalfMigrated, given: Callable[[HalfMigrated], str], tmp_path: Path
) -> None:
    spoken, removed = half.message("spoken"), half.message("removed", pvt_deleted=True)
    silent = half.message(None)
    linked = half.linked("linked")
    half.month["cdr"] = {"_id": f"{MONTH}-call", "pvt_type": "cdr"}
    source = given(half)
    entry_id = f"{MONTH}-{half.entry['media_id']}"
    expected = {doc["_id"]: ("copied", "") for doc in (spoken, removed, linked)}
    expected |= {silent["_id"]: ("copied", "no_audio"), entry_id: ("migrated", "")}
    assert told(source, half, tmp_path, "--dry-run") == (0, expected)
    assert couch().names(database_names.account_db(half.kazoo3.id)) == []
    assert told(source, half, tmp_path) == (0, expected)
    for doc, text in ((spoken, "spoken"), (removed, "removed"), (linked, "linked")):
        assert half.kazoo3.read_audio(half.stored(doc)) == speech(text)
    assert own(half.stored(spoken)) == own(spoken)
    assert own(half.stored(removed)) == own(removed)
    assert own(half.stored(silent)) == own(silent)
    assert "pvt_attachments" not in half.stored(linked)
    assert set(half.kazoo3.stored_messages()) == {*expected}
    before = list_revisions(half.kazoo3.id)
    status, again = told(source, half, tmp_path)
    assert (status, {outcome for outcome, _ in again.values()}) == (0, {"present"})
    assert list_revisions(half.kazoo3.id) == before
    assert told(source, half, tmp_path, "--verify") == (0, dict.fromkeys(expected, ("verified", "")))


def test_what_is_no_message_stays_there_and_is_counted(
    half: HalfMigrated, given: Callable[[HalfMigrated], str]
) -> None:
    half.message("hello")
    half.month["cdr"] = {"_id": f"{MONTH}-call", "pvt_type": "cdr"}
    ran = migrate_kazoo3("--source", given(half), "--account", half.kazoo3.id)
    assert "1 cdr" in next(line for line in ran.out.splitlines() if line.startswith("left out"))
    assert (ran.status, half.kazoo3.modb().get(f"{MONTH}-call")) == (0, None)


def test_an_entry_whose_message_is_in_a_month_already_is_no_second_message(
    half: HalfMigrated, given: Callable[[HalfMigrated], str], tmp_path: Path
) -> None:
    media_id = half.entry["media_id"]
    doc = half.message("still in the array", _id=f"{MONTH}-{media_id}", pvt_previous_id=media_id, history=None)
    source = given(half)
    assert told(source, half, tmp_path)[0] == 0
    assert list(half.kazoo3.stored_messages()) == [doc["_id"]]
    assert half.stored(doc)["metadata"]["folder"] == "saved"
    assert half.kazoo3.stored_box(half.box).get("messages", []) == []


def test_one_that_was_used_here_is_never_overwritten_and_one_that_differs_is_told(
    half: HalfMigrated, given: Callable[[HalfMigrated], str], tmp_path: Path
) -> None:
    used, damaged, lost = (half.message(text) for text in ("used", "damaged", "lost"))
    source = given(half)
    assert told(source, half, tmp_path)[0] == 0
    stored = half.stored(used)
    moved = {**stored["metadata"], "folder": "new"}
    half.kazoo3.modb().put({**stored, "metadata": moved, "pvt_modified": stored["pvt_modified"] + 1})
    half.kazoo3.modb().put({**half.stored(damaged), "utc_seconds": 1})
    half.kazoo3.modb().delete(lost["_id"], half.stored(lost)["_rev"])
    status, found = told(source, half, tmp_path, "--verify")
    assert status == 1
    assert found[used["_id"]] == ("changed", "")
    assert found[damaged["_id"]] == ("differing", "utc_seconds")
    assert found[lost["_id"]] == ("missing", "not_migrated")
    told(source, half, tmp_path)
    assert half.stored(used)["metadata"]["folder"] == "new"
    assert half.kazoo3.read_audio(half.stored(lost)) == speech("lost")


def test_a_backup_of_a_month_alone_completes_an_account_that_is_here(half: HalfMigrated, tmp_path: Path) -> None:
    doc = half.message("later")
    source = half.into_folder(tmp_path / "backup")
    account_file = next(path for path in Path(source).iterdir() if not path.stem.endswith(MONTH))
    account_file.unlink()
    assert "no_account_document" in json.dumps(told_problems(source, half, tmp_path))
    half.kazoo3.store()
    assert told(source, half, tmp_path) == (0, {doc["_id"]: ("copied", "")})


def told_problems(source: str, half: HalfMigrated, tmp_path: Path) -> list[Document]:
    report = tmp_path / "problems.json"
    assert migrate_kazoo3("--source", source, "--report", str(report)).status == 1
    problems: list[Document] = json.loads(report.read_text())["summary"]["problems"]
    return problems


def test_audio_that_a_backup_lacks_comes_from_a_better_one(half: HalfMigrated, tmp_path: Path) -> None:
    doc = half.message("hello")
    good = half.into_folder(tmp_path / "good")
    stub = {"content_type": "audio/mpeg", "stub": True, "length": 5, "digest": "md5-abc", "revpos": 1}
    doc["_attachments"] = {"theirs.mp3": stub}
    poor = half.into_folder(tmp_path / "poor")
    assert told(poor, half, tmp_path)[1][doc["_id"]] == ("copied", "no_audio")
    assert told(good, half, tmp_path)[1][doc["_id"]] == ("copied", "")
    assert half.kazoo3.read_audio(half.stored(doc)) == speech("hello")


def test_only_the_messages_of_the_named_boxes_come(half: HalfMigrated, tmp_path: Path) -> None:
    wanted, other = half.message("wanted"), half.message("other", source_id="b" * 32)
    source = half.into_folder(tmp_path / "backup")
    assert told(source, half, tmp_path, "--box", half.box["_id"])[1][wanted["_id"]] == ("copied", "")
    assert other["_id"] not in half.kazoo3.stored_messages()
    assert told(source, half, tmp_path)[1][other["_id"]] == ("copied", "")
    assert other["_id"] in half.kazoo3.stored_messages()
