"""A consumer of events that writes a line for each event to the file that EVENTS_FILE names."""

import json
import os
from pathlib import Path

from django.apps import AppConfig

from events import consumers
from events.consumers import Consumer
from events.event import Batch


class RecordingConsumer(Consumer):
    """Writes events down; fails while there is a file ``{EVENTS_FILE}.away``."""

    def __init__(self, name: str, file: Path) -> None:
        self.name, self._file = name, file

    def deliver(self, batch: Batch) -> None:
        """Append the events to the file."""
        if self._file.with_name(self._file.name + ".away").exists():
            raise ConnectionError("away")
        lines = [
            json.dumps({"id": event.id, "name": event.name, "database": event.database, "document": event.document})
            for event in batch.events
        ]
        with self._file.open("a") as file:
            file.write("".join(f"{line}\n" for line in lines))


class SilentConsumer(Consumer):
    """Gets nothing."""

    def __init__(self, name: str) -> None:
        self.name = name

    def is_enabled(self) -> bool:
        """Never."""
        return False


class RecordingConsumerConfig(AppConfig):
    """The consumer as an app."""

    name = "tests.support"
    label = "recording_consumer"

    def ready(self) -> None:
        """Register the consumer, and silence those of the service that EVENTS_TOLD doesn't name."""
        told = os.environ["EVENTS_TOLD"].split(",")
        for consumer in consumers.enabled():
            if consumer.name not in told:
                consumers.register(SilentConsumer(consumer.name))
        consumers.register(RecordingConsumer(os.environ["EVENTS_CONSUMER"], Path(os.environ["EVENTS_FILE"])))
