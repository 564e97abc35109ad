"""What entries of Kazoo 3.x become: the same entry always the same message; none is lost or stored twice."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from accounts import accounts
from couch.database import Document
from storage import modbs, view_names
from tests.support import old_messages
from tests.support.api_client import Account
from tests.support.kazoo_messages import stored
from tests.support.old_messages import make_entry
from voicemail.legacy import boxes, entries, on_access
from voicemail.legacy import store as legacy_store
from voicemail.legacy.media import account_library
from voicemail.legacy.outcomes import EntryResult, MigrationOptions, Outcome
from voicemail.mailboxes import store as mailbox_store

MAY = 63630058722
MEDIA = "6aadef09f6fcf5fd8bcdfca312e923ba"
AUDIO = b"ID3" + bytes(range(256)) * 40


@pytest.fixture
def box(account: Account) -> Document:
    return mailbox_store.create(account.id, {"name": "Old", "mailbox": "3000", "timezone": "America/Los_Angeles"})


@pytest.fixture
def migrate(account: Account) -> Callable[..., list[EntryResult]]:
    """Migrates all entries of a box as it is stored now."""

    def run(box: Document, **options: Any) -> list[EntryResult]:
        stored_box = mailbox_store.get(account.id, box["_id"])
        return on_access.migrate_entries(
            accounts.get(account.id), stored_box, entries.parse_array(stored_box), MigrationOptions(**options)
        )

    return run


def outcomes(results: Sequence[EntryResult]) -> list[tuple[str, str | None]]:
    return [(result.outcome.value, result.reason or result.message_id) for result in results]


def test_entry_becomes_the_message_that_the_contract_describes(
    account: Account, box: Document, migrate: Callable[..., list[EntryResult]]
) -> None:
    old_messages.add(account, box["_id"], [make_entry(MEDIA, call_id="abc")], AUDIO)
    (result,) = migrate(box)
    assert (result.outcome, result.copied) == (Outcome.MIGRATED, len(AUDIO))
    doc = stored(account, f"201605-{MEDIA}")
    stub = doc.pop("_attachments")["uploaded_file.mp3"]
    assert (stub["content_type"], stub["length"]) == ("audio/mpeg", len(AUDIO))
    assert doc["metadata"] == {
        "media_id": f"201605-{MEDIA}",
        "call_id": "abc",
        "caller_id_name": "Ada",
        "caller_id_number": "1001",
        "from": "1001@old.example.com",
        "from_user": "1001",
        "from_realm": "old.example.com",
        "to": "3000@old.example.com",
        "to_user": "3000",
        "to_realm": "old.example.com",
        "length": 3140,
        "timestamp": MAY,
        "folder": "new",
    }
    fields = {key: doc[key] for key in ("name", "source_id", "utc_seconds", "media_filename", "pvt_type")}
    assert fields == {
        "name": "mailbox 3000 message 2016-05-09 17:18:42",
        "source_id": box["_id"],
        "utc_seconds": MAY,
        "media_filename": "uploaded_file.mp3",
        "pvt_type": "mailbox_message",
    }
    assert (doc["pvt_moved_to_modb"], doc["pvt_previous_id"]) == ("true", MEDIA)
    assert doc["pvt_account_db"].endswith("-201605")


@pytest.mark.parametrize(
    ("fields", "month"),
    [
        ({"timestamp": str(MAY)}, "201605"),
        ({"timestamp": None}, "201606"),
        ({"timestamp": "undefined"}, "201606"),
        ({"timestamp": -1}, "201606"),
        ({"timestamp": 1463000000}, "201606"),
        ({"timestamp": 1e30}, "201606"),
        ({"timestamp": "9" * 400}, "201606"),
    ],
)
def test_missing_or_invalid_time_comes_from_the_media_document(
    account: Account, box: Document, migrate: Callable[..., list[EntryResult]], fields: Document, month: str
) -> None:
    old_messages.add_media(account, MEDIA, AUDIO, pvt_modified=MAY + 31 * 86_400)
    old_messages.add(account, box["_id"], [make_entry(MEDIA, **fields)], None)
    assert outcomes(migrate(box)) == [("migrated", f"{month}-{MEDIA}")]


@pytest.mark.parametrize(
    ("folder", "becomes"), [("saved", "saved"), ("deleted", "deleted"), ("inbox", "new"), (7, "new")]
)
def test_unknown_folder_becomes_new(
    account: Account, box: Document, migrate: Callable[..., list[EntryResult]], folder: Any, becomes: str
) -> None:
    old_messages.add(account, box["_id"], [make_entry(MEDIA, folder=folder)], AUDIO)
    migrate(box)
    assert stored(account, f"201605-{MEDIA}")["metadata"]["folder"] == becomes


def test_media_ids_of_other_forms_keep_their_text_and_stay_different(
    account: Account, box: Document, migrate: Callable[..., list[EntryResult]]
) -> None:
    ids = ["old-media.17", "a/b", "a_b", "ä" * 300, "A" * 32]
    old_messages.add(account, box["_id"], [make_entry(media_id) for media_id in ids], AUDIO)
    results = migrate(box)
    assert [result.outcome for result in results] == [Outcome.MIGRATED] * 5
    message_ids = [str(result.message_id) for result in results]
    assert message_ids[0] == "201605-old-media.17"
    assert message_ids[2] == "201605-a_b"
    assert len(set(message_ids)) == 5
    assert [stored(account, message_id)["pvt_previous_id"] for message_id in message_ids] == ids


def test_entry_that_cannot_be_migrated_stays_with_the_reason(
    account: Account, box: Document, migrate: Callable[..., list[EntryResult]]
) -> None:
    old_messages.add_media(account, "d" * 32, AUDIO, pvt_deleted=True)
    old_messages.database(account).put({"_id": "e" * 32, "pvt_type": "private_media"})
    lost = [
        make_entry("c" * 32),
        make_entry("d" * 32),
        make_entry("e" * 32),
        {},
        "text",
        make_entry("_design/vmboxes"),
    ]
    old_messages.add(account, box["_id"], lost, None)
    (good,) = old_messages.add(account, box["_id"], [make_entry()], AUDIO)
    results = outcomes(migrate(box))
    assert results[:3] == [("failed", "no_audio")] * 3
    assert results[3:5] == [("failed", "no_media_id")] * 2
    assert results[5:] == [("failed", "no_audio"), ("migrated", f"201605-{good}")]
    remaining = old_messages.read_array(account, box["_id"])
    assert [raw.get("migration_error") for raw in remaining if isinstance(raw, dict)] == [
        "no_audio",
        "no_audio",
        "no_audio",
        "no_media_id",
        "no_audio",
    ]
    revision = mailbox_store.get(account.id, box["_id"])["_rev"]
    migrate(box)
    assert mailbox_store.get(account.id, box["_id"])["_rev"] == revision, "a second run changes nothing"


def test_failed_entry_is_tried_again(
    account: Account, box: Document, migrate: Callable[..., list[EntryResult]]
) -> None:
    marked = make_entry(MEDIA, migration_error="no_audio", migration_tries=3)
    old_messages.add(account, box["_id"], [marked], AUDIO)
    assert outcomes(migrate(box)) == [("migrated", f"201605-{MEDIA}")]


def test_second_run_finds_the_messages_of_the_first(
    account: Account, box: Document, migrate: Callable[..., list[EntryResult]]
) -> None:
    library, owner = account_library(account.id), accounts.get(account.id)
    old_messages.add(account, box["_id"], [make_entry(MEDIA)], AUDIO)
    stored_box = mailbox_store.get(account.id, box["_id"])
    legacy_store.store_messages(
        owner, stored_box, entries.parse_array(stored_box), library, MigrationOptions()
    )  # and killed before the box was changed
    revision = stored(account, f"201605-{MEDIA}")["_rev"]
    assert outcomes(migrate(box)) == [("present", f"201605-{MEDIA}")]
    assert stored(account, f"201605-{MEDIA}")["_rev"] == revision
    assert old_messages.read_array(account, box["_id"]) == []


def test_message_removed_since_stays_removed(
    account: Account, box: Document, migrate: Callable[..., list[EntryResult]]
) -> None:
    library, owner = account_library(account.id), accounts.get(account.id)
    old_messages.add(account, box["_id"], [make_entry(MEDIA)], AUDIO)
    stored_box = mailbox_store.get(account.id, box["_id"])
    legacy_store.store_messages(owner, stored_box, entries.parse_array(stored_box), library, MigrationOptions())
    modb = modbs.ensure(account.id, "201605")
    modb.put({**stored(account, f"201605-{MEDIA}"), "pvt_deleted": True})
    assert outcomes(migrate(box)) == [("present", f"201605-{MEDIA}")]
    assert stored(account, f"201605-{MEDIA}")["pvt_deleted"] is True


def test_entries_with_the_same_media_become_one_message(
    account: Account, box: Document, migrate: Callable[..., list[EntryResult]]
) -> None:
    old_messages.add_media(account, MEDIA, AUDIO)
    twice = [make_entry(MEDIA), make_entry(MEDIA), make_entry(MEDIA)]
    old_messages.add(account, box["_id"], twice, None)
    assert [result.outcome for result in migrate(box)] == [Outcome.MIGRATED, Outcome.PRESENT, Outcome.PRESENT]
    assert old_messages.read_array(account, box["_id"]) == []


def test_entries_of_two_boxes_with_the_same_media_become_two_messages(
    account: Account, box: Document, migrate: Callable[..., list[EntryResult]]
) -> None:
    other_box = mailbox_store.create(account.id, {"name": "Other", "mailbox": "3001"})
    old_messages.add_media(account, MEDIA, AUDIO)
    for target in (box, other_box):
        old_messages.add(account, target["_id"], [make_entry(MEDIA)], None)
    (first,), (second,) = migrate(box), migrate(other_box)
    assert first.message_id == f"201605-{MEDIA}"
    assert second.outcome is Outcome.MIGRATED
    messages = [stored(account, str(result.message_id)) for result in (first, second)]
    assert [doc["source_id"] for doc in messages] == [box["_id"], other_box["_id"]]
    assert len({stub["digest"] for doc in messages for stub in doc["_attachments"].values()}) == 1
    old_messages.add(account, other_box["_id"], [make_entry(MEDIA)], None)
    assert outcomes(migrate(other_box)) == [("present", second.message_id)]


def test_link_becomes_an_attachment_later(
    account: Account, box: Document, migrate: Callable[..., list[EntryResult]]
) -> None:
    old_messages.add(account, box["_id"], [make_entry(MEDIA)], AUDIO)
    assert outcomes(migrate(box, link=True)) == [("linked", f"201605-{MEDIA}")]
    doc = stored(account, f"201605-{MEDIA}")
    assert "_attachments" not in doc
    link = doc["pvt_attachments"]["uploaded_file.mp3"]["handler"]["kz_att_link"]
    assert link == {
        "att_dbname": old_messages.database(account).name.replace("/", "%2F"),
        "att_docid": MEDIA,
    }
    old_messages.add(account, box["_id"], [make_entry(MEDIA)], None)
    assert outcomes(migrate(box, link=True)) == [("present", f"201605-{MEDIA}")]
    old_messages.add(account, box["_id"], [make_entry(MEDIA)], None)
    assert outcomes(migrate(box)) == [("resolved", f"201605-{MEDIA}")]
    doc = stored(account, f"201605-{MEDIA}")
    assert "pvt_attachments" not in doc
    assert doc["_attachments"]["uploaded_file.mp3"]["length"] == len(AUDIO)


def test_message_stored_without_its_audio_gets_it(
    account: Account, box: Document, migrate: Callable[..., list[EntryResult]]
) -> None:
    old_messages.add(account, box["_id"], [make_entry(MEDIA)], AUDIO)
    migrate(box)
    modb = modbs.ensure(account.id, "201605")
    doc = stored(account, f"201605-{MEDIA}")
    del doc["_attachments"]
    modb.put(doc)
    old_messages.add(account, box["_id"], [make_entry(MEDIA)], None)
    assert outcomes(migrate(box)) == [("migrated", f"201605-{MEDIA}")]
    assert stored(account, f"201605-{MEDIA}")["_attachments"]["uploaded_file.mp3"]["length"] == len(AUDIO)


def test_audio_that_couchdb_compresses_is_compared_by_its_bytes(
    account: Account, box: Document, migrate: Callable[..., list[EntryResult]]
) -> None:
    text = b"not audio, but what an old system called its audio " * 200
    old_messages.add_media(account, MEDIA, text, "voice.txt", "text/plain")
    old_messages.add(account, box["_id"], [make_entry(MEDIA)], None)
    assert outcomes(migrate(box)) == [("migrated", f"201605-{MEDIA}")]


def test_dry_run_reports_and_writes_nothing(
    account: Account, box: Document, migrate: Callable[..., list[EntryResult]]
) -> None:
    old_messages.add(account, box["_id"], [make_entry(MEDIA), make_entry("c" * 32)], AUDIO)
    old_messages.add(account, box["_id"], [{}], None)
    stored_box = mailbox_store.get(account.id, box["_id"])
    owner, library = accounts.get(account.id), account_library(account.id)
    results = legacy_store.store_messages(
        owner, stored_box, entries.parse_array(stored_box), library, MigrationOptions(dry_run=True)
    )
    assert outcomes(results) == [
        ("migrated", f"201605-{MEDIA}"),
        ("migrated", f"201605-{'c' * 32}"),
        ("failed", "no_media_id"),
    ]
    assert mailbox_store.get(account.id, box["_id"]) == stored_box
    assert modbs.find(account.id, "201605") is None


def test_entry_that_arrives_during_a_migration_stays(account: Account, box: Document) -> None:
    old_messages.add(account, box["_id"], [make_entry(MEDIA)], AUDIO)
    stored_box = mailbox_store.get(account.id, box["_id"])
    results = legacy_store.store_messages(
        accounts.get(account.id),
        stored_box,
        entries.parse_array(stored_box),
        account_library(account.id),
        MigrationOptions(),
    )
    (later,) = old_messages.add(account, box["_id"], [make_entry()], AUDIO)
    mailbox_store.merge(account.id, box["_id"], {"name": "Renamed"})
    boxes.apply_results(account.id, box["_id"], results)
    assert [raw["media_id"] for raw in old_messages.read_array(account, box["_id"])] == [later]
    assert mailbox_store.get(account.id, box["_id"])["name"] == "Renamed"


def test_migrations_at_once_store_one_message_per_entry(
    account: Account, box: Document, migrate: Callable[..., list[EntryResult]]
) -> None:
    ids = old_messages.add(account, box["_id"], [make_entry() for _ in range(12)], AUDIO)
    with ThreadPoolExecutor(4) as pool:
        futures = [pool.submit(migrate, box) for _ in range(4)]
    assert {result.outcome for future in futures for result in future.result()} <= {Outcome.MIGRATED, Outcome.PRESENT}
    modb = modbs.ensure(account.id, "201605")
    rows = modb.view(*view_names.MESSAGES_BY_MAILBOX)
    assert sorted(row["id"] for row in rows) == sorted(f"201605-{media_id}" for media_id in ids)
    assert old_messages.read_array(account, box["_id"]) == []


def test_old_fields_of_a_box_become_the_new_ones(account: Account, box: Document) -> None:
    old_messages.database(account).update(
        box["_id"],
        lambda doc: {
            **doc,
            "mailbox": 3000,
            "notify_email_address": "a@example.com",
            "notify_email_addresses": ["b@example.com", "a@example.com"],
        },
    )
    boxes.apply_results(account.id, box["_id"], [])
    changed = mailbox_store.get(account.id, box["_id"])
    assert changed["mailbox"] == "3000"
    assert changed["notify_email_addresses"] == ["b@example.com", "a@example.com"]
    assert "notify_email_address" not in changed
