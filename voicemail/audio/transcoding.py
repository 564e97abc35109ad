"""Transcode audio to the format that a mailbox keeps (``media_extension``), and measure how long it plays.

Done to uploads if the setting NORMALIZE_MEDIA says so or, where that is unset, Kazoo's ``normalize_media`` in
`system_config/crossbar.voicemail` or in the account's own settings; and to stored audio for those who can't play it.
ffmpeg does the work. Both files are anonymous: they disappear with the processes.
"""

import errno
import logging
import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import BoundedSemaphore
from typing import IO, Any, NamedTuple

from django.conf import settings

from crossbar.errors import RequestTooLarge, ServerBusy, UnspecifiedFault, ValidationFailed
from storage import system_config
from voicemail.audio import content_types, ffmpeg

logger = logging.getLogger(__name__)

NO_AUDIO = "Please provide a media file that holds audio"
TOO_LONG = "Please provide a shorter media file: this one takes too long to convert"

# Speech: one channel, the sample rate of a telephone's better codecs.
_SPEECH = ("-map", "0:a:0", "-map_metadata", "-1", "-ac", "1", "-ar", "16000")
_FORMATS: dict[str, tuple[str, tuple[str, ...]]] = {
    "mp3": ("audio/mpeg", ("-c:a", "libmp3lame", "-b:a", "48k", "-f", "mp3")),
    "mp4": ("audio/mp4", ("-c:a", "aac", "-b:a", "48k", "-movflags", "+faststart", "-f", "mp4")),
    "wav": ("audio/x-wav", ("-c:a", "pcm_s16le", "-f", "wav")),
}
_DEFAULT_FORMAT = "mp3"
# A second output with a byte for each sample: counting the bytes measures the audio.
_SAMPLES = ("-map", "0:a:0", "-ac", "1", "-ar", "8000", "-c:a", "pcm_u8", "-f", "u8", "pipe:1")
_SAMPLES_PER_MS = 8
_MAX_LOG = 4 * 1024 * 1024
_SLOT_TIMEOUT = 10  # seconds that an upload, and with it a thread of the worker, waits for a free slot
_NICENESS = 10  # requests that need no ffmpeg go first
_CHUNK = 64 * 1024
# Exit codes of a full disk, and of signals from outside: not the upload's fault.
_SERVER_FAULTS = {256 - errno.ENOSPC, 256 - errno.EDQUOT, -signal.SIGKILL, -signal.SIGTERM}


class Transcoded(NamedTuple):
    """Transcoded audio in an anonymous file, positioned at its start."""

    file: IO[bytes]
    length: int
    """In bytes."""
    content_type: str
    extension: str
    milliseconds: int
    """How long it plays."""


def is_requested(account_id: str) -> bool:
    """Whether the audio of an account's new messages is transcoded."""
    enabled: bool | None = settings.NORMALIZE_MEDIA
    return system_config.is_on(account_id, "crossbar.voicemail", "normalize_media") if enabled is None else enabled


def transcode(source: IO[bytes], media_extension: object, content_type: str = content_types.OCTETS) -> Transcoded:
    """Transcode a file to the format of an extension, or to MP3 if that is not a format that mailboxes keep.

    The file's content type counts only for audio whose bytes don't show what it is, which is GSM without a header.
    Raises ValidationFailed if the file holds no audio or takes too long, RequestTooLarge if the result is larger than
    an upload may be, and ServerBusy if no slot gets free in time.
    """
    extension = str(media_extension) if str(media_extension) in _FORMATS else _DEFAULT_FORMAT
    target_type, options = _FORMATS[extension]
    source.seek(0)
    is_gsm = content_types.detect_extension(source) is None and content_types.extension(content_type) == "gsm"
    target = tempfile.TemporaryFile()  # noqa: SIM115 - the result keeps it open
    try:
        with _transcoding_slot():
            milliseconds = _run_ffmpeg(source, target, options, "gsm" if is_gsm else None)
        length = os.fstat(target.fileno()).st_size
        target.seek(0)
    except BaseException:
        target.close()
        raise
    return Transcoded(target, length, target_type, extension, milliseconds)


@cache
def slots() -> BoundedSemaphore:
    """The slots for the transcodings that this process does at a time."""
    return BoundedSemaphore(settings.NORMALIZE_AT_ONCE)


@contextmanager
def _transcoding_slot() -> Iterator[None]:
    """Hold one of the slots; raises ServerBusy."""
    if not slots().acquire(timeout=_SLOT_TIMEOUT):
        raise ServerBusy(_SLOT_TIMEOUT)
    try:
        yield
    finally:
        slots().release()


def _run_ffmpeg(source: IO[bytes], target: IO[bytes], options: tuple[str, ...], input_format: str | None) -> int:
    """Transcode a file into another; how long the audio plays, in milliseconds."""
    outputs = (*_SPEECH, *options, "-threads", "1", "-y", ffmpeg.output_url(target), *_SAMPLES)
    with tempfile.TemporaryFile() as log:
        limits: dict[str, Any] = {"seconds": settings.NORMALIZE_SECONDS, "niceness": _NICENESS}
        with ffmpeg.run(source, outputs, log=log, target=target, input_format=input_format, **limits) as running:
            samples = _count_samples(running.output, target, log)
        if running.process.returncode == 0 and samples >= _SAMPLES_PER_MS:
            return samples // _SAMPLES_PER_MS
        if running.is_late.is_set():
            raise ValidationFailed.field("file", "wrong_format", TOO_LONG)
        raise _transcoding_error(running.process.returncode, log)


def _count_samples(output: IO[bytes], target: IO[bytes], log: IO[bytes]) -> int:
    """Read ffmpeg's standard output to its end; raises RequestTooLarge if its other outputs grow too large."""
    samples, max_length = 0, settings.MAX_UPLOAD_BYTES
    while chunk := output.read(_CHUNK):
        samples += len(chunk)
        if os.fstat(target.fileno()).st_size > max_length or os.fstat(log.fileno()).st_size > _MAX_LOG:
            raise RequestTooLarge(max_length)
    return samples


def _transcoding_error(exit_code: int, log: IO[bytes]) -> ValidationFailed | UnspecifiedFault:
    """The error for an exit code of ffmpeg, whose own message is logged."""
    log.seek(0)
    message = log.read(_CHUNK)[-500:].decode("utf-8", "replace").strip()
    if exit_code in _SERVER_FAULTS:
        logger.error("ffmpeg could not convert an upload (%s): %s", exit_code, message)
        return UnspecifiedFault()
    logger.info("ffmpeg found no audio in an upload (%s): %s", exit_code, message)
    return ValidationFailed.field("file", "wrong_format", NO_AUDIO)
