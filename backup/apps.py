"""The backup as a Django app: its commands."""

from django.apps import AppConfig


class BackupConfig(AppConfig):
    """A backup is in files. It has no tables of its own."""

    name = "backup"
    verbose_name = "Backup"
