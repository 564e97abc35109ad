"""``manage.py follow_changes``: follows CouchDB's changes, and tells them to whoever is configured to be told."""

import os
import secrets
import signal
import socket
import threading
from typing import Any

from django.core.management.base import BaseCommand

from couch.feeds import DatabaseUpdate
from events import consumers
from events.feed import UpdatesFeed
from events.follower import Follower

_STOP_SECONDS = 5.0


class Command(BaseCommand):
    """Follows changes until SIGTERM or Ctrl-C."""

    help = (
        "Follows the changes in CouchDB and tells them: to a message broker, webhooks, mailboxes of e-mail. "
        "Several may run, on one machine or many: they share the accounts, and replace one that dies within seconds."
    )
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until a signal ends it."""
        is_stopped = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: is_stopped.set())
        name = f"{socket.gethostname()[:60]}-{os.getpid()}-{secrets.token_hex(4)}"
        followers: list[Follower] = []

        def hear(update: DatabaseUpdate) -> None:
            for follower in followers:
                follower.hear(update)

        def recheck() -> None:
            for follower in followers:
                follower.recheck()

        feed = UpdatesFeed(hear, recheck)
        feed.start()
        followers += [Follower(consumer, name, feed) for consumer in consumers.enabled()]
        for follower in followers:
            follower.start()
        for follower in followers:
            while not follower.has_begun.wait(0.1) and not is_stopped.is_set():
                pass
        self.stdout.write(f"Following changes for {', '.join(f.consumer.name for f in followers) or 'nobody'}.")
        self.stdout.flush()
        is_stopped.wait()
        feed.stop()
        for follower in followers:
            follower.stop(_STOP_SECONDS)
