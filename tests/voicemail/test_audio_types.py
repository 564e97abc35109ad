"""Content types of audio: their names, the extensions of files, and what the bytes show."""

from io import BytesIO

import pytest

from voicemail.audio import content_types

NAMES = {
    "wav": "audio/x-wav audio/wav audio/wave audio/x-wave audio/vnd.wav audio/vnd.wave audio/x-pn-wav",
    "mp3": "audio/mpeg audio/mp3 audio/x-mp3 audio/mpeg3 audio/x-mpeg audio/x-mpeg-3 audio/mpg audio/x-mpg",
    "m4a": "audio/mp4 audio/m4a audio/x-m4a audio/mp4a-latm audio/latm audio/x-mp4 audio/mpeg4-generic",
    "ogg": "audio/ogg application/ogg audio/vorbis audio/x-ogg",
    "opus": "audio/opus audio/x-opus+ogg",
    "amr": "audio/amr audio/amr-nb audio/x-amr",
    "awb": "audio/amr-wb audio/x-amr-wb",
    "gsm": "audio/gsm audio/x-gsm",
    "caf": "audio/x-caf audio/caf",
    "flac": "audio/flac audio/x-flac",
    "webm": "audio/webm video/webm",
    "aac": "audio/aac audio/x-aac audio/aacp",
    "mp4": "video/mp4",
    "3gp": "audio/3gpp video/3gpp",
    "aiff": "audio/aiff audio/x-aiff",
    "au": "audio/basic audio/au",
}
NAMED = [(name, extension) for extension, names in NAMES.items() for name in names.split()]


@pytest.mark.parametrize(("content_type", "extension"), NAMED)
def test_files_get_an_extension_that_players_know(content_type: str, extension: str) -> None:
    for spelling in (content_type, content_type.upper(), f"{content_type}; codecs=x"):
        assert content_types.is_audio(spelling)
        assert content_types.extension(spelling) == extension
        assert content_types.attachment_name("a.xyz", spelling) == f"a.{extension}"


@pytest.mark.parametrize("names", NAMES.values(), ids=NAMES)
def test_all_names_of_a_kind_are_equivalent(names: str) -> None:
    first, *synonyms = names.split()
    assert all(content_types.are_equivalent(first, name) for name in synonyms)
    assert all(content_types.are_equivalent(name.upper(), f"{first}; rate=8000") for name in synonyms)


@pytest.mark.parametrize("content_type", ["text/html", "audio/x+xml", "audio/", "audio/<b>", "audio", "", "video/x"])
def test_other_types_are_not_audio(content_type: str) -> None:
    assert not content_types.is_audio(content_type)
    assert content_types.safe_type(content_type) == content_types.OCTETS


def test_what_no_header_may_hold_is_not_sent() -> None:
    assert content_types.safe_type("audio/ogg; codecs=\r\nSet-Cookie: a=b") == "audio/ogg"
    assert content_types.safe_type("audio/\r\nSet-Cookie: a=b") == content_types.OCTETS
    assert content_types.safe_type("audio/AMR; note=\xe9") == "audio/amr"
    assert content_types.safe_type("audio/AMR; octet-align=1") == "audio/AMR; octet-align=1"


@pytest.mark.parametrize(
    ("first", "second"),
    [("audio/amr", "audio/amr-wb"), ("audio/wav", "audio/gsm"), ("audio/mpeg", "audio/mp4"), ("audio/x", "audio/y")],
)
def test_different_kinds_are_not_equivalent(first: str, second: str) -> None:
    assert not content_types.are_equivalent(first, second)
    assert content_types.are_equivalent(first, first)


@pytest.mark.parametrize(
    ("filename", "content_type", "named"),
    [
        ("a.opus", "audio/ogg", "a.opus"),
        ("a.mp4", "audio/mp4", "a.mp4"),
        ("a.wave", "audio/x-wave", "a.wav"),
        ("a.WAV49", "audio/wav", "a.wav"),
        ("a.ogg", "audio/x-wave", "a.wav"),
        ("a.gsm", "audio/unheard-of", "a.gsm"),
        ("a.exe", "audio/unheard-of", "a.audio"),
        ("a.mp3", "application/octet-stream", "a.mp3"),
        ("a.html", "text/html", "a.bin"),
    ],
)
def test_an_extension_that_fits_is_kept(filename: str, content_type: str, named: str) -> None:
    assert content_types.attachment_name(filename, content_type) == named


def test_the_bytes_of_an_unknown_type_show_the_extension() -> None:
    assert content_types.attachment_name("a.xyz", "audio/unheard-of", "wav") == "a.wav"
    assert content_types.attachment_name(None, "audio/unheard-of", "ogg") == "message.ogg"
    assert content_types.attachment_name("a.mp3", "audio/unheard-of", "wav") == "a.mp3"
    assert content_types.attachment_name("a.xyz", "audio/amr", "wav") == "a.amr"


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (b"RIFF\0\0\0\0WAVEfmt ", "audio/x-wav"),
        (b"#!AMR\n", "audio/amr"),
        (b"#!AMR-WB\n", "audio/amr-wb"),
        (b"caff\0\x01\0\0desc", "audio/x-caf"),
        (b"FORM\0\0\0\0AIFC", "audio/x-aifc"),
        (b"nothing known", content_types.OCTETS),
        (b"", content_types.OCTETS),
    ],
)
def test_the_bytes_show_the_type(content: bytes, content_type: str) -> None:
    file = BytesIO(content)
    assert content_types.detect("application/octet-stream", None, file) == content_type
    assert file.tell() == 0
