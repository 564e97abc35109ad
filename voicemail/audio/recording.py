"""A message's audio: where it is, and reading it.

It is the attachment of the message's document, or, after Kazoo's own migration, that of another document of
the same account, which the message's ``pvt_attachments`` link to (handler ``kz_att_link``).
"""

import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from couch.attachments import PendingAttachment
from couch.client import Database, Document, couch
from couch.session import Response
from crossbar.errors import BadIdentifier
from storage import database_names, values
from voicemail.audio import content_types
from voicemail.messages import metadata, retention

logger = logging.getLogger(__name__)

NO_AUDIO = "voicemail message does not have any audio file"
LINK = "kz_att_link"
_NOT_IN_A_NAME = re.compile(r"[^\w+.-]+")


class MissingAudio(BadIdentifier):
    """The message has no audio, or none that can be read here; `cause` says why."""


@dataclass(frozen=True)
class Recording:
    """Where a message's audio is, and what is known of it without reading it."""

    database: Database
    doc_id: str
    revision: str
    name: str
    content_type: str
    length: int
    digest: str
    """Changes with the bytes, and only with them."""

    def open(self) -> Response:
        """All the bytes; MissingAudio when they are gone meanwhile."""
        return self._stream({})

    def request(self) -> PendingAttachment:
        """All the bytes, asked for now and to be read after others."""
        return self.database.request_attachment(self.doc_id, self.name, self.revision)

    def pieces(self, first: int, last: int) -> Iterable[bytes]:
        """The bytes from `first` to `last`, both included; MissingAudio. Close it, or read it to its end."""
        stream = self._stream({"Range": f"bytes={first}-{last}"})
        # CouchDB knows no ranges of an attachment that it keeps compressed.
        return stream if stream.status == 206 else _cut(stream, first, last)

    def _stream(self, headers: Mapping[str, str]) -> Response:
        return present(self.database.open_attachment(self.doc_id, self.name, headers=headers, rev=self.revision))


def recording(database: Database, doc: Document) -> Recording:
    """Where the audio of a message's document (of that database) is; MissingAudio.

    Costs no request, or one where the audio is linked.
    """
    stubs = _members(doc, "_attachments")
    if stubs:
        return _recording(database, doc, next(iter(stubs)))
    for name, entry in _members(doc, "pvt_attachments").items():
        return _linked(database, name, entry)
    raise MissingAudio(NO_AUDIO)


def has_audio(doc: Mapping[str, Any]) -> bool:
    """Whether a message's document says that it has audio, wherever that is."""
    return bool(doc.get("_attachments") or doc.get("pvt_attachments"))


def present(stream: Response | None) -> Response:
    """A recording's bytes, if there are any; else MissingAudio."""
    if stream is None:
        raise MissingAudio(NO_AUDIO)
    return stream


def open_audio(database: Database, doc: Document) -> Response:
    """The audio of a message's document, from its beginning; MissingAudio."""
    return recording(database, doc).open()


def download_name(doc: Document, zone: ZoneInfo | None, found: Recording) -> str:
    """What the audio is called when it is downloaded: ``1001_2016-05-09_17-18-42.mp3``.

    Caller id number, time in the zone (UTC for None) and extension; nothing in it needs to be quoted anywhere.
    """
    caller = str(metadata.of(doc).get("caller_id_number") or "")
    parts = [_NOT_IN_A_NAME.sub("_", content_types.safe_text(caller)).strip("_") or metadata.ANONYMOUS]
    left = values.as_integer(metadata.of(doc).get("timestamp")) or retention.age(doc)
    try:
        parts.append(f"{metadata.local_time(left or 0, zone)[0]:%Y-%m-%d_%H-%M-%S}")
    except ValueError:
        logger.warning("Message %s was left at no time", doc["_id"])
    suffix = content_types.attachment_name(found.name, found.content_type).rpartition(".")[2]
    return f"{'_'.join(parts)}.{suffix}"


def _recording(database: Database, doc: Document, name: str) -> Recording:
    stub = doc["_attachments"][name]
    return Recording(
        database=database,
        doc_id=doc["_id"],
        revision=doc["_rev"],
        name=name,
        content_type=stub.get("content_type") or content_types.OCTETS,
        length=stub.get("length", 0),
        digest=stub.get("digest") or doc["_rev"],
    )


def _linked(database: Database, name: str, entry: Any) -> Recording:
    """What a link leads to: the attachment of that name, else the only one, of a document of the same account."""
    handler = entry.get("handler") if isinstance(entry, dict) else None
    link = handler.get(LINK) if isinstance(handler, dict) else None
    if not isinstance(link, dict):
        kept_by = ", ".join(handler) if isinstance(handler, dict) else str(handler)
        logger.error("Audio of a message in %s is kept by %s, which this service can't read", database.name, kept_by)
        raise MissingAudio(f"voicemail message has its audio in a storage that can't be read here: {kept_by}")
    linked_db, doc_id = str(link.get("att_dbname") or ""), str(link.get("att_docid") or "")
    theirs, ours = database_names.split(linked_db), database_names.split(database.name)
    if theirs is None or ours is None or theirs.account_id != ours.account_id:
        logger.error("A message in %s links to audio outside its account: %s", database.name, linked_db)
        raise MissingAudio("voicemail message links to audio outside its account")
    source = couch().database(database_names.decoded(linked_db))
    doc = source.get(doc_id)
    stubs = {} if doc is None else _members(doc, "_attachments")
    if doc is None or not stubs:
        raise MissingAudio(NO_AUDIO)
    return _recording(source, doc, name if name in stubs else next(iter(stubs)))


def _cut(stream: Response, first: int, last: int) -> Iterator[bytes]:
    """A part of a whole stream, which is closed at its end."""
    position = 0
    try:
        for piece in stream:
            yield piece[max(first - position, 0) : last + 1 - position]
            position += len(piece)
            if position > last:
                return
    finally:
        stream.close()


def _members(doc: Mapping[str, Any], key: str) -> dict[str, Any]:
    found = doc.get(key)
    return found if isinstance(found, dict) else {}
