"""Moves and copies, also concurrent with other changes: each message ends up in one place, complete."""

import io
import threading
from collections.abc import Callable
from typing import Any

import pytest

from couch.errors import Conflict
from crossbar.errors import ValidationFailed
from storage import gregorian, modbs
from tests.support.api_client import Account
from tests.support.kazoo_messages import DAY, database, document, leave, leave_spoken, stored
from voicemail.audio import recording
from voicemail.messages import bulk, deletion, move, retention
from voicemail.messages import store as message_store
from voicemail.messages.batches import Outcome

BOX = {"_id": "a0" * 16, "id": "a0" * 16, "mailbox": "3000"}
FIRST = {"_id": "a1" * 16, "id": "a1" * 16, "mailbox": "3001"}
SECOND = {"_id": "a2" * 16, "id": "a2" * 16, "mailbox": "3002"}
NOW = gregorian.now()


def live(account: Account, box: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """All messages of a mailbox, in any month."""
    rows = [row for _, modb in modbs.list_existing(account.id) for row in modb.all_docs(include_docs=True)]
    return {row["id"]: row["doc"] for row in rows if message_store.is_message(row["doc"], box["_id"])}


def read_audio(account: Account, doc: dict[str, Any]) -> bytes:
    return recording.open_audio(database(account, doc["_id"]), doc).read()


def put_audio(account: Account, doc: dict[str, Any]) -> bool:
    """Replace a message's audio, unless it changed meanwhile."""
    try:
        database(account, doc["_id"]).put_with_attachment(doc, "b.mp3", "audio/mpeg", io.BytesIO(b"later"), 5)
    except Conflict:
        return False
    return True


def run_at_once(*calls: Callable[[], Outcome]) -> list[Outcome]:
    """The outcomes of calls that are made at the same time, in their order."""
    barrier = threading.Barrier(len(calls))
    outcomes: dict[int, Outcome] = {}

    def run(number: int) -> None:
        barrier.wait(timeout=30)
        outcomes[number] = calls[number]()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [outcomes[number] for number in range(len(calls))]


def reasons(outcome: Outcome) -> set[str]:
    return {reason for failed in outcome.failed for reason in failed.values()}


class TestMove:
    def test_a_thousand_messages_of_several_months_are_moved(self, account: Account, owner: dict[str, Any]) -> None:
        ids = leave(account, BOX, [NOW - n * DAY // 12 for n in range(1_000)])
        outcome = move.move_messages(owner, BOX, [*ids, *ids], FIRST, None)
        assert outcome.failed == []
        assert set(outcome.succeeded) == set(live(account, FIRST))
        assert len(outcome.succeeded) == len(set(outcome.succeeded)) == 1_000
        assert live(account, BOX) == {}

    def test_the_source_has_the_id_of_its_copy(self, account: Account, owner: dict[str, Any]) -> None:
        (source,) = leave(account, BOX, [NOW])
        outcome = move.move_messages(owner, BOX, [source], FIRST, None)
        assert stored(account, source)["pvt_moved_to"] == outcome.succeeded[0]
        assert "pvt_moved_to" not in stored(account, outcome.succeeded[0])
        assert outcome.new_ids == {source: outcome.succeeded[0]}

    def test_a_copy_has_all_ids_that_its_message_had_before(self, account: Account, owner: dict[str, Any]) -> None:
        (source,) = leave(account, BOX, [NOW])
        (moved,) = move.move_messages(owner, BOX, [source], FIRST, None).succeeded
        (again,) = move.move_messages(owner, FIRST, [moved], SECOND, None).succeeded
        assert deletion.former_ids(stored(account, again)) == [source, moved]
        (copied,) = move.copy_messages(owner, SECOND, [again], [BOX], None).succeeded
        assert deletion.former_ids(stored(account, copied)) == []

    def test_a_message_can_be_moved_back_and_keeps_its_history(self, account: Account, owner: dict[str, Any]) -> None:
        source = leave_spoken(account, BOX, NOW, b"spoken")
        (moved,) = move.move_messages(owner, BOX, [source], FIRST, None).succeeded
        (back,) = move.move_messages(owner, FIRST, [moved], BOX, None).succeeded
        ((message_id, doc),) = live(account, BOX).items()
        assert message_id == back
        assert doc["history"] == [BOX["_id"], FIRST["_id"]]
        assert read_audio(account, doc) == b"spoken"

    def test_a_move_or_copy_into_the_same_mailbox_is_refused_and_changes_nothing(
        self, account: Account, owner: dict[str, Any]
    ) -> None:
        (source,) = leave(account, BOX, [NOW - DAY], folder="saved")
        before = stored(account, source)
        calls: list[Callable[[], Outcome]] = [
            lambda: move.move_messages(owner, BOX, [source], BOX, None),
            lambda: move.copy_messages(owner, BOX, [source], [FIRST, BOX], None),
        ]
        for call in calls:
            with pytest.raises(ValidationFailed) as refusal:
                call()
            assert list(refusal.value.data) == ["source_id"]
        assert live(account, BOX) == {source: before}
        assert live(account, FIRST) == {}

    def test_a_message_past_its_retention_stays_and_becomes_deleted(
        self, account: Account, owner: dict[str, Any]
    ) -> None:
        (old,) = leave(account, BOX, [NOW - 100 * DAY])
        outcome = move.move_messages(owner, BOX, [old], FIRST, None)
        assert outcome.failed == [{old: "prior_to_retention_duration"}]
        assert stored(account, old)["metadata"]["folder"] == "deleted"
        assert live(account, FIRST) == {}

    def test_private_and_unknown_members_are_copied(self, account: Account, owner: dict[str, Any]) -> None:
        doc = document(account, BOX, NOW)
        modb = modbs.ensure(account.id, gregorian.month_of(NOW))
        modb.put({**doc, "pvt_previous_id": "old", "kazoos_own": {"a": 1}, "metadata": {**doc["metadata"], "x": "y"}})
        (moved,) = move.move_messages(owner, BOX, [doc["_id"]], FIRST, None).succeeded
        copied = stored(account, moved)
        assert (copied["pvt_previous_id"], copied["kazoos_own"], copied["metadata"]["x"]) == ("old", {"a": 1}, "y")
        assert copied["metadata"]["from"] == doc["metadata"]["from"]


class TestKeptTime:
    """What operators do: the copy keeps the time and folder of its source."""

    def test_a_moved_message_keeps_its_time_month_and_folder(self, account: Account, owner: dict[str, Any]) -> None:
        source = leave_spoken(account, BOX, NOW - 40 * DAY, b"spoken", folder="saved")
        before = stored(account, source)
        outcome = move.move_messages(owner, BOX, [source], FIRST, None, keeps_time=True)
        ((message_id, doc),) = live(account, FIRST).items()
        assert outcome.new_ids == {source: message_id}
        assert message_id[:6] == source[:6]
        assert doc["utc_seconds"] == doc["metadata"]["timestamp"] == NOW - 40 * DAY
        assert (doc["metadata"]["folder"], doc["history"]) == ("saved", [BOX["_id"]])
        assert doc["pvt_account_db"] == before["pvt_account_db"]
        assert doc["name"] == before["name"].replace("3000", "3001")
        assert read_audio(account, doc) == b"spoken"

    @pytest.mark.parametrize(
        ("time_members", "age", "timestamp"),
        [
            ({"utc_seconds": NOW - 3 * DAY, "metadata": {"timestamp": NOW - 2 * DAY}}, NOW - 3 * DAY, NOW - 2 * DAY),
            ({"utc_seconds": None, "metadata": {"timestamp": str(NOW - DAY)}}, NOW - DAY, NOW - DAY),
            ({"utc_seconds": None, "metadata": "lost", "pvt_created": NOW - 5}, NOW - 5, NOW - 5),
            ({"utc_seconds": 10**15, "metadata": {}}, 10**15, gregorian.LAST),
        ],
    )
    def test_a_message_whose_times_differ_or_are_missing_is_as_old_as_before(
        self, account: Account, owner: dict[str, Any], time_members: dict[str, Any], age: int, timestamp: int
    ) -> None:
        (source,) = leave(account, BOX, [NOW])
        database(account, source).update(source, lambda doc: {**doc, **time_members})
        (moved,) = move.move_messages(owner, BOX, [source], FIRST, None, keeps_time=True).succeeded
        doc = stored(account, moved)
        assert moved[:6] == source[:6]
        assert retention.age(doc) == age
        assert doc["metadata"]["timestamp"] == timestamp

    def test_a_copy_keeps_time_and_folder(self, account: Account, owner: dict[str, Any]) -> None:
        (source,) = leave(account, BOX, [NOW - 40 * DAY], folder="saved")
        (copied,) = move.copy_messages(owner, BOX, [source], [FIRST], None, keeps_time=True).succeeded
        doc = stored(account, copied)
        assert (doc["utc_seconds"], doc["metadata"]["folder"]) == (NOW - 40 * DAY, "saved")

    def test_a_copy_of_now_that_an_interrupted_move_left_gets_the_time(
        self, account: Account, owner: dict[str, Any]
    ) -> None:
        (source,) = leave(account, BOX, [NOW])
        (copied,) = move.move_messages(owner, BOX, [source], FIRST, None).succeeded
        database(account, copied).update(copied, lambda doc: {**doc, "utc_seconds": NOW + 5})
        removed = ("pvt_deleted", "pvt_moved_to")
        database(account, source).update(source, lambda doc: {k: v for k, v in doc.items() if k not in removed})
        assert move.move_messages(owner, BOX, [source], FIRST, None, keeps_time=True).succeeded == [copied]
        assert [(key, doc["utc_seconds"]) for key, doc in live(account, FIRST).items()] == [(copied, NOW)]
        assert live(account, BOX) == {}

    def test_concurrent_moves_make_one_copy(self, account: Account, owner: dict[str, Any]) -> None:
        ids = [leave_spoken(account, BOX, NOW - 40 * DAY - n, b"spoken %d" % n) for n in range(6)]
        outcomes = run_at_once(*[lambda: move.move_messages(owner, BOX, ids, FIRST, None, keeps_time=True)] * 3)
        moved = live(account, FIRST)
        assert sorted(doc["utc_seconds"] for doc in moved.values()) == sorted(NOW - 40 * DAY - n for n in range(6))
        assert live(account, BOX) == {}
        assert set().union(*map(reasons, outcomes)) <= {"not_found"}


class TestRepeatedMove:
    """The first move was interrupted before it removed the source."""

    @pytest.fixture
    def half_moved(self, account: Account, owner: dict[str, Any]) -> tuple[str, str]:
        source = leave_spoken(account, BOX, NOW, b"spoken")
        (copied,) = move.move_messages(owner, BOX, [source], FIRST, None).succeeded
        removed = ("pvt_deleted", "pvt_moved_to")
        database(account, source).update(source, lambda doc: {k: v for k, v in doc.items() if k not in removed})
        return source, copied

    def test_a_repeated_move_only_removes_the_source(
        self, account: Account, owner: dict[str, Any], half_moved: tuple[str, str]
    ) -> None:
        source, copied = half_moved
        bulk.change_folder(owner, FIRST, [copied], "saved", None)
        assert move.move_messages(owner, BOX, [source], FIRST, None).succeeded == [copied]
        ((message_id, doc),) = live(account, FIRST).items()
        assert message_id == copied
        assert doc["metadata"]["folder"] == "saved"
        assert live(account, BOX) == {}

    def test_audio_that_the_source_got_meanwhile_is_copied(
        self, account: Account, owner: dict[str, Any], half_moved: tuple[str, str]
    ) -> None:
        source, copied = half_moved
        database(account, source).put_with_attachment(
            stored(account, source), "b.mp3", "audio/mpeg", io.BytesIO(b"later"), 5
        )
        assert move.move_messages(owner, BOX, [source], FIRST, None).succeeded == [copied]
        assert read_audio(account, stored(account, copied)) == b"later"

    def test_a_copy_that_was_removed_meanwhile_is_replaced_by_another(
        self, account: Account, owner: dict[str, Any], half_moved: tuple[str, str]
    ) -> None:
        source, copied = half_moved
        bulk.remove_messages(owner, FIRST, [copied], None, None)
        (moved,) = move.move_messages(owner, BOX, [source], FIRST, None).succeeded
        assert moved != copied
        assert list(live(account, FIRST)) == [moved]

    def test_a_change_of_month_makes_no_second_copy(
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
    def test_concurrent_moves_make_one_copy(self, account: Account, owner: dict[str, Any]) -> None:
        ids = [leave_spoken(account, BOX, NOW - n, b"spoken %d" % n) for n in range(12)]
        outcomes = run_at_once(*[lambda: move.move_messages(owner, BOX, ids, FIRST, None)] * 4)
        moved = live(account, FIRST)
        assert len(moved) == len(ids)
        assert live(account, BOX) == {}
        assert {message_id for outcome in outcomes for message_id in outcome.succeeded} == set(moved)
        assert set().union(*map(reasons, outcomes)) <= {"not_found"}
        assert {read_audio(account, doc) for doc in moved.values()} == {b"spoken %d" % n for n in range(12)}

    def test_concurrent_moves_to_different_mailboxes_make_one_copy(
        self, account: Account, owner: dict[str, Any]
    ) -> None:
        ids = leave(account, BOX, [NOW - n for n in range(30)])
        first, second = run_at_once(
            lambda: move.move_messages(owner, BOX, ids, FIRST, None),
            lambda: move.move_messages(owner, BOX, ids[::-1], SECOND, None),
        )
        assert live(account, BOX) == {}
        assert set(first.succeeded) == set(live(account, FIRST))
        assert set(second.succeeded) == set(live(account, SECOND))
        assert len(first.succeeded) + len(second.succeeded) == len(ids)
        assert reasons(first) | reasons(second) <= {"not_found"}

    def test_a_message_that_is_removed_at_the_same_time_is_removed_or_moved(
        self, account: Account, owner: dict[str, Any]
    ) -> None:
        ids = leave(account, BOX, [NOW - n for n in range(30)])
        moved, removed = run_at_once(
            lambda: move.move_messages(owner, BOX, ids, FIRST, None),
            lambda: bulk.remove_messages(owner, BOX, ids, None, None),
        )
        assert live(account, BOX) == {}
        assert set(moved.succeeded) == set(live(account, FIRST))
        assert len(moved.succeeded) + len(removed.succeeded) == len(ids)
        assert reasons(moved) | reasons(removed) <= {"not_found"}

    def test_audio_that_is_replaced_during_the_move_is_not_lost(
        self, account: Account, owner: dict[str, Any]
    ) -> None:
        ids = [leave_spoken(account, BOX, NOW - n, b"spoken") for n in range(12)]
        replaced: list[str] = []

        def replace() -> Outcome:
            for message_id in ids:
                doc = stored(account, message_id)
                if message_store.is_message(doc, BOX["_id"]) and put_audio(account, doc):
                    replaced.append(message_id)
            return Outcome()

        outcome, _ = run_at_once(lambda: move.move_messages(owner, BOX, ids, FIRST, None), replace)
        assert outcome.failed == []
        expected = {stored(account, key)["pvt_moved_to"]: b"later" if key in replaced else b"spoken" for key in ids}
        assert {key: read_audio(account, doc) for key, doc in live(account, FIRST).items()} == expected

    def test_a_concurrent_change_of_folder_does_not_prevent_the_move(
        self, account: Account, owner: dict[str, Any]
    ) -> None:
        ids = leave(account, BOX, [NOW - n for n in range(30)])
        outcome, _ = run_at_once(
            lambda: move.move_messages(owner, BOX, ids, FIRST, None),
            lambda: bulk.change_folder(owner, BOX, ids, "saved", None),
        )
        assert outcome.failed == []
        assert {doc["metadata"]["folder"] for doc in live(account, FIRST).values()} == {"new"}
        assert len(live(account, FIRST)) == len(ids)


class TestCopy:
    def test_each_request_makes_its_own_copies(self, account: Account, owner: dict[str, Any]) -> None:
        ids = [leave_spoken(account, BOX, NOW, b"spoken"), *leave(account, BOX, [NOW - 40 * DAY])]
        first = move.copy_messages(owner, BOX, ids, [FIRST, SECOND], None)
        again = move.copy_messages(owner, BOX, ids, [FIRST], None)
        assert len({*first.succeeded, *again.succeeded}) == 6
        assert (len(live(account, FIRST)), len(live(account, SECOND)), len(live(account, BOX))) == (4, 2, 2)

    def test_a_message_that_cannot_be_copied_fails_once(self, account: Account, owner: dict[str, Any]) -> None:
        (fine, old) = leave(account, BOX, [NOW, NOW - 100 * DAY])
        absent = f"{fine[:7]}{'0' * 32}"
        outcome = move.copy_messages(owner, BOX, [fine, old, absent], [FIRST, SECOND], None)
        assert len(outcome.succeeded) == 2
        assert sorted(outcome.failed, key=str) == sorted(
            [{old: "prior_to_retention_duration"}, {absent: "not_found"}], key=str
        )
