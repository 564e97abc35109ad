"""Copy audio into another document, in the write that stores the document, and verify the copy by its digest.

Digests are written as CouchDB writes them: ``md5-`` and base64.
"""

import base64
import hashlib
from collections.abc import Iterator
from typing import NamedTuple, Protocol

from couch.database import Database, Document
from voicemail.audio import content_types, recording


class Stream(Protocol):
    """Audio to be read once."""

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes; empty at the end."""

    def close(self) -> None:
        """Release the stream; unread bytes are lost."""


class AudioInfo(Protocol):
    """What is known of audio without reading it."""

    @property
    def name(self) -> str:
        """The attachment's name."""

    @property
    def content_type(self) -> str:
        """The attachment's content type."""

    @property
    def length(self) -> int:
        """The number of bytes."""


class BrokenAudio(ValueError):
    """The stored audio differs from the bytes that were read; `revision` is that of the stored document."""

    def __init__(self, revision: str) -> None:
        super().__init__("the stored audio differs from its source")
        self.revision = revision


class StoredAudio(NamedTuple):
    """A document as it was stored, and the digest of the audio that was read for it."""

    document: Document
    digest: str


class DigestingStream:
    """A stream that computes a digest of what is read from it."""

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
        return _format_digest(self._hash.digest())


def put_with_audio(database: Database, doc: Document, name: str, audio: AudioInfo, stream: Stream) -> StoredAudio:
    """Store a document together with audio as its attachment `name`. Closes the stream.

    Raises Conflict, TooLarge, Rejected, and ValueError if the stream ends early.
    """
    digesting = DigestingStream(stream)
    try:
        stored = database.put_with_attachment(doc, name, audio.content_type, digesting, audio.length)
    finally:
        stream.close()
    return StoredAudio(stored, digesting.digest)


def copy_audio(database: Database, doc: Document, name: str, audio: AudioInfo, stream: Stream) -> Document:
    """As `put_with_audio`, and verify what is stored; returns the stored document.

    A document that somebody changed right after it was stored passes: it may have new audio. Raises BrokenAudio,
    too.
    """
    copied = put_with_audio(database, doc, name, audio, stream)
    current = database.get(doc["_id"]) or {}
    if current.get("_rev") == copied.document["_rev"] and not matches_digest(database, current, copied.digest):
        raise BrokenAudio(copied.document["_rev"])
    return copied.document


def matches_digest(database: Database, doc: Document, digest: str) -> bool:
    """Whether the audio of a stored document has a digest."""
    stub: Document = next(iter((doc.get("_attachments") or {}).values()), {})
    return stub.get("digest") == digest or _read_digest(database, doc) == digest


def digest_stream(stream: Stream) -> str:
    """The digest of all bytes of a stream, which is closed."""
    digesting = DigestingStream(stream)
    try:
        for _ in read_pieces(digesting):
            pass
    finally:
        stream.close()
    return digesting.digest


def digest_bytes(content: bytes) -> str:
    """The digest of some bytes."""
    return _format_digest(hashlib.md5(content, usedforsecurity=False).digest())


def read_pieces(stream: Stream, size: int = 65_536) -> Iterator[bytes]:
    """All bytes of a stream, piece by piece."""
    while piece := stream.read(size):
        yield piece


def fit_name(audio: AudioInfo) -> str:
    """The attachment's name if CouchDB and URLs accept it, else a similar one."""
    name = audio.name
    is_fit = name and name.isprintable() and not name.startswith("_") and "/" not in name
    return name if is_fit else content_types.attachment_name(name, audio.content_type)


def _read_digest(database: Database, doc: Document) -> str | None:
    """The digest of a document's audio, read: CouchDB's own differs for an attachment that it keeps compressed."""
    try:
        return digest_stream(recording.open_audio(database, doc))
    except recording.MissingAudio:
        return None


def _format_digest(digest: bytes) -> str:
    return "md5-" + base64.b64encode(digest).decode()
