"""Recordings for made-up messages: real speech, each different from all others."""

import re
from functools import cache
from pathlib import Path

from voicemail.demo import RECORDINGS

CONTENT_TYPE = "audio/mpeg"
_TAG_SIZE = 128
_NOT_ASCII = re.compile(r"[^\x20-\x7e]")


def make_recording(choice: int, kilobytes: int, title: str) -> bytes:
    """An MP3 file: one of the project's recordings, repeated to a size; 0 kilobytes leaves it as it is.

    The title, in an ID3 tag at the end, makes it different from all others.
    """
    speech = _choose_speech(choice)
    if kilobytes:
        size = kilobytes * 1024 - _TAG_SIZE
        speech = (speech * (size // len(speech) + 1))[:size]
    return speech + _id3_tag(title)


def _choose_speech(choice: int) -> bytes:
    paths = _list_recordings()
    return _read(paths[choice % len(paths)])


@cache
def _list_recordings() -> list[Path]:
    return sorted(RECORDINGS.glob("*.mp3"))


@cache
def _read(path: Path) -> bytes:
    return path.read_bytes()


def _id3_tag(title: str) -> bytes:
    """An ID3v1 tag: title, artist, album, year, comment and genre in fields of fixed size, at the end of the file."""
    text = _NOT_ASCII.sub("?", title)
    # A title that is longer than its field continues in the album's.
    title_field, album_field = (text[start : start + 30].encode("ascii").ljust(30, b"\0") for start in (0, 30))
    return (b"TAG" + title_field + b"\0" * 30 + album_field).ljust(_TAG_SIZE, b"\0")
