"""Audio for a browser that can't play it as it is stored."""

from collections.abc import Iterator
from typing import IO

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from crossbar.conditions import ByteRange, file_response, has_current, not_modified
from crossbar.errors import RangeNotSatisfiable
from voicemail.audio import playback
from voicemail.audio.copying import read_pieces
from voicemail.audio.recording import Recording


def converted_response(request: HttpRequest, audio: Recording) -> HttpResponseBase:
    """Return audio as MP3, or the part of it that a Range names; 304 if the browser has it.

    It is converted again for each request: players ask for a recording once or twice, and nothing is to be stored.
    """
    digest = f"{audio.digest}-{playback.FORMAT}"
    if has_current(request, digest):
        return not_modified(f'"{digest}"')
    converted = playback.convert(audio)
    try:
        return file_response(
            request,
            digest=digest,
            content_type=converted.content_type,
            length=converted.length,
            read=lambda part: _read(converted.file, part),
        )
    except RangeNotSatisfiable:
        converted.file.close()
        raise


def _read(file: IO[bytes], part: ByteRange | None) -> Iterator[bytes]:
    """The bytes of a file, or of a part of it. Closes the file."""
    with file:
        if part is None:
            yield from read_pieces(file)
            return
        file.seek(part.first)
        remaining = part.last + 1 - part.first
        while remaining and (piece := file.read(min(remaining, 65_536))):
            remaining -= len(piece)
            yield piece
