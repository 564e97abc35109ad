"""The audio of many messages as one ZIP, made while it is sent: little of it is ever in memory."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from zipstream import ZIP_STORED, ZipStream

from couch.attachments import PendingAttachment
from couch.client import Document
from couch.session import Response
from crossbar.errors import BadIdentifier
from voicemail.audio import recording as audio
from voicemail.legacy import on_access
from voicemail.mailboxes import store as mailbox_store
from voicemail.messages import batches

MISSING = "missing.txt"
_PAGE = 100  # documents of messages that are held at a time
# Bytes of audio that CouchDB gets ready while what comes before them is sent. Few enough that a slow client has taken
# those before somebody between CouchDB and here takes a connection for dead that nobody reads.
_AHEAD = 512 * 1024
_WRITTEN_AT_ONCE = 64 * 1024


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
    current = on_access.find_current_ids(account, box, ids)
    missing = dict(current.failed)
    files = _files(account["_id"], box["_id"], list(dict.fromkeys(current.ids.values())), missing)
    first = next(files, None)
    if first is None:
        raise BadIdentifier(audio.NO_AUDIO)
    return _gathered(_pieces(chain([first], files), missing, mailbox_store.zone(account, box)))


def _files(account_id: str, box_id: str, ids: Sequence[str], missing: dict[str, str]) -> Iterator[_File]:
    """The messages that have audio, each looked for when its turn comes; the others become missing."""
    for start in range(0, len(ids), _PAGE):
        page = ids[start : start + _PAGE]
        found = batches.fetch(account_id, box_id, page)
        for message_id in page:
            if message_id not in found:
                missing[message_id] = batches.NOT_FOUND
                continue
            modb, doc = found[message_id]
            try:
                yield _File(doc, audio.recording(modb, doc))
            except audio.MissingAudio as error:
                missing[message_id] = str(error.data["cause"])


def _asked_for(files: Iterable[_File]) -> Iterator[tuple[_File, PendingAttachment]]:
    """Each file, the audio of the next ones asked for as well."""
    asked: deque[tuple[_File, PendingAttachment]] = deque()
    try:
        for file in files:
            while asked and sum(one.recording.length for one, _ in asked) + file.recording.length > _AHEAD:
                yield asked.popleft()
            asked.append((file, file.recording.request()))
        while asked:
            yield asked.popleft()
    finally:
        for _, ahead in asked:
            ahead.close()


def _opened(files: Iterable[_File], missing: dict[str, str]) -> Iterator[tuple[_File, Response]]:
    """Each file with its audio, to be read before the next one."""
    for file, ahead in _asked_for(files):
        try:
            stream = audio.present(ahead.open())
        except audio.MissingAudio as error:  # replaced or removed since it was found
            missing[file.message["_id"]] = str(error.data["cause"])
            continue
        try:
            yield file, stream
        finally:
            stream.close()


def _pieces(files: Iterable[_File], missing: dict[str, str], zone: ZoneInfo | None) -> Iterator[bytes]:
    archive = ZipStream(compress_type=ZIP_STORED)
    names = {MISSING}
    for (message, recording), stream in _opened(files, missing):
        name = _unique(audio.download_name(message, zone, recording), names)
        archive.add(stream, name, size=recording.length)
        yield from archive.all_files()
    if missing:
        lines = (f"{message_id}: {reason}\r\n" for message_id, reason in missing.items())
        archive.add("".join(lines).encode(), MISSING)
    yield from archive.finalize()


def _gathered(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in fewer pieces: files' headers and the ZIP's directory are dozens of bytes each."""
    held: list[bytes] = []
    size = 0
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size >= _WRITTEN_AT_ONCE:
            yield b"".join(held)
            held.clear()
            size = 0
    if held:
        yield b"".join(held)


def _unique(name: str, taken: set[str]) -> str:
    """The name, or with a number before its extension if it is taken: messages of one second share a name."""
    stem, dot, extension = name.rpartition(".")
    unique, number = name, 2
    while unique.lower() in taken:
        unique, number = f"{stem}-{number}{dot}{extension}", number + 1
    taken.add(unique.lower())
    return unique
