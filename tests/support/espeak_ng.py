"""The program espeak-ng, made of its library in a wheel: with those of its options that the service uses.

The voices are eSpeak NG's own, and nothing has to be on the machine.
"""

import argparse
import ctypes
import sys
import wave
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import IO

import espeakng_loader

_AUDIO_OUTPUT_SYNCHRONOUS = 2
_CHARS_UTF8 = 1
_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


class _Voice(ctypes.Structure):
    """The library's espeak_VOICE."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_char_p),
        ("identifier", ctypes.c_char_p),
        ("details", ctypes.c_ubyte * 4),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    )


def write_program(folder: Path) -> Path:
    """Write the program into a folder and return its path."""
    program = folder / "espeak-ng"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{Path(__file__).resolve()}" "$@"\n')
    program.chmod(0o755)
    return program


def speak(text: bytes, voice: str, file: IO[bytes]) -> None:
    """Write a text, spoken, as WAV (mono, 16 bits); raises LookupError for a voice that doesn't exist."""
    library, rate = _library()
    language = ctypes.byref(_Voice(languages=voice.encode()))
    # As in the program, it is the name of a voice or of a language.
    if library.espeak_SetVoiceByName(voice.encode()) and library.espeak_SetVoiceByProperties(language):
        raise LookupError(voice)
    pieces: list[bytes] = []

    def collect(samples: "ctypes._Pointer[ctypes.c_short]", count: int, _events: int | None) -> int:
        if samples and count:
            pieces.append(ctypes.string_at(samples, count * 2))
        return 0

    callback = _Callback(collect)  # kept by this name while the library may call it
    library.espeak_SetSynthCallback(callback)
    library.espeak_Synth(text, len(text) + 1, 0, 0, 0, _CHARS_UTF8, None, None)
    library.espeak_Synchronize()
    with wave.open(file, "wb") as recording:
        recording.setnchannels(1)
        recording.setsampwidth(2)
        recording.setframerate(rate)
        recording.writeframes(b"".join(pieces))


def list_voices() -> Iterator[str]:
    """The lines of the table of voices."""
    library, _ = _library()
    library.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_Voice))
    yield "Pty Language       Age/Gender VoiceName          File                 Other Languages"
    for pointer in iter(library.espeak_ListVoices(None)):
        if not pointer:
            return
        voice = pointer.contents
        # The first byte is the language's priority.
        priority, language = voice.languages[0], voice.languages[1:].decode()
        name, file = (text.decode().replace(" ", "_") for text in (voice.name, voice.identifier))
        yield f"{priority:2}  {language:<15} --/M      {name:<18} {file:<20}"


@cache
def _library() -> tuple[ctypes.CDLL, int]:
    """The library, ready to speak, and its samples per second."""
    library = ctypes.CDLL(espeakng_loader.get_library_path())
    data = espeakng_loader.get_data_path().encode()
    rate = library.espeak_Initialize(_AUDIO_OUTPUT_SYNCHRONOUS, 0, data, 0)
    assert rate > 0, "eSpeak NG does not find its data"
    return library, rate


def _main() -> int:
    parser = argparse.ArgumentParser()
    for flag in ("--voices", "--stdin", "--stdout"):
        parser.add_argument(flag, action="store_true")
    parser.add_argument("-b", choices=["1"])
    parser.add_argument("-v", default="en")
    options = parser.parse_args()
    if options.voices:
        print("\n".join(list_voices()))
        return 0
    try:
        speak(sys.stdin.buffer.read(), options.v, sys.stdout.buffer)
    except LookupError:
        print("Error: The specified espeak-ng voice does not exist.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(_main())
