"""A message's audio: find it and read it.

It is the attachment of the message's document or, after Kazoo's own migration, that of another document of the same
account, to which ``pvt_attachments`` links (handler ``kz_att_link``).
"""

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from couch.attachments import PendingAttachment
from couch.client import couch
from couch.database import Database, Document
from couch.session import Response
from crossbar.errors import BadIdentifier
from storage import database_names
from voicemail.audio import content_types

logger = logging.getLogger(__name__)

NO_AUDIO = "voicemail message does not have any audio file"
LINK = "kz_att_link"


class MissingAudio(BadIdentifier):
    """The message has no audio, or none that can be read here; `cause` says why."""


@dataclass(frozen=True)
class Recording:
    """Where a message's audio is stored, and what its document says about it."""

    database: Database
    doc_id: str
    revision: str
    name: str
    content_type: str
    length: int
    digest: str
    """Changes with the bytes, and only with them."""

    @property
    def safe_type(self) -> str:
        """The content type to send it with; ``application/octet-stream`` if what is stored is none of audio."""
        return content_types.safe_type(self.content_type)

    def open(self) -> Response:
        """A stream of all bytes; raises MissingAudio if they were deleted meanwhile."""
        return self._open({})

    def open_range(self, first: int, last: int) -> Iterable[bytes]:
        """The bytes from `first` to `last`, both included; raises MissingAudio. Read it to its end, or close it."""
        stream = self._open({"Range": f"bytes={first}-{last}"})
        # CouchDB ignores a range of an attachment that it keeps compressed.
        return stream if stream.status == 206 else _cut(stream, first, last)

    def request(self) -> PendingAttachment:
        """Request all bytes, to be read later."""
        return self.database.request_attachment(self.doc_id, self.name, self.revision)

    def _open(self, headers: Mapping[str, str]) -> Response:
        stream = self.database.open_attachment(self.doc_id, self.name, headers=headers, rev=self.revision)
        return require_stream(stream)


def locate(database: Database, doc: Document) -> Recording:
    """The audio of a message's document, which is of that database; raises MissingAudio.

    Costs no request, or one if the audio is linked.
    """
    stubs = _dict_member(doc, "_attachments")
    if stubs:
        return _from_stub(database, doc, next(iter(stubs)))
    for name, entry in _dict_member(doc, "pvt_attachments").items():
        return _follow_link(database, name, entry)
    raise MissingAudio(NO_AUDIO)


def has_audio(doc: Mapping[str, Any]) -> bool:
    """Whether a message's document has audio, attached or linked."""
    return bool(doc.get("_attachments") or doc.get("pvt_attachments"))


def without_audio(doc: Mapping[str, Any]) -> Document:
    """A copy of a document without its audio, attached or linked."""
    return {key: value for key, value in doc.items() if key not in ("_attachments", "pvt_attachments")}


def stated_type(doc: Mapping[str, Any]) -> str:
    """The content type that a message's document states for its audio; empty if it states none."""
    for entries in (_dict_member(doc, "_attachments"), _dict_member(doc, "pvt_attachments")):
        for entry in entries.values():
            return str(entry.get("content_type") or "") if isinstance(entry, dict) else ""
    return ""


def require_stream(stream: Response | None) -> Response:
    """The stream; raises MissingAudio if it is None."""
    if stream is None:
        raise MissingAudio(NO_AUDIO)
    return stream


def open_audio(database: Database, doc: Document) -> Response:
    """A stream of the audio of a message's document; raises MissingAudio."""
    return locate(database, doc).open()


def _from_stub(database: Database, doc: Document, name: str) -> Recording:
    stub = doc["_attachments"][name]
    return Recording(
        database=database,
        doc_id=doc["_id"],
        revision=doc["_rev"],
        name=name,
        content_type=str(stub.get("content_type") or content_types.OCTETS),
        length=stub.get("length", 0),
        digest=stub.get("digest") or doc["_rev"],
    )


def _follow_link(database: Database, name: str, entry: Any) -> Recording:
    """The linked audio: the attachment of that name, or else the only one, of a document of the same account."""
    handler = entry.get("handler") if isinstance(entry, dict) else None
    link = handler.get(LINK) if isinstance(handler, dict) else None
    if not isinstance(link, dict):
        handlers = ", ".join(handler) if isinstance(handler, dict) else str(handler)
        logger.error("Audio of a message in %s has the handler %s, which is not supported", database.name, handlers)
        raise MissingAudio(f"voicemail message has its audio in a storage that can't be read here: {handlers}")
    linked_db, doc_id = str(link.get("att_dbname") or ""), str(link.get("att_docid") or "")
    linked_name, own_name = database_names.parse(linked_db), database_names.parse(database.name)
    if linked_name is None or own_name is None or linked_name.account_id != own_name.account_id:
        logger.error("A message in %s links to audio outside its account: %s", database.name, linked_db)
        raise MissingAudio("voicemail message links to audio outside its account")
    source = couch().database(database_names.decode(linked_db))
    doc = source.get(doc_id)
    stubs = {} if doc is None else _dict_member(doc, "_attachments")
    if doc is None or not stubs:
        raise MissingAudio(NO_AUDIO)
    return _from_stub(source, doc, name if name in stubs else next(iter(stubs)))


def _cut(stream: Response, first: int, last: int) -> Iterator[bytes]:
    """The bytes of a stream from `first` to `last`. Closes the stream."""
    position = 0
    try:
        for chunk in stream:
            yield chunk[max(first - position, 0) : last + 1 - position]
            position += len(chunk)
            if position > last:
                return
    finally:
        stream.close()


def _dict_member(doc: Mapping[str, Any], key: str) -> dict[str, Any]:
    member = doc.get(key)
    return member if isinstance(member, dict) else {}
