"""Keeps the index up to date as CouchDB's changes are followed."""

from django.conf import settings

from events import event as event_names
from events.consumers import Consumer
from events.event import Batch
from search import freshness, index
from storage import database_names

_DOCUMENT_EVENTS = frozenset({event_names.DOC_CREATED, event_names.DOC_EDITED, event_names.DOC_DELETED})


class SearchIndex(Consumer):
    """Indexes what changed, whoever changed it."""

    name = freshness.CONSUMER
    gets_all_changes = True
    rest_seconds = 2.0  # an index that is 2 seconds old serves its readers; many small writes to it slow the API down
    position_seconds = 30  # what is indexed twice changes nothing

    def is_enabled(self) -> bool:
        """Whether there is to be an index."""
        return bool(settings.SEARCH_INDEX)

    def stop(self) -> None:
        """Note until when the index was kept up to date."""
        freshness.note_followed()

    def deliver(self, batch: Batch) -> None:
        """Index the documents of a batch as they are now, or forget a database that was deleted."""
        if batch.database == database_names.ACCOUNTS:
            return  # an account's own database has its document, too
        if any(event.name == event_names.DB_DELETED for event in batch.events):
            index.drop_database(batch.database)
        docs = [event.document for event in batch.events if event.name in _DOCUMENT_EVENTS]
        index.put_documents(batch.database, docs)
