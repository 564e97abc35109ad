"""Greetings and other media of a source: brought with their audio under their ids, verified, and counted."""

import base64
import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from django.conf import settings

from couch.client import Couch, couch
from migration.samples import systems, writers
from storage import database_names
from tests.support import backup_formats
from tests.support.backup_formats import write_with_files
from tests.support.cutting import CuttingProxy, through
from tests.support.interrupted_migrations import killed_at, migrate_backup, open_backup
from tests.support.kazoo3 import (
    MAY_2016,
    AccountMaker,
    Document,
    Kazoo3Account,
    dump_account,
    list_revisions,
    migrate_kazoo3,
    new_id,
    speech,
)

Row = tuple[str, str]


class Report(NamedTuple):
    """The exit status of a migration, the outcome and reason of each greeting by id, and the command's output."""

    status: int
    greetings: dict[str, Row]
    out: str


def migrate(source: str | None, account: Kazoo3Account, tmp_path: Path, *arguments: str) -> Report:
    path = tmp_path / "report.json"
    chosen = ("--source", source) if source else ()
    result = migrate_kazoo3(*chosen, "--account", account.id, "--report", str(path), *arguments)
    rows = [row for row in json.loads(path.read_text())["entries"] if row["kind"] == "greeting"]
    assert all(row["account_id"] == account.id and row["message_id"] is None for row in rows)
    assert len({row["media_id"] for row in rows}) == len(rows)
    return Report(result.status, {row["media_id"]: (row["outcome"], row["reason"]) for row in rows}, result.out)


def add_media(account: Kazoo3Account, text: str | None, **fields: Any) -> Document:
    """Add a media document, without audio if there is no text."""
    content = None if text is None else speech(text)
    fields = {"name": text, "source_type": None, "pvt_type": "media", "pvt_unknown": {"any": 1}, **fields}
    return account.add_media(content, **fields)


def stored(account: Kazoo3Account, media: Document) -> Document:
    doc = account.database.get(media["_id"])
    assert doc is not None
    return doc


def read_audio(account: Kazoo3Account, media: Document) -> bytes:
    ((name, stub),) = stored(account, media)["_attachments"].items()
    assert stub["content_type"] == "audio/mpeg"
    stream = account.database.open_attachment(media["_id"], name)
    assert stream is not None
    return b"".join(stream)


def fields_of(doc: Document) -> Document:
    """A document without what CouchDB adds to it."""
    return {key: value for key, value in doc.items() if key == "_id" or key[0] != "_"}


SourceMaker = Callable[[Kazoo3Account], str]


def write_archive(account: Kazoo3Account, folder: Path) -> str:
    path = folder / "backup.tar.gz"
    content = backup_formats.all_docs(list(account.docs.values()))
    path.write_bytes(backup_formats.tar_gz({"couchdb/dump.json": content}))
    return str(path)


@pytest.fixture(params=["couchdb", "folder", "archive", "files beside the JSON"])
def make_source(request: pytest.FixtureRequest, source_url: str, tmp_path: Path) -> SourceMaker:
    """Puts an account into a source; returns the source as the command line names it."""

    def make(account: Kazoo3Account) -> str:
        if request.param == "couchdb":
            account.store(Couch(source_url, connect_timeout=5, read_timeout=60))
            return source_url
        if request.param == "archive":
            return write_archive(account, tmp_path)
        if request.param == "folder":
            return account.write_backup(tmp_path / "backup")
        write_with_files(tmp_path / "backup", account.docs.values())
        return str(tmp_path / "backup")

    return make


def test_all_media_of_an_account_are_brought_with_their_audio(
    kazoo3: Kazoo3Account, make_source: SourceMaker, tmp_path: Path
) -> None:
    greeting = add_media(kazoo3, "greeting", source_type="voicemail", source_id="b" * 32, content_type="audio/mpeg")
    name, music = add_media(kazoo3, "name"), add_media(kazoo3, "hold music")
    deleted = add_media(kazoo3, "deleted", pvt_deleted=True)
    spoken = add_media(kazoo3, None, media_source="tts", tts={"text": "Hello", "voice": "female/en-US"})
    user = kazoo3.add("user", username="a", media={"recorded_name": name["_id"]})
    box = kazoo3.add_box("3000", media={"unavailable": greeting["_id"]}, owner_id=user["_id"])
    recording = kazoo3.add_media(speech("message"), pvt_type="media", source_id=box["_id"])
    box["messages"].append(kazoo3.make_entry(recording["_id"]))
    source = make_source(kazoo3)
    with_audio = {doc["_id"]: doc["name"] for doc in (greeting, name, music, deleted)}
    expected = dict.fromkeys([*with_audio, spoken["_id"]], ("copied", ""))

    dry_report = migrate(source, kazoo3, tmp_path, "--dry-run")
    assert dry_report[:2] == (0, expected)
    assert "greetings and other media: 5 copied" in dry_report.out
    assert couch().names(database_names.account_db(kazoo3.id)) == []
    assert migrate(source, kazoo3, tmp_path)[:2] == (0, expected)
    for doc in (greeting, name, music, deleted, spoken):
        assert fields_of(stored(kazoo3, doc)) == fields_of(doc)
        if doc is not spoken:
            assert read_audio(kazoo3, doc) == speech(with_audio[doc["_id"]])
    assert "_attachments" not in stored(kazoo3, spoken)
    assert kazoo3.database.get(recording["_id"]) is None
    assert kazoo3.read_audio(kazoo3.stored_message(recording["_id"])) == speech("message")

    revisions = list_revisions(kazoo3.id)
    assert migrate(source, kazoo3, tmp_path)[:2] == (0, dict.fromkeys(expected, ("present", "")))
    assert migrate(source, kazoo3, tmp_path, "--verify")[:2] == (0, dict.fromkeys(expected, ("verified", "")))
    assert list_revisions(kazoo3.id) == revisions


def test_verifying_finds_tampered_audio_and_what_is_here_is_never_overwritten(
    kazoo3: Kazoo3Account, make_source: SourceMaker, tmp_path: Path
) -> None:
    tampered, renamed, lost, replaced = (
        add_media(kazoo3, text) for text in ("tampered", "renamed", "lost", "replaced")
    )
    box = kazoo3.add_box("3000", media={"unavailable": tampered["_id"]})
    source, database = make_source(kazoo3), kazoo3.database
    assert migrate(source, kazoo3, tmp_path).status == 0
    attachment = {"content_type": "audio/mpeg", "data": "AAAA"}
    database.put({**stored(kazoo3, tampered), "_attachments": {"uploaded_file.mp3": attachment}})
    database.put({**stored(kazoo3, renamed), "name": "New name"})
    used = {**stored(kazoo3, replaced), "pvt_modified": replaced["pvt_modified"] + 1}
    database.put({**used, "_attachments": {"new.mp3": attachment}})
    database.delete(lost["_id"], stored(kazoo3, lost)["_rev"])

    report = migrate(source, kazoo3, tmp_path, "--verify")
    assert report[:2] == (
        1,
        {
            tampered["_id"]: ("differing", "audio"),
            renamed["_id"]: ("differing", "name"),
            replaced["_id"]: ("changed", ""),
            lost["_id"]: ("missing", "not_migrated"),
        },
    )
    of_box = migrate(source, kazoo3, tmp_path, "--verify", "--box", box["_id"])
    assert of_box[:2] == (1, {tampered["_id"]: ("differing", "audio")})
    assert migrate(source, kazoo3, tmp_path).greetings == {
        **dict.fromkeys((doc["_id"] for doc in (tampered, renamed, replaced)), ("present", "")),
        lost["_id"]: ("copied", ""),
    }
    assert [read_audio(kazoo3, doc) for doc in (tampered, replaced)] == [bytes(3)] * 2
    assert stored(kazoo3, renamed)["name"] == "New name"
    assert read_audio(kazoo3, lost) == speech("lost")


def test_a_named_mailbox_brings_its_greetings_and_its_owners_name(
    kazoo3: Kazoo3Account, make_source: SourceMaker, tmp_path: Path
) -> None:
    greeting, temporary, name, other, music = (add_media(kazoo3, text) for text in ("a", "b", "c", "d", "e"))
    user = kazoo3.add("user", username="a", media={"recorded_name": name["_id"]})
    media = {"unavailable": greeting["_id"], "temporary_unavailable": temporary["_id"]}
    box = kazoo3.add_box("3000", media=media, owner_id=user["_id"])
    kazoo3.add_box("3001", media={"unavailable": other["_id"]})
    source = make_source(kazoo3)
    ids = [doc["_id"] for doc in (greeting, temporary, name)]
    of_box = ("--box", box["_id"])
    assert migrate(source, kazoo3, tmp_path, *of_box)[:2] == (0, dict.fromkeys(ids, ("copied", "")))
    assert migrate(source, kazoo3, tmp_path, "--verify", *of_box)[:2] == (0, dict.fromkeys(ids, ("verified", "")))
    verified = migrate(source, kazoo3, tmp_path, "--verify")
    lacking = {doc["_id"]: ("missing", "not_migrated") for doc in (other, music)}
    assert verified[:2] == (1, {**dict.fromkeys(ids, ("verified", "")), **lacking})


def test_missing_media_and_missing_audio_are_notes(kazoo3: Kazoo3Account, tmp_path: Path) -> None:
    silent, deleted = add_media(kazoo3, None), add_media(kazoo3, "deleted", pvt_deleted=True)
    user = kazoo3.add("user", username="a", media={"recorded_name": "f" * 32})
    # What they name may be anything: also a document that is no media, and no id at all.
    odd_media = {"name": user["_id"], "unavailable": 7, "temporary_unavailable": "", "greeting": "_design/vmboxes"}
    kazoo3.add_box("3000", media=odd_media)
    kazoo3.add_box("3001", media={"unavailable": silent["_id"], "temporary_unavailable": deleted["_id"]})
    kazoo3.add_box("3002", media=[])
    source = kazoo3.write_backup(tmp_path / "backup")
    expected = {silent["_id"]: ("copied", "no_audio"), deleted["_id"]: ("copied", "")}
    report = migrate(source, kazoo3, tmp_path)
    assert report[:2] == (0, expected)
    for text in (
        "greetings and other media: 1 copied, 1 copied (no_audio)",
        f"note: Mailboxes or users of account {kazoo3.id} name media that are missing or deleted (4, such as",
        f"note: Media of account {kazoo3.id} have no audio (1, such as {silent['_id']})",
    ):
        assert text in report.out
    verified = migrate(source, kazoo3, tmp_path, "--verify")
    assert verified[:2] == (0, dict.fromkeys(expected, ("verified", "")))
    assert "name media that are missing or deleted (4, such as" in verified.out
    assert stored(kazoo3, user)["username"] == "a"


def test_missing_audio_is_brought_from_a_better_backup(kazoo3: Kazoo3Account, tmp_path: Path) -> None:
    greeting = add_media(kazoo3, "hello")
    good_backup = kazoo3.write_backup(tmp_path / "good")
    stub = {"content_type": "audio/mpeg", "stub": True, "length": 5, "digest": "md5-abc", "revpos": 1}
    greeting["_attachments"] = {"uploaded_file.mp3": stub}
    poor_backup = kazoo3.write_backup(tmp_path / "poor")
    assert migrate(poor_backup, kazoo3, tmp_path).greetings == {greeting["_id"]: ("copied", "no_audio")}
    kazoo3.database.put({**stored(kazoo3, greeting), "name": "Renamed here"})
    assert migrate(good_backup, kazoo3, tmp_path).greetings == {greeting["_id"]: ("copied", "")}
    assert read_audio(kazoo3, greeting) == speech("hello")
    assert stored(kazoo3, greeting)["name"] == "Renamed here"


def test_an_id_that_another_document_has_here_is_left_to_it(kazoo3: Kazoo3Account, tmp_path: Path) -> None:
    greeting = add_media(kazoo3, "hello")
    source = kazoo3.write_backup(tmp_path / "backup")
    here = Kazoo3Account(kazoo3.id)
    device = here.add("device", greeting["_id"], name="phone")
    here.store()
    assert migrate(source, kazoo3, tmp_path)[:2] == (1, {greeting["_id"]: ("failed", "id_taken")})
    assert migrate(source, kazoo3, tmp_path, "--verify")[:2] == (1, {greeting["_id"]: ("differing", "pvt_type")})
    assert fields_of(stored(kazoo3, greeting)) == fields_of(device)
    assert "_attachments" not in stored(kazoo3, greeting)


def test_greetings_of_two_accounts_in_one_file_stay_apart(new_kazoo3_account: AccountMaker, tmp_path: Path) -> None:
    """Their media have the same ids; the second account's mailbox also names a greeting of the first."""
    accounts = [new_kazoo3_account() for _ in range(2)]
    media_id, own_id = new_id(), new_id()
    for number, account in enumerate(accounts):
        add_media(account, f"greeting {number}", doc_id=media_id)
        account.add_box("3000", media={"unavailable": media_id, "temporary_unavailable": own_id})
    add_media(accounts[0], "only the first's", doc_id=own_id)
    docs = [doc for account in accounts for doc in account.docs.values()]
    (tmp_path / "backup.jsonl").write_bytes(backup_formats.json_lines(docs))
    for arguments in ((), ("--verify",)):
        result = migrate_kazoo3("--source", str(tmp_path), *arguments)
        assert result.status == 0
        note = f"note: Mailboxes or users of account {accounts[1].id} name media that are missing or deleted (1, such"
        assert note in result.out
    for number, account in enumerate(accounts):
        assert read_audio(account, account.docs[media_id]) == speech(f"greeting {number}")
    assert accounts[1].database.get(own_id) is None


def test_next_run_completes_a_run_that_was_killed_among_the_greetings(
    new_kazoo3_account: AccountMaker, tmp_path: Path
) -> None:
    def fill() -> Kazoo3Account:
        account = new_kazoo3_account()
        for number in range(4):
            add_media(account, f"greeting {number}", doc_id=f"{number:032x}")
        account.add_box("3000", _id="b" * 32, media={"unavailable": "0" * 32})
        return account

    account = fill()
    source = open_backup(account.write_backup(tmp_path / account.id))
    with CuttingProxy(settings.COUCHDB_URL) as proxy, through(proxy):
        migrate_backup(source)
    source.close()
    expected = dump_account(account.id)
    counts_after_kills = set()
    for limit in range(proxy.requests - 14, proxy.requests, 2):
        account = fill()
        source = open_backup(account.write_backup(tmp_path / account.id))
        with killed_at(limit, swallow=bool(limit % 4)):
            migrate_backup(source, patience=0)
        stored_ids = account.database.fetch(f"{number:032x}" for number in range(4))
        counts_after_kills.add(len(stored_ids))
        tally = migrate_backup(source)
        source.close()
        assert not tally.problems
        assert dump_account(account.id) == expected, f"killed at request {limit}"
    assert counts_after_kills & {1, 2, 3}


def test_greetings_of_an_account_that_is_migrated_in_place_stay_and_are_counted(
    kazoo3: Kazoo3Account, tmp_path: Path
) -> None:
    greeting = add_media(kazoo3, "greeting", source_type="voicemail")
    music = add_media(kazoo3, "music")
    box = kazoo3.add_box("3000", media={"unavailable": greeting["_id"], "name": "f" * 32})
    unclaimed = kazoo3.add_media(speech("unclaimed"), pvt_type="media")
    box["messages"].append(kazoo3.make_entry(kazoo3.add_media(speech("hello"), pvt_type="media")["_id"]))
    kazoo3.store()
    ids = [greeting["_id"], music["_id"]]
    for _ in range(2):
        report = migrate(None, kazoo3, tmp_path)
        assert report[:2] == (0, dict.fromkeys(ids, ("present", "")))
        assert "name media that are missing or deleted (1, such as" in report.out
    csv_path = tmp_path / "report.csv"
    assert migrate_kazoo3("--account", kazoo3.id, "--verify", "--report", str(csv_path)).status == 0
    rows = {row["media_id"]: (row["kind"], row["outcome"]) for row in csv.DictReader(csv_path.open())}
    assert {media_id: rows[media_id] for media_id in ids} == dict.fromkeys(ids, ("greeting", "verified"))
    assert rows[unclaimed["_id"]] == ("message", "unclaimed")
    assert migrate_kazoo3("--account", kazoo3.id, "--purge").status == 0
    assert read_audio(kazoo3, greeting) == speech("greeting")


def test_made_up_accounts_have_greetings_with_faults(
    created_accounts: list[str], couchdb: str, tmp_path: Path
) -> None:
    plan = systems.Plan(accounts=1, boxes=12, messages=0, until=MAY_2016, dirt=0.5, seed=f"greetings {new_id()}")
    (account,) = systems.make_accounts(plan)
    account_id = account.doc["_id"]
    created_accounts.append(account_id)
    media_ids = {doc["_id"] for doc in account.documents() if doc["pvt_type"] == "media"}
    named = {
        media_id
        for doc in account.documents()
        if doc["pvt_type"] in ("user", "vmbox")
        for media_id in dict(doc.get("media") or {}).values()
    }
    assert len(named) == 13
    assert named & media_ids
    writers.write_to_folder([account], tmp_path / "backup", "couchbackup", True, lambda account: None)
    for outcome, arguments in (("copied", ()), ("present", ()), ("verified", ("--verify",))):
        report = migrate(str(tmp_path / "backup"), Kazoo3Account(account_id), tmp_path, *arguments)
        assert (report.status, set(report.greetings)) == (0, media_ids)
        assert {reached for reached, _ in report.greetings.values()} == {outcome}


def test_odd_media_are_brought_like_any_other(kazoo3: Kazoo3Account, tmp_path: Path) -> None:
    data = base64.b64encode(speech("odd")).decode()
    odd_name = add_media(kazoo3, None, name="broken \ud800")
    odd_name["_attachments"] = {"_../../a/b": {"content_type": "audio/x-wav", "data": data}}
    no_bytes = add_media(kazoo3, None, _attachments={"a.mp3": {"content_type": "audio/mpeg", "data": ""}})
    no_objects = add_media(kazoo3, None, _attachments=[], tts=[], pvt_attachments="x")
    odd_id = add_media(kazoo3, "odd id", doc_id="a/b c?d#\u00e9", pvt_modified=None, name=7)
    expected = {doc["_id"]: ("copied", "") for doc in (odd_name, no_bytes, no_objects, odd_id)}
    kazoo3.add_box("3000", media={"unavailable": odd_id["_id"], "name": "high \ud800"})
    (tmp_path / "backup.jsonl").write_text("\n".join(map(json.dumps, kazoo3.docs.values())))
    for outcome, arguments in (("copied", ()), ("present", ()), ("verified", ("--verify",))):
        report = migrate(str(tmp_path), kazoo3, tmp_path, *arguments)
        assert report[:2] == (0, dict.fromkeys(expected, (outcome, "")))
    assert stored(kazoo3, odd_name)["name"] == "broken \ufffd"
    ((_, stub),) = stored(kazoo3, odd_name)["_attachments"].items()
    assert (stub["content_type"], stub["length"]) == ("audio/x-wav", len(speech("odd")))
    assert read_audio(kazoo3, odd_id) == speech("odd id")
    assert read_audio(kazoo3, no_bytes) == b""
    _, _, content = couch().resource(kazoo3.database.name).get([no_objects["_id"]])
    assert b'"tts":{}' in content.read()
