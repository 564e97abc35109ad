"""Follows the changes of all accounts for one consumer.

Threads take accounts from the queue, read the changes of their databases since the consumer's position, hand the
events to the consumer, and move the position on. A keeper renews the leases every second, stores the positions that
moved, and takes over what a dead follower left. Positions are stored a moment after they moved: a follower that is
killed leaves some events that its successor tells again.
"""

import logging
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, replace

from django.db import DatabaseError, close_old_connections

from couch.client import couch
from couch.errors import CouchError, MissingDatabase
from couch.feeds import DatabaseUpdate
from crossbar.spans import span
from events import event as event_names
from events import positions, state
from events.changes import Changes
from events.consumers import Consumer
from events.event import Batch, Event, event_id
from events.feed import UpdatesFeed
from events.leases import RENEW_SECONDS, Leases, slot_of
from events.positions import Position, SlotStart
from events.work import WorkQueue
from storage import database_names, gregorian

logger = logging.getLogger(__name__)

_THREADS = 4
_PAGE_SIZE = 1_000
_MAX_POSITIONS = 5_000
_SLOT_STORE_ROUNDS = 10
_DATABASE_EVENTS = {"created": event_names.DB_CREATED, "deleted": event_names.DB_DELETED}


class LostLease(Exception):
    """This follower does not hold the account's lease: another one may read the account."""


@dataclass
class _Place:
    """A consumer's position in a database, and whether it moved since it was stored."""

    position: Position
    is_moved: bool = False


class Follower:
    """Follows changes for a consumer, in threads of its own."""

    def __init__(self, consumer: Consumer, name: str, feed: UpdatesFeed) -> None:
        self.consumer = consumer
        self.queue = WorkQueue(consumer.rest_seconds)
        self._name, self._feed = name, feed
        self._leases = Leases(consumer.name, name)
        self._changes = Changes(of_everybody=consumer.gets_all_changes, of_unknown=consumer.gets_all_changes)
        self._places: dict[str, _Place] = {}
        self._lock = threading.Lock()
        self._starts: dict[int, SlotStart] = {}
        self._rounds = 0
        self._error = ""
        self._is_stopped = threading.Event()
        self.has_begun = threading.Event()
        """Set when this follower has its leases, and hears what changes."""
        self._threads = [threading.Thread(target=self._keep, name=f"{consumer.name} keeper", daemon=True)]
        self._threads += [
            threading.Thread(target=self._work, name=f"{consumer.name} {number}", daemon=True)
            for number in range(_THREADS)
        ]

    def start(self) -> None:
        """Start the threads."""
        self.consumer.start()
        for thread in self._threads:
            thread.start()

    def stop(self, seconds: float) -> None:
        """End the threads, store how far they got, and let other followers take over at once."""
        self._is_stopped.set()
        self.queue.close()
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        with suppress(CouchError, DatabaseError):
            self._store_places()
            self._store_starts()
            for slot in self._starts:
                self._leases.release(slot)
            state.remove_follower(self.consumer.name, self._name)
        self.consumer.stop()

    def hear(self, update: DatabaseUpdate) -> None:
        """Queue a database that changed, if this follower reads its account and it is one whose changes are told."""
        account_key = account_key_of(update.name)
        if account_key is not None and slot_of(account_key) in self._starts:
            kind = update.kind if update.kind in _DATABASE_EVENTS else None
            self.queue.add(account_key, update.name, kind)

    def recheck(self) -> None:
        """Queue the databases that were read lately: CouchDB may have lost the news of its last moment."""
        with self._lock:
            names = list(self._places)
        for name in names:
            self.hear(DatabaseUpdate("updated", name, ""))

    # The threads that read.

    def _work(self) -> None:
        while (work := self.queue.take()) is not None:
            account_key, databases = work
            try:
                close_old_connections()
                with span(f"changes for {self.consumer.name}"):
                    for name in sorted(databases):
                        self._read(name, account_key, databases[name])
            except LostLease:
                if slot_of(account_key) in self._starts:  # the lease is late to be renewed, and may still be ours
                    self.queue.fail(account_key, databases)
                else:
                    self.queue.finish(account_key)
            except Exception as error:
                if not isinstance(error, CouchError):
                    logger.exception("Events of %s could not be told to %s", account_key, self.consumer.name)
                self._error = f"{type(error).__name__}: {error}"[:300]
                self.queue.fail(account_key, databases)
            else:
                self._error = ""
                self.queue.finish(account_key)

    def _read(self, name: str, account_key: str, kinds: set[str]) -> None:
        """Read a database's changes to their end, and tell their events."""
        slot = slot_of(account_key)
        for kind in sorted(kinds):
            self._deliver(slot, name, [_database_event(name, kind)])
        database = couch().database(name)
        try:
            place = self._place(name, slot)
            while True:
                read_at = gregorian.now()
                page = database.changes(place.position.seq, _PAGE_SIZE)
                self._deliver(slot, name, self._changes.events_of(name, page, place.position))
                self._changes.remember(name, page.docs)
                is_moved = bool(page.docs) or page.has_more
                place = _Place(place.position.after(page, read_at), place.is_moved or is_moved)
                with self._lock:
                    self._places.pop(name, None)  # so that the last one is the one that was read last
                    self._places[name] = place
                if not page.has_more:
                    return
        except MissingDatabase:
            with self._lock:
                self._places.pop(name, None)

    def _place(self, name: str, slot: int) -> _Place:
        with self._lock:
            place, start = self._places.get(name), self._starts.get(slot)
        if start is None:
            raise LostLease
        if place is not None:
            return place
        position = positions.load(couch().database(name), self.consumer.name, start.began_at)
        return _Place(replace(position, skip_before=0) if self.consumer.gets_all_changes else position)

    def _deliver(self, slot: int, name: str, events: list[Event]) -> None:
        if self._leases.epoch(slot) is None:
            raise LostLease
        if events:
            self.consumer.deliver(Batch(name, events[0].account_id, tuple(events)))

    # The keeper.

    def _keep(self) -> None:
        while True:
            try:
                close_old_connections()
                self._keep_leases()
                self.has_begun.set()
                self._rounds += 1
                if self._rounds % self.consumer.position_seconds == 0:
                    self._store_places()
                if self._rounds % _SLOT_STORE_ROUNDS == 0:
                    self._store_starts()
                self._report()
            except (CouchError, DatabaseError) as error:
                logger.warning("The follower for %s can't go on yet: %s", self.consumer.name, error)
            except Exception:
                logger.exception("The follower for %s failed", self.consumer.name)
            if self._is_stopped.wait(RENEW_SECONDS):
                return

    def _keep_leases(self) -> None:
        self._report()
        held = self._leases.renew()
        for slot in set(self._starts) - held:
            self._drop(slot)
        surplus = len(held) - self._leases.share()
        idle_slots = [slot for slot in held if slot not in self.queue.busy_slots()]
        for slot in idle_slots[: max(surplus, 0)]:
            self._store_places()
            self._drop(slot)
            self._leases.release(slot)
            held.discard(slot)
        for slot in held - set(self._starts):
            self._begin(slot)

    def _begin(self, slot: int) -> None:
        """Begin to follow a slot where its last holder stopped."""
        start = positions.load_slot(self.consumer.name, slot, self._feed.first_start)
        with self._lock:
            self._starts[slot] = start  # from here on `hear` queues what happens to its databases
        updates = couch().database_updates(start.seq).updates
        for update in [*updates, *(DatabaseUpdate("updated", name, "") for name in start.recent)]:
            if _slot_of_database(update.name) == slot:
                self.hear(update)

    def _drop(self, slot: int) -> None:
        with self._lock:
            self._starts.pop(slot, None)
            for name in [name for name in self._places if _slot_of_database(name) == slot]:
                del self._places[name]
        self.queue.drop_slot(slot)

    def _store_places(self) -> None:
        with self._lock:
            moved = {name: place for name, place in self._places.items() if place.is_moved}
        if moved and not self._is_flushed():
            return
        for name, place in moved.items():
            epoch = self._leases.epoch(_slot_of_database(name))
            if epoch is None:
                continue
            with suppress(MissingDatabase):
                positions.store_position(couch().database(name), self.consumer.name, place.position, epoch)
            with self._lock:
                if self._places.get(name) is place:
                    self._places[name] = replace(place, is_moved=False)
        with self._lock:
            surplus = len(self._places) - _MAX_POSITIONS
            stored = [name for name, place in self._places.items() if not place.is_moved]
            for name in stored[: max(surplus, 0)]:
                del self._places[name]

    def _is_flushed(self) -> bool:
        try:
            self.consumer.flush()
        except Exception as error:
            logger.info("Positions of %s are not stored yet: %s", self.consumer.name, error)
            return False
        return True

    def _store_starts(self) -> None:
        """Store which databases were read lately, and where nothing waits that all is read up to what was heard."""
        heard_seq = self._feed.seq  # before looking what waits: all up to here was queued
        busy = self.queue.busy_slots()
        with self._lock:
            busy |= {_slot_of_database(name) for name, place in self._places.items() if place.is_moved}
            starts = dict(self._starts)
            recent = {slot: [name for name in self._places if _slot_of_database(name) == slot] for slot in starts}
        for slot, start in starts.items():
            new = replace(
                start, seq=start.seq if slot in busy else heard_seq, recent=recent[slot][-positions.MAX_RECENT :]
            )
            if start != new and self._leases.epoch(slot) is not None:
                positions.store_slot(self.consumer.name, slot, new)
                with self._lock:
                    if slot in self._starts:
                        self._starts[slot] = new

    def _report(self) -> None:
        seconds, accounts = self.queue.delay()
        seconds = max(seconds, self._feed.seconds_silent())
        state.report(self.consumer.name, self._name, len(self._starts), seconds, accounts, self._error)


def account_key_of(database: str) -> str | None:
    """Return what a database's changes are queued by: its account's id; None if its changes are not told."""
    if database == database_names.ACCOUNTS:
        return database
    owner = database_names.parse(database)
    return owner.account_id if owner else None


def _slot_of_database(name: str) -> int:
    """Return the slot of a database, -1 if its changes are not told."""
    account_key = account_key_of(name)
    return -1 if account_key is None else slot_of(account_key)


def _database_event(name: str, kind: str) -> Event:
    owner = database_names.parse(name)
    return Event(event_id(name, kind), _DATABASE_EVENTS[kind], name, owner.account_id if owner else "")
