"""Moves and copies while others do something to the same messages: each message ends up in one place, whole."""

import io
import threading
from collections.abc import Callable
from typing import Any

import pytest

from couch.errors import Conflict
from storage import gregorian, modbs
from tests.support.api_client import Account
from tests.support.kazoo_messages import DAY, database, document, leave, leave_spoken, stored
from voicemail.audio import recording
from voicemail.messages import bulk, move
from voicemail.messages import store as message_store
from voicemail.messages.batches import Outcome

BOX = {"_id": "a0" * 16, "id": "a0" * 16, "mailbox": "3000"}
FIRST = {"_id": "a1" * 16, "id": "a1" * 16, "mailbox": "3001"}
SECOND = {"_id": "a2" * 16, "id": "a2" * 16, "mailbox": "3002"}
NOW = gregorian.now()


def live(account: Account, box: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """All messages in a box, in whatever month."""
    rows = [row for _, modb in modbs.list_existing(account.id) for row in modb.all_docs(include_docs=True)]
    return {row["id"]: row["doc"] for row in rows if message_store.is_message(row["doc"], box["_id"])}


def heard(account: Account, doc: dict[str, Any]) -> bytes:
    return recording.open_audio(database(account, doc["_id"]), doc).read()


def put_audio(account: Account, doc: dict[str, Any]) -> bool:
    """Replace a message's audio, unless it changed meanwhile."""
    try:
        database(account, doc["_id"]).put_with_attachment(doc, "b.mp3", "audio/mpeg", io.BytesIO(b"later"), 5)
    except Conflict:
        return False
    return True


def at_once(*doings: Callable[[], Outcome]) -> list[Outcome]:
    """What several at the same time were told, in their order."""
    together = threading.Barrier(len(doings))
    told: dict[int, Outcome] = {}

    def do(number: int) -> None:
        together.wait(timeout=30)
        told[number] = doings[number]()

    threads = [threading.Thread(target=do, args=(number,)) for number in range(len(doings))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [told[number] for number in range(len(doings))]


def reasons(outcome: Outcome) -> set[str]:
    return {reason for failed in outcome.failed for reason in failed.values()}


class TestMove:
    def test_a_thousand_messages_of_several_months(self, account: Account, owner: dict[str, Any]) -> None:
        ids = leave(account, BOX, [NOW - n * DAY // 12 for n in range(1_000)])
        told = move.move_messages(owner, BOX, [*ids, *ids], FIRST, None)
        assert told.failed == []
        assert set(told.succeeded) == set(live(account, FIRST))
        assert len(told.succeeded) == len(set(told.succeeded)) == 1_000
        assert live(account, BOX) == {}

    def test_the_source_tells_where_it_went(self, account: Account, owner: dict[str, Any]) -> None:
        (source,) = leave(account, BOX, [NOW])
        told = move.move_messages(owner, BOX, [source], FIRST, None)
        assert stored(account, source)["pvt_moved_to"] == told.succeeded[0]
        assert "pvt_moved_to" not in stored(account, told.succeeded[0])

    def test_it_can_go_back_and_forth_and_remembers(self, account: Account, owner: dict[str, Any]) -> None:
        source = leave_spoken(account, BOX, NOW, b"spoken")
        (there,) = move.move_messages(owner, BOX, [source], FIRST, None).succeeded
        (back,) = move.move_messages(owner, FIRST, [there], BOX, None).succeeded
        ((message_id, doc),) = live(account, BOX).items()
        assert message_id == back
        assert doc["history"] == [BOX["_id"], FIRST["_id"]]
        assert heard(account, doc) == b"spoken"

    def test_into_its_own_box_it_becomes_new_again(self, account: Account, owner: dict[str, Any]) -> None:
        (source,) = leave(account, BOX, [NOW - DAY], folder="saved")
        (moved,) = move.move_messages(owner, BOX, [source], BOX, None).succeeded
        assert [doc["metadata"]["folder"] for doc in live(account, BOX).values()] == ["new"]
        assert list(live(account, BOX)) == [moved]

    def test_one_past_its_retention_stays_and_becomes_deleted(self, account: Account, owner: dict[str, Any]) -> None:
        (old,) = leave(account, BOX, [NOW - 100 * DAY])
        told = move.move_messages(owner, BOX, [old], FIRST, None)
        assert told.failed == [{old: "prior_to_retention_duration"}]
        assert stored(account, old)["metadata"]["folder"] == "deleted"
        assert live(account, FIRST) == {}

    def test_private_keys_and_keys_of_kazoos_go_along(self, account: Account, owner: dict[str, Any]) -> None:
        doc = document(account, BOX, NOW)
        modb = modbs.ensure(account.id, gregorian.month_of(NOW))
        modb.put({**doc, "pvt_previous_id": "old", "kazoos_own": {"a": 1}, "metadata": {**doc["metadata"], "x": "y"}})
        (moved,) = move.move_messages(owner, BOX, [doc["_id"]], FIRST, None).succeeded
        copied = stored(account, moved)
        assert (copied["pvt_previous_id"], copied["kazoos_own"], copied["metadata"]["x"]) == ("old", {"a": 1}, "y")
        assert copied["metadata"]["from"] == doc["metadata"]["from"]


class TestRepeatedMove:
    """The first one died before it removed the source."""

    @pytest.fixture
    def half_moved(self, account: Account, owner: dict[str, Any]) -> tuple[str, str]:
        source = leave_spoken(account, BOX, NOW, b"spoken")
        (copied,) = move.move_messages(owner, BOX, [source], FIRST, None).succeeded
        gone = ("pvt_deleted", "pvt_moved_to")
        database(account, source).update(source, lambda doc: {k: v for k, v in doc.items() if k not in gone})
        return source, copied

    def test_it_only_removes_the_source(
        self, account: Account, owner: dict[str, Any], half_moved: tuple[str, str]
    ) -> None:
        source, copied = half_moved
        bulk.change_folder(owner, FIRST, [copied], "saved", None)
        assert move.move_messages(owner, BOX, [source], FIRST, None).succeeded == [copied]
        ((message_id, doc),) = live(account, FIRST).items()
        assert message_id == copied
        assert doc["metadata"]["folder"] == "saved"
        assert live(account, BOX) == {}

    def test_audio_that_the_source_got_meanwhile_is_carried(
        self, account: Account, owner: dict[str, Any], half_moved: tuple[str, str]
    ) -> None:
        source, copied = half_moved
        database(account, source).put_with_attachment(
            stored(account, source), "b.mp3", "audio/mpeg", io.BytesIO(b"later"), 5
        )
        assert move.move_messages(owner, BOX, [source], FIRST, None).succeeded == [copied]
        assert heard(account, stored(account, copied)) == b"later"

    def test_a_copy_that_was_removed_meanwhile_stays_removed_and_another_is_made(
        self, account: Account, owner: dict[str, Any], half_moved: tuple[str, str]
    ) -> None:
        source, copied = half_moved
        bulk.remove_messages(owner, FIRST, [copied], None, None)
        (moved,) = move.move_messages(owner, BOX, [source], FIRST, None).succeeded
        assert moved != copied
        assert list(live(account, FIRST)) == [moved]

    def test_a_month_that_ended_in_between_makes_no_second_copy(
        self, account: Account, owner: dict[str, Any], half_moved: tuple[str, str]
    ) -> None:
        source, copied = half_moved
        doc = stored(account, copied)
        database(account, copied).delete(copied, doc["_rev"])
        before = gregorian.month_of(gregorian.month_bounds(copied[:6])[0] - 1)
        earlier = f"{before}{copied[6:]}"
        bare = {key: value for key, value in doc.items() if key not in ("_rev", "_attachments")}
        modb = modbs.ensure(account.id, before)
        modb.put_with_attachment({**bare, "_id": earlier}, "msg.mp3", "audio/mpeg", io.BytesIO(b"spoken"), 6)
        assert move.move_messages(owner, BOX, [source], FIRST, None).succeeded == [earlier]
        assert list(live(account, FIRST)) == [earlier]
        assert live(account, BOX) == {}


class TestRaces:
    def test_the_same_move_by_several_makes_one_copy(self, account: Account, owner: dict[str, Any]) -> None:
        ids = [leave_spoken(account, BOX, NOW - n, b"spoken %d" % n) for n in range(12)]
        told = at_once(*[lambda: move.move_messages(owner, BOX, ids, FIRST, None)] * 4)
        moved = live(account, FIRST)
        assert len(moved) == len(ids)
        assert live(account, BOX) == {}
        assert {one for outcome in told for one in outcome.succeeded} == set(moved)
        assert set().union(*map(reasons, told)) <= {"not_found"}
        assert {heard(account, doc) for doc in moved.values()} == {b"spoken %d" % n for n in range(12)}

    def test_moves_into_different_boxes_make_one_copy(self, account: Account, owner: dict[str, Any]) -> None:
        ids = leave(account, BOX, [NOW - n for n in range(30)])
        one, other = at_once(
            lambda: move.move_messages(owner, BOX, ids, FIRST, None),
            lambda: move.move_messages(owner, BOX, ids[::-1], SECOND, None),
        )
        assert live(account, BOX) == {}
        assert set(one.succeeded) == set(live(account, FIRST))
        assert set(other.succeeded) == set(live(account, SECOND))
        assert len(one.succeeded) + len(other.succeeded) == len(ids)
        assert reasons(one) | reasons(other) <= {"not_found"}

    def test_what_somebody_else_removes_is_not_moved(self, account: Account, owner: dict[str, Any]) -> None:
        ids = leave(account, BOX, [NOW - n for n in range(30)])
        moved, removed = at_once(
            lambda: move.move_messages(owner, BOX, ids, FIRST, None),
            lambda: bulk.remove_messages(owner, BOX, ids, None, None),
        )
        assert live(account, BOX) == {}
        assert set(moved.succeeded) == set(live(account, FIRST))
        assert len(moved.succeeded) + len(removed.succeeded) == len(ids)
        assert reasons(moved) | reasons(removed) <= {"not_found"}

    def test_audio_that_is_replaced_meanwhile_is_not_lost(self, account: Account, owner: dict[str, Any]) -> None:
        ids = [leave_spoken(account, BOX, NOW - n, b"spoken") for n in range(12)]
        replaced: list[str] = []

        def replace() -> Outcome:
            for message_id in ids:
                doc = stored(account, message_id)
                if message_store.is_message(doc, BOX["_id"]) and put_audio(account, doc):
                    replaced.append(message_id)
            return Outcome()

        told, _ = at_once(lambda: move.move_messages(owner, BOX, ids, FIRST, None), replace)
        assert told.failed == []
        expected = {stored(account, one)["pvt_moved_to"]: b"later" if one in replaced else b"spoken" for one in ids}
        assert {one: heard(account, doc) for one, doc in live(account, FIRST).items()} == expected

    def test_a_change_of_folder_hinders_no_move(self, account: Account, owner: dict[str, Any]) -> None:
        ids = leave(account, BOX, [NOW - n for n in range(30)])
        told, _ = at_once(
            lambda: move.move_messages(owner, BOX, ids, FIRST, None),
            lambda: bulk.change_folder(owner, BOX, ids, "saved", None),
        )
        assert told.failed == []
        assert {doc["metadata"]["folder"] for doc in live(account, FIRST).values()} == {"new"}
        assert len(live(account, FIRST)) == len(ids)


class TestCopy:
    def test_each_request_makes_copies_of_its_own(self, account: Account, owner: dict[str, Any]) -> None:
        ids = [leave_spoken(account, BOX, NOW, b"spoken"), *leave(account, BOX, [NOW - 40 * DAY])]
        first = move.copy_messages(owner, BOX, ids, [FIRST, SECOND], None)
        again = move.copy_messages(owner, BOX, ids, [FIRST], None)
        assert len({*first.succeeded, *again.succeeded}) == 6
        assert (len(live(account, FIRST)), len(live(account, SECOND)), len(live(account, BOX))) == (4, 2, 2)

    def test_what_cannot_be_copied_is_told_once(self, account: Account, owner: dict[str, Any]) -> None:
        (fine, old) = leave(account, BOX, [NOW, NOW - 100 * DAY])
        absent = f"{fine[:7]}{'0' * 32}"
        told = move.copy_messages(owner, BOX, [fine, old, absent], [FIRST, SECOND], None)
        assert len(told.succeeded) == 2
        assert sorted(told.failed, key=str) == sorted(
            [{old: "prior_to_retention_duration"}, {absent: "not_found"}], key=str
        )
