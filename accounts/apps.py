"""Accounts as a Django app: tenants, users, tokens and their endpoints."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Holds no tables of its own: everything is in CouchDB."""

    name = "accounts"
    verbose_name = "Accounts"
