"""The consumer that publishes events. The broker confirms them before the position in a database moves."""

import threading

from django.conf import settings

from events import event as events
from events import payloads
from events.amqp.broker import Broker
from events.amqp.lamp_changes import LampChanges
from events.amqp.publications import (
    CONFIGURATION,
    NOTIFICATIONS,
    VOICEMAIL_APP,
    Publication,
    key_part,
    publication,
)
from events.amqp.queries import LampQueries
from events.consumers import Consumer
from events.event import Batch, Event
from storage import database_names
from voicemail.messages import folder_changes

_KEEP_ALIVE_SECONDS = 2.0
_FLUSH_SECONDS = 1.5
_NOTIFICATION_KEYS = {
    events.VOICEMAIL_NEW: "notifications.voicemail.new",
    events.VOICEMAIL_SAVED: "notifications.voicemail.saved",
    events.VOICEMAIL_DELETED: "notifications.voicemail.deleted",
    events.VOICEMAIL_FULL: "notifications.voicemail.full",
}
_NOTIFICATION, _CONFIGURATION = "notifications", "configuration"


class AmqpConsumer(Consumer):
    """Publishes events, and the lamps of the mailboxes whose messages changed."""

    name = "amqp"

    def __init__(self) -> None:
        self._broker = Broker(settings.AMQP_URL)
        self._lamp_changes = LampChanges(self._broker)
        self._queries = LampQueries(settings.AMQP_URL, self._broker)
        self._is_stopped = threading.Event()

    def is_enabled(self) -> bool:
        """Whether there is a broker."""
        return bool(settings.AMQP_URL)

    def start(self) -> None:
        """Start the threads that publish lamps, answer questions for them, and keep the connection alive."""
        self._lamp_changes.start()
        self._queries.start()
        threading.Thread(target=self._keep_alive, name="broker", daemon=True).start()

    def stop(self) -> None:
        """End the threads and the connection."""
        self._is_stopped.set()
        self._queries.stop()
        self._lamp_changes.stop()
        self._broker.close()

    def flush(self) -> None:
        """Return when the lamps of all changed mailboxes are published; raises BrokerAway."""
        self._lamp_changes.flush(_FLUSH_SECONDS)

    def deliver(self, batch: Batch) -> None:
        """Publish events, and note which mailboxes changed; raises BrokerAway."""
        self._broker.publish([message for event in batch.events if (message := publication_of(event)) is not None])
        for event in batch.events:
            box_id = event.document.get("source_id")
            if payloads.is_message(event) and isinstance(box_id, str):
                self._lamp_changes.add(event.account_id, box_id)

    def _keep_alive(self) -> None:
        while not self._is_stopped.wait(_KEEP_ALIVE_SECONDS):
            self._broker.keep_alive()


def publication_of(event: Event) -> Publication | None:
    """Return what the broker is told of an event; None if it isn't told."""
    if event.name in _NOTIFICATION_KEYS:
        if is_upload(event) and not settings.PUBLISH_UPLOADS:
            return None
        is_full = event.name == events.VOICEMAIL_FULL
        payload = payloads.voicemail_full(event) if is_full else payloads.voicemail(event)
        exchange, key, category, app = NOTIFICATIONS, _NOTIFICATION_KEYS[event.name], _NOTIFICATION, VOICEMAIL_APP
        return publication(exchange, key, category, event.name, payload, message_id=event.id, app=app)
    database = database_names.encode(event.database)  # stays as it is in keys, with %2F
    if event.document:
        payload, doc_id = payloads.document(event), key_part(event.document_id)
    else:
        payload, doc_id = payloads.database_payload(event), database
    key = f"{event.name}.{database}.{key_part(event.type)}.{doc_id}"
    return publication(CONFIGURATION, key, _CONFIGURATION, event.name, payload, message_id=event.id)


def is_upload(event: Event) -> bool:
    """Whether an event says that a message is new or saved because it was created over the API."""
    if event.name not in (events.VOICEMAIL_NEW, events.VOICEMAIL_SAVED):
        return False
    change = folder_changes.last_change(event.document)
    return event.name == events.VOICEMAIL_NEW or change is None or change.former is None
