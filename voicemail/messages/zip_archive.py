"""The audio of many messages as one ZIP that is written while it is sent, with little of it in memory."""

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
from voicemail.audio import recording
from voicemail.audio.recording import MissingAudio, Recording
from voicemail.legacy import on_access
from voicemail.mailboxes import time_zone
from voicemail.messages import batches, file_names

MISSING = "missing.txt"
_PAGE = 100  # documents of messages that are held at a time
# Bytes of audio that CouchDB prepares while earlier ones are sent: few enough that even a slow client takes those
# before a proxy closes the idle connection to CouchDB.
_PREFETCHED_BYTES = 512 * 1024
_CHUNK = 64 * 1024


class _File(NamedTuple):
    """A message and its audio, which is not read yet."""

    message: Document
    audio: Recording


def zip_stream(account: Mapping[str, Any], box: Mapping[str, Any], ids: Iterable[str]) -> Iterator[bytes]:
    """The chunks of a ZIP with the audio of messages of a mailbox, uncompressed: audio is compressed already.

    Ids of no message of the mailbox, and messages without audio, are listed in ``missing.txt``. Raises BadIdentifier,
    before anything is sent, if there is no audio at all. If CouchDB fails later the stream ends with an error, so
    that no client takes half a ZIP for a complete one.
    """
    current = on_access.find_current_ids(account, box, ids)
    missing = dict(current.failed)
    files = _find_files(account["_id"], box["_id"], list(dict.fromkeys(current.ids.values())), missing)
    first = next(files, None)
    if first is None:
        raise BadIdentifier(recording.NO_AUDIO)
    return _join_chunks(_write_zip(chain([first], files), missing, time_zone.of_box(account, box)))


def _find_files(account_id: str, box_id: str, ids: Sequence[str], missing: dict[str, str]) -> Iterator[_File]:
    """The messages that have audio, fetched page by page. The others are added to `missing`."""
    for start in range(0, len(ids), _PAGE):
        page = ids[start : start + _PAGE]
        messages = batches.fetch(account_id, box_id, page)
        for message_id in page:
            if message_id not in messages:
                missing[message_id] = batches.NOT_FOUND
                continue
            modb, doc = messages[message_id]
            try:
                yield _File(doc, recording.locate(modb, doc))
            except MissingAudio as error:
                missing[message_id] = str(error.data["cause"])


def _request_audio(files: Iterable[_File]) -> Iterator[tuple[_File, PendingAttachment]]:
    """Each file with its audio requested, as that of some following files is."""
    requested: deque[tuple[_File, PendingAttachment]] = deque()
    try:
        for file in files:
            while requested and sum(r.audio.length for r, _ in requested) + file.audio.length > _PREFETCHED_BYTES:
                yield requested.popleft()
            requested.append((file, file.audio.request()))
        while requested:
            yield requested.popleft()
    finally:
        for _, pending in requested:
            pending.close()


def _open_audio(files: Iterable[_File], missing: dict[str, str]) -> Iterator[tuple[_File, Response]]:
    """Each file with a stream of its audio, which must be read before the next file is taken."""
    for file, pending in _request_audio(files):
        try:
            stream = recording.require_stream(pending.open())
        except MissingAudio as error:  # replaced or removed since its document was read
            missing[file.message["_id"]] = str(error.data["cause"])
            continue
        try:
            yield file, stream
        finally:
            stream.close()


def _write_zip(files: Iterable[_File], missing: dict[str, str], zone: ZoneInfo | None) -> Iterator[bytes]:
    archive = ZipStream(compress_type=ZIP_STORED)
    used_names = {MISSING}
    for (message, audio), stream in _open_audio(files, missing):
        name = file_names.make_unique(file_names.audio_file_name(message, zone, audio), used_names)
        archive.add(stream, name, size=audio.length)
        yield from archive.all_files()
    if missing:
        lines = (f"{message_id}: {reason}\r\n" for message_id, reason in missing.items())
        archive.add("".join(lines).encode(), MISSING)
    yield from archive.finalize()


def _join_chunks(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in larger chunks: headers of files, and entries of the ZIP's directory, are dozens of bytes."""
    buffer: list[bytes] = []
    size = 0
    for chunk in chunks:
        buffer.append(chunk)
        size += len(chunk)
        if size >= _CHUNK:
            yield b"".join(buffer)
            buffer.clear()
            size = 0
    if buffer:
        yield b"".join(buffer)
