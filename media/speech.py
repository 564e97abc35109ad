"""Text to speech by the program espeak-ng, where it is installed (setting ESPEAK_NG).

The text reaches the program through its standard input, never a command line. The program gets no environment but a
PATH, little memory and little room for its output, and is killed if it takes too long.
"""

import logging
import re
import shutil
import subprocess
import sys
import tempfile
import unicodedata
from contextlib import suppress
from functools import cache
from threading import BoundedSemaphore
from typing import IO, NamedTuple

from django.conf import settings

from crossbar.errors import ApiError, ServerBusy, UnspecifiedFault, ValidationFailed
from voicemail.audio import transcoding
from voicemail.audio.upload import Upload

if sys.platform == "linux":
    import resource

logger = logging.getLogger(__name__)

MAX_TEXT = 3_000
"""Characters; some three minutes of speech."""
DEFAULT_VOICE = "female/en-US"
FORMAT = "mp3"
_VARIANTS = {"female": "+f3", "male": "+m3"}
_VOICE = re.compile(r"(?:(female|male)/)?([a-z]{2,3}(?:-[a-z0-9]{1,8}){0,4})", re.ASCII | re.IGNORECASE)
_MAX_SECONDS = 20
_MAX_BYTES = 128 * 1024 * 1024
_MAX_MEMORY = 512 * 1024 * 1024
_SLOTS = BoundedSemaphore(2)
_SLOT_TIMEOUT = 10
_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin"}


class NotInstalled(ApiError):
    """Text can't be spoken here."""

    status_code = 501
    message = "not_implemented"

    def __init__(self) -> None:
        super().__init__(data={"message": "text to speech needs espeak-ng, which is not installed on the server"})


class Language(NamedTuple):
    """A language that can be spoken."""

    code: str
    """In lower case, as in ``en-us``."""
    name: str


def is_installed() -> bool:
    """Whether text can be spoken here."""
    return _program() is not None


def languages() -> list[Language]:
    """Return the languages that can be spoken, by name; empty where espeak-ng is not installed."""
    program = _program()
    return [] if program is None else _list_languages(program)


def speak(text: str, voice: str) -> Upload:
    """Return a text as spoken audio: MP3 in an anonymous file.

    `voice` is a language with ``male/`` or ``female/`` before it, as in ``female/en-US``. Raises ValidationFailed
    (``tts.text``, ``tts.voice``), NotInstalled, and ServerBusy.
    """
    program = _program()
    if program is None:
        raise NotInstalled
    spoken_text, voice_name = _clean_text(text), _voice_name(program, voice)
    with tempfile.TemporaryFile() as wave:
        if not _SLOTS.acquire(timeout=_SLOT_TIMEOUT):
            raise ServerBusy(_SLOT_TIMEOUT)
        try:
            _run_espeak([program, "--stdin", "-b", "1", "-v", voice_name, "--stdout"], spoken_text, wave)
        finally:
            _SLOTS.release()
        try:
            audio = transcoding.transcode(wave, FORMAT)
        except ValidationFailed as error:
            message = "Please provide a text that can be spoken"
            raise ValidationFailed.field("tts.text", "wrong_format", message) from error
    return Upload(audio.file, audio.length, audio.content_type, f"speech.{audio.extension}", audio.milliseconds)


def _program() -> str | None:
    return shutil.which(settings.ESPEAK_NG)


def _clean_text(text: str) -> bytes:
    """The text without control characters, some of which are commands to espeak-ng."""
    if len(text) > MAX_TEXT:
        message = f"String must not be more than {MAX_TEXT} characters"
        raise ValidationFailed.field("tts.text", "maxLength", message, target=MAX_TEXT, cause=len(text))
    spoken_text = "".join(" " if unicodedata.category(character)[0] == "C" else character for character in text)
    if not spoken_text.strip():
        raise ValidationFailed.field("tts.text", "required", "Please provide a text to speak")
    return spoken_text.encode()


def _voice_name(program: str, voice: str) -> str:
    """What espeak-ng calls a voice; of a language that it lacks, another variety will do. Raises ValidationFailed."""
    match = _VOICE.fullmatch(voice.strip())
    if match is not None:
        code = match[2].lower()
        known_codes = [language.code for language in _list_languages(program)]
        base = code.partition("-")[0]
        similar = (known for known in known_codes if known.partition("-")[0] == base)
        if language := code if code in known_codes else base if base in known_codes else next(similar, None):
            return language + _VARIANTS[(match[1] or "female").lower()]
    message = "Please provide a voice like female/en-US, of a language that can be spoken"
    raise ValidationFailed.field("tts.voice", "enum", message, value=voice)


@cache
def _list_languages(program: str) -> list[Language]:
    """The languages in the table that ``espeak-ng --voices`` prints: priority, language, gender, name, file."""
    try:
        printed = subprocess.run(  # noqa: S603 - an operator's setting names the program
            [program, "--voices"], capture_output=True, timeout=_MAX_SECONDS, check=True, env=_ENVIRONMENT
        ).stdout.decode("utf-8", "replace")
    except (OSError, subprocess.SubprocessError) as error:
        logger.error("%s could not list its voices: %s", program, error)
        raise UnspecifiedFault from error
    rows = (line.split() for line in printed.splitlines()[1:])
    names = {row[1].lower(): row[3].replace("_", " ").strip() for row in rows if len(row) > 4}
    return sorted((Language(code, name) for code, name in names.items()), key=lambda language: language.name)


def _run_espeak(command: list[str], text: bytes, target: IO[bytes]) -> None:
    """Have espeak-ng speak a text into a file; raises ValidationFailed if it becomes too much, UnspecifiedFault."""
    process = subprocess.Popen(  # noqa: S603 - an operator's setting names the program, and the voice is a known one
        command, stdin=subprocess.PIPE, stdout=target, stderr=subprocess.PIPE, env=_ENVIRONMENT
    )
    with process:
        _limit_process(process.pid)
        try:
            _, complaint = process.communicate(text, timeout=_MAX_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            raise _too_long() from None
        except BaseException:
            process.kill()
            raise
    if process.returncode:
        if target.seek(0, 2) >= _MAX_BYTES:
            raise _too_long()
        logger.error("espeak-ng could not speak (%s): %s", process.returncode, complaint[-500:])
        raise UnspecifiedFault


def _too_long() -> ValidationFailed:
    message = "Please provide a shorter text: this takes too long to speak"
    return ValidationFailed.field("tts.text", "maxLength", message)


def _limit_process(pid: int) -> None:
    """Limit the memory of a process, and the size of files that it writes."""
    if sys.platform == "linux":
        with suppress(OSError):  # it may have ended
            resource.prlimit(pid, resource.RLIMIT_AS, (_MAX_MEMORY, _MAX_MEMORY))
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (_MAX_BYTES, _MAX_BYTES))
