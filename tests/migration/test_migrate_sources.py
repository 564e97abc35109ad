"""Backups and other CouchDBs as sources: whole accounts come over, once, and the source is only read."""

import base64
import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from couch.client import Couch, couch
from migration.backups.attachments import AttachmentExtractor, Base64Stream
from migration.backups.folder import parse_file_name
from migration.backups.parsing import parse_documents
from migration.samples import systems, writers
from storage import database_names
from tests.support.kazoo3 import MAY_2016, Kazoo3, Maker, migrate, new_id, snapshot, speech
from tests.support.servers import start_couchdb

Docs = list[dict[str, Any]]


def all_docs(docs: Docs) -> bytes:
    rows = [json.dumps({"id": doc["_id"], "key": doc["_id"], "value": {"rev": "1-a"}, "doc": doc}) for doc in docs]
    return ('{"total_rows":9,"offset":0,"rows":[\r\n' + ",\r\n".join(rows) + "\r\n]}\n").encode()


def in_one_line(docs: Docs) -> bytes:
    return json.dumps({"rows": [{"id": doc["_id"], "doc": doc} for doc in docs]}).encode()


def indented(docs: Docs) -> bytes:
    return json.dumps({"total_rows": 9, "rows": [{"doc": doc} for doc in docs]}, indent=2).encode()


def lines(docs: Docs) -> bytes:
    return b"".join(json.dumps(doc).encode() + b"\n" for doc in docs)


def couchbackup(docs: Docs) -> bytes:
    halves = (docs[: len(docs) // 2], docs[len(docs) // 2 :])
    head = b'{"name":"@cloudant/couchbackup","version":"2.11.0","mode":"full"}\n'
    return head + b"".join(json.dumps(half).encode() + b"\n" for half in halves)


SPELLINGS = [all_docs, in_one_line, indented, lines, couchbackup]


def filled(old: Kazoo3) -> Kazoo3:
    """An account with whatever may be in one; its recordings are of all sizes."""
    box = old.box(3000, notify_email_address="a@example.com", _rev="7-x")
    for size, text in ((1, "short"), (40, "long"), (4000, "very long")):
        media = old.media(speech(text) * size, source_id=box["_id"])
        box["messages"].append(old.entry(media["_id"], caller_id_name=text))
    box["messages"] += [{}, old.entry("e" * 32)]
    greeting = old.media(speech("greeting"), source_type="call to voicemail greeting", pvt_type="media")
    old.box("3001", media={"unavailable": greeting["_id"]})
    old.message(old.box("3002", pvt_deleted=True), "of a deleted box")
    old.add("user", first_name="A", username="a", pvt_md5_auth="0" * 32)
    old.add("user", username="gone", pvt_deleted=True)
    old.add("callflow", numbers=["3000"])
    old.add("device", name="phone")
    return old


def assert_brought(old: Kazoo3) -> None:
    """All of a filled account is here."""
    stored = {row["id"]: row["doc"] for row in old.db.all_docs(include_docs=True) if row["id"][0] != "_"}
    kinds = sorted(doc["pvt_type"] for doc in stored.values())
    assert kinds == ["account", "media", "user", "user", "vmbox", "vmbox", "vmbox"]
    for doc_id, doc in stored.items():
        own = {**old.docs[doc_id], "mailbox": str(old.docs[doc_id].get("mailbox"))}
        assert {
            key: own[key] for key in own if key.startswith("pvt_") and key != "pvt_modified"
        }.items() <= doc.items()
    (box,) = (doc for doc in stored.values() if doc.get("mailbox") == "3000")
    assert box["notify_email_addresses"] == ["a@example.com"]
    marks = {"migration_tries": 1}
    assert box["messages"] == [
        {"migration_error": "no_media_id", **marks},
        {**old.entry("e" * 32), "migration_error": "no_audio", **marks},
    ]
    sizes = {"short": 1, "long": 40, "very long": 4000}
    found = {doc["metadata"]["caller_id_name"]: doc for doc in old.messages().values()}
    for text, size in sizes.items():
        assert old.audio_of(found[text]) == speech(text) * size
    assert found["Ada"]["pvt_deleted"] is True
    listed = couch().database(database_names.ACCOUNTS).get(old.id)
    assert listed is not None
    assert listed["realm"] == old.realm


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "packed"])
@pytest.mark.parametrize("spelled", SPELLINGS, ids=lambda each: each.__name__)
def test_a_backup_becomes_a_working_account(
    old: Kazoo3, tmp_path: Path, spelled: Callable[[Docs], bytes], packed: bool
) -> None:
    content = spelled(list(filled(old).docs.values()))
    name = database_names.encode(database_names.account_db(old.id)) + ".json"
    path = tmp_path / (f"{name}.gz" if packed else name)
    path.write_bytes(gzip.compress(content) if packed else content)
    ran = migrate("--source", str(tmp_path))
    assert ran.status == 1, ran
    assert "left out, as it is no voicemail: 1 callflow, 1 device" in ran.out
    assert_brought(old)
    before = snapshot([old.id])
    again = migrate("--source", str(tmp_path))
    assert snapshot([old.id]) == before
    assert "migrated" not in again.out
    assert migrate("--source", str(tmp_path), "--verify").status == 0


def test_another_couchdb_is_a_source_and_is_only_read(old: Kazoo3, tmp_path: Path) -> None:
    other = start_couchdb(tmp_path / "other")
    try:
        server = Couch(other.url, connect_timeout=5, read_timeout=30)
        box = next(iter(filled(old).docs.values()))
        for doc in old.docs.values():
            doc.pop("_rev", None)
        old.store(server)
        theirs = server.database(database_names.account_db(old.id))
        before = [(row["id"], row["value"]["rev"]) for row in theirs.all_docs()]
        dry = migrate("--source", other.url, "--account", old.id, "--dry-run")
        assert couch().names(database_names.account_db(old.id)) == []
        ran = migrate("--source", other.url, "--account", old.id)
        assert ran.out.splitlines()[:5] == dry.out.splitlines()[:5]
        assert box["_id"] == old.id
        assert_brought(old)
        assert [(row["id"], row["value"]["rev"]) for row in theirs.all_docs()] == before
        assert migrate("--source", other.url, "--account", old.id, "--verify").status == 0
    finally:
        other.stop()


def test_what_is_here_already_is_never_overwritten(old: Kazoo3, tmp_path: Path) -> None:
    box = old.box("3000", name="Old name")
    entry = old.message(box)
    (tmp_path / f"{old.id}.jsonl").write_bytes(lines(list(old.docs.values())))
    here = {**box, "name": "New name", "messages": [old.entry("d" * 32)]}
    old.docs = {old.id: {**old.account, "name": "Here"}, box["_id"]: here}
    old.store()
    assert migrate("--source", str(tmp_path)).status == 0
    assert old.stored_box(box)["name"] == "New name"
    assert old.stored_box(box)["messages"] == [old.entry("d" * 32)]
    assert (old.db.get(old.id) or {})["name"] == "Here"
    assert old.audio_of(old.stored_message(entry["media_id"])) == speech("hello")


def test_what_failed_leaves_the_array_when_a_better_backup_has_its_audio(old: Kazoo3, tmp_path: Path) -> None:
    box = old.box()
    entry = old.message(box)
    for name in ("poor", "good"):
        (tmp_path / name).mkdir()
    poor = [doc for doc in old.docs.values() if doc["_id"] != entry["media_id"]]
    (tmp_path / "poor" / f"{old.id}.jsonl").write_bytes(lines(poor))
    (tmp_path / "good" / f"{old.id}.jsonl").write_bytes(lines(list(old.docs.values())))
    assert migrate("--source", str(tmp_path / "poor")).status == 1
    assert [one["migration_error"] for one in old.stored_box(box)["messages"]] == ["no_audio"]
    assert migrate("--source", str(tmp_path / "good")).status == 0
    assert old.stored_box(box)["messages"] == []


def test_a_realm_that_another_account_has_here_is_refused(old_account: Maker, tmp_path: Path) -> None:
    here = old_account().store()
    other = old_account(realm=here.realm)
    (tmp_path / f"{other.id}.jsonl").write_bytes(lines(list(other.docs.values())))
    ran = migrate("--source", str(tmp_path))
    assert ran.status == 1
    assert f"belongs to account {here.id} here" in ran.out
    assert couch().names(database_names.account_db(other.id)) == []


@pytest.mark.parametrize("spelled", SPELLINGS, ids=lambda each: each.__name__)
def test_a_file_that_was_cut_off_is_read_as_far_as_it_goes(
    old: Kazoo3, tmp_path: Path, spelled: Callable[[Docs], bytes]
) -> None:
    box = old.box()
    for number in range(6):
        old.message(box, f"message {number}")
    docs = [old.account, box, *(doc for doc in old.docs.values() if doc["pvt_type"] == "private_media")]
    content = spelled(docs)
    (tmp_path / f"{old.id}.json").write_bytes(content[: len(content) - 900])
    ran = migrate("--source", str(tmp_path))
    assert ran.status == 1
    assert "cut off" in ran.out
    whole = 5 if spelled is not couchbackup else 2
    kept = old.stored_box(box)["messages"] if old.db.exists() else []
    assert len(old.messages()) == whole
    assert len(kept) == 6 - whole


def test_backups_without_attachments_say_so(old: Kazoo3, tmp_path: Path) -> None:
    entry = old.message(old.box())
    stub = {"content_type": "audio/mpeg", "stub": True, "length": 5, "digest": "md5-abc", "revpos": 1}
    old.docs[entry["media_id"]]["_attachments"] = {"a.mp3": stub}
    (tmp_path / f"{old.id}.jsonl").write_bytes(lines(list(old.docs.values())))
    ran = migrate("--source", str(tmp_path))
    assert ran.status == 1
    assert "1 attachments are named in the backups, but their audio is not in them" in ran.out


def test_hostile_content_harms_nothing(old: Kazoo3, tmp_path: Path) -> None:
    box = old.box()
    entry = old.message(box, "between the rubbish")
    odd = old.media(speech("odd"))
    odd["_attachments"] = {"_../../x": {"content_type": 7, "data": base64.b64encode(speech("odd")).decode()}}
    box["messages"].append(old.entry(odd["_id"]))
    text = '"' + "A" * 9000 + '" quoted'
    rubbish: list[Any] = [
        None,
        7,
        [[]],
        {"_id": 5},
        {"_id": "x", "_attachments": []},
        {"_id": "y", "_attachments": {"a": None, "b": {"data": 7}, "c": {"data": "=!"}}, "pvt_type": ["media"]},
        {"_id": "z", "pvt_type": "vmbox", "messages": {"0": 1}, "text": text},
        {"_id": "../../../etc/passwd", "pvt_type": "user"},
        {"id": "row", "doc": None},
        {"_id": "gone", "_deleted": True},
    ]
    content = b"not json\n" + b"[" * 5000 + b"\n" + lines([*rubbish, *old.docs.values()])
    (tmp_path / f"{old.id}.jsonl").write_bytes(content)
    (tmp_path / "README.txt").write_text("nothing here")
    ran = migrate("--source", str(tmp_path))
    assert "line 1 is no JSON" in ran.out
    assert old.audio_of(old.stored_message(entry["media_id"])) == speech("between the rubbish")
    assert old.audio_of(old.stored_message(odd["_id"])) == speech("odd")
    assert ran.status == 0, ran
    assert (old.db.get("z") or {})["text"] == text


@pytest.mark.parametrize(
    ("name", "month"),
    [
        ("account%2F{a}%2F{b}%2F{rest}.json", None),
        ("account%252F{a}%252F{b}%252F{rest}", None),
        ("account/{a}/{b}/{rest}.jsonl.gz", None),
        ("2016-05-01_account_{a}_{b}_{rest}-201605.txt", "201605"),
        ("prod-account-{a}-{b}-{rest}.couchbackup", None),
        ("{a}{b}{rest}.json", None),
    ],
)
def test_names_of_files_tell_databases(name: str, month: str | None) -> None:
    account_id = new_id()
    spelled = name.format(a=account_id[:2], b=account_id[2:4], rest=account_id[4:])
    expected = database_names.modb(account_id, month) if month else database_names.account_db(account_id)
    assert parse_file_name(spelled) == expected


def test_other_names_tell_none() -> None:
    assert parse_file_name("accounts.json.gz") == "accounts"
    assert parse_file_name("backups/system_config.txt") == "system_config"
    assert parse_file_name("2016-05-01.json") is None


def test_where_the_name_tells_nothing_the_documents_do(old: Kazoo3, tmp_path: Path) -> None:
    entry = old.message(old.box())
    (tmp_path / "monday.json").write_bytes(all_docs(list(old.docs.values())))
    (tmp_path / "tuesday.json").write_bytes(all_docs([old.account]))
    assert migrate("--source", str(tmp_path)).status == 0
    assert old.audio_of(old.stored_message(entry["media_id"])) == speech("hello")


@pytest.mark.parametrize("piece", [1, 7, 4096, 1 << 20])
@pytest.mark.parametrize("size", [0, 1, 3071, 3072, 3073, 300_001])
def test_attachments_are_found_wherever_reads_end(tmp_path: Path, size: int, piece: int) -> None:
    content = (bytes(range(256)) * 1200)[:size]
    data = base64.b64encode(content).decode().replace("/", "\\/")
    path = tmp_path / "file"
    path.write_text('{"_id": "a", "quoted": "\\\\\\"' + "B" * 5000 + ' .", "data": "' + data + '"}\n{"_id": "b"}\n')
    with path.open("rb") as file:
        extractor = AttachmentExtractor(_Slow(file.read(), piece))
        first, second = parse_documents(extractor, pytest.fail)
    assert first["quoted"] == '\\"' + "B" * 5000 + " ."
    assert second == {"_id": "b"}
    place = extractor.find_range(first["data"])
    if place is None:
        assert base64.b64decode(first["data"]) == content
    else:
        assert (place.length, Base64Stream(path, place).read()) == (len(content), content)


class _Slow(io.BytesIO):
    """A file that gives few bytes at a time."""

    def __init__(self, content: bytes, piece: int) -> None:
        super().__init__(content)
        self._piece = piece

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(self._piece)


@pytest.mark.parametrize("spelling", writers.FORMATS)
def test_made_up_backups_are_the_same_for_the_same_seed(
    created_accounts: list[str], couchdb: str, tmp_path: Path, spelling: str
) -> None:
    plan = systems.Plan(accounts=2, boxes=2, messages=10, until=MAY_2016, dirt=0.4, seed=f"seed {new_id()}")
    created_accounts += [account.doc["_id"] for account in systems.make_accounts(plan)]
    for name in ("one", "two"):
        writers.write_to_folder(systems.make_accounts(plan), tmp_path / name, spelling, True, lambda account: None)
    files = [
        sorted((path.name, path.read_bytes()) for path in (tmp_path / name).iterdir()) for name in ("one", "two")
    ]
    assert files[0] == files[1]
    assert len(files[0]) == 3
    migrate("--source", str(tmp_path / "one"))
    assert migrate("--source", str(tmp_path / "two"), "--verify").status == 0


@pytest.mark.parametrize("lost", [1, 9, 200])
def test_a_packed_backup_that_was_cut_off_is_read_as_far_as_it_goes(old: Kazoo3, tmp_path: Path, lost: int) -> None:
    box = old.box()
    entries = [old.message(box, f"message {number}") for number in range(12)]
    unread = [old.add("callflow", numbers=[new_id() for _ in range(40)]) for _ in range(10)]
    assert len(unread) == 10
    packed = gzip.compress(lines(list(old.docs.values())))
    (tmp_path / f"{old.id}.jsonl.gz").write_bytes(packed[:-lost])
    ran = migrate("--account", old.id, "--source", str(tmp_path))
    assert ran.status == 0
    assert "the packed file ends early or is damaged: read up to there" in ran.out
    assert sorted(old.messages()) == sorted(f"201605-{entry['media_id']}" for entry in entries)
