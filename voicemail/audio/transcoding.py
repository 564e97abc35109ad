"""Normalising: an upload's audio converted to the format that its box keeps (``media_extension``), and measured.

Wanted where the setting NORMALIZE_MEDIA says so, or else, as in Kazoo, ``normalize_media`` in `system_config/
crossbar.voicemail` or the account's own settings over it. ffmpeg, from the wheel of imageio-ffmpeg, does it.

What comes in is anybody's: ffmpeg sees an open file, no name, and may open nothing else by itself; it knows only
the kinds of files that recordings come in, has none of our environment, and is ended when it takes too long or
writes too much. Both files have no name, so that they are gone with the processes, and ffmpeg is gone with its
reader, however that ends.
"""

import errno
import logging
import math
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from threading import BoundedSemaphore, Event, Timer
from typing import IO, Any

import imageio_ffmpeg
from django.conf import settings

from crossbar.errors import RequestTooLarge, ServerBusy, UnspecifiedFault, ValidationFailed
from crossbar.multipart import Part
from storage import system_config
from voicemail.audio import content_types

logger = logging.getLogger(__name__)

NO_AUDIO = "Please provide a media file that holds audio"
TOO_LONG = "Please provide a shorter media file: this one takes too long to convert"

# Speech: one channel, the samples of a telephone's better codecs.
_VOICE = ("-map", "0:a:0", "-map_metadata", "-1", "-ac", "1", "-ar", "16000")
_FORMATS: dict[str, tuple[str, tuple[str, ...]]] = {
    "mp3": ("audio/mpeg", ("-c:a", "libmp3lame", "-b:a", "48k", "-f", "mp3")),
    "mp4": ("audio/mp4", ("-c:a", "aac", "-b:a", "48k", "-f", "mp4")),
    "wav": ("audio/x-wav", ("-c:a", "pcm_s16le", "-f", "wav")),
}
_DEFAULT = "mp3"
# A second output, a byte for each sample: how many come is how long the audio is.
_SAMPLES = ("-map", "0:a:0", "-ac", "1", "-ar", "8000", "-c:a", "pcm_u8", "-f", "u8", "pipe:1")
_SAMPLES_PER_MS = 8
_INPUTS = "mp3,wav,w64,mov,mp4,ogg,flac,aac,amr,matroska,webm,aiff,au,asf"
_MOST_MEMORY = 256 * 1024 * 1024
_MOST_SAID = 4 * 1024 * 1024
_PATIENCE = 10  # seconds that an upload waits for its turn, with a thread of the worker
_NICENESS = 10
_CHUNK = 64 * 1024
_OUR_FAULTS = {256 - errno.ENOSPC, 256 - errno.EDQUOT, -signal.SIGKILL, -signal.SIGTERM}


def is_wanted(account_id: str) -> bool:
    """Whether the audio that an account's boxes get is to be normalised."""
    wanted: bool | None = settings.NORMALIZE_MEDIA
    return system_config.is_on(account_id, "crossbar.voicemail", "normalize_media") if wanted is None else wanted


def normalised(media: Part, box: Mapping[str, Any]) -> tuple[Part, int]:
    """An upload as its box keeps audio, in a file of its own, and how long it plays, in milliseconds.

    Raises ValidationFailed for what holds no audio or takes too long, RequestTooLarge when the result is larger
    than an upload may be, ServerBusy when too many others are being converted.
    """
    wanted = str(box.get("media_extension"))
    kind = wanted if wanted in _FORMATS else _DEFAULT
    content_type, options = _FORMATS[kind]
    stem = content_types.attachment_name(media.filename, content_type).rpartition(".")[0]
    target = tempfile.TemporaryFile()  # noqa: SIM115 - lives on in the part
    try:
        with _turn():
            milliseconds = _convert(media.file, target, options)
        length = os.fstat(target.fileno()).st_size
        target.seek(0)
    except BaseException:
        target.close()
        raise
    return Part(content_type, f"{stem}.{kind}", media.name, target, length), milliseconds


@cache
def _turns() -> BoundedSemaphore:
    return BoundedSemaphore(settings.NORMALIZE_AT_ONCE)


@contextmanager
def _turn() -> Iterator[None]:
    """One of the conversions that a process does at a time; ServerBusy."""
    if not _turns().acquire(timeout=_PATIENCE):
        raise ServerBusy(_PATIENCE)
    try:
        yield
    finally:
        _turns().release()


def _convert(source: IO[bytes], target: IO[bytes], options: tuple[str, ...]) -> int:
    """Fill the target; the milliseconds of audio in it."""
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(  # noqa: S603 - a fixed program; nothing of the upload is on its command line
            _command(target, options),
            stdin=_from_its_beginning(source),
            stdout=subprocess.PIPE,
            stderr=said,
            pass_fds=(target.fileno(),),
            env={},
        )
        with process, _ended_in_time(process) as was_late:
            samples = _count_samples(process, target, said)
        if process.returncode == 0 and samples >= _SAMPLES_PER_MS:
            return samples // _SAMPLES_PER_MS
        if was_late.is_set():
            raise ValidationFailed.field("file", "wrong_format", TOO_LONG)
        raise _failure(process.returncode, said)


def _command(target: IO[bytes], options: tuple[str, ...]) -> list[str]:
    """ffmpeg, from its standard input to a file that it inherits, and the samples to its standard output."""
    quiet = ("-hide_banner", "-nostdin", "-nostats", "-loglevel", "error")
    # Its own limit, of the processor's time, is for when nobody is left to end it.
    limits = ("-timelimit", str(math.ceil(settings.NORMALIZE_SECONDS)), "-max_alloc", str(_MOST_MEMORY))
    source = ("-protocol_whitelist", "fd", "-format_whitelist", _INPUTS, "-threads", "1", "-i", "fd:")
    output = ("-threads", "1", "-fd", str(target.fileno()), "-y", "fd:")
    return [imageio_ffmpeg.get_ffmpeg_exe(), *quiet, *limits, *source, *_VOICE, *options, *output, *_SAMPLES]


def _from_its_beginning(file: IO[bytes]) -> int:
    """The descriptor of a file, for another process to read all of it."""
    number = file.fileno()  # what was in memory until now goes to disk
    file.flush()
    os.lseek(number, 0, os.SEEK_SET)
    return number


@contextmanager
def _ended_in_time(process: subprocess.Popen[bytes]) -> Iterator[Event]:
    """End a process after NORMALIZE_SECONDS, and tell by the event that it was; or as soon as nobody wants it."""
    late = Event()

    def end() -> None:
        late.set()
        process.kill()

    timer = Timer(settings.NORMALIZE_SECONDS, end)
    timer.daemon = True
    timer.start()
    try:
        with suppress(OSError):  # other requests go first
            os.setpriority(os.PRIO_PROCESS, process.pid, _NICENESS)
        yield late
    except BaseException:
        process.kill()
        raise
    finally:
        process.wait()
        timer.cancel()


def _count_samples(process: subprocess.Popen[bytes], target: IO[bytes], said: IO[bytes]) -> int:
    """Read to its end what the process writes, as long as it keeps within bounds; RequestTooLarge."""
    samples, most = 0, settings.MAX_UPLOAD_BYTES
    assert process.stdout is not None
    while piece := process.stdout.read(_CHUNK):
        samples += len(piece)
        if os.fstat(target.fileno()).st_size > most or os.fstat(said.fileno()).st_size > _MOST_SAID:
            raise RequestTooLarge(most)
    return samples


def _failure(code: int, said: IO[bytes]) -> ValidationFailed | UnspecifiedFault:
    """Whose fault it was that ffmpeg ended with a code; the log has its words."""
    said.seek(0)
    words = said.read(_CHUNK)[-500:].decode("utf-8", "replace").strip()
    if code in _OUR_FAULTS:
        logger.error("ffmpeg could not convert an upload (%s): %s", code, words)
        return UnspecifiedFault()
    logger.info("ffmpeg found no audio in an upload (%s): %s", code, words)
    return ValidationFailed.field("file", "wrong_format", NO_AUDIO)
