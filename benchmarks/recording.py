"""A consumer of events for the benchmark: it writes down when it was told of which message."""

import os
import time
from pathlib import Path

from django.apps import AppConfig

from events import consumers, event
from events.consumers import Consumer
from events.event import Batch


class Recorder(Consumer):
    """Appends the id of each new message, and the time, to the file that EVENTS_FILE names."""

    name = "benchmark"

    def deliver(self, batch: Batch) -> None:
        """Write down new messages."""
        now = time.time()
        told = [each.document_id for each in batch.events if each.name == event.VOICEMAIL_NEW]
        with Path(os.environ["EVENTS_FILE"]).open("a") as file:
            file.write("".join(f"{message_id} {now}\n" for message_id in told))


class RecorderConfig(AppConfig):
    """The consumer as an app."""

    name = "benchmarks"

    def ready(self) -> None:
        """Register the consumer."""
        consumers.register(Recorder())
