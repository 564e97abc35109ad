"""Accounts as a Django app: tenants, users, tokens and their endpoints."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AccountsConfig(AppConfig):
    """Everything is in CouchDB, but for counts of failed sign-ins."""

    name = "accounts"
    verbose_name = "Accounts"

    def ready(self) -> None:
        """See to the groups of operators whenever the database is set up."""
        from accounts.admin import groups

        post_migrate.connect(groups.make, dispatch_uid="accounts.admin.groups")
