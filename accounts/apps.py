"""Accounts as a Django app: tenants, users, tokens and their endpoints."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """The accounts app: everything is in CouchDB except the counts of failed sign-ins."""

    name = "accounts"
    verbose_name = "Accounts"
