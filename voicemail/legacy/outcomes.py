"""How entries of Kazoo 3.x are to be migrated, and what becomes of each."""

from dataclasses import dataclass
from enum import StrEnum

from storage.private_fields import Actor
from voicemail.legacy.entries import Entry

NO_MEDIA_ID = "no_media_id"
NO_AUDIO = "no_audio"
TOO_LARGE = "too_large"
BROKEN_AUDIO = "broken_audio"
REFUSED = "refused"
CONFLICT = "conflict"


class Outcome(StrEnum):
    """What became of an entry."""

    MIGRATED = "migrated"
    LINKED = "linked"
    RESOLVED = "resolved"  # the message had a link in place of the audio that it has now
    PRESENT = "present"  # the message was there already, or has been removed since
    FAILED = "failed"


@dataclass(frozen=True)
class EntryResult:
    """What became of an entry, or would become of it: its message's id, or the reason why there is none."""

    entry: Entry
    outcome: Outcome
    message_id: str | None = None
    reason: str | None = None
    copied: int = 0
    """Bytes of audio that were copied."""


@dataclass(frozen=True)
class MigrationOptions:
    """How entries are to be migrated."""

    link: bool = False
    """Link to the audio where it is, as Kazoo's own migration may, and don't copy it."""
    audio_optional: bool = False
    """Accept an entry without audio: its message is about to be removed, or to get new audio."""
    dry_run: bool = False
    """Find out what would become of the entries, and write nothing."""
    shared_media: frozenset[str] = frozenset()
    """Media ids for which another mailbox's message gets the first id. A caller that migrates several mailboxes at
    once names them, so that ids don't depend on which mailbox is quicker."""
    actor: Actor | None = None
