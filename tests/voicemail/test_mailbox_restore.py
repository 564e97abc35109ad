"""Restoring removed mailboxes with the messages that were removed with them."""

from typing import Any

import pytest

from couch.database import Database, Document
from couch.errors import Conflict
from crossbar.errors import BadIdentifier, ValidationFailed
from crossbar.pages import PageRequest
from storage import gregorian
from storage.private_fields import Actor
from tests.support.api_client import Account
from tests.support.kazoo_messages import audio_of, database, leave, leave_spoken, stored
from voicemail.mailboxes import removal
from voicemail.mailboxes import restore as mailbox_restore
from voicemail.mailboxes import store as mailbox_store
from voicemail.messages import bulk, restore

NOW = gregorian.now()
ACTOR = Actor(request_id="restored it")


@pytest.fixture
def box(account: Account) -> dict[str, Any]:
    created = mailbox_store.create(
        account.id, {"name": "Box", "mailbox": "3000", "aliases": ["3999"], "some_key": "kept"}
    )
    return {**created, "id": created["_id"]}


def folders(account: Account, ids: list[str]) -> list[tuple[str, bool]]:
    """The folder of each message as stored, and whether it is removed."""
    docs = [stored(account, key) for key in ids]
    return [(doc["metadata"]["folder"], doc.get("pvt_deleted") is True) for doc in docs]


def remove_as_kazoo_does(db: Database, account: Account, box: dict[str, Any], ids: list[str]) -> None:
    """Remove a mailbox and its messages without any mark of ours, the mailbox a little later."""
    for message_id in ids:
        database(account, message_id).update(
            message_id, lambda doc: {**doc, "metadata": {**doc["metadata"], "folder": "deleted"}, "pvt_deleted": True}
        )
    db.update(box["_id"], lambda doc: {**doc, "pvt_deleted": True, "pvt_modified": gregorian.now() + 5})


def test_a_mailbox_is_restored_as_it_was_removed_with_boxs_messages_in_their_folders(
    account: Account, owner: dict[str, Any], box: dict[str, Any]
) -> None:
    spoken = leave_spoken(account, box, NOW, b"spoken words")
    ids = [spoken, *leave(account, box, [NOW - 40 * 86_400, NOW - 86_400], folder="saved")]
    removal.remove_box(owner, box["_id"])
    with pytest.raises(BadIdentifier):
        mailbox_store.get(account.id, box["_id"])
    restored, outcome = mailbox_restore.restore_box(owner, box["_id"], ACTOR)
    assert (sorted(outcome.succeeded), outcome.failed) == (sorted(ids), [])
    live = mailbox_store.get(account.id, box["_id"])
    assert restored["_rev"] == live["_rev"]
    assert live["pvt_request_id"] == "restored it"
    changing = {"_rev", "pvt_modified", "pvt_request_id", "pvt_is_authenticated"}
    assert {key: live[key] for key in live.keys() - changing} == {
        key: box[key] for key in box.keys() - changing - {"id"}
    }
    assert folders(account, ids) == [("new", False), ("saved", False), ("saved", False)]
    assert not {"pvt_removed_from", "pvt_removed_with_box"} & stored(account, spoken).keys()
    assert audio_of(account, spoken) == b"spoken words"


def test_messages_removed_before_the_mailbox_stay_removed(
    account: Account, owner: dict[str, Any], box: dict[str, Any]
) -> None:
    early, late = leave(account, box, [NOW - 1, NOW])
    bulk.remove_messages(owner, box, [early], None, None)
    removal.remove_box(owner, box["_id"])
    assert mailbox_restore.count_messages(account.id, mailbox_restore.get_removed(account.id, box["_id"])) == 1
    mailbox_restore.restore_box(owner, box["_id"])
    assert folders(account, [early, late]) == [("deleted", True), ("new", False)]


def test_messages_that_kazoo_removed_with_the_mailbox_are_restored(
    account: Account, owner: dict[str, Any], box: dict[str, Any], db: Database
) -> None:
    long_ago, removed_with_box = leave(account, box, [NOW - 1, NOW])
    bulk.remove_messages(owner, box, [long_ago], None, None)
    database(account, long_ago).update(long_ago, lambda doc: {**doc, "pvt_modified": NOW - 5_000})
    remove_as_kazoo_does(db, account, box, [removed_with_box])
    mailbox_restore.restore_box(owner, box["_id"])
    assert folders(account, [long_ago, removed_with_box]) == [("deleted", True), ("new", False)]


def test_messages_past_their_retention_are_restored_too(
    account: Account, owner: dict[str, Any], box: dict[str, Any]
) -> None:
    ids = leave(account, box, [NOW - 200 * 86_400])
    removal.remove_box(owner, box["_id"])
    assert mailbox_restore.restore_box(owner, box["_id"])[1].succeeded == ids
    assert stored(account, ids[0]).get("pvt_deleted") is not True


@pytest.mark.parametrize("used", [{"mailbox": "3000"}, {"mailbox": "3001", "aliases": ["3999"]}])
def test_a_mailbox_whose_number_is_used_by_now_is_not_restored(
    account: Account, owner: dict[str, Any], box: dict[str, Any], db: Database, used: dict[str, Any]
) -> None:
    ids = leave(account, box, [NOW])
    removal.remove_box(owner, box["_id"])
    mailbox_store.create(account.id, {"name": "Other", **used})
    before = db.get(box["_id"])
    with pytest.raises(ValidationFailed) as refused:
        mailbox_restore.restore_box(owner, box["_id"])
    assert "unique" in refused.value.data["mailbox"]
    assert db.get(box["_id"]) == before
    assert folders(account, ids) == [("deleted", True)]


def test_restoring_twice_changes_nothing(
    account: Account, owner: dict[str, Any], box: dict[str, Any], db: Database
) -> None:
    ids = leave(account, box, [NOW])
    removal.remove_box(owner, box["_id"])
    mailbox_restore.restore_box(owner, box["_id"])
    before = db.get(box["_id"]), stored(account, ids[0])
    assert mailbox_restore.restore_box(owner, box["_id"])[1].succeeded == []
    assert (db.get(box["_id"]), stored(account, ids[0])) == before


class Killed(Exception):
    """The process was killed."""


@pytest.mark.parametrize("by_kazoo", [False, True])
def test_repeating_an_interrupted_restore_completes_it(
    account: Account,
    owner: dict[str, Any],
    box: dict[str, Any],
    db: Database,
    monkeypatch: pytest.MonkeyPatch,
    by_kazoo: bool,
) -> None:
    ids = leave(account, box, [NOW, NOW - 40 * 86_400])
    if by_kazoo:
        remove_as_kazoo_does(db, account, box, ids)
    else:
        removal.remove_box(owner, box["_id"])
    real = restore.restore_messages

    def once(*arguments: Any, **options: Any) -> Any:
        monkeypatch.setattr(restore, "restore_messages", die)
        return real(*arguments, **options)

    def die(*arguments: Any, **options: Any) -> Any:
        raise Killed

    monkeypatch.setattr(restore, "restore_messages", once)
    with pytest.raises(Killed):
        mailbox_restore.restore_box(owner, box["_id"])
    monkeypatch.setattr(restore, "restore_messages", real)
    assert mailbox_restore.RESTORING in mailbox_store.get(account.id, box["_id"])
    assert sorted(removed for _, removed in folders(account, ids)) == [False, True]
    mailbox_restore.restore_box(owner, box["_id"])
    assert folders(account, ids) == [("new", False)] * 2
    assert mailbox_restore.RESTORING not in mailbox_store.get(account.id, box["_id"])


def test_a_mailbox_that_is_removed_during_the_restore_can_be_restored_again(
    account: Account, owner: dict[str, Any], box: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = leave(account, box, [NOW])
    removal.remove_box(owner, box["_id"])
    real = restore.restore_messages

    def too_late(*arguments: Any, **options: Any) -> Any:
        removal.remove_box(owner, box["_id"])
        return real(*arguments, **options)

    monkeypatch.setattr(restore, "restore_messages", too_late)
    with pytest.raises(Conflict):
        mailbox_restore.restore_box(owner, box["_id"])
    monkeypatch.setattr(restore, "restore_messages", real)
    assert folders(account, ids) == [("deleted", True)]
    mailbox_restore.restore_box(owner, box["_id"])
    assert folders(account, ids) == [("new", False)]


def test_only_removed_mailboxes_can_be_restored(account: Account, owner: dict[str, Any], box: dict[str, Any]) -> None:
    for wrong in ("", "_design/vmboxes", account.user_id, "f" * 32):
        with pytest.raises(BadIdentifier):
            mailbox_restore.get_removed(account.id, wrong)
        with pytest.raises(BadIdentifier):
            mailbox_restore.restore_box(owner, wrong)
    with pytest.raises(BadIdentifier):
        mailbox_restore.get_removed(account.id, box["_id"])


def test_removed_mailboxes_are_listed_in_pages_and_searched(
    account: Account, owner: dict[str, Any], db: Database
) -> None:
    boxes = [mailbox_store.create(account.id, {"name": f"Box {n}", "mailbox": str(4000 + n)}) for n in range(5)]
    for n, box in enumerate(boxes):
        removal.remove_box(owner, box["_id"])

        def earlier(doc: Document, at: int = NOW + n) -> Document:
            return {**doc, "pvt_removed_at": at}

        db.update(box["_id"], earlier)
    ids = [box["_id"] for box in reversed(boxes)]
    first = mailbox_restore.list_removed(account.id, PageRequest(3))
    following = PageRequest.from_query({"page_size": "3", "start_key": first.next_start_key or ""})
    second = mailbox_restore.list_removed(account.id, following)
    assert [entry["id"] for entry in first.entries + second.entries] == ids
    assert (first.entries[0]["removed"], second.next_start_key) == (NOW + 4, None)
    for text in ("4002", "bOx 2"):
        page = mailbox_restore.list_removed(account.id, PageRequest(3), text)
        assert [entry["id"] for entry in page.entries] == [boxes[2]["_id"]]
