"""Whether a stored message is what an entry of 3.x was: metadata field by field, audio by digest."""

import hashlib
from collections.abc import Mapping
from typing import Any, NamedTuple

from couch.client import Database, Document
from couch.errors import CouchError, Unreachable
from storage import database_names, private_fields
from voicemail.audio import copying, recording
from voicemail.audio.recording import MissingAudio
from voicemail.legacy import media as legacy_media
from voicemail.legacy.media import MediaLibrary
from voicemail.messages import metadata

VERIFIED, CHANGED, DIFFERING = "verified", "changed", "differing"
# What nobody changes in a message; its folder anybody may.
_FIELDS = ("timestamp", "from", "to", "caller_id_number", "caller_id_name", "call_id")


class Verdict(NamedTuple):
    """What a message turned out to be, and in what it differs."""

    outcome: str
    reason: str = ""


class Compared(NamedTuple):
    """A message and the media document that it came from, which may be gone."""

    modb: Database
    stored: Document
    media: Mapping[str, Any] | None


def verdict(compared: Compared, expected: Document | None, library: MediaLibrary) -> Verdict:
    """Whether a message is as it was made.

    `expected`: the document that its entry becomes; without one the message is looked at for whether it agrees with
    itself. What users did to it since is no fault: a message that was moved or removed, put into another folder, or
    given other audio, says that it was changed.
    """
    stored = compared.stored
    differing = _itself(compared.modb, stored) or _metadata(stored, expected)
    if differing:
        return Verdict(DIFFERING, differing)
    used = is_used(stored)
    removed = not private_fields.is_live(stored) and (expected is None or private_fields.is_live(expected))
    if not _same_audio(compared, library):
        return Verdict(CHANGED, "audio") if used or removed else Verdict(DIFFERING, "audio")
    if removed:
        return Verdict(CHANGED, "removed") if used or expected is None else Verdict(DIFFERING, "removed")
    if expected is not None and metadata.folder(stored) != metadata.folder(expected):
        return Verdict(CHANGED, "folder") if used else Verdict(DIFFERING, "folder")
    return Verdict(VERIFIED)


def is_used(stored: Mapping[str, Any]) -> bool:
    """Whether a message was changed since it was stored, by Kazoo or through the API."""
    return stored.get("pvt_modified") != stored.get("pvt_created")


def same_audio(
    found: legacy_media.Audio, media: Document, library: MediaLibrary, modb: Database, stored: Document
) -> bool:
    """Whether a message has the audio of a media document; its own, or linked."""
    try:
        recorded = recording.recording(modb, stored)
    except MissingAudio:
        return False
    if found.digest is not None and found.digest == recorded.digest:
        return True
    digest = digest_of(found, media, library)
    if digest is None:
        return False
    if recorded.database.name != modb.name:
        return recorded.digest == digest
    return copying.has_audio(modb, stored, digest)


def digest_of(found: legacy_media.Audio, media: Document, library: MediaLibrary) -> str | None:
    """The digest of a media document's audio, read to its end; None when it can't be."""
    stream = library.open(media, found.name)
    if stream is None:
        return None
    reading = copying.DigestingStream(stream)
    try:
        for _ in copying.read_pieces(reading):
            pass
    except Unreachable:
        raise
    except (CouchError, ValueError):
        return None
    finally:
        stream.close()
    return reading.digest


def fingerprint(*texts: object) -> int:
    """A number in place of some texts, to be kept by the hundred thousand."""
    digest = hashlib.blake2b("\n".join(map(str, texts)).encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest, "big")


def _same_audio(compared: Compared, library: MediaLibrary) -> bool:
    """As far as there is anything to compare with; a message must have audio in any case."""
    found = legacy_media.usable_audio(compared.media)
    if found is None or compared.media is None:
        return recording.has_audio(compared.stored)
    return same_audio(found, dict(compared.media), library, compared.modb, compared.stored)


def _itself(modb: Database, stored: Document) -> str:
    """In what a message contradicts itself."""
    owner = database_names.split(modb.name)
    described = metadata.of(stored)
    if not described:
        return "metadata"
    if owner is None or database_names.month_of_message(stored["_id"]) != owner.month:
        return "month"
    for end in ("from", "to"):
        user, realm = described.get(f"{end}_user"), described.get(f"{end}_realm")
        if user is not None and realm is not None and described.get(end) != f"{user}@{realm}":
            return end
    if described.get("media_id") != stored["_id"]:
        return "media_id"
    return "timestamp" if described.get("timestamp") != stored.get("utc_seconds") else ""


def _metadata(stored: Document, expected: Document | None) -> str:
    """The first field in which a message is not what it should be."""
    if expected is None:
        return ""
    ours, theirs = metadata.of(stored), metadata.of(expected)
    fields = _FIELDS if is_used(stored) else (*_FIELDS, "length")
    for name in fields:
        if ours.get(name) != theirs.get(name):
            return name
    if stored.get("source_id") != expected.get("source_id"):
        return "source_id"
    told = expected.get("transcription")
    return "transcription" if told is not None and stored.get("transcription") != told else ""
