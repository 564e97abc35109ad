"""The queue of accounts whose databases changed."""

import threading

from events.leases import slot_of
from events.work import WorkQueue


def test_the_databases_of_an_account_are_worked_on_by_one_thread_at_a_time() -> None:
    queue = WorkQueue(rest_seconds=0.15)
    queue.add("a", "a-1")
    queue.add("b", "b-1", "created")
    assert queue.take() == ("a", {"a-1": set()})
    queue.add("a", "a-2")
    assert queue.take() == ("b", {"b-1": {"created"}})
    queue.finish("a")
    assert queue.take() == ("a", {"a-2": set()})


def test_an_account_that_was_worked_on_rests_and_delays_no_other() -> None:
    queue = WorkQueue(rest_seconds=1_000)
    queue.add("a", "a-1")
    assert queue.take() == ("a", {"a-1": set()})
    queue.add("a", "a-1")
    queue.finish("a")
    queue.add("b", "b-1")
    assert queue.take() == ("b", {"b-1": set()})
    queue.finish("b")
    assert queue.busy_slots() == {slot_of("a")}


def test_a_failed_account_comes_again_and_delays_no_other() -> None:
    queue = WorkQueue(rest_seconds=0.15)
    queue.add("a", "a-1", "created")
    work = queue.take()
    assert work is not None
    queue.fail(*work)
    queue.add("a", "a-2")
    queue.add("b", "b-1")
    assert queue.take() == ("b", {"b-1": set()})
    assert queue.take() == ("a", {"a-1": {"created"}, "a-2": set()})
    queue.finish("a")
    queue.finish("b")
    assert (queue.delay(), queue.busy_slots()) == ((0.0, 0), set())


def test_a_slot_that_another_follower_has_is_forgotten() -> None:
    queue = WorkQueue(rest_seconds=0.15)
    queue.add("a", "a-1")
    queue.add("b", "b-1")
    assert queue.busy_slots() == {slot_of("a"), slot_of("b")}
    queue.drop_slot(slot_of("a"))
    assert queue.take() == ("b", {"b-1": set()})


def test_threads_that_wait_for_work_end_when_the_queue_is_closed() -> None:
    queue = WorkQueue(rest_seconds=0.15)
    results: list[object] = []
    thread = threading.Thread(target=lambda: results.append(queue.take()))
    thread.start()
    queue.close()
    thread.join(30)
    assert results == [None]
