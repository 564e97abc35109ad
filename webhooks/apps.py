"""Webhooks as a Django app: their documents, endpoints and schema, and what is sent."""

from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    """Hooks and attempts are in CouchDB."""

    name = "webhooks"
    verbose_name = "Webhooks"
