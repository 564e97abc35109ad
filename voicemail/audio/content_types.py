"""Content types of audio: the file extensions they go with, and how they are detected from the bytes."""

import re
import unicodedata
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import IO

from crossbar.body import media_type_of

OCTETS = "application/octet-stream"
# The kinds of audio. Each has the extensions that its files may have, and for each extension the content types that
# go with it: all names that clients, phones and Kazoo give to the same kind. A file of a type gets the extension in
# whose row the type is, unless it has another one of the kind already. Its bytes alone give it the first type of the
# row. Sources: IANA's registry, shared-mime-info, and what clients send.
_KINDS: tuple[dict[str, tuple[str, ...]], ...] = (
    {
        "mp3": (
            *("audio/mpeg", "audio/mp3", "audio/x-mp3", "audio/mpeg3", "audio/x-mpeg", "audio/x-mpeg3"),
            *("audio/x-mpeg-3", "audio/mpg", "audio/x-mpg", "audio/mpga", "audio/mpeg-3", "audio/x-mpegaudio"),
            *("audio/mpa", "audio/x-mpga"),
        )
    },
    {
        "wav": (
            *("audio/x-wav", "audio/wav", "audio/wave", "audio/x-wave", "audio/vnd.wave", "audio/vnd.wav"),
            *(
                "audio/x-pn-wav",
                "audio/x-pn-wave",
                "audio/wav-gsm",
                "audio/x-wav-gsm",
                "audio/wav49",
                "audio/x-wav49",
            ),
        ),
    },
    {
        "m4a": (
            *(
                "audio/x-m4a",
                "audio/mp4",
                "audio/m4a",
                "audio/mp4a-latm",
                "audio/latm",
                "audio/x-latm",
                "audio/mp4a",
                "audio/x-mp4",
                "audio/m4b",
            ),
            *("audio/x-m4b", "audio/x-m4r", "audio/mpeg4", "audio/x-mpeg4", "audio/mpeg4-generic", "audio/alac"),
        ),
        "mp4": ("video/mp4", "application/mp4", "video/x-m4v"),
    },
    {
        "ogg": (
            *("audio/ogg", "application/ogg", "audio/vorbis", "audio/x-vorbis", "video/ogg", "audio/x-ogg"),
            *("application/x-ogg", "audio/x-vorbis+ogg", "audio/x-flac+ogg"),
        ),
        "opus": ("audio/opus", "audio/x-opus", "audio/x-opus+ogg"),
        "spx": ("audio/speex", "audio/x-speex", "audio/x-speex+ogg"),
    },
    {"webm": ("audio/webm", "video/webm", "audio/x-webm")},
    {"mka": ("audio/x-matroska", "audio/matroska")},
    {"flac": ("audio/flac", "audio/x-flac")},
    {"aac": ("audio/aac", "audio/x-aac", "audio/aacp", "audio/x-hx-aac-adts", "audio/vnd.dlna.adts")},
    {"amr": ("audio/amr", "audio/amr-nb", "audio/x-amr", "audio/x-amr-nb", "audio/amrnb")},
    {"awb": ("audio/amr-wb", "audio/x-amr-wb", "audio/amrwb")},
    {"gsm": ("audio/gsm", "audio/x-gsm", "audio/gsm-fr", "audio/x-gsm-fr")},
    {"caf": ("audio/x-caf", "audio/caf")},
    {
        "3gp": ("audio/3gpp", "video/3gpp", "audio/3gp", "video/3gp", "audio/amr-wb+"),
        "3g2": ("audio/3gpp2", "video/3gpp2"),
    },
    {"au": ("audio/basic", "audio/x-au", "audio/au", "audio/x-basic")},
    {"aiff": ("audio/aiff", "audio/x-aiff", "audio/aif"), "aifc": ("audio/x-aifc", "audio/x-aiffc")},
    {"wma": ("audio/x-ms-wma", "audio/wma", "audio/x-wma")},
    {"mp2": ("audio/mp2", "audio/x-mp2")},
    {"ac3": ("audio/ac3", "audio/x-ac3")},
)
_KIND_OF_TYPE = {name: kind for kind in _KINDS for names in kind.values() for name in names}
_KIND_OF_EXTENSION = {suffix: kind for kind in _KINDS for suffix in kind}
_EXTENSIONS = {name: suffix for kind in _KINDS for suffix, names in kind.items() for name in names}
_SYNONYMS = {
    "3gpp": "3gp",
    "adts": "aac",
    "aif": "aiff",
    "m4b": "m4a",
    "mp4a": "m4a",
    "mpga": "mp3",
    "oga": "ogg",
    "snd": "au",
    "wav49": "wav",
    "wave": "wav",
    "weba": "webm",
}
# Types that don't describe the file. Clients that don't know its type send them for audio, too.
_GENERIC = frozenset({OCTETS, "binary/octet-stream", "application/x-binary", "text/plain", ""})
# Without a plus: browsers show audio/x+xml as a page, with its scripts.
_AUDIO = re.compile(r"audio/[a-z0-9][a-z0-9._-]{0,100}", re.ASCII)

_MAX_STEM_LENGTH = 80
_UNSAFE = re.compile(r"""[\s/\\:*?"'<>|;%#&=,^`{}$~!@\[\]]+""")


def is_audio(content_type: str) -> bool:
    """Whether recordings come with a content type, which may have parameters."""
    media_type = media_type_of(content_type)
    return _AUDIO.fullmatch(media_type) is not None or media_type in _KIND_OF_TYPE


def safe_type(content_type: str) -> str:
    """The content type to send audio with that is stored under a content type.

    Kazoo and odd clients store anything. What isn't called audio must not become a page in a browser.
    """
    if not is_audio(content_type):
        return OCTETS
    return content_type if content_type.isascii() and content_type.isprintable() else media_type_of(content_type)


def detect(content_type: str, filename: str | None, file: IO[bytes]) -> str | None:
    """The content type of an upload: the declared one or, if that is generic, the one of its bytes or else its name.

    None if the declared type is that of something else than audio. The file is positioned at its start.
    """
    if is_audio(content_type):
        return content_type
    if content_type not in _GENERIC:
        return None
    suffix = detect_extension(file) or _extension(filename or "")
    return _KIND_OF_EXTENSION[suffix][suffix][0] if suffix in _KIND_OF_EXTENSION else OCTETS


def are_equivalent(first: str, second: str) -> bool:
    """Whether two content types, with or without parameters, are names of the same kind of file."""
    first, second = media_type_of(first), media_type_of(second)
    kind = _KIND_OF_TYPE.get(first)
    return first == second or (kind is not None and kind is _KIND_OF_TYPE.get(second))


def extension(content_type: str) -> str:
    """The extension, without a dot, of files of a content type."""
    media_type = media_type_of(content_type)
    return _EXTENSIONS.get(media_type) or ("audio" if is_audio(media_type) else "bin")


def attachment_name(filename: str | None, content_type: str, extension_by_bytes: str | None = None) -> str:
    """A file name that CouchDB and any file system accept, with an extension that fits the content type.

    `extension_by_bytes` is the one that the bytes show, for types of no kind.
    """
    suffix = _extension(_last_part(filename))
    media_type = media_type_of(content_type)
    # A type of no kind says nothing against an extension that players know.
    kind: Mapping[str, object] = _KIND_OF_TYPE.get(media_type, _KIND_OF_EXTENSION)
    if suffix not in kind:
        suffix = _EXTENSIONS.get(media_type) or extension_by_bytes or extension(media_type)
    return f"{safe_stem(filename)}.{suffix}"


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


def detect_extension(file: IO[bytes]) -> str | None:
    """The extension of files that begin as this one; None if its first bytes are not those of audio.

    The file is positioned at its start, before and after.
    """
    head = file.read(64)
    file.seek(0)
    for offset, signature, suffix in _SIGNATURES:
        if head.startswith(signature, offset):
            return suffix
    # An MP3 without a tag starts with a frame: 11 set bits, layer III, and no reserved version, rate or bitrate.
    if len(head) > 2 and head[0] == 0xFF and head[1] & 0xE6 == 0xE2 and head[1] & 0x18 != 0x08:
        return "mp3" if head[2] & 0xF0 != 0xF0 and head[2] & 0x0C != 0x0C else None
    if len(head) > 1 and head[0] == 0x56 and head[1] & 0xE0 == 0xE0:
        return "m4a"  # LATM as a stream, which has no file format of its own
    return "aac" if len(head) > 1 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0 else None


_SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"ID3", "mp3"),
    (8, b"WAVE", "wav"),
    (0, b"OggS", "ogg"),
    (4, b"ftypM4A", "m4a"),
    (4, b"ftypM4B", "m4a"),
    (4, b"ftyp3g2", "3g2"),
    (4, b"ftyp3gp", "3gp"),
    (4, b"ftyp", "mp4"),
    (0, b"fLaC", "flac"),
    (0, b"#!AMR-WB", "awb"),
    (0, b"#!AMR", "amr"),
    (0, b"caff", "caf"),
    (0, b"\x1a\x45\xdf\xa3", "webm"),
    (0, b".snd", "au"),
    (8, b"AIFF", "aiff"),
    (8, b"AIFC", "aifc"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "wma"),
)
