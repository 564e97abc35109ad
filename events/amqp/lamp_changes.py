"""Mailboxes whose messages changed: after a moment, in which more changes may follow, their lamps are published."""

import logging
import threading
import time

from couch.errors import Unreachable
from events.amqp import lamps
from events.amqp.broker import Broker, BrokerAway

logger = logging.getLogger(__name__)

COLLECT_SECONDS = 0.2
_PAUSE_SECONDS = 1.0
_MAX_FAILURES = 300  # minutes of a CouchDB that is away; for ever, one broken account would hold up all positions


class LampChanges:
    """Publishes the lamps of changed mailboxes in a thread of its own."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._due: dict[tuple[str, str], float] = {}
        self._in_work: set[tuple[str, str]] = set()
        self._failures: dict[str, int] = {}
        self._condition = threading.Condition()
        self._is_stopped = False

    def start(self) -> None:
        """Start the thread."""
        threading.Thread(target=self._run, name="lamps", daemon=True).start()

    def stop(self) -> None:
        """End the thread."""
        with self._condition:
            self._is_stopped = True
            self._condition.notify_all()

    def add(self, account_id: str, box_id: str) -> None:
        """Note that a mailbox's messages changed."""
        with self._condition:
            self._due.setdefault((account_id, box_id), time.monotonic() + COLLECT_SECONDS)
            self._condition.notify_all()

    def flush(self, seconds: float) -> None:
        """Return when the lamps of all mailboxes noted so far are published; BrokerAway if that takes longer."""
        with self._condition:
            pending = set(self._due) | self._in_work
            if not self._condition.wait_for(lambda: not pending & (set(self._due) | self._in_work), seconds):
                raise BrokerAway("lamps are not published yet")

    def _run(self) -> None:
        while True:
            with self._condition:
                while not self._is_stopped and not (boxes := self._take()):
                    self._condition.wait(self._seconds_to_next())
                if self._is_stopped:
                    return
            by_account: dict[str, list[str]] = {}
            for account_id, box_id in boxes:
                by_account.setdefault(account_id, []).append(box_id)
            for account_id, box_ids in by_account.items():
                self._publish(account_id, box_ids)

    def _publish(self, account_id: str, box_ids: list[str]) -> None:
        keys = {(account_id, box_id) for box_id in box_ids}
        is_done = False
        try:
            messages = [
                message for lamp in lamps.lamps_of_boxes(account_id, box_ids) for message in lamp.publications()
            ]
            self._broker.publish(messages)
            is_done = True
        except BrokerAway as error:
            logger.info("Lamps of %s can't be published yet: %s", account_id, error)
        except Unreachable as error:
            self._failures[account_id] = self._failures.get(account_id, 0) + 1
            is_done = self._failures[account_id] >= _MAX_FAILURES
            logger.warning("Lamps of %s can't be published%s: %s", account_id, "" if is_done else " yet", error)
        except Exception:
            logger.exception("Lamps of %s can't be published", account_id)
            is_done = True  # an odd document would fail again and again
        if is_done:
            self._failures.pop(account_id, None)
        with self._condition:
            self._in_work -= keys
            if not is_done:
                for key in keys:
                    self._due.setdefault(key, time.monotonic() + _PAUSE_SECONDS)
            self._condition.notify_all()

    def _take(self) -> list[tuple[str, str]]:
        now = time.monotonic()
        keys = [key for key, due_at in self._due.items() if due_at <= now]
        for key in keys:
            del self._due[key]
        self._in_work |= set(keys)
        return keys

    def _seconds_to_next(self) -> float | None:
        return max(0.0, min(self._due.values()) - time.monotonic()) if self._due else None
