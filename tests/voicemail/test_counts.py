"""Counts of messages by mailbox and folder, over documents as Kazoo writes them."""

import secrets
from typing import Any

import pytest

from storage import gregorian, modbs
from tests.support.api_client import Account
from voicemail.messages import counts, retention

NOW = gregorian.now()
BOX = "b0" * 16
OTHER = "b1" * 16


def put_message(account: Account, seconds: int, folder: str | None = "new", box: str = BOX, **more: Any) -> None:
    """Store a message as Kazoo would, in the month of its time."""
    month = gregorian.month_of(seconds)
    metadata = {"timestamp": seconds} | ({} if folder is None else {"folder": folder})
    doc = {
        "_id": f"{month}-{secrets.token_hex(16)}",
        "pvt_type": "mailbox_message",
        "source_id": box,
        "utc_seconds": seconds,
        "metadata": metadata,
        **more,
    }
    modbs.ensure(account.id, month).put(doc)


def test_a_mailbox_without_messages_has_no_counts(account: Account) -> None:
    assert counts.per_folder(account.id, [BOX]) == {BOX: {}}
    assert counts.per_folder(account.id, []) == {}


def test_messages_are_counted_by_mailbox_and_folder_across_months(account: Account) -> None:
    for age in (0, 40, 80):
        put_message(account, NOW - age * 86_400)
    put_message(account, NOW - 40 * 86_400, "saved")
    put_message(account, NOW, "deleted")
    put_message(account, NOW, "saved", OTHER)
    assert counts.per_folder(account.id, [BOX, OTHER]) == {
        BOX: {"new": 3, "saved": 1, "deleted": 1},
        OTHER: {"saved": 1},
    }


def test_a_single_mailbox_is_counted_without_others(account: Account) -> None:
    put_message(account, NOW)
    put_message(account, NOW, box=OTHER)
    assert counts.per_folder(account.id, [BOX]) == {BOX: {"new": 1}}


def test_a_message_without_a_folder_counts_as_new(account: Account) -> None:
    put_message(account, NOW, None)
    assert counts.per_folder(account.id, [BOX]) == {BOX: {"new": 1}}


def test_removed_messages_are_not_counted(account: Account) -> None:
    put_message(account, NOW, "deleted", pvt_deleted=True)
    assert counts.per_folder(account.id, [BOX]) == {BOX: {}}


def test_messages_of_the_limits_month_are_counted_from_the_limit_on(account: Account) -> None:
    limit = retention.limit(account.id, NOW)
    for box in (BOX, OTHER):
        put_message(account, limit - 1, box=box)
        put_message(account, limit, box=box)
        put_message(account, limit + 1, "saved", box)
    put_message(account, limit - 1, "saved", OTHER)
    put_message(account, limit - 2, "deleted", OTHER)
    expected = {"new": 1, "saved": 1}
    assert counts.per_folder(account.id, [BOX, OTHER], now=NOW) == {BOX: expected, OTHER: expected}
    assert counts.per_folder(account.id, [OTHER], now=NOW) == {OTHER: expected}


def test_months_before_the_limit_are_not_counted(account: Account) -> None:
    put_message(account, NOW - 200 * 86_400)
    put_message(account, NOW)
    assert counts.per_folder(account.id, [BOX]) == {BOX: {"new": 1}}


def test_messages_of_many_mailboxes_are_counted_from_the_limit_on(account: Account) -> None:
    limit = retention.limit(account.id, NOW)
    boxes = [f"{number:032x}" for number in range(60)]
    modb = modbs.ensure(account.id, gregorian.month_of(limit))
    docs = [
        _of_box(box, seconds, modb.name[-6:])
        for number, box in enumerate(boxes)
        for seconds in (*[limit - 1] * (number % 4), *[limit - 5 * 86_400] * (number % 3), limit, limit)
    ]
    modb.put_all(docs)
    result = counts.per_folder(account.id, boxes, now=NOW)
    assert result == {box: {"saved": 2} for box in boxes}


def test_messages_of_the_limits_day_are_counted_by_the_hour(account: Account) -> None:
    limit = retention.limit(account.id, NOW) // 86_400 * 86_400 + 12 * 3_600
    now = NOW + limit - retention.limit(account.id, NOW)
    boxes = [f"{number:032x}" for number in range(9)]
    modb = modbs.ensure(account.id, gregorian.month_of(limit))
    times = (limit - 12 * 3_600 - 1, limit - 12 * 3_600, limit - 1, limit, limit + 12 * 3_600 - 1, limit + 12 * 3_600)
    modb.put_all([_of_box(box, seconds, modb.name[-6:]) for box in boxes for seconds in times])
    modb.put({**_of_box(boxes[0], 0, modb.name[-6:]), "utc_seconds": None, "metadata": {"folder": "saved"}})
    result = counts.per_folder(account.id, boxes, now=now)
    assert result == {box: {"saved": 3 + (box == boxes[0])} for box in boxes}


def test_changes_between_two_counts_are_noticed(account: Account) -> None:
    limit = retention.limit(account.id, NOW)
    boxes = [f"{number:032x}" for number in range(9)]
    modb = modbs.ensure(account.id, gregorian.month_of(limit))
    times = (limit - 5 * 86_400, limit - 1, limit, limit + 1)
    docs = [_of_box(box, seconds, modb.name[-6:]) for box in boxes for seconds in times]
    modb.put_all(docs)
    assert counts.per_folder(account.id, boxes, now=NOW) == {box: {"saved": 2} for box in boxes}
    for doc in docs[0], docs[4 + 1], docs[8 + 2]:  # one long past, one just past, one that counts
        modb.update(doc["_id"], lambda stored: {**stored, "pvt_deleted": True})
    modb.update(docs[12 + 3]["_id"], lambda stored: {**stored, "metadata": {**stored["metadata"], "folder": "new"}})
    result = counts.per_folder(account.id, boxes, now=NOW)
    changed = {boxes[2]: {"saved": 1}, boxes[3]: {"saved": 1, "new": 1}}
    assert result == {box: {"saved": 2} for box in boxes} | changed


def _of_box(box: str, seconds: int, month: str) -> dict[str, Any]:
    return {
        "_id": f"{month}-{secrets.token_hex(16)}",
        "pvt_type": "mailbox_message",
        "source_id": box,
        "utc_seconds": seconds,
        "metadata": {"timestamp": seconds, "folder": "saved"},
    }


def test_only_the_named_folders_are_counted(account: Account) -> None:
    for folder in ("new", "saved", "deleted", "of Kazoo's"):
        put_message(account, NOW, folder)
    assert counts.per_folder(account.id, [BOX], only=("new", "saved")) == {BOX: {"new": 1, "saved": 1}}
    assert counts.per_folder(account.id, [BOX])[BOX].keys() == {"new", "saved", "deleted", "of Kazoo's"}


def test_a_message_of_unknown_age_is_counted(account: Account) -> None:
    limit = retention.limit(account.id, NOW)
    put_message(account, limit, utc_seconds=None, metadata={"folder": "new"})
    assert counts.per_folder(account.id, [BOX], now=NOW) == {BOX: {"new": 1}}


@pytest.mark.parametrize("boxes", [[BOX], [BOX, *(f"{number:032x}" for number in range(9))]], ids=["one", "many"])
def test_messages_are_counted_by_their_age_in_whatever_month_they_are_stored(
    account: Account, boxes: list[str]
) -> None:
    limit = retention.limit(account.id, NOW)
    put_message(account, NOW, utc_seconds=limit - 1)  # past, in a month within the retention
    put_message(account, limit, "saved", utc_seconds=NOW)  # current, in the limit's month
    put_message(account, limit, utc_seconds=limit - 40 * 86_400)  # past, in the limit's month
    put_message(account, NOW, "deleted", utc_seconds=NOW - 40 * 86_400)
    assert counts.per_folder(account.id, boxes, now=NOW)[BOX] == {"saved": 1, "deleted": 1}
    assert sum(number for _, folders in counts.per_month(account.id) for number in folders.values()) == 4
