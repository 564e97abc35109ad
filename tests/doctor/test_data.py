"""``--deep``: what is wrong with documents, each kind made on purpose."""

import base64
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from couch.database import Database
from doctor.outcome import Entry
from storage import database_names, gregorian, modbs
from tests.support import kazoo_documents as kazoo
from tests.support import kazoo_messages
from tests.support.api_client import Account
from tests.support.odd_documents import all_at_once, one_by_one

Examine = Callable[..., dict[str, Entry]]
NOW = gregorian.now()
MONTH = gregorian.month_of(NOW)
NOBODY = "f" * 32
SANE = ("_id", "_attachments", "pvt_type")


@pytest.fixture
def box(db: Database) -> dict[str, Any]:
    """A mailbox without an owner."""
    return put_box(db)


def put_box(db: Database, **fields: Any) -> dict[str, Any]:
    """Store a mailbox of the account that a database is of."""
    owner = {"pvt_account_id": None, "pvt_account_db": None, "owner_id": None}
    doc = db.put(kazoo.vmbox(**{"_id": uuid.uuid4().hex, **owner, **fields}))
    return {**doc, "id": doc["_id"]}


def attachment(content: bytes) -> dict[str, Any]:
    """An attachment to store with a document."""
    return {"a.mp3": {"content_type": "audio/mpeg", "data": base64.b64encode(content).decode()}}


def put_message(account: Account, box: dict[str, Any], **fields: Any) -> str:
    """Store a message of this month with the given members; its id."""
    doc = {**kazoo_messages.document(account, box, NOW), **fields}
    modbs.ensure(account.id, MONTH).put(doc)
    return str(doc["_id"])


def link_to(database: str, doc_id: str) -> dict[str, Any]:
    """The member by which a message links to audio elsewhere."""
    link = {"att_dbname": database_names.encode(database), "att_docid": doc_id}
    return {"a.mp3": {"content_type": "audio/mpeg", "handler": {"kz_att_link": link}}}


def test_nothing_is_wrong_with_a_new_account(account: Account, box: dict[str, Any], examine: Examine) -> None:
    put_message(account, box, _attachments=attachment(b"ID3 audio"))
    assert examine("data", "databases", "views", "sizes") == {}


def test_messages_with_missing_lost_and_empty_audio_are_told(
    account: Account, box: dict[str, Any], db: Database, examine: Examine
) -> None:
    db.put({"_id": "with-audio", "pvt_type": "private_media", "_attachments": attachment(b"ID3 audio")})
    db.put({"_id": "without-audio", "pvt_type": "private_media"})
    silent = put_message(account, box)
    empty = put_message(account, box, _attachments=attachment(b""))
    put_message(account, box, pvt_attachments=link_to(db.name, "with-audio"))
    lost = {
        put_message(account, box, pvt_attachments=link_to(db.name, "without-audio")),
        put_message(account, box, pvt_attachments=link_to(db.name, "nowhere")),
        put_message(account, box, pvt_attachments=link_to(f"{db.name}-199901", "nowhere")),
        put_message(account, box, pvt_attachments=link_to("account/aa/bb/" + "c" * 28, "with-audio")),
    }
    entries = examine("data")
    assert subjects_of(entries, "message_without_audio") == {silent}
    assert subjects_of(entries, "message_audio_empty") == {empty}
    assert subjects_of(entries, "message_audio_lost") == lost


def subjects_of(entries: dict[str, Entry], key: str) -> set[str]:
    """The last part of each path that a finding names."""
    return {path.rpartition("/")[2].partition(" ")[0] for path in entries[key].finding.subjects}


def test_messages_of_no_mailbox_and_of_a_removed_one_are_told(
    account: Account, db: Database, box: dict[str, Any], examine: Examine
) -> None:
    removed = put_box(db, pvt_deleted=True)
    audio = attachment(b"ID3 audio")
    messages = {
        put_message(account, box, source_id=NOBODY, _attachments=audio),
        put_message(account, removed, _attachments=audio),
    }
    assert subjects_of(examine("data"), "message_of_no_mailbox") == messages


def test_a_message_in_the_database_of_another_month_is_told(
    account: Account, box: dict[str, Any], examine: Examine
) -> None:
    message_id = put_message(account, box, _id=f"199901-{NOBODY}", _attachments=attachment(b"ID3 audio"))
    assert subjects_of(examine("data"), "message_in_wrong_month") == {message_id}


def test_documents_of_another_account_are_told(
    account: Account, box: dict[str, Any], db: Database, examine: Examine
) -> None:
    message_id = put_message(account, box, pvt_account_id=NOBODY, _attachments=attachment(b"ID3 audio"))
    strange = put_box(db, pvt_account_id=NOBODY, mailbox="4000")["id"]
    assert subjects_of(examine("data"), "document_of_another_account") == {message_id, strange}


def test_mailboxes_with_the_same_number_are_told_but_not_removed_ones(db: Database, examine: Examine) -> None:
    first, second = put_box(db, mailbox="5000")["id"], put_box(db, mailbox="5001", aliases=[5000])["id"]
    put_box(db, mailbox="5001", pvt_deleted=True)
    (subject,) = examine("data")["mailbox_number_twice"].finding.subjects
    assert ": 5000 of " in subject
    assert first in subject
    assert second in subject


def test_owners_and_greetings_that_lead_nowhere_are_told(account: Account, db: Database, examine: Examine) -> None:
    db.put({"_id": "media-with-audio", "pvt_type": "media", "_attachments": attachment(b"ID3 audio")})
    db.put({"_id": "media-without-audio", "pvt_type": "media"})
    put_box(db, mailbox="6000", owner_id=account.user_id, media={"unavailable": "media-with-audio"})
    put_box(db, mailbox="6001", owner_id=NOBODY, media={"unavailable": "nowhere", "name": "media-without-audio"})
    entries = examine("data")
    assert entries["mailbox_owner_missing"].finding.subject_count == 1
    assert [path.rpartition(": ")[2] for path in entries["greeting_missing"].finding.subjects] == ["nowhere"]
    (silent,) = entries["greeting_silent"].finding.subjects
    assert silent.endswith("(name): media-without-audio")


def test_mailboxes_with_entries_of_3x_are_told(db: Database, examine: Examine) -> None:
    box_id = put_box(db, messages=[kazoo.legacy_message(), 7])["id"]
    assert subjects_of(examine("data"), "entries_of_3x") == {box_id}


def test_a_view_that_counts_other_messages_than_there_are_is_told(
    account: Account, box: dict[str, Any], examine: Examine
) -> None:
    put_message(account, box, _attachments=attachment(b"ID3 audio"))
    assert "counts_differ" not in examine("data")
    modb = modbs.ensure(account.id, MONTH)
    design = modb.get_design("_design/mailbox_message_counts")
    assert design is not None
    design["views"]["by_box_folder"]["map"] = "function (doc) { emit(['nobody', 'new', 1], null); }"
    modb.put_design(design)
    entries = examine("data", "views")
    assert entries["counts_differ"].finding.subject_count == 1
    assert entries["views_outdated"].finding.subjects == (f"{modb.name}: _design/mailbox_message_counts",)


def test_odd_documents_end_no_check(account: Account, box: dict[str, Any], db: Database, examine: Examine) -> None:
    sound = {**kazoo.vmbox(owner_id=account.user_id, media={"unavailable": NOBODY}), "aliases": ["1"]}
    boxes = [*one_by_one(sound, ("_id",)), *all_at_once(sound, SANE)]
    users = one_by_one(kazoo.user(media={"recorded_name": NOBODY}), ("_id",))
    put_all(db, [*boxes, *users], "")
    message = {**kazoo_messages.document(account, box, NOW), "pvt_attachments": link_to(db.name, NOBODY)}
    put_all(modbs.ensure(account.id, MONTH), [*one_by_one(message, ("_id",)), *all_at_once(message, SANE)], MONTH)
    entries = examine("data", "databases", "views")
    assert entries["message_audio_lost"].finding.subject_count > 5
    assert "counts_differ" not in entries


def put_all(database: Database, docs: list[dict[str, Any]], month: str) -> None:
    """Store documents under new ids."""
    prefix = f"{month}-" if month else ""
    saved = database.put_all([{**doc, "_id": prefix + uuid.uuid4().hex} for doc in docs])
    assert not [result for result in saved if result.error]
