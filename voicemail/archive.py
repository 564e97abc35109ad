"""The audio of many messages as one ZIP, made while it is sent: one message's audio at a time, none in memory."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from zipstream import ZIP_STORED, ZipStream

from accounts.couch import AttachmentStream, Database, Document
from crossbar.errors import BadIdentifier
from voicemail import audio, changes, mailboxes

MISSING = "missing.txt"


def zip_stream(account: Mapping[str, Any], box: Mapping[str, Any], ids: Iterable[str]) -> Iterator[bytes]:
    """The pieces of a ZIP with the audio of a box's messages, stored as it is: audio is compressed already.

    Ids of no message of the box, and messages without audio, are listed in ``missing.txt``. BadIdentifier, before
    anything is sent, when there is no audio at all. Should CouchDB go away midway the stream breaks off with an
    error, so that nobody takes half a ZIP for a whole one.
    """
    found, missing = _collect(account, box, ids)
    if not found:
        raise BadIdentifier(audio.NO_AUDIO)
    archive = ZipStream(compress_type=ZIP_STORED)
    zone = mailboxes.zone(account, box)
    names: set[str] = set()
    for modb, doc in found:
        try:
            recording = audio.recording(modb, doc)
        except audio.MissingAudio as error:
            missing[doc["_id"]] = str(error.data["cause"])
            continue
        archive.add(_Audio(recording), _unique(audio.download_name(doc, zone, recording), names))
    if not names:
        raise BadIdentifier(audio.NO_AUDIO)
    if missing:
        lines = (f"{message_id}: {reason}\r\n" for message_id, reason in missing.items())
        archive.add("".join(lines).encode(), _unique(MISSING, names))
    return iter(archive)


class _Audio:
    """Opens a recording when its turn comes, so that one connection is in use at a time."""

    def __init__(self, recording: audio.Recording) -> None:
        self._recording = recording

    def __iter__(self) -> Iterator[bytes]:
        stream: AttachmentStream = self._recording.open()
        try:
            yield from stream
        finally:
            stream.close()


def _collect(
    account: Mapping[str, Any], box: Mapping[str, Any], ids: Iterable[str]
) -> tuple[list[tuple[Database, Document]], dict[str, str]]:
    """The messages of a box with audio, in the order asked for, and why the others are missing."""
    wanted = list(dict.fromkeys(ids))
    docs = changes.fetch_many(account["_id"], box["_id"], wanted)
    missing = {message_id: changes.NOT_FOUND for message_id in wanted if message_id not in docs}
    found = []
    for message_id, (modb, doc) in docs.items():
        if audio.has_audio(doc):
            found.append((modb, doc))
        else:
            missing[message_id] = audio.NO_AUDIO
    return found, missing


def _unique(name: str, taken: set[str]) -> str:
    """The name, or with a number before its extension if it is taken: messages of one second share a name."""
    stem, dot, extension = name.rpartition(".")
    unique, number = name, 2
    while unique.lower() in taken:
        unique, number = f"{stem}-{number}{dot}{extension}", number + 1
    taken.add(unique.lower())
    return unique
