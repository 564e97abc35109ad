"""The audit as a Django app: the table of entries."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    """Who changed what, at the desk and over the API."""

    name = "audit"
    verbose_name = "Audit"
