"""Which events a changed document makes, by what is known of it."""

from typing import Any

import pytest

from couch.feeds import ChangesPage
from crossbar.envelope_format import NODE
from events.changes import Changes
from events.positions import Position
from voicemail.messages import deletion, folder_changes, metadata

NOW = 63_960_000_000
DATABASE = "account/00/11/22334455667788990011223344aabb-202611"
READ_BEFORE = Position("7", NOW - 1000)


def message(generation: int, **members: Any) -> dict[str, Any]:
    """A new message's document, as of some revision."""
    doc = {
        "_id": "202611-00112233445566778899001122334455",
        "metadata": {"folder": "new"},
        "pvt_type": "mailbox_message",
        "pvt_node": NODE,
        "pvt_created": NOW,
        "pvt_modified": NOW,
    }
    return {**folder_changes.record(doc, None), "_rev": f"{generation}-a", **members}


def names(changes: Changes, doc: dict[str, Any], position: Position = READ_BEFORE) -> list[str]:
    """The names of a document's events."""
    page = ChangesPage([doc], "8", False)
    events = changes.events_of(DATABASE, page, position)
    changes.remember(DATABASE, page.docs)
    return [event.name for event in events]


def test_a_message_that_gets_its_audio_before_anybody_looks_is_new() -> None:
    assert names(Changes(), message(2)) == ["voicemail_new", "doc_created"]


def test_a_message_that_gets_its_audio_later_is_new_once() -> None:
    changes = Changes()
    first = message(1)
    assert names(changes, first) == ["voicemail_new", "doc_created"]
    assert names(changes, {**first, "_rev": "2-b"}) == ["doc_edited"]


def test_a_change_of_an_old_message_that_nobody_remembers_is_no_change_of_folder() -> None:
    after_the_message = Position("7", NOW + 10**9)
    assert names(Changes(), message(3), after_the_message) == ["doc_edited"]


def test_of_quick_changes_the_last_state_is_told() -> None:
    saved = metadata.put_in_folder(message(1), "saved")
    assert names(Changes(), {**saved, "_rev": "2-b"}) == ["voicemail_saved", "doc_created"]


def test_a_message_put_back_into_new_is_no_new_one() -> None:
    back = metadata.put_in_folder(metadata.put_in_folder(message(1), "saved"), "new")
    assert names(Changes(), {**back, "_rev": "3-c"}) == ["doc_created"]


def test_a_message_from_the_old_format_is_told_as_a_document_only() -> None:
    migrated = folder_changes.record(message(1), folder_changes.MIGRATED)
    assert names(Changes(), migrated) == ["doc_created"]


def test_a_deleted_message_is_told_with_its_last_known_state() -> None:
    changes = Changes()
    assert names(changes, message(1)) == ["voicemail_new", "doc_created"]
    gone = {"_id": message(1)["_id"], "_rev": "2-b", "_deleted": True}
    assert names(changes, gone) == ["voicemail_deleted", "doc_deleted"]
    assert names(Changes(), gone) == []


def test_a_removed_message_says_so() -> None:
    removed = {**deletion.soft_delete(message(1)), "_rev": "2-b"}
    assert names(Changes(), removed) == ["voicemail_deleted", "doc_deleted"]


def test_a_change_is_told_with_the_same_ids_again() -> None:
    page = ChangesPage([message(1)], "8", False)
    first, second = (Changes().events_of(DATABASE, page, READ_BEFORE) for _ in range(2))
    assert [event.id for event in first] == [event.id for event in second]
    assert len({event.id for event in first}) == 2


def test_what_was_changed_before_following_began_is_not_told() -> None:
    began_later = Position("0", NOW + 1, NOW + 1)
    assert names(Changes(), message(1), began_later) == []
    assert names(Changes(), message(1, pvt_modified=NOW + 1), began_later) != []


@pytest.mark.parametrize(("publishes", "expected"), [("OWN", []), ("ALL", ["voicemail_new", "doc_created"])])
def test_another_programs_message_is_told_if_all_are(publishes: str, expected: list[str], settings: Any) -> None:
    settings.PUBLISH_CHANGES_OF = publishes
    kazoos = {
        key: value for key, value in message(1, pvt_node="kazoo_apps@a").items() if key != folder_changes.MEMBER
    }
    assert names(Changes(), kazoos) == expected


def test_odd_documents_make_no_event_and_no_error() -> None:
    odd: list[dict[str, Any]] = [
        {"_id": "x", "_rev": "1-a"},
        {"_id": "_design/x", "_rev": "1-a", "views": {}},
        {"_id": "x", "_rev": "1-a", "pvt_type": "cdr", "pvt_node": NODE},
        {"_id": "x", "_rev": "1-a", "pvt_type": 7, "pvt_node": ["x"]},
        {"_id": "x", "_rev": "1-a", "pvt_type": ["message"], "pvt_node": NODE},
    ]
    for doc in odd:
        assert names(Changes(), doc) == []
    changed = message(1, pvt_folder_change={"id": 7, "to": "new"}, metadata="lost")
    assert names(Changes(), changed) == ["voicemail_new", "doc_created"]


def test_nothing_is_remembered_of_a_document_that_was_deleted() -> None:
    changes = Changes()
    first = message(1)
    names(changes, first)
    tombstone = {"_id": first["_id"], "_rev": "2-b", "_deleted": True}
    assert names(changes, tombstone) == ["voicemail_deleted", "doc_deleted"]
    assert names(changes, {**tombstone, "_rev": "3-c"}) == []
