"""The operators' desk as a Django app."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class DeskConfig(AppConfig):
    """The desk. Its documents are in CouchDB; permissions and audit log are in Django's database."""

    name = "desk"
    verbose_name = "Desk"

    def ready(self) -> None:
        """Create the operators' groups whenever the database is migrated."""
        from desk.operators import groups

        post_migrate.connect(groups.create_missing_groups, dispatch_uid="desk.groups")
