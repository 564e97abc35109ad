"""Whether audio is stored as it was read: digests in CouchDB's spelling."""

import base64
import hashlib

from couch.client import Database, Document
from voicemail.audio import recording
from voicemail.legacy import documents
from voicemail.legacy.documents import Stream


class Reading:
    """A stream whose digest is taken while it is read, in CouchDB's spelling."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._hash = hashlib.md5(usedforsecurity=False)

    def read(self, size: int = -1, /) -> bytes:
        piece = self._stream.read(size)
        self._hash.update(piece)
        return piece

    def close(self) -> None:
        self._stream.close()

    @property
    def digest(self) -> str:
        return _spelled(self._hash.digest())


def of(content: bytes) -> str:
    """The digest of some bytes."""
    return _spelled(hashlib.md5(content, usedforsecurity=False).digest())


def _spelled(digest: bytes) -> str:
    return "md5-" + base64.b64encode(digest).decode()


def has_audio_of(modb: Database, stored: Document, digest: str) -> bool:
    """Whether the audio of a message's document, as it is stored, has a digest (in CouchDB's spelling)."""
    stub: Document = next(iter((stored.get("_attachments") or {}).values()), {})
    return stub.get("digest") == digest or _read_again(modb, stored) == digest


def _read_again(modb: Database, stored: Document) -> str | None:
    """The digest of a stored message's audio, read: CouchDB's own is another where it keeps it compressed."""
    try:
        stream = recording.open_audio(modb, stored)
    except recording.MissingAudio:
        return None
    reading = Reading(stream)
    try:
        for _ in documents.pieces(reading):
            pass
    finally:
        stream.close()
    return reading.digest
