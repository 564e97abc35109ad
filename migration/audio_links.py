"""Resolve soft links: messages whose audio stayed in the account's database get it as their own attachment."""

from collections.abc import Iterator
from functools import partial
from itertools import islice

from couch.database import Database, Document
from couch.errors import Conflict, CouchError, Unreachable
from couch.parallel import in_parallel
from couch.retry import paced_attempts
from migration import modb_messages
from migration.outages import Retry
from migration.progress import Row
from storage import database_names
from voicemail.audio import copying, recording
from voicemail.audio.recording import MissingAudio
from voicemail.legacy import outcomes
from voicemail.legacy.documents import PREVIOUS_ID
from voicemail.legacy.outcomes import Outcome
from voicemail.messages import store as message_store

_ATTEMPTS = 6
_BATCH = 8


def resolve_links(modb: Database, *, dry_run: bool, retry: Retry) -> Iterator[list[Row]]:
    """Give the linked messages of a MODb their audio, a batch at a time; what became of each."""
    pending = modb_messages.iterate_linked(modb, retry)
    while messages := list(islice(pending, _BATCH)):
        yield retry(partial(in_parallel, partial(_resolve, modb, dry_run=dry_run), messages))


def _resolve(modb: Database, message: Document, *, dry_run: bool) -> Row:
    for _ in paced_attempts(_ATTEMPTS):
        try:
            linked = recording.locate(modb, message)
            if not dry_run:
                _copy(modb, message, linked)
            return _report_row(modb, message, Outcome.RESOLVED, copied=linked.length)
        except MissingAudio:
            return _report_row(modb, message, Outcome.FAILED, outcomes.NO_AUDIO)
        except Conflict:
            # Another writer changed the message, or gave it other audio.
            current = modb.get(message["_id"])
            if current is None or current.get("_attachments") or not modb_messages.linked_ids(current):
                return _report_row(modb, message, Outcome.PRESENT)
            message = current
        except Unreachable:
            raise
        except (CouchError, ValueError):
            return _report_row(modb, message, Outcome.FAILED, outcomes.BROKEN_AUDIO)
    return _report_row(modb, message, Outcome.FAILED, outcomes.CONFLICT)


def _copy(modb: Database, message: Document, linked: recording.Recording) -> None:
    # The time and author of the last change stay: this is no user's change.
    changed = message_store.with_audio_name(message, linked.name)
    try:
        copying.copy_audio(modb, changed, linked.name, linked, linked.open())
    except copying.BrokenAudio as error:
        modb.put({**message, "_rev": error.revision})  # with its link again
        raise


def _report_row(modb: Database, message: Document, outcome: Outcome, reason: str = "", copied: int = 0) -> Row:
    owner = database_names.parse(modb.name)
    account_id = owner.account_id if owner else ""
    previous_id = message.get(PREVIOUS_ID)
    media_id = previous_id if isinstance(previous_id, str) else None
    return Row(account_id, message.get("source_id"), media_id, message["_id"], outcome, reason, copied)
