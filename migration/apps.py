"""The migration from Kazoo 3.x as a Django app: its commands, and the runs that operators start at the desk."""

from django.apps import AppConfig


class MigrationConfig(AppConfig):
    """What is migrated is in CouchDB; the runs and their reports are in Django's database."""

    name = "migration"
    verbose_name = "Migration"
