"""The ZIP of an export, written while it is sent: nothing of it is stored on the way."""

import re
import zlib
from collections.abc import Iterable, Iterator
from datetime import datetime

from django.utils import timezone
from stream_zip import ZIP_64, ZIP_AUTO, MemberFile, stream_zip

from couch.errors import CouchError, Unreachable
from erasure.export import overview
from erasure.export.overview import Line
from erasure.export.subjects import Held, Subject, as_json
from storage import gregorian
from voicemail.audio import content_types, recording
from voicemail.audio.copying import read_pieces
from voicemail.audio.recording import MissingAudio, Recording

_MODE = 0o100600
_CHUNK = 64 * 1024
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._+-]+")


def zip_export(subject: Subject) -> Iterator[bytes]:
    """The chunks of a ZIP with everything that is held of somebody.

    If CouchDB goes away meanwhile the stream ends with an error, so that nobody takes half of it for all.
    """
    members = _archive_members(subject, timezone.now())
    return iter(stream_zip(members, chunk_size=_CHUNK, get_compressobj=_compressor, extended_timestamps=False))


def _compressor() -> "zlib._Compress":
    return zlib.compressobj(level=1, wbits=-zlib.MAX_WBITS)  # most of it is audio


def _archive_members(subject: Subject, now: datetime) -> Iterator[MemberFile]:
    lines: list[Line] = []
    for held in subject.read():
        path = f"documents/{_safe(held.kind)}-{_safe(held.id)}.json"
        yield _file(path, now, as_json(held.members))
        audio = _locate(held)
        audio_path = ""
        if audio is not None:
            audio_path = f"audio/{_audio_name(held, audio)}"
            pieces = _open(audio)
            if pieces is None:
                audio_path = ""
            else:
                yield audio_path, now, _MODE, ZIP_AUTO(audio.length), pieces
        problem = overview.UNREADABLE if held.source is not None and not audio_path else ""
        lines.append(Line(held.kind, held.members, path, audio_path, problem))
    mails, records = list(subject.list_mails()), list(subject.list_records())
    yield _file("mails.json", now, as_json({"mails": mails}))
    yield _file("actions.json", now, as_json({"actions": records}))
    yield _file("messages.csv", now, overview.messages_csv(lines))
    yield _file("index.html", now, overview.index_html(subject.title, now, lines, len(mails), len(records)))


def _file(path: str, now: datetime, content: bytes) -> MemberFile:
    return path, now, _MODE, ZIP_64, [content]


def _locate(held: Held) -> Recording | None:
    if held.source is None:
        return None
    try:
        return recording.locate(*held.source)
    except Unreachable:
        raise
    except (MissingAudio, CouchError):
        return None


def _open(audio: Recording) -> Iterable[bytes] | None:
    """The bytes of a recording; None if it can't be read."""
    try:
        stream = audio.open()
    except Unreachable:
        raise
    except (MissingAudio, CouchError):
        return None
    return read_pieces(stream)


def _audio_name(held: Held, audio: Recording) -> str:
    """A name that tells the time of a message, and is no other's."""
    seconds = held.members.get("timestamp")
    is_time = isinstance(seconds, int) and gregorian.FIRST <= seconds <= gregorian.LAST
    time = f"{gregorian.to_datetime(seconds):%Y-%m-%d_%H-%M-%S}_" if is_time and seconds is not None else ""
    extension = content_types.extension(audio.content_type) or "bin"
    return f"{time}{_safe(held.kind)}-{_safe(held.id)}.{extension}"


def _safe(text: str) -> str:
    """A text as a part of a file's name: ids of old documents hold anything."""
    return _NOT_IN_NAMES.sub("_", text)[:150].lstrip(".") or "_"
