"""Restoring removed messages: complete and in their folders, also concurrent with other changes."""

import threading
from typing import Any

import pytest

from couch.database import Database, Document
from crossbar.errors import BadIdentifier
from crossbar.filters import Filter
from crossbar.pages import PageRequest, TimeRange
from storage import gregorian
from storage.private_fields import Actor
from tests.support.api_client import Account
from tests.support.kazoo_messages import DAY, audio_of, database, leave, leave_spoken, stored
from voicemail.mailboxes import removal
from voicemail.mailboxes import store as mailbox_store
from voicemail.messages import bulk, move, retention
from voicemail.messages import listing as message_listing
from voicemail.messages import restore as message_restore
from voicemail.messages.batches import Outcome

NOW = gregorian.now()
ACTOR = Actor(request_id="restored it")


@pytest.fixture
def box(account: Account) -> dict[str, Any]:
    created = mailbox_store.create(account.id, {"name": "Box", "mailbox": "3000"})
    return {**created, "id": created["_id"]}


def list_messages(
    account: Account, box: dict[str, Any], source: message_listing.Source = message_listing.LIVE
) -> dict[str, str]:
    """The messages that a listing of a mailbox shows, with their folders."""
    request = PageRequest.from_query({}, 1_000)
    time = TimeRange(gregorian.FIRST, gregorian.now(), is_open=True)
    page = message_listing.list_messages(account.id, box, request, time, Filter([]), None, source=source)
    return {entry.summary["media_id"]: entry.summary["folder"] for entry in page.entries}


def list_removed(account: Account, box: dict[str, Any]) -> dict[str, str]:
    """The removed messages of a mailbox, with their folders."""
    return list_messages(account, box, message_listing.REMOVED)


def remove(owner: dict[str, Any], box: dict[str, Any], ids: list[str]) -> None:
    assert bulk.remove_messages(owner, box, ids, None, None).failed == []


def reasons(outcome: Outcome) -> dict[str, str]:
    return {message_id: reason for failed in outcome.failed for message_id, reason in failed.items()}


def remove_as_kazoo_does(account: Account, message_id: str) -> None:
    """Remove a message without noting the folder that it was in."""
    database(account, message_id).update(
        message_id,
        lambda doc: {**doc, "metadata": {**doc["metadata"], "folder": "deleted"}, "pvt_deleted": True},
    )


class TestFolders:
    @pytest.mark.parametrize("folder", ["new", "saved", "deleted"])
    def test_a_message_is_restored_to_the_folder_it_was_in(
        self, account: Account, owner: dict[str, Any], box: dict[str, Any], folder: str
    ) -> None:
        message_id = leave_spoken(account, box, NOW, b"spoken words", folder=folder)
        before = stored(account, message_id)
        remove(owner, box, [message_id])
        assert list_messages(account, box) == {}
        outcome = message_restore.restore_messages(owner, box["_id"], [message_id], ACTOR)
        assert (outcome.succeeded, outcome.failed) == ([message_id], [])
        assert list_messages(account, box) == {message_id: folder}
        assert audio_of(account, message_id) == b"spoken words"
        after = stored(account, message_id)
        assert after["pvt_request_id"] == "restored it"
        assert not {"pvt_deleted", "pvt_removed_from"} & after.keys()
        changing = {"_rev", "pvt_modified", "pvt_request_id", "pvt_is_authenticated", "pvt_node", "pvt_alphanum_name"}
        changing |= {"pvt_folder_change"}
        assert {key: after[key] for key in after.keys() - changing} == {
            key: before[key] for key in before.keys() - changing
        }
        assert outcome.documents[message_id]["_rev"] == after["_rev"]

    def test_a_message_that_kazoo_removed_is_restored_as_new(
        self, account: Account, owner: dict[str, Any], box: dict[str, Any]
    ) -> None:
        (message_id,) = leave(account, box, [NOW], folder="saved")
        remove_as_kazoo_does(account, message_id)
        message_restore.restore_messages(owner, box["_id"], [message_id], None)
        assert list_messages(account, box) == {message_id: "new"}

    def test_another_folder_can_be_chosen(self, account: Account, owner: dict[str, Any], box: dict[str, Any]) -> None:
        (message_id,) = leave(account, box, [NOW])
        remove(owner, box, [message_id])
        message_restore.restore_messages(owner, box["_id"], [message_id], None, "saved")
        assert list_messages(account, box) == {message_id: "saved"}

    def test_a_copy_has_no_mark_of_an_earlier_removal(
        self, account: Account, owner: dict[str, Any], box: dict[str, Any]
    ) -> None:
        other = mailbox_store.create(account.id, {"name": "Other", "mailbox": "3001"})
        (message_id,) = leave(account, box, [NOW])
        database(account, message_id).update(message_id, lambda doc: {**doc, "pvt_removed_from": "saved"})
        (copied,) = move.copy_messages(owner, box, [message_id], [other], None).succeeded
        assert "pvt_removed_from" not in stored(account, copied)


class TestMany:
    def test_hundreds_of_messages_of_several_months_are_restored(
        self, account: Account, owner: dict[str, Any], box: dict[str, Any]
    ) -> None:
        ids = leave(account, box, [NOW - n * DAY // 8 for n in range(600)], folder="saved")
        remove(owner, box, ids)
        assert set(list_removed(account, box)) == set(ids)
        outcome = message_restore.restore_messages(owner, box["_id"], [*ids, ids[0]], None)
        assert sorted(outcome.succeeded) == sorted(ids)
        assert list_messages(account, box) == dict.fromkeys(ids, "saved")
        assert list_removed(account, box) == {}

    def test_restoring_twice_changes_nothing(
        self, account: Account, owner: dict[str, Any], box: dict[str, Any]
    ) -> None:
        (message_id,) = leave(account, box, [NOW])
        remove(owner, box, [message_id])
        message_restore.restore_messages(owner, box["_id"], [message_id], None)
        bulk.change_folder(owner, box, [message_id], "saved", None)
        before = stored(account, message_id)
        outcome = message_restore.restore_messages(owner, box["_id"], [message_id], None, "new")
        assert (outcome.succeeded, outcome.failed) == ([message_id], [])
        assert stored(account, message_id) == before

    def test_each_failure_has_its_reason(self, account: Account, owner: dict[str, Any], box: dict[str, Any]) -> None:
        other = mailbox_store.create(account.id, {"name": "Other", "mailbox": "3001"})
        fit, moved, old = leave(account, box, [NOW, NOW - 1, NOW - 200 * DAY])
        (foreign,) = leave(account, {**other, "id": other["_id"]}, [NOW])
        remove(owner, box, [fit])
        move.move_messages(owner, box, [moved], other, None)
        remove_as_kazoo_does(account, old)
        remove(owner, other, [foreign])
        nothing = f"{fit[:7]}{'0' * 32}"
        before = {key: stored(account, key) for key in (moved, old, foreign)}
        outcome = message_restore.restore_messages(
            owner, box["_id"], [fit, moved, old, foreign, nothing, "a" * 32, "_x"], None
        )
        assert outcome.succeeded == [fit]
        assert reasons(outcome) == {
            moved: "moved",
            old: retention.REASON,
            foreign: "not_found",
            nothing: "not_found",
            "a" * 32: "not_found",
            "_x": "not_found",
        }
        assert {key: stored(account, key) for key in before} == before

    def test_a_message_past_its_retention_is_restored_with_its_mailbox(
        self, account: Account, owner: dict[str, Any], box: dict[str, Any]
    ) -> None:
        (old,) = leave(account, box, [NOW - 200 * DAY])
        remove_as_kazoo_does(account, old)
        assert message_restore.restore_messages(owner, box["_id"], [old], None, with_expired=True).succeeded == [old]
        assert "pvt_deleted" not in stored(account, old)


class TestRemovedMessages:
    def test_a_removed_message_is_found_though_its_mailbox_is_removed(
        self, account: Account, owner: dict[str, Any], box: dict[str, Any]
    ) -> None:
        (message_id,) = leave(account, box, [NOW])
        removal.remove_box(owner, box["_id"])
        assert message_restore.get_removed(account.id, box["_id"], message_id)[1]["_id"] == message_id

    def test_live_moved_and_unknown_messages_are_not_found(
        self, account: Account, owner: dict[str, Any], box: dict[str, Any]
    ) -> None:
        other = mailbox_store.create(account.id, {"name": "Other", "mailbox": "3001"})
        live, moved, deleted = leave(account, box, [NOW, NOW, NOW])
        move.move_messages(owner, box, [moved], other, None)
        remove(owner, box, [deleted])
        for box_id, message_id in (
            (box["_id"], live),
            (box["_id"], moved),
            (other["_id"], deleted),
            (box["_id"], "a" * 32),
            (box["_id"], "../_users"),
        ):
            with pytest.raises(BadIdentifier):
                message_restore.get_removed(account.id, box_id, message_id)

    def test_views_that_a_month_lacks_are_added_when_they_are_queried(
        self, account: Account, owner: dict[str, Any], box: dict[str, Any]
    ) -> None:
        (message_id,) = leave(account, box, [NOW])
        remove(owner, box, [message_id])
        modb = database(account, message_id)
        design = modb.get_design("_design/mailbox_message_lists") or {}
        modb.put_design({**design, "_deleted": True})
        assert list(list_removed(account, box)) == [message_id]


class TestRemovedMailbox:
    def test_no_message_is_restored_to_a_removed_mailbox(
        self, account: Account, owner: dict[str, Any], box: dict[str, Any]
    ) -> None:
        ids = leave(account, box, [NOW, NOW - 40 * DAY])
        removal.remove_box(owner, box["_id"])
        before = [stored(account, key) for key in ids]
        outcome = message_restore.restore_messages(owner, box["_id"], ids, None)
        assert outcome.succeeded == []
        assert reasons(outcome) == dict.fromkeys(ids, "mailbox_gone")
        assert [stored(account, key) for key in ids] == before

    @pytest.mark.parametrize("box_id", ["f" * 32, "_design/vmboxes", ""])
    def test_no_message_is_restored_to_an_unknown_mailbox(
        self, owner: dict[str, Any], account: Account, box_id: str
    ) -> None:
        (message_id,) = leave(account, {"id": box_id, "mailbox": "1"}, [NOW])
        remove_as_kazoo_does(account, message_id)
        assert reasons(message_restore.restore_messages(owner, box_id, [message_id], None)) == {
            message_id: "mailbox_gone"
        }
        assert stored(account, message_id)["pvt_deleted"] is True

    def test_a_mailbox_that_is_removed_during_the_restore_takes_its_messages_along(
        self, account: Account, owner: dict[str, Any], box: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ids = leave(account, box, [NOW, NOW - 1], folder="saved")
        remove(owner, box, ids)
        put_all = Database.put_all

        def put_all_after_removal(modb: Database, docs: list[Document]) -> Any:
            """Remove the mailbox after it was looked at, and before the messages are restored."""
            mailbox_store.soft_delete(account.id, box["_id"])
            return put_all(modb, docs)

        monkeypatch.setattr(Database, "put_all", put_all_after_removal)
        outcome = message_restore.restore_messages(owner, box["_id"], ids, None)
        assert outcome.succeeded == []
        assert outcome.documents == {}
        assert reasons(outcome) == dict.fromkeys(ids, "mailbox_gone")
        for doc in (stored(account, key) for key in ids):
            assert (doc["pvt_deleted"], doc["pvt_removed_from"]) == (True, "saved")

    def test_a_repeated_restore_removes_what_an_interrupted_one_left(
        self, account: Account, owner: dict[str, Any], box: dict[str, Any]
    ) -> None:
        ids = leave(account, box, [NOW, NOW - 200 * DAY])
        mailbox_store.soft_delete(account.id, box["_id"])
        message_restore.restore_messages(owner, box["_id"], ids, None)
        assert [stored(account, key)["pvt_deleted"] for key in ids] == [True, True]


class TestAtOnce:
    def test_concurrent_removals_and_restores_leave_each_message_intact(
        self, account: Account, owner: dict[str, Any], box: dict[str, Any]
    ) -> None:
        ids = leave(account, box, [NOW - n for n in range(40)], folder="saved")
        remove(owner, box, ids[::2])
        outcomes: dict[str, Outcome] = {}

        def restore(name: str) -> None:
            outcomes[name] = message_restore.restore_messages(owner, box["_id"], ids, None)

        threads = [threading.Thread(target=restore, args=(name,)) for name in ("first", "second")]
        threads.append(threading.Thread(target=bulk.remove_messages, args=(owner, box, ids[1::2], None, None)))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert {name: (len(outcome.succeeded), outcome.failed) for name, outcome in outcomes.items()} == {
            "first": (40, []),
            "second": (40, []),
        }
        shown = list_messages(account, box)
        assert set(ids[::2]) <= shown.keys()
        assert set(shown.values()) == {"saved"}
        hidden = [stored(account, key) for key in ids if key not in shown]
        assert all((doc["pvt_deleted"], doc["pvt_removed_from"]) == (True, "saved") for doc in hidden)

    def test_a_concurrent_change_is_kept(
        self, account: Account, owner: dict[str, Any], box: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (message_id,) = leave(account, box, [NOW])
        remove(owner, box, [message_id])
        put_all, rivals = Database.put_all, ["another writer"]

        def put_all_after_rival(modb: Database, docs: list[Document]) -> Any:
            while rivals:
                rivals.pop()
                modb.update(message_id, lambda doc: {**doc, "transcription": {"result": "success", "text": "hi"}})
            return put_all(modb, docs)

        monkeypatch.setattr(Database, "put_all", put_all_after_rival)
        assert message_restore.restore_messages(owner, box["_id"], [message_id], None).succeeded == [message_id]
        assert stored(account, message_id)["transcription"]["text"] == "hi"
        assert list_messages(account, box) == {message_id: "new"}
