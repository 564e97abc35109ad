"""What entries of Kazoo 3.x become: same input, same message; nothing twice, nothing lost, dirt told apart."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from accounts import accounts
from couch.client import Document
from storage import modbs, view_names
from tests.support import old_messages
from tests.support.api_client import Account
from tests.support.kazoo_messages import stored
from tests.support.old_messages import entry
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
    """Migrates all entries of a box, as it is stored now."""

    def run(box: Document, **how: Any) -> list[EntryResult]:
        fresh = mailbox_store.get(account.id, box["_id"])
        return on_access.migrate_entries(
            accounts.get(account.id), fresh, entries.parse_array(fresh), MigrationOptions(**how)
        )

    return run


def outcomes(results: Sequence[EntryResult]) -> list[tuple[str, str | None]]:
    return [(result.outcome.value, result.reason or result.message_id) for result in results]


def test_an_entry_becomes_the_message_that_the_contract_describes(
    account: Account, box: Document, migrate: Callable[..., list[EntryResult]]
) -> None:
    old_messages.leave(account, box["_id"], [entry(MEDIA, call_id="abc")], AUDIO)
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
    told = {key: doc[key] for key in ("name", "source_id", "utc_seconds", "media_filename", "pvt_type")}
    assert told == {
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
def test_a_time_that_is_none_comes_from_the_media_document(
    account: Account, box: Document, migrate: Callable[..., list[EntryResult]], fields: Document, month: str
) -> None:
    old_messages.leave_media(account, MEDIA, AUDIO, pvt_modified=MAY + 31 * 86_400)
    old_messages.leave(account, box["_id"], [entry(MEDIA, **fields)], None)
    assert outcomes(migrate(box)) == [("migrated", f"{month}-{MEDIA}")]


@pytest.mark.parametrize(
    ("folder", "becomes"), [("saved", "saved"), ("deleted", "deleted"), ("inbox", "new"), (7, "new")]
)
def test_an_unknown_folder_becomes_new(
    account: Account, box: Document, migrate: Callable[..., list[EntryResult]], folder: Any, becomes: str
) -> None:
    old_messages.leave(account, box["_id"], [entry(MEDIA, folder=folder)], AUDIO)
    migrate(box)
    assert stored(account, f"201605-{MEDIA}")["metadata"]["folder"] == becomes


def test_media_ids_of_other_forms_keep_their_text_and_stay_apart(
    account: Account, box: Document, migrate: Callable[..., list[EntryResult]]
) -> None:
    ids = ["old-media.17", "a/b", "a_b", "ä" * 300, "A" * 32]
    old_messages.leave(account, box["_id"], [entry(one) for one in ids], AUDIO)
    results = migrate(box)
    assert [result.outcome for result in results] == [Outcome.MIGRATED] * 5
    made = [str(result.message_id) for result in results]
    assert made[0] == "201605-old-media.17"
    assert made[2] == "201605-a_b"
    assert len(set(made)) == 5
    assert [stored(account, one)["pvt_previous_id"] for one in made] == ids


def test_what_cannot_be_migrated_stays_with_its_reason(
    account: Account, box: Document, migrate: Callable[..., list[EntryResult]]
) -> None:
    old_messages.leave_media(account, "d" * 32, AUDIO, pvt_deleted=True)
    old_messages.database(account).put({"_id": "e" * 32, "pvt_type": "private_media"})
    lost = [entry("c" * 32), entry("d" * 32), entry("e" * 32), {}, "text", entry("_design/vmboxes")]
    old_messages.leave(account, box["_id"], lost, None)
    (good,) = old_messages.leave(account, box["_id"], [entry()], AUDIO)
    told = outcomes(migrate(box))
    assert told[:3] == [("failed", "no_audio")] * 3
    assert told[3:5] == [("failed", "no_media_id")] * 2
    assert told[5:] == [("failed", "no_audio"), ("migrated", f"201605-{good}")]
    left = old_messages.array(account, box["_id"])
    assert [one.get("migration_error") for one in left if isinstance(one, dict)] == [
        "no_audio",
        "no_audio",
        "no_audio",
        "no_media_id",
        "no_audio",
    ]
    revision = mailbox_store.get(account.id, box["_id"])["_rev"]
    migrate(box)
    assert mailbox_store.get(account.id, box["_id"])["_rev"] == revision, "a second run changes nothing"


def test_an_entry_that_failed_before_is_tried_again(
    account: Account, box: Document, migrate: Callable[..., list[EntryResult]]
) -> None:
    marked = entry(MEDIA, migration_error="no_audio", migration_tries=3)
    old_messages.leave(account, box["_id"], [marked], AUDIO)
    assert outcomes(migrate(box)) == [("migrated", f"201605-{MEDIA}")]


def test_a_second_run_finds_the_first_ones_messages(
    account: Account, box: Document, migrate: Callable[..., list[EntryResult]]
) -> None:
    library, owner = account_library(account.id), accounts.get(account.id)
    old_messages.leave(account, box["_id"], [entry(MEDIA)], AUDIO)
    fresh = mailbox_store.get(account.id, box["_id"])
    legacy_store.store_messages(
        owner, fresh, entries.parse_array(fresh), library, MigrationOptions()
    )  # and killed before the box was changed
    revision = stored(account, f"201605-{MEDIA}")["_rev"]
    assert outcomes(migrate(box)) == [("present", f"201605-{MEDIA}")]
    assert stored(account, f"201605-{MEDIA}")["_rev"] == revision
    assert old_messages.array(account, box["_id"]) == []


def test_a_message_that_was_removed_since_stays_removed(
    account: Account, box: Document, migrate: Callable[..., list[EntryResult]]
) -> None:
    library, owner = account_library(account.id), accounts.get(account.id)
    old_messages.leave(account, box["_id"], [entry(MEDIA)], AUDIO)
    fresh = mailbox_store.get(account.id, box["_id"])
    legacy_store.store_messages(owner, fresh, entries.parse_array(fresh), library, MigrationOptions())
    modb = modbs.ensure(account.id, "201605")
    modb.put({**stored(account, f"201605-{MEDIA}"), "pvt_deleted": True})
    assert outcomes(migrate(box)) == [("present", f"201605-{MEDIA}")]
    assert stored(account, f"201605-{MEDIA}")["pvt_deleted"] is True


def test_the_same_media_in_two_entries_is_one_message(
    account: Account, box: Document, migrate: Callable[..., list[EntryResult]]
) -> None:
    old_messages.leave_media(account, MEDIA, AUDIO)
    twice = [entry(MEDIA), entry(MEDIA), entry(MEDIA)]
    old_messages.leave(account, box["_id"], twice, None)
    assert [result.outcome for result in migrate(box)] == [Outcome.MIGRATED, Outcome.PRESENT, Outcome.PRESENT]
    assert old_messages.array(account, box["_id"]) == []


def test_the_same_media_in_two_boxes_is_a_message_in_each(
    account: Account, box: Document, migrate: Callable[..., list[EntryResult]]
) -> None:
    other = mailbox_store.create(account.id, {"name": "Other", "mailbox": "3001"})
    old_messages.leave_media(account, MEDIA, AUDIO)
    for each in (box, other):
        old_messages.leave(account, each["_id"], [entry(MEDIA)], None)
    (first,), (second,) = migrate(box), migrate(other)
    assert first.message_id == f"201605-{MEDIA}"
    assert second.outcome is Outcome.MIGRATED
    made = [stored(account, str(result.message_id)) for result in (first, second)]
    assert [doc["source_id"] for doc in made] == [box["_id"], other["_id"]]
    assert len({stub["digest"] for doc in made for stub in doc["_attachments"].values()}) == 1
    old_messages.leave(account, other["_id"], [entry(MEDIA)], None)
    assert outcomes(migrate(other)) == [("present", second.message_id)]


def test_a_link_is_written_and_becomes_an_attachment_later(
    account: Account, box: Document, migrate: Callable[..., list[EntryResult]]
) -> None:
    old_messages.leave(account, box["_id"], [entry(MEDIA)], AUDIO)
    assert outcomes(migrate(box, link=True)) == [("linked", f"201605-{MEDIA}")]
    doc = stored(account, f"201605-{MEDIA}")
    assert "_attachments" not in doc
    link = doc["pvt_attachments"]["uploaded_file.mp3"]["handler"]["kz_att_link"]
    assert link == {
        "att_dbname": old_messages.database(account).name.replace("/", "%2F"),
        "att_docid": MEDIA,
    }
    old_messages.leave(account, box["_id"], [entry(MEDIA)], None)
    assert outcomes(migrate(box, link=True)) == [("present", f"201605-{MEDIA}")]
    old_messages.leave(account, box["_id"], [entry(MEDIA)], None)
    assert outcomes(migrate(box)) == [("resolved", f"201605-{MEDIA}")]
    doc = stored(account, f"201605-{MEDIA}")
    assert "pvt_attachments" not in doc
    assert doc["_attachments"]["uploaded_file.mp3"]["length"] == len(AUDIO)


def test_a_message_whose_audio_never_came_gets_it(
    account: Account, box: Document, migrate: Callable[..., list[EntryResult]]
) -> None:
    old_messages.leave(account, box["_id"], [entry(MEDIA)], AUDIO)
    migrate(box)
    modb = modbs.ensure(account.id, "201605")
    doc = stored(account, f"201605-{MEDIA}")
    del doc["_attachments"]
    modb.put(doc)
    old_messages.leave(account, box["_id"], [entry(MEDIA)], None)
    assert outcomes(migrate(box)) == [("migrated", f"201605-{MEDIA}")]
    assert stored(account, f"201605-{MEDIA}")["_attachments"]["uploaded_file.mp3"]["length"] == len(AUDIO)


def test_audio_that_couchdb_compresses_is_compared_by_its_bytes(
    account: Account, box: Document, migrate: Callable[..., list[EntryResult]]
) -> None:
    text = b"not audio, but what an old system called its audio " * 200
    old_messages.leave_media(account, MEDIA, text, "voice.txt", "text/plain")
    old_messages.leave(account, box["_id"], [entry(MEDIA)], None)
    assert outcomes(migrate(box)) == [("migrated", f"201605-{MEDIA}")]


def test_a_dry_run_tells_what_would_be_and_writes_nothing(
    account: Account, box: Document, migrate: Callable[..., list[EntryResult]]
) -> None:
    old_messages.leave(account, box["_id"], [entry(MEDIA), entry("c" * 32)], AUDIO)
    old_messages.leave(account, box["_id"], [{}], None)
    fresh = mailbox_store.get(account.id, box["_id"])
    owner, library = accounts.get(account.id), account_library(account.id)
    told = legacy_store.store_messages(
        owner, fresh, entries.parse_array(fresh), library, MigrationOptions(dry_run=True)
    )
    assert outcomes(told) == [
        ("migrated", f"201605-{MEDIA}"),
        ("migrated", f"201605-{'c' * 32}"),
        ("failed", "no_media_id"),
    ]
    assert mailbox_store.get(account.id, box["_id"]) == fresh
    assert modbs.find(account.id, "201605") is None


def test_what_comes_into_the_array_meanwhile_stays(account: Account, box: Document) -> None:
    old_messages.leave(account, box["_id"], [entry(MEDIA)], AUDIO)
    fresh = mailbox_store.get(account.id, box["_id"])
    results = legacy_store.store_messages(
        accounts.get(account.id),
        fresh,
        entries.parse_array(fresh),
        account_library(account.id),
        MigrationOptions(),
    )
    (later,) = old_messages.leave(account, box["_id"], [entry()], AUDIO)
    mailbox_store.merge(account.id, box["_id"], {"name": "Renamed"})
    boxes.apply_results(account.id, box["_id"], results)
    assert [one["media_id"] for one in old_messages.array(account, box["_id"])] == [later]
    assert mailbox_store.get(account.id, box["_id"])["name"] == "Renamed"


def test_several_at_once_make_one_message_of_each_entry(
    account: Account, box: Document, migrate: Callable[..., list[EntryResult]]
) -> None:
    ids = old_messages.leave(account, box["_id"], [entry() for _ in range(12)], AUDIO)
    with ThreadPoolExecutor(4) as pool:
        told = [one.result() for one in [pool.submit(migrate, box) for _ in range(4)]]
    assert {result.outcome for results in told for result in results} <= {Outcome.MIGRATED, Outcome.PRESENT}
    modb = modbs.ensure(account.id, "201605")
    rows = modb.view(*view_names.MESSAGES_BY_MAILBOX)
    assert sorted(row["id"] for row in rows) == sorted(f"201605-{one}" for one in ids)
    assert old_messages.array(account, box["_id"]) == []


def test_a_boxs_own_old_forms_become_the_new_ones(account: Account, box: Document) -> None:
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
