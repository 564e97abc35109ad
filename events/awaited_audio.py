"""A new message is told once its audio is there, or a minute after it was made without.

A client may create a message and upload its audio afterwards.
"""

from datetime import datetime, timedelta

from django.utils import timezone

from events import event as events
from events.event import Event
from storage import document_types, gregorian, values
from voicemail.audio.recording import has_audio

SECONDS = 60


def due_at(event: Event) -> tuple[datetime, bool]:
    """Return when an event is told, and whether it waits for a message's audio until then."""
    now = timezone.now()
    if event.name != events.VOICEMAIL_NEW or has_audio(event.document):
        return now, False
    created = values.as_integer(event.document.get("pvt_created")) or 0
    latest = gregorian.to_datetime(created) if gregorian.FIRST <= created <= gregorian.LAST else now
    moment = latest + timedelta(seconds=SECONDS)
    return (moment, True) if moment > now else (now, False)


def is_brought_by(event: Event) -> bool:
    """Whether an event may be the arrival of a message's audio."""
    return event.type == document_types.MESSAGE and event.name == events.DOC_EDITED and has_audio(event.document)
