"""Recordings for made-up messages: real speech, and no two alike."""

import re
from functools import cache
from pathlib import Path

from voicemail.demo import RECORDINGS

CONTENT_TYPE = "audio/mpeg"
_TAG_SIZE = 128
_NOT_ASCII = re.compile(r"[^\x20-\x7e]")


def recording(choice: int, kilobytes: int, title: str) -> bytes:
    """An MP3 file: one of the project's recordings, again and again until it has that many kilobytes.

    0 kilobytes: the recording as it is. The title, which ends the file as an ID3 tag, makes it unlike all others.
    """
    spoken = _spoken(choice)
    if kilobytes:
        wanted = kilobytes * 1024 - _TAG_SIZE
        spoken = (spoken * (wanted // len(spoken) + 1))[:wanted]
    return spoken + _tag(title)


@cache
def _names() -> list[Path]:
    return sorted(RECORDINGS.glob("*.mp3"))


def _spoken(choice: int) -> bytes:
    names = _names()
    return _read(names[choice % len(names)])


@cache
def _read(path: Path) -> bytes:
    return path.read_bytes()


def _tag(title: str) -> bytes:
    """An ID3v1 tag: title, artist, album, year, comment and genre in fields of fixed size, at the end of the file."""
    head = b"TAG" + _NOT_ASCII.sub("?", title)[:30].encode("ascii").ljust(30, b"\0")
    # A title may be longer than its field; the album's takes the rest of it.
    rest = _NOT_ASCII.sub("?", title)[30:60].encode("ascii").ljust(30, b"\0")
    return (head + b"\0" * 30 + rest).ljust(_TAG_SIZE, b"\0")
