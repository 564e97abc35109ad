"""Kinds of audio: what content types mean, how files of each are named, and how bytes show what they are."""

import re
import unicodedata
from pathlib import PurePosixPath
from typing import IO

OCTETS = "application/octet-stream"
# Each kind of file: its extension, and the types it goes by, the registered (or else the usual) one first.
_KINDS: dict[str, tuple[str, ...]] = {
    "mp3": ("audio/mpeg", "audio/mp3", "audio/x-mp3", "audio/mpeg3", "audio/x-mpeg", "audio/x-mpeg-3", "audio/mpga"),
    "wav": ("audio/x-wav", "audio/wav", "audio/wave", "audio/vnd.wave", "audio/x-pn-wav"),
    "mp4": ("video/mp4", "audio/mp4"),
    "m4a": ("audio/x-m4a", "audio/m4a", "audio/mp4"),
    "ogg": ("audio/ogg", "application/ogg", "audio/vorbis", "audio/x-vorbis", "video/ogg"),
    "opus": ("audio/opus", "audio/ogg"),
    "webm": ("audio/webm", "video/webm"),
    "flac": ("audio/flac", "audio/x-flac"),
    "aac": ("audio/aac", "audio/x-aac", "audio/aacp"),
    "amr": ("audio/amr", "audio/amr-nb"),
    "3gp": ("audio/3gpp", "video/3gpp"),
    "au": ("audio/basic", "audio/x-au"),
    "aiff": ("audio/aiff", "audio/x-aiff"),
    "wma": ("audio/x-ms-wma",),
}
_EXTENSIONS = {content_type: kind for kind, types in reversed(_KINDS.items()) for content_type in reversed(types)}
_SYNONYMS = {"oga": "ogg", "spx": "ogg", "mpga": "mp3", "wave": "wav", "3gpp": "3gp", "aif": "aiff", "snd": "au"}
# Types that say nothing: senders who don't know better use them for audio, too.
_GENERIC = frozenset({OCTETS, "binary/octet-stream", "application/x-binary", "text/plain", ""})
_AUDIO = re.compile(r"audio/[a-z0-9][a-z0-9.+_-]{0,100}", re.ASCII)

_LONGEST_STEM = 80
_UNSAFE = re.compile(r"""[\s/\\:*?"'<>|;%#&=,^`{}$~!@\[\]]+""")


def is_audio(content_type: str) -> bool:
    """Whether a content type is one that recordings come in."""
    return _AUDIO.fullmatch(content_type) is not None or content_type in _EXTENSIONS


def recognise(content_type: str, filename: str | None, file: IO[bytes]) -> str | None:
    """What an upload is: its content type, or where that says nothing, what its bytes or else its name tell.

    None for what says of itself that it is no audio. The file is left at its beginning.
    """
    if is_audio(content_type):
        return content_type
    if content_type not in _GENERIC:
        return None
    kind = _sniffed(file) or _extension(filename or "")
    return _KINDS[kind][0] if kind in _KINDS else OCTETS


def same(one: str, other: str) -> bool:
    """Whether two content types are names of the same kind of file."""
    return one == other or any(one in types and other in types for types in _KINDS.values())


def extension(content_type: str) -> str:
    """The extension, without a dot, of files of a content type."""
    return _EXTENSIONS.get(content_type) or ("bin" if content_type in _GENERIC else "audio")


def attachment_name(filename: str | None, content_type: str) -> str:
    """A file name that any CouchDB and file system takes, with an extension that fits the type.

    No path, no control characters, no leading ``_`` (CouchDB keeps those names to itself), of bounded length.
    """
    last = re.split(r"[/\\]", filename or "")[-1]
    own = _extension(last)
    stem = PurePosixPath(last).stem if "." in last.strip(".") else last
    fits = own in _KINDS and (content_type in _KINDS[own] or content_type == OCTETS)
    suffix = own if fits else extension(content_type)
    return f"{safe(stem) or 'message'}.{suffix}"


def safe(text: str) -> str:
    """A text as a part of a file name: printable, without separators or leading marks; may come out empty."""
    printable = "".join(
        character if unicodedata.category(character)[0] != "C" else " "
        for character in unicodedata.normalize("NFC", text)
    )
    return _UNSAFE.sub("_", printable.strip())[:_LONGEST_STEM].strip("_. -")


def _extension(filename: str) -> str:
    found = PurePosixPath(filename.strip().lower()).suffix.removeprefix(".")
    return _SYNONYMS.get(found, found)


def _sniffed(file: IO[bytes]) -> str | None:
    """The kind of file that the first bytes show."""
    head = file.read(64)
    file.seek(0)
    for offset, mark, kind in _MARKS:
        if head[offset:].startswith(mark):
            return kind
    # An MP3 without a tag begins with a frame: 11 bits set, a layer (III), no reserved version, rate or bitrate.
    if len(head) > 2 and head[0] == 0xFF and head[1] & 0xE6 == 0xE2 and head[1] & 0x18 != 0x08:
        return "mp3" if head[2] & 0xF0 != 0xF0 and head[2] & 0x0C != 0x0C else None
    return "aac" if len(head) > 1 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0 else None


_MARKS: tuple[tuple[int, bytes, str], ...] = (
    (0, b"ID3", "mp3"),
    (8, b"WAVE", "wav"),
    (0, b"OggS", "ogg"),
    (4, b"ftypM4A", "m4a"),
    (4, b"ftyp3gp", "3gp"),
    (4, b"ftyp", "mp4"),
    (0, b"fLaC", "flac"),
    (0, b"#!AMR", "amr"),
    (0, b"\x1a\x45\xdf\xa3", "webm"),
    (0, b".snd", "au"),
    (8, b"AIFF", "aiff"),
)
