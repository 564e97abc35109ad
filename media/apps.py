"""Media as a Django app: its documents, their endpoints and their schema."""

from django.apps import AppConfig


class MediaConfig(AppConfig):
    """Everything is in CouchDB."""

    name = "media"
    verbose_name = "Media"
