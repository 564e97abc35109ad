"""Real audio to leave as messages: a spoken sentence, in the formats that phones and browsers send.

The voice is eSpeak NG's and the encoder ffmpeg's, both from wheels: nothing has to be on the machine.
"""

import os
import re
import subprocess
import wave
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg

from tests.support import espeak_ng

FORMATS = {
    "wav": ("audio/x-wav", ["-ar", "8000", "-ac", "1"]),
    "mp3": ("audio/mpeg", ["-ar", "16000", "-ac", "1", "-b:a", "24k"]),
    "ogg": ("audio/ogg", ["-ar", "16000", "-ac", "1", "-c:a", "libopus", "-b:a", "24k"]),
    "opus": ("audio/ogg", ["-ar", "16000", "-ac", "1", "-c:a", "libopus", "-b:a", "24k"]),
    "m4a": ("audio/mp4", ["-ar", "16000", "-ac", "1", "-c:a", "aac", "-b:a", "32k"]),
    "webm": ("audio/webm", ["-ar", "16000", "-ac", "1", "-c:a", "libopus", "-b:a", "24k"]),
    "caf": ("audio/x-caf", ["-ar", "8000", "-ac", "1"]),
    "latm": ("audio/mp4a-latm", ["-ar", "16000", "-ac", "1", "-c:a", "aac", "-f", "latm"]),
    "amr": ("audio/amr", ["-ar", "8000", "-ac", "1"]),
    "mp4": ("video/mp4", ["-ar", "16000", "-ac", "1", "-c:a", "aac", "-b:a", "32k"]),
}


@dataclass(frozen=True)
class Audio:
    """A recording: where its file is, what it is, and how long it plays."""

    path: Path
    content_type: str
    content: bytes
    milliseconds: int

    @property
    def name(self) -> str:
        """Its file name."""
        return self.path.name


class Studio:
    """Makes recordings in a folder, each once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, kind: str = "mp3", text: str = "Hello, please call me back.") -> Audio:
        """The sentence as a recording of that kind (a key of FORMATS)."""
        content_type, options = FORMATS[kind]
        spoken = self._spoken(text)
        path = spoken.with_name(f"{spoken.stem}-8k.wav" if kind == "wav" else f"{spoken.stem}.{kind}")
        if not path.exists():
            encode(spoken, path, *options)
        return Audio(path, content_type, path.read_bytes(), _milliseconds(spoken))

    def _spoken(self, text: str) -> Path:
        words = re.sub(r"[^a-z0-9]+", "-", text.lower())
        path = self.folder / f"{words[:60].strip('-')}.wav"
        if not path.exists():
            speak(text, path)
        return path


def speak(text: str, path: Path) -> None:
    """Write the sentence, spoken, to a WAV file (mono, 16 bits)."""
    with path.open("wb") as file:
        espeak_ng.speak(text.encode(), "en", file)


def encode(source: Path, target: Path, *options: str) -> None:
    """Convert a recording to what the target's extension and ffmpeg's options say."""
    ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
    quiet = ["-nostdin", "-y", "-loglevel", "error"]
    subprocess.run([ffmpeg, *quiet, "-i", str(source), *options, str(target)], check=True)


def milliseconds_of(path: Path) -> int:
    """How long a recording plays, whatever its format says."""
    ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
    command = [ffmpeg, "-nostdin", "-loglevel", "error", "-i", str(path), "-ac", "1", "-ar", "8000", "-f", "u8", "-"]
    return len(subprocess.run(command, check=True, capture_output=True).stdout) // 8


def _milliseconds(path: Path) -> int:
    with wave.open(os.fspath(path), "rb") as file:
        return file.getnframes() * 1000 // file.getframerate()
