"""The overview as a Django app: its figures, and the job that collects them."""

from django.apps import AppConfig
from django.conf import settings


class OverviewConfig(AppConfig):
    """Figures over all accounts."""

    name = "overview"
    verbose_name = "Overview"

    def ready(self) -> None:
        """Have workers collect figures every OVERVIEW_SECONDS."""
        from events import periodic
        from overview.jobs import collect_overview

        periodic.register("overview", collect_overview, lambda: settings.OVERVIEW_SECONDS)
