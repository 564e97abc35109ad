"""The events as a Django app: its command, and the models of leases and of what followers do."""

from django.apps import AppConfig


class EventsConfig(AppConfig):
    """Changes are read from CouchDB. Django's database only says who reads which."""

    name = "events"
    verbose_name = "Events"

    def ready(self) -> None:
        """Register the consumer for the message broker."""
        from events import consumers
        from events.amqp.consumer import AmqpConsumer

        consumers.register(AmqpConsumer())
