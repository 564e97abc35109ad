"""What an entry of Kazoo 3.x becomes: the message's document, and where its audio comes from."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, Protocol
from zoneinfo import ZoneInfo

from couch.client import Database, Document, couch
from storage import database_names, private_fields
from storage.private_fields import Actor
from voicemail.audio import content_types, recording
from voicemail.legacy.entries import Entry
from voicemail.messages import bulk
from voicemail.messages import store as message_store

MOVED = "pvt_moved_to_modb"
PREVIOUS_ID = "pvt_previous_id"


class Stream(Protocol):
    """Audio being read."""

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes, none at the end."""

    def close(self) -> None:
        """Give up what is unread."""


class Library(Protocol):
    """Where the media documents of an account are."""

    def fetch(self, ids: Iterable[str], /) -> Mapping[str, Document]:
        """The existing ones of some media documents, by id, their attachments as stubs."""

    def open(self, doc: Document, name: str, /) -> Stream | None:
        """An attachment of a media document, from its beginning; None when it is gone."""


class AccountLibrary:
    """The media documents in an account's own database."""

    def __init__(self, account_id: str) -> None:
        self.database: Database = couch().database(database_names.account_db(account_id))

    def fetch(self, ids: Iterable[str], /) -> Mapping[str, Document]:
        """The existing ones of some media documents, in one request."""
        # An id may be anything; CouchDB keeps those that begin with an underscore to itself.
        return self.database.fetch(one for one in ids if not one.startswith("_"))

    def open(self, doc: Document, name: str, /) -> Stream | None:
        """An attachment as the media document's revision has it."""
        return self.database.attachment(doc["_id"], name, rev=doc["_rev"])


class Audio(NamedTuple):
    """The audio of a media document: the attachment's name and what its stub tells."""

    name: str
    content_type: str
    length: int
    digest: str | None


def audio_of(media: Mapping[str, Any] | None) -> Audio | None:
    """The audio of a media document; None when the document is missing or deleted, or has no attachment."""
    return attached(media) if media is not None and private_fields.is_live(dict(media)) else None


def attached(doc: Mapping[str, Any]) -> Audio | None:
    """The audio that is attached to a document, whatever that is; None when there is none."""
    stubs = doc.get("_attachments")
    if not isinstance(stubs, dict) or not stubs:
        return None
    name = next((one for one in sorted(stubs) if _is_audio(stubs[one])), min(stubs))
    stub = stubs[name]
    return Audio(name, stub.get("content_type") or content_types.OCTETS, stub.get("length", 0), stub.get("digest"))


def build(
    account: Mapping[str, Any],
    box: Mapping[str, Any],
    entry: Entry,
    media: Mapping[str, Any] | None,
    message_id: str,
    seconds: int,
    zone: ZoneInfo | None,
    actor: Actor | None,
) -> Document:
    """The message that an entry becomes, but for its audio; the media document's transcription comes along."""
    described = {**entry.described, "timestamp": seconds}
    doc = message_store.build(account, box, described, zone, message_id=message_id, actor=actor)
    transcription = (media or {}).get("transcription")
    told = {"transcription": transcription} if isinstance(transcription, dict) else {}
    whole = {**doc, **told, MOVED: "true", PREVIOUS_ID: entry.media_id}
    # A second ago: what a client changes at once has a later time, and so shows as changed (`comparing.is_used`).
    whole |= {key: whole[key] - 1 for key in ("pvt_created", "pvt_modified")}
    # A deleted box's messages are what deleting it would have made of them: kept, and in no listing.
    return whole if private_fields.is_live(dict(box)) else bulk.removed_with_box(whole)


def fit_name(found: Audio) -> str:
    """The attachment's name, when CouchDB and a URL take it; else one like it."""
    name = found.name
    fit = name and name.isprintable() and not name.startswith("_") and "/" not in name
    return name if fit else content_types.attachment_name(name, found.content_type)


def with_link(doc: Mapping[str, Any], account_id: str, media_id: str, found: Audio) -> Document:
    """A message's document whose audio stays where it is: the soft link that Kazoo's own migration writes."""
    link = {"att_dbname": database_names.encoded(database_names.account_db(account_id)), "att_docid": media_id}
    entry = {"content_type": found.content_type, "length": 0, "stub": False, "handler": {recording.LINK: link}}
    return {**doc, "media_filename": found.name, "pvt_attachments": {found.name: entry}}


def _is_audio(stub: Any) -> bool:
    return isinstance(stub, dict) and content_types.is_audio(str(stub.get("content_type") or ""))


def pieces(stream: Stream, size: int = 65_536) -> Iterator[bytes]:
    """A stream's bytes to its end."""
    while piece := stream.read(size):
        yield piece
