"""Who gets events. A consumer is registered by the app that it belongs to, in ``AppConfig.ready``.

class Webhooks(Consumer):
    name = "webhooks"

    def deliver(self, batch: Batch) -> None:
        for event in batch.events:
            send.enqueue(event.id)

consumers.register(Webhooks())
"""

from events.event import Batch

_consumers: dict[str, "Consumer"] = {}


class Consumer:
    """A receiver of events, at its own pace: what it has not taken yet delays no other consumer."""

    name: str
    """Part of the ids of its checkpoints: whoever renames a consumer makes a new one, which begins now."""
    gets_all_changes = False
    """Whether it gets more than events that are worth telling.

    These are changes that anybody made, whatever a database has when it is read for the first time (also after it was
    restored), and deletions of documents of which nothing is known.
    """

    rest_seconds = 0.15
    """For how long an account whose changes were read is left alone. What changes meanwhile comes in one batch."""

    position_seconds = 1
    """How many seconds of changes it may get twice, at most, when a follower was killed."""

    def is_enabled(self) -> bool:
        """Whether it is configured to get events. A disabled one keeps its place, and gets all it missed later."""
        return True

    def start(self) -> None:
        """Prepare, in a process that follows changes, before the first batch."""

    def stop(self) -> None:
        """Clean up before that process ends."""

    def flush(self) -> None:
        """Return when all that was taken is safe, for a consumer that does some of it after `deliver` returned.

        Called before positions are stored, about every second. If it raises, they are not stored.
        """

    def deliver(self, batch: Batch) -> None:
        """Take a batch, and return when it is safe: confirmed by a broker, or committed as jobs.

        Called by several threads at once, but with batches of one account one after the other. If it raises, the same
        events come again, after a growing pause. Events may come twice anyway; they have the same id then.
        """
        raise NotImplementedError


def register(consumer: Consumer) -> None:
    """Add a consumer, in place of one of the same name."""
    _consumers[consumer.name] = consumer


def enabled() -> list[Consumer]:
    """Return the consumers that get events."""
    return [consumer for consumer in _consumers.values() if consumer.is_enabled()]


def registered() -> list[Consumer]:
    """Return all consumers, those that are disabled, too."""
    return list(_consumers.values())
