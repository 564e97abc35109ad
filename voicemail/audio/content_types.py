"""Content types of audio: the file extensions they go with, and how they are detected from the bytes."""

import re
import unicodedata
from pathlib import PurePosixPath
from typing import IO

OCTETS = "application/octet-stream"
# The content types of each kind of file, by its extension. The registered or else the usual type comes first.
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
# Types that don't describe the file. Clients that don't know its type send them for audio, too.
_GENERIC = frozenset({OCTETS, "binary/octet-stream", "application/x-binary", "text/plain", ""})
_AUDIO = re.compile(r"audio/[a-z0-9][a-z0-9.+_-]{0,100}", re.ASCII)

_MAX_STEM_LENGTH = 80
_UNSAFE = re.compile(r"""[\s/\\:*?"'<>|;%#&=,^`{}$~!@\[\]]+""")


def is_audio(content_type: str) -> bool:
    """Whether recordings come with a content type."""
    return _AUDIO.fullmatch(content_type) is not None or content_type in _EXTENSIONS


def detect(content_type: str, filename: str | None, file: IO[bytes]) -> str | None:
    """The content type of an upload: the declared one or, if that is generic, the one of its bytes or else its name.

    None if the declared type is that of something else than audio. The file is positioned at its start.
    """
    if is_audio(content_type):
        return content_type
    if content_type not in _GENERIC:
        return None
    kind = _detect_kind(file) or _extension(filename or "")
    return _KINDS[kind][0] if kind in _KINDS else OCTETS


def are_equivalent(first: str, second: str) -> bool:
    """Whether two content types are names of the same kind of file."""
    return first == second or any(first in types and second in types for types in _KINDS.values())


def extension(content_type: str) -> str:
    """The extension, without a dot, of files of a content type."""
    return _EXTENSIONS.get(content_type) or ("bin" if content_type in _GENERIC else "audio")


def attachment_name(filename: str | None, content_type: str) -> str:
    """A file name that CouchDB and any file system accept, with an extension that fits the content type."""
    suffix = _extension(_last_part(filename))
    is_fit = suffix in _KINDS and (content_type in _KINDS[suffix] or content_type == OCTETS)
    return f"{safe_stem(filename)}.{suffix if is_fit else extension(content_type)}"


def safe_stem(filename: str | None) -> str:
    """A file name without its path and extension, made safe; ``message`` if nothing remains."""
    name = _last_part(filename)
    return safe_text(PurePosixPath(name).stem if "." in name.strip(".") else name) or "message"


def safe_text(text: str) -> str:
    """A text for use in a file name: of bounded length, without control characters, separators or quotes.

    It doesn't start with ``_``, as CouchDB reserves names that do. It may be empty.
    """
    printable = "".join(
        character if unicodedata.category(character)[0] != "C" else " "
        for character in unicodedata.normalize("NFC", text)
    )
    return _UNSAFE.sub("_", printable.strip())[:_MAX_STEM_LENGTH].strip("_. -")


def _last_part(path: str | None) -> str:
    return re.split(r"[/\\]", path or "")[-1]


def _extension(filename: str) -> str:
    suffix = PurePosixPath(filename.strip().lower()).suffix.removeprefix(".")
    return _SYNONYMS.get(suffix, suffix)


def _detect_kind(file: IO[bytes]) -> str | None:
    """The kind of file that the first bytes show, as an extension."""
    head = file.read(64)
    file.seek(0)
    for offset, signature, kind in _SIGNATURES:
        if head[offset:].startswith(signature):
            return kind
    # An MP3 without a tag starts with a frame: 11 set bits, layer III, and no reserved version, rate or bitrate.
    if len(head) > 2 and head[0] == 0xFF and head[1] & 0xE6 == 0xE2 and head[1] & 0x18 != 0x08:
        return "mp3" if head[2] & 0xF0 != 0xF0 and head[2] & 0x0C != 0x0C else None
    return "aac" if len(head) > 1 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0 else None


_SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
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
