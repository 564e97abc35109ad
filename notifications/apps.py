"""Mails as a Django app: templates are in CouchDB, what is sent or waits is in Django's database."""

from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    """Mails about voicemail, and their log."""

    name = "notifications"
    verbose_name = "Notifications"

    def ready(self) -> None:
        """Register who gets the events."""
        from events import consumers
        from notifications.consumer import Mails

        consumers.register(Mails())
