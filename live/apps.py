"""The websockets as a Django app: their command."""

from django.apps import AppConfig


class LiveConfig(AppConfig):
    """Nothing is stored: who isn't connected misses what happens, and reads the listings again."""

    name = "live"
    verbose_name = "Live"
