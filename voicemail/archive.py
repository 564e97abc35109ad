"""The audio of many messages as one ZIP, made while it is sent: one message's audio at a time, none in memory."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from zipstream import ZIP_STORED, ZipStream

from accounts.couch import Database, Document
from crossbar.errors import BadIdentifier
from voicemail import audio, mailboxes, selection
from voicemail.legacy import touch

MISSING = "missing.txt"


class _File(NamedTuple):
    """A message's audio, found and not yet read."""

    message: Document
    recording: audio.Recording


def zip_stream(account: Mapping[str, Any], box: Mapping[str, Any], ids: Iterable[str]) -> Iterator[bytes]:
    """The pieces of a ZIP with the audio of a box's messages, stored as it is: audio is compressed already.

    Ids of no message of the box, and messages without audio, are listed in ``missing.txt``. BadIdentifier, before
    anything is sent, when there is no audio at all. Should CouchDB go away midway the stream breaks off with an
    error, so that nobody takes half a ZIP for a whole one.
    """
    touched = touch.touch(account, box, ids)
    wanted = list(dict.fromkeys(touched.ids.values()))
    found = selection.fetch(account["_id"], box["_id"], wanted)
    missing = {message_id: selection.NOT_FOUND for message_id in wanted if message_id not in found}
    missing |= touched.failed
    files = _files(found.values(), missing)
    first = next(files, None)
    if first is None:
        raise BadIdentifier(audio.NO_AUDIO)
    return _pieces(chain([first], files), missing, mailboxes.zone(account, box))


def _files(found: Iterable[tuple[Database, Document]], missing: dict[str, str]) -> Iterator[_File]:
    """The messages that have audio, each looked for when its turn comes; the others become missing."""
    for modb, doc in found:
        try:
            yield _File(doc, audio.recording(modb, doc))
        except audio.MissingAudio as error:
            missing[doc["_id"]] = str(error.data["cause"])


def _pieces(files: Iterable[_File], missing: dict[str, str], zone: ZoneInfo | None) -> Iterator[bytes]:
    archive = ZipStream(compress_type=ZIP_STORED)
    names = {MISSING}
    for message, recording in files:
        try:
            stream = recording.open()
        except audio.MissingAudio as error:  # replaced or removed since it was found
            missing[message["_id"]] = str(error.data["cause"])
            continue
        try:
            name = _unique(audio.download_name(message, zone, recording), names)
            archive.add(stream, name, size=recording.length)
            yield from archive.all_files()
        finally:
            stream.close()
    if missing:
        lines = (f"{message_id}: {reason}\r\n" for message_id, reason in missing.items())
        archive.add("".join(lines).encode(), MISSING)
    yield from archive.finalize()


def _unique(name: str, taken: set[str]) -> str:
    """The name, or with a number before its extension if it is taken: messages of one second share a name."""
    stem, dot, extension = name.rpartition(".")
    unique, number = name, 2
    while unique.lower() in taken:
        unique, number = f"{stem}-{number}{dot}{extension}", number + 1
    taken.add(unique.lower())
    return unique
