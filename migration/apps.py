"""The migration from Kazoo 3.x as a Django app: its commands, and the models of runs started at the desk."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy


class MigrationConfig(AppConfig):
    """Data is migrated inside CouchDB. Runs and their reports are stored in Django's database."""

    name = "migration"
    verbose_name = gettext_lazy("Migration")
