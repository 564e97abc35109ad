"""The audio of many messages as one ZIP that is written while it is sent, with little of it in memory.

Each recording is read whole before its entry begins, to disk if it is large. So the entry can state its size and
checksum in front, which programs need that read a ZIP as a stream (Java's ZipInputStream, say), and a recording that
can't be read is listed instead.
"""

import zlib
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain
from tempfile import SpooledTemporaryFile
from typing import IO, Any, NamedTuple
from zoneinfo import ZoneInfo

from stream_zip import NO_COMPRESSION_32, NO_COMPRESSION_64, MemberFile, stream_zip

from couch.attachments import PendingAttachment
from couch.client import couch
from couch.database import Document
from couch.errors import CircuitOpen, CouchError, TimedOut, Unreachable
from couch.session import Response
from crossbar.errors import BadIdentifier
from voicemail.audio import recording
from voicemail.audio.copying import read_pieces
from voicemail.audio.recording import MissingAudio, Recording
from voicemail.legacy import on_access
from voicemail.mailboxes import time_zone
from voicemail.messages import batches, file_names

MISSING = "missing.txt"
UNREADABLE = "the audio can't be read"
_PAGE = 100  # documents of messages that are held at a time
# Bytes of audio that CouchDB prepares while earlier ones are sent: few enough that even a slow client takes those
# before a proxy closes the idle connection to CouchDB.
_PREFETCHED_BYTES = 512 * 1024
_MAX_IN_MEMORY = 512 * 1024
_CHUNK = 64 * 1024
# Where the extensions for large archives begin, which some programs lack: before 4 GB and 65,535 files.
_LARGE_BYTES = 3_500_000_000
_LARGE_COUNT = 60_000
_MODE = 0o100644


class _File(NamedTuple):
    """A message and its audio, which is not read yet."""

    message: Document
    audio: Recording


class _Content(NamedTuple):
    """What is in a file of the archive."""

    file: IO[bytes]
    length: int
    checksum: int


def zip_stream(account: Mapping[str, Any], box: Mapping[str, Any], ids: Iterable[str]) -> Iterator[bytes]:
    """The chunks of a ZIP with the audio of messages of a mailbox, uncompressed: audio is compressed already.

    Ids of no message of the mailbox, and messages without audio that can be read, are listed in ``missing.txt``.
    Raises BadIdentifier, before anything is sent, if there is no audio at all. If CouchDB goes away later the stream
    ends with an error, so that no client takes half a ZIP for a complete one.
    """
    current = on_access.find_current_ids(account, box, ids)
    missing = dict(current.failed)
    files = _find_files(account["_id"], box["_id"], list(dict.fromkeys(current.ids.values())), missing)
    contents = _read_audio(files, missing)
    first = next(contents, None)
    if first is None:
        raise BadIdentifier(recording.NO_AUDIO)
    entries = _entries(chain([first], contents), missing, time_zone.of_box(account, box))
    return iter(stream_zip(entries, chunk_size=_CHUNK, extended_timestamps=False))


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
            except Unreachable:
                raise
            except CouchError:  # of the document that a link names
                missing[message_id] = UNREADABLE


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


def _read_audio(files: Iterable[_File], missing: dict[str, str]) -> Iterator[tuple[_File, _Content]]:
    """Each file with its audio, read. Those that can't be read are added to `missing`."""
    for file, pending in _request_audio(files):
        try:
            content = _read(file, pending)
        except MissingAudio as error:
            missing[file.message["_id"]] = str(error.data["cause"])
            continue
        with content.file:
            yield file, content


def _read(file: _File, pending: PendingAttachment) -> _Content:
    """Read a file's audio. Raises MissingAudio if CouchDB is up but can't read it, else Unreachable."""
    try:
        return _spool_recording(recording.require_stream(pending.open()))
    except (TimedOut, CircuitOpen):
        raise
    except Unreachable:  # perhaps of a connection that had to wait too long
        pass
    except CouchError as error:
        raise MissingAudio(UNREADABLE) from error
    try:
        return _spool_recording(file.audio.open())
    except CouchError as error:
        if isinstance(error, Unreachable) and not couch().is_up():
            raise
        raise MissingAudio(UNREADABLE) from error


def _spool_recording(stream: Response) -> _Content:
    """Read a stream to its end, and close it."""
    file = SpooledTemporaryFile(_MAX_IN_MEMORY)  # noqa: SIM115 - whoever gets it closes it
    length = checksum = 0
    try:
        for piece in read_pieces(stream):
            file.write(piece)
            length += len(piece)
            checksum = zlib.crc32(piece, checksum)
        file.seek(0)
    except BaseException:
        file.close()
        raise
    finally:
        stream.close()
    return _Content(file, length, checksum)


def _entries(
    files: Iterable[tuple[_File, _Content]], missing: Mapping[str, str], zone: ZoneInfo | None
) -> Iterator[MemberFile]:
    """The entries of the ZIP, of which each must be read before the next is taken."""
    now = datetime.now(zone or UTC)
    used_names = {MISSING: 1}
    size = count = 0

    def entry(name: str, length: int, checksum: int, pieces: Iterable[bytes]) -> MemberFile:
        is_large = size + length > _LARGE_BYTES or count > _LARGE_COUNT
        store = NO_COMPRESSION_64 if is_large else NO_COMPRESSION_32
        return name, now, _MODE, store(length, checksum), pieces

    for (message, audio), content in files:
        name = file_names.make_unique(file_names.audio_file_name(message, zone, audio), used_names)
        yield entry(name, content.length, content.checksum, read_pieces(content.file))
        size, count = size + content.length, count + 1
    if missing:
        text = "".join(f"{message_id}: {reason}\r\n" for message_id, reason in missing.items()).encode()
        yield entry(MISSING, len(text), zlib.crc32(text), [text])
