"""Webhooks as a Django app: their documents, endpoints and schema, and what is sent."""

from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    """Hooks and attempts are in CouchDB, what waits to be sent is in Django's database."""

    name = "webhooks"
    verbose_name = "Webhooks"

    def ready(self) -> None:
        """Register who gets the events."""
        from events import consumers
        from webhooks.consumer import Webhooks

        consumers.register(Webhooks())
