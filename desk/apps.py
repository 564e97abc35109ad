"""The operators' desk as a Django app: its pages, permissions, groups and the record of who did what."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class DeskConfig(AppConfig):
    """What the desk shows is in CouchDB; its own permissions and records are in Django's database."""

    name = "desk"
    verbose_name = "Desk"

    def ready(self) -> None:
        """Make the groups of operators whenever the database is migrated."""
        from desk.operators import groups

        post_migrate.connect(groups.make, dispatch_uid="desk.groups")
