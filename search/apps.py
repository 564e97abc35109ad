"""The search as a Django app: its index, its command, and the consumer that keeps the index up to date."""

from django.apps import AppConfig


class SearchConfig(AppConfig):
    """The index is in Django's database; what it is made of stays in CouchDB."""

    name = "search"
    verbose_name = "Search"

    def ready(self) -> None:
        """Register who gets the changes."""
        from events import consumers
        from search.consumer import SearchIndex

        consumers.register(SearchIndex())
