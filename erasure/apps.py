"""Deletion for good as a Django app: its models, its job and its command."""

from django.apps import AppConfig


class ErasureConfig(AppConfig):
    """Erasures are in Django's database; what they erase is in CouchDB and in the tables of other rooms."""

    name = "erasure"
    verbose_name = "Deletion for good"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Let workers look for erasures that are due and have lost their job."""
        from erasure import jobs
        from events import periodic

        periodic.register("erasures", jobs.enqueue_overdue, lambda: jobs.CHECK_SECONDS)
