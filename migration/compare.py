"""Compare a stored message with the entry it came from: metadata field by field, audio by its digest."""

import hashlib
from collections.abc import Mapping
from typing import Any, NamedTuple

from couch.database import Database, Document
from couch.errors import CouchError, Unreachable
from storage import database_names, private_fields
from voicemail.audio import copying, recording
from voicemail.audio.recording import MissingAudio
from voicemail.legacy.media import Audio, MediaLibrary, usable_audio
from voicemail.messages import metadata

VERIFIED, CHANGED, DIFFERING = "verified", "changed", "differing"
# Fields of the metadata that clients can't change.
_FIXED_FIELDS = ("timestamp", "from", "to", "caller_id_number", "caller_id_name", "call_id")


class Verdict(NamedTuple):
    """The outcome of a comparison, and what differs."""

    outcome: str
    reason: str = ""


class Comparison(NamedTuple):
    """A stored message and the media document that it came from, which may be gone."""

    modb: Database
    stored: Document
    media: Mapping[str, Any] | None


def compare_message(comparison: Comparison, expected: Document | None, library: MediaLibrary) -> Verdict:
    """Whether a message is as it was made.

    `expected`: the document that its entry becomes. Without one, the message is only checked for contradictions in
    itself. Changes by users are no fault: a message that was moved to another folder, removed, or given other audio
    is CHANGED.
    """
    stored = comparison.stored
    difference = _find_contradiction(comparison.modb, stored) or _find_difference(stored, expected)
    if difference:
        return Verdict(DIFFERING, difference)
    is_used = was_changed(stored)
    is_removed = not private_fields.is_live(stored) and (expected is None or private_fields.is_live(expected))
    if not _has_audio_of_media(comparison, library):
        return Verdict(CHANGED if is_used or is_removed else DIFFERING, "audio")
    if is_removed:
        return Verdict(CHANGED if is_used or expected is None else DIFFERING, "removed")
    if expected is not None and metadata.folder(stored) != metadata.folder(expected):
        return Verdict(CHANGED if is_used else DIFFERING, "folder")
    return Verdict(VERIFIED)


def was_changed(stored: Mapping[str, Any]) -> bool:
    """Whether Kazoo or a client changed a message since it was stored."""
    return stored.get("pvt_modified") != stored.get("pvt_created")


def has_same_audio(audio: Audio, media: Document, library: MediaLibrary, modb: Database, stored: Document) -> bool:
    """Whether a message has the audio of a media document, attached or linked."""
    try:
        stored_audio = recording.locate(modb, stored)
    except MissingAudio:
        return False
    if audio.digest is not None and audio.digest == stored_audio.digest:
        return True
    digest = _read_digest(audio, media, library)
    if digest is None:
        return False
    if stored_audio.database.name != modb.name:
        return stored_audio.digest == digest
    return copying.matches_digest(modb, stored, digest)


def fingerprint(*texts: object) -> int:
    """A number that stands for some texts: small enough to be kept by the hundred thousand."""
    digest = hashlib.blake2b("\n".join(map(str, texts)).encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest, "big")


def _read_digest(audio: Audio, media: Document, library: MediaLibrary) -> str | None:
    """The digest of a media document's audio; None if it can't be read to its end."""
    stream = library.open(media, audio.name)
    if stream is None:
        return None
    try:
        return copying.digest_stream(stream)
    except Unreachable:
        raise
    except (CouchError, ValueError):
        return None


def _has_audio_of_media(comparison: Comparison, library: MediaLibrary) -> bool:
    """Whether the audio is that of the media document, or, if that has none, whether there is any."""
    audio = usable_audio(comparison.media)
    if audio is None or comparison.media is None:
        return recording.has_audio(comparison.stored)
    return has_same_audio(audio, dict(comparison.media), library, comparison.modb, comparison.stored)


def _find_contradiction(modb: Database, stored: Document) -> str:
    """The first field in which a message contradicts itself; empty if there is none."""
    owner = database_names.parse(modb.name)
    fields = metadata.of(stored)
    if not fields:
        return "metadata"
    if owner is None or database_names.month_of_message(stored["_id"]) != owner.month:
        return "month"
    for end in ("from", "to"):
        user, realm = fields.get(f"{end}_user"), fields.get(f"{end}_realm")
        if user is not None and realm is not None and fields.get(end) != f"{user}@{realm}":
            return end
    if fields.get("media_id") != stored["_id"]:
        return "media_id"
    return "timestamp" if fields.get("timestamp") != stored.get("utc_seconds") else ""


def _find_difference(stored: Document, expected: Document | None) -> str:
    """The first field in which a message is not as expected; empty if there is none."""
    if expected is None:
        return ""
    stored_fields, expected_fields = metadata.of(stored), metadata.of(expected)
    names = _FIXED_FIELDS if was_changed(stored) else (*_FIXED_FIELDS, "length")
    for name in names:
        if stored_fields.get(name) != expected_fields.get(name):
            return name
    if stored.get("source_id") != expected.get("source_id"):
        return "source_id"
    transcription = expected.get("transcription")
    if transcription is not None and stored.get("transcription") != transcription:
        return "transcription"
    return ""
