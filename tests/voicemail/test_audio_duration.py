"""How long audio plays, measured from its bytes."""

import secrets
import struct
from io import BytesIO
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO

import pytest

from tests.support.audio import Studio, encode
from voicemail.audio import duration

FRAME = 130  # milliseconds, more than any format's frames: a file ends with a whole one


def measure(content: bytes, content_type: str = "audio/mpeg") -> int | None:
    """The measured milliseconds of a file as an upload's: in memory until somebody needs it on disk."""
    file: IO[bytes] = SpooledTemporaryFile(1_000_000)  # noqa: SIM115
    with file:
        file.write(content)
        return duration.measure(file, content_type)


def wav(audio: bytes, *, form: int = 1, rate: int = 8000, per_second: int = 16_000, block: int = 2) -> bytes:
    """A WAV file with a chunk before its format and one before its audio, as recorders write them."""
    chunks = b"LIST\3\0\0\0abc\0fmt " + struct.pack("<IHHIIHH", 16, form, 1, rate, per_second, block, 16)
    chunks += b"fact\4\0\0\0\1\0\0\0data" + len(audio).to_bytes(4, "little") + audio
    return b"RIFF" + (len(chunks) + 4).to_bytes(4, "little") + b"WAVE" + chunks


@pytest.mark.parametrize("kind", ["wav", "mp3", "ogg", "opus", "m4a", "mp4", "webm"])
def test_what_clients_send_is_measured_whatever_its_type_says(audio: Studio, kind: str) -> None:
    voice = audio(kind)
    assert measure(voice.content, "application/octet-stream") == pytest.approx(voice.milliseconds, abs=FRAME)
    assert measure(voice.content, "audio/x-wave") == pytest.approx(voice.milliseconds, abs=FRAME)


@pytest.mark.parametrize(
    "options",
    [
        "a.amr -ar 8000",
        "a.caf",
        "a.flac",
        "a.aac -ar 16000",
        "a.aiff",
        "a.au",
        "a.3gp -c:a aac -ar 16000",
        "a.mka -c:a libvorbis",
        "mulaw.wav -ar 8000 -c:a pcm_mulaw",
        "alaw.wav -ar 8000 -c:a pcm_alaw",
        "adpcm.wav -ar 8000 -c:a adpcm_ima_wav",
        "float.wav -c:a pcm_f32le",
        "variable.mp3 -ar 16000 -q:a 6 -write_xing 0",
        "constant.mp3 -ar 16000 -b:a 24k -write_xing 0",
        "live.webm -c:a libopus -live 1",
        "fragments.mp4 -c:a aac -movflags frag_keyframe+empty_moov",
    ],
)
def test_formats_of_phones_and_recorders_are_measured(audio: Studio, tmp_path: Path, options: str) -> None:
    voice = audio("wav")
    name, *arguments = options.split()
    encode(voice.path, tmp_path / name, "-ac", "1", *arguments)
    assert measure((tmp_path / name).read_bytes()) == pytest.approx(voice.milliseconds, abs=FRAME)


def test_wav_with_gsm_is_measured_by_its_bytes_per_second() -> None:
    assert measure(wav(bytes(65) * 50, form=0x31, per_second=1625, block=65)) == 2000


def test_amr_is_measured_by_its_frames() -> None:
    assert measure(b"#!AMR-WB\n" + (b"\x04" + bytes(17)) * 150) == 3000
    assert measure(b"#!AMR\n" + (b"\x3c" + bytes(31)) * 150) == 3000


def test_gsm_without_a_header_is_measured_by_its_frames() -> None:
    frames = (b"\xd8" + bytes(32)) * 150
    assert measure(frames, "audio/gsm") == 3000
    assert measure(frames + b"\xd8", "audio/x-gsm") == 3000
    assert measure(b"not gsm" * 100, "audio/gsm") is None
    assert measure(b"", "audio/gsm") is None


@pytest.mark.parametrize("stated", [0, 0xFFFFFFFF, 0x7FFFFFFF, 1_000_000])
def test_a_stream_is_as_long_as_its_bytes(stated: int) -> None:
    content = wav(bytes(16_000 * 3))
    size = len(bytes(16_000 * 3)).to_bytes(4, "little")
    assert measure(content.replace(b"data" + size, b"data" + stated.to_bytes(4, "little"))) == 3000


def test_chunks_behind_the_audio_are_not_counted() -> None:
    assert measure(wav(bytes(16_000)) + b"LIST" + (50_000).to_bytes(4, "little") + bytes(50_000)) == 1000


@pytest.mark.parametrize("kind", ["wav", "mp3", "ogg", "m4a", "webm"])
def test_a_file_that_was_cut_off_is_as_long_as_what_there_is(audio: Studio, tmp_path: Path, kind: str) -> None:
    voice = audio(kind, "This message is long enough to be cut off in the middle of a word, and not only once.")
    if kind == "m4a":  # with its index in front: behind the audio, it would be cut off
        encode(voice.path, tmp_path / "front.m4a", "-c", "copy", "-movflags", "+faststart")
        content = (tmp_path / "front.m4a").read_bytes()
    else:
        content = voice.content
    milliseconds = measure(content[: len(content) * 6 // 10])
    assert milliseconds is not None
    assert voice.milliseconds * 0.4 < milliseconds < voice.milliseconds * 0.8


BROKEN = {
    "nothing": b"",
    "a byte": b"R",
    "text": b"This is no audio.\n" * 200,
    "random bytes": b"\0" + secrets.token_bytes(50_000),
    "a tag alone": b"ID3\x04\0\0\0\0\0\0" + b"x" * 1000,
    "a tag that never ends": b"ID3\x04\0\0\x7f\x7f\x7f\x7f" + b"\xff\xfb" * 1000,
    "WAV without audio": wav(b""),
    "WAV without a format": b"RIFF\xff\xff\xff\xffWAVEdata\xff\xff\xff\xff" + bytes(500),
    "WAV without a rate": wav(bytes(500), form=0x31, per_second=0),
    "WAV of empty chunks": b"RIFF\0\0\0\0WAVE" + b"junk\0\0\0\0" * 5000,
    "WAV of one huge chunk": b"RIFF\0\0\0\0WAVEfmt \xff\xff\xff\xff",
    "an index of nothing": b"\0\0\0\x1cftypM4A \0\0\2\0isomiso2mp41" + b"\0\0\0\x08moov" * 5000,
    "AMR without frames": b"#!AMR\n",
    "half a page": b"OggS\0\2" + bytes(100),
    "a playlist": b"#EXTM3U\n#EXTINF:9,\nfile:///etc/passwd\n",
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_what_cannot_be_measured_has_no_length(content: bytes) -> None:
    assert measure(content, "audio/mpeg") is None


def test_what_takes_too_long_has_no_length(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duration, "_MAX_SECONDS", 0.001)
    assert measure(b"#!AMR\n" + bytes(13 * 1_000_000)) is None


def test_audio_is_measured_only_while_few_others_are(audio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duration, "_SLOT_TIMEOUT", 0)
    voice = audio("ogg")
    with duration._SLOTS, duration._SLOTS:
        assert measure(voice.content) is None
    assert measure(voice.content) is not None


def test_the_file_can_be_read_afterwards(audio: Studio) -> None:
    for kind in ("wav", "ogg"):
        file = BytesIO(audio(kind).content)
        duration.measure(file, "audio/wav")
        file.seek(0)
        assert file.read() == audio(kind).content
