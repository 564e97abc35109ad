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
from tests.support.kazoo3 import MAY_2016, AccountMaker, Kazoo3Account, list_revisions, migrate_kazoo3, new_id, speech
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


def filled(kazoo3: Kazoo3Account) -> Kazoo3Account:
    """An account with whatever may be in one; its recordings are of all sizes."""
    box = kazoo3.add_box(3000, notify_email_address="a@example.com", _rev="7-x")
    for size, text in ((1, "short"), (40, "long"), (4000, "very long")):
        media = kazoo3.add_media(speech(text) * size, source_id=box["_id"])
        box["messages"].append(kazoo3.make_entry(media["_id"], caller_id_name=text))
    box["messages"] += [{}, kazoo3.make_entry("e" * 32)]
    greeting = kazoo3.add_media(speech("greeting"), source_type="call to voicemail greeting", pvt_type="media")
    kazoo3.add_box("3001", media={"unavailable": greeting["_id"]})
    kazoo3.add_message(kazoo3.add_box("3002", pvt_deleted=True), "of a deleted box")
    kazoo3.add("user", first_name="A", username="a", pvt_md5_auth="0" * 32)
    kazoo3.add("user", username="gone", pvt_deleted=True)
    kazoo3.add("callflow", numbers=["3000"])
    kazoo3.add("device", name="phone")
    return kazoo3


def assert_brought(kazoo3: Kazoo3Account) -> None:
    """All of a filled account is here."""
    stored = {row["id"]: row["doc"] for row in kazoo3.database.all_docs(include_docs=True) if row["id"][0] != "_"}
    kinds = sorted(doc["pvt_type"] for doc in stored.values())
    assert kinds == ["account", "media", "user", "user", "vmbox", "vmbox", "vmbox"]
    for doc_id, doc in stored.items():
        own = {**kazoo3.docs[doc_id], "mailbox": str(kazoo3.docs[doc_id].get("mailbox"))}
        assert {
            key: own[key] for key in own if key.startswith("pvt_") and key != "pvt_modified"
        }.items() <= doc.items()
    (box,) = (doc for doc in stored.values() if doc.get("mailbox") == "3000")
    assert box["notify_email_addresses"] == ["a@example.com"]
    marks = {"migration_tries": 1}
    assert box["messages"] == [
        {"migration_error": "no_media_id", **marks},
        {**kazoo3.make_entry("e" * 32), "migration_error": "no_audio", **marks},
    ]
    sizes = {"short": 1, "long": 40, "very long": 4000}
    found = {doc["metadata"]["caller_id_name"]: doc for doc in kazoo3.stored_messages().values()}
    for text, size in sizes.items():
        assert kazoo3.read_audio(found[text]) == speech(text) * size
    assert found["Ada"]["pvt_deleted"] is True
    listed = couch().database(database_names.ACCOUNTS).get(kazoo3.id)
    assert listed is not None
    assert listed["realm"] == kazoo3.realm


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "packed"])
@pytest.mark.parametrize("spelled", SPELLINGS, ids=lambda each: each.__name__)
def test_a_backup_becomes_a_working_account(
    kazoo3: Kazoo3Account, tmp_path: Path, spelled: Callable[[Docs], bytes], packed: bool
) -> None:
    content = spelled(list(filled(kazoo3).docs.values()))
    name = database_names.encode(database_names.account_db(kazoo3.id)) + ".json"
    path = tmp_path / (f"{name}.gz" if packed else name)
    path.write_bytes(gzip.compress(content) if packed else content)
    ran = migrate_kazoo3("--source", str(tmp_path))
    assert ran.status == 1, ran
    assert "left out, as it is no voicemail: 1 callflow, 1 device" in ran.out
    assert_brought(kazoo3)
    before = list_revisions(kazoo3.id)
    again = migrate_kazoo3("--source", str(tmp_path))
    assert list_revisions(kazoo3.id) == before
    assert "migrated" not in again.out
    assert migrate_kazoo3("--source", str(tmp_path), "--verify").status == 0


def test_another_couchdb_is_a_source_and_is_only_read(kazoo3: Kazoo3Account, tmp_path: Path) -> None:
    other = start_couchdb(tmp_path / "other")
    try:
        server = Couch(other.url, connect_timeout=5, read_timeout=30)
        box = next(iter(filled(kazoo3).docs.values()))
        for doc in kazoo3.docs.values():
            doc.pop("_rev", None)
        kazoo3.store(server)
        theirs = server.database(database_names.account_db(kazoo3.id))
        before = [(row["id"], row["value"]["rev"]) for row in theirs.all_docs()]
        dry = migrate_kazoo3("--source", other.url, "--account", kazoo3.id, "--dry-run")
        assert couch().names(database_names.account_db(kazoo3.id)) == []
        ran = migrate_kazoo3("--source", other.url, "--account", kazoo3.id)
        assert ran.out.splitlines()[:5] == dry.out.splitlines()[:5]
        assert box["_id"] == kazoo3.id
        assert_brought(kazoo3)
        assert [(row["id"], row["value"]["rev"]) for row in theirs.all_docs()] == before
        assert migrate_kazoo3("--source", other.url, "--account", kazoo3.id, "--verify").status == 0
    finally:
        other.stop()


def test_what_is_here_already_is_never_overwritten(kazoo3: Kazoo3Account, tmp_path: Path) -> None:
    box = kazoo3.add_box("3000", name="Old name")
    entry = kazoo3.add_message(box)
    (tmp_path / f"{kazoo3.id}.jsonl").write_bytes(lines(list(kazoo3.docs.values())))
    here = {**box, "name": "New name", "messages": [kazoo3.make_entry("d" * 32)]}
    kazoo3.docs = {kazoo3.id: {**kazoo3.account, "name": "Here"}, box["_id"]: here}
    kazoo3.store()
    assert migrate_kazoo3("--source", str(tmp_path)).status == 0
    assert kazoo3.stored_box(box)["name"] == "New name"
    assert kazoo3.stored_box(box)["messages"] == [kazoo3.make_entry("d" * 32)]
    assert (kazoo3.database.get(kazoo3.id) or {})["name"] == "Here"
    assert kazoo3.read_audio(kazoo3.stored_message(entry["media_id"])) == speech("hello")


def test_what_failed_leaves_the_array_when_a_better_backup_has_its_audio(
    kazoo3: Kazoo3Account, tmp_path: Path
) -> None:
    box = kazoo3.add_box()
    entry = kazoo3.add_message(box)
    for name in ("poor", "good"):
        (tmp_path / name).mkdir()
    poor = [doc for doc in kazoo3.docs.values() if doc["_id"] != entry["media_id"]]
    (tmp_path / "poor" / f"{kazoo3.id}.jsonl").write_bytes(lines(poor))
    (tmp_path / "good" / f"{kazoo3.id}.jsonl").write_bytes(lines(list(kazoo3.docs.values())))
    assert migrate_kazoo3("--source", str(tmp_path / "poor")).status == 1
    assert [one["migration_error"] for one in kazoo3.stored_box(box)["messages"]] == ["no_audio"]
    assert migrate_kazoo3("--source", str(tmp_path / "good")).status == 0
    assert kazoo3.stored_box(box)["messages"] == []


def test_a_realm_that_another_account_has_here_is_refused(new_kazoo3_account: AccountMaker, tmp_path: Path) -> None:
    here = new_kazoo3_account().store()
    other = new_kazoo3_account(realm=here.realm)
    (tmp_path / f"{other.id}.jsonl").write_bytes(lines(list(other.docs.values())))
    ran = migrate_kazoo3("--source", str(tmp_path))
    assert ran.status == 1
    assert f"belongs to account {here.id} here" in ran.out
    assert couch().names(database_names.account_db(other.id)) == []


@pytest.mark.parametrize("spelled", SPELLINGS, ids=lambda each: each.__name__)
def test_a_file_that_was_cut_off_is_read_as_far_as_it_goes(
    kazoo3: Kazoo3Account, tmp_path: Path, spelled: Callable[[Docs], bytes]
) -> None:
    box = kazoo3.add_box()
    for number in range(6):
        kazoo3.add_message(box, f"message {number}")
    docs = [kazoo3.account, box, *(doc for doc in kazoo3.docs.values() if doc["pvt_type"] == "private_media")]
    content = spelled(docs)
    (tmp_path / f"{kazoo3.id}.json").write_bytes(content[: len(content) - 900])
    ran = migrate_kazoo3("--source", str(tmp_path))
    assert ran.status == 1
    assert "cut off" in ran.out
    whole = 5 if spelled is not couchbackup else 2
    kept = kazoo3.stored_box(box)["messages"] if kazoo3.database.exists() else []
    assert len(kazoo3.stored_messages()) == whole
    assert len(kept) == 6 - whole


def test_backups_without_attachments_say_so(kazoo3: Kazoo3Account, tmp_path: Path) -> None:
    entry = kazoo3.add_message(kazoo3.add_box())
    stub = {"content_type": "audio/mpeg", "stub": True, "length": 5, "digest": "md5-abc", "revpos": 1}
    kazoo3.docs[entry["media_id"]]["_attachments"] = {"a.mp3": stub}
    (tmp_path / f"{kazoo3.id}.jsonl").write_bytes(lines(list(kazoo3.docs.values())))
    ran = migrate_kazoo3("--source", str(tmp_path))
    assert ran.status == 1
    assert "1 attachments are named in the backups, but their audio is not in them" in ran.out


def test_hostile_content_harms_nothing(kazoo3: Kazoo3Account, tmp_path: Path) -> None:
    box = kazoo3.add_box()
    entry = kazoo3.add_message(box, "between the rubbish")
    odd = kazoo3.add_media(speech("odd"))
    odd["_attachments"] = {"_../../x": {"content_type": 7, "data": base64.b64encode(speech("odd")).decode()}}
    box["messages"].append(kazoo3.make_entry(odd["_id"]))
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
    content = b"not json\n" + b"[" * 5000 + b"\n" + lines([*rubbish, *kazoo3.docs.values()])
    (tmp_path / f"{kazoo3.id}.jsonl").write_bytes(content)
    (tmp_path / "README.txt").write_text("nothing here")
    ran = migrate_kazoo3("--source", str(tmp_path))
    assert "line 1 is no JSON" in ran.out
    assert kazoo3.read_audio(kazoo3.stored_message(entry["media_id"])) == speech("between the rubbish")
    assert kazoo3.read_audio(kazoo3.stored_message(odd["_id"])) == speech("odd")
    assert ran.status == 0, ran
    assert (kazoo3.database.get("z") or {})["text"] == text


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


def test_where_the_name_tells_nothing_the_documents_do(kazoo3: Kazoo3Account, tmp_path: Path) -> None:
    entry = kazoo3.add_message(kazoo3.add_box())
    (tmp_path / "monday.json").write_bytes(all_docs(list(kazoo3.docs.values())))
    (tmp_path / "tuesday.json").write_bytes(all_docs([kazoo3.account]))
    assert migrate_kazoo3("--source", str(tmp_path)).status == 0
    assert kazoo3.read_audio(kazoo3.stored_message(entry["media_id"])) == speech("hello")


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
    migrate_kazoo3("--source", str(tmp_path / "one"))
    assert migrate_kazoo3("--source", str(tmp_path / "two"), "--verify").status == 0


@pytest.mark.parametrize("lost", [1, 9, 200])
def test_a_packed_backup_that_was_cut_off_is_read_as_far_as_it_goes(
    kazoo3: Kazoo3Account, tmp_path: Path, lost: int
) -> None:
    box = kazoo3.add_box()
    entries = [kazoo3.add_message(box, f"message {number}") for number in range(12)]
    unread = [kazoo3.add("callflow", numbers=[new_id() for _ in range(40)]) for _ in range(10)]
    assert len(unread) == 10
    packed = gzip.compress(lines(list(kazoo3.docs.values())))
    (tmp_path / f"{kazoo3.id}.jsonl.gz").write_bytes(packed[:-lost])
    ran = migrate_kazoo3("--account", kazoo3.id, "--source", str(tmp_path))
    assert ran.status == 0
    assert "the packed file ends early or is damaged: read up to there" in ran.out
    assert sorted(kazoo3.stored_messages()) == sorted(f"201605-{entry['media_id']}" for entry in entries)
