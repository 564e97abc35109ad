"""Mailbox numbers: found in use, locked against other writers, released and taken over."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from couch.database import Database
from crossbar.errors import ValidationFailed
from storage import view_names
from tests.support.api_client import Account
from voicemail.mailboxes import numbers
from voicemail.mailboxes import store as mailbox_store


def put_box(db: Database, box_id: str, **fields: Any) -> None:
    """Store a mailbox as Kazoo would."""
    db.put({"_id": box_id, "pvt_type": "vmbox", "name": "Box", **fields})


def locks_in(db: Database) -> list[str]:
    return [row["id"] for row in db.all_docs() if row["id"].startswith(numbers.LOCK_KIND)]


def test_the_numbers_of_a_mailbox_are_its_own_and_its_aliases() -> None:
    assert numbers.of({"mailbox": "3000", "aliases": ["3001", "3001"]}) == {"3000", "3001"}
    assert numbers.of({"mailbox": 3000, "aliases": [3001]}) == {"3000", "3001"}
    assert numbers.of({"aliases": None}) == set()


def test_a_number_is_used_by_another_mailbox_but_not_by_its_own(db: Database) -> None:
    put_box(db, "b0" * 16, mailbox="3000", aliases=["4000"])
    assert numbers.find_used(db, ["3000"]) == "3000"
    assert numbers.find_used(db, ["4000"], "b1" * 16) == "4000"
    assert numbers.find_used(db, ["3000", "4000"], "b0" * 16) is None
    assert numbers.find_used(db, ["5000"]) is None


def test_an_old_integer_is_the_same_number_as_its_text(db: Database) -> None:
    put_box(db, "b0" * 16, mailbox=3000, aliases=[4000])
    assert numbers.find_used(db, ["3000"]) == "3000"
    assert numbers.find_used(db, ["4000"]) == "4000"


def test_the_number_of_a_deleted_mailbox_is_free(db: Database) -> None:
    put_box(db, "b0" * 16, mailbox="3000", pvt_deleted=True)
    assert numbers.find_used(db, ["3000"]) is None


def test_locks_are_held_within_the_block_and_gone_after_it(db: Database) -> None:
    with numbers.Reservation(db, "b0" * 16) as reservation:
        reservation.reserve(["3000", "4000"])
        reservation.reserve(["3000"])
        assert len(locks_in(db)) == 2
    assert locks_in(db) == []


def test_locks_are_released_when_the_write_fails(db: Database) -> None:
    def fail_to_write() -> None:
        with numbers.Reservation(db, "b0" * 16) as reservation:
            reservation.reserve(["3000"])
            raise RuntimeError("the write failed")

    with pytest.raises(RuntimeError):
        fail_to_write()
    assert locks_in(db) == []


def test_the_lock_of_a_killed_process_is_taken_over(db: Database) -> None:
    with numbers.Reservation(db, "b0" * 16) as reservation:
        reservation.reserve(["3000"])
        (lock_id,) = locks_in(db)
        db.update(lock_id, lambda lock: {**lock, "claimed_at": time.time() - 3_600})
        with numbers.Reservation(db, "b1" * 16) as other:
            other.reserve(["3000"])
            assert locks_in(db) == [lock_id]
        assert locks_in(db) == []


@pytest.mark.parametrize("number", ["3000", "*97", "a/b?c#d", "ünïcode 📞", "_design/x", "%2F"])
def test_any_number_can_be_locked(db: Database, number: str) -> None:
    with numbers.Reservation(db, "b0" * 16) as reservation:
        reservation.reserve([number])
    assert locks_in(db) == []


def test_one_of_many_concurrent_writers_gets_the_number(account: Account, db: Database) -> None:
    def create(_: int) -> bool:
        try:
            mailbox_store.create(account.id, {"name": "Box", "mailbox": "3000", "aliases": ["4000"]})
        except ValidationFailed:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(create, range(8))) == 1
    assert len([row for row in db.view(*view_names.MAILBOXES_BY_NUMBER) if row["key"] == "3000"]) == 1
    assert locks_in(db) == []


def test_mailboxes_with_crossed_numbers_do_not_block_each_other(account: Account, db: Database) -> None:
    def create(mailbox: str, alias: str) -> bool:
        try:
            mailbox_store.create(account.id, {"name": "Box", "mailbox": mailbox, "aliases": [alias]})
        except ValidationFailed:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sum(pool.map(create, ["3000", "4000"], ["4000", "3000"])) == 1
    assert locks_in(db) == []
