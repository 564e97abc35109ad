"""How long audio plays, measured from its bytes whatever its name and content type say.

WAV, which telephony uploads most, is read here in microseconds. ffmpeg's demuxer counts everything else: it is right
for files that were cut off, for MP3 of a variable bit rate, and for what browsers record, which states no length. It
costs a process for some hundredths of a second, and only uploads without a stated length need it.
"""

import logging
import os
import re
import struct
from threading import BoundedSemaphore
from typing import IO

from voicemail.audio import content_types, ffmpeg

logger = logging.getLogger(__name__)

_MAX_SECONDS = 10
_SLOTS = BoundedSemaphore(2)
_SLOT_TIMEOUT = 5
_COPY = ("-map", "0:a:0", "-c", "copy", "-progress", "pipe:1", "-f", "null", "-")
_TIME = re.compile(rb"^out_time_us=(\d{1,15})$", re.MULTILINE)
_MAX_REPORT = 64 * 1024

_WAVE_FORMAT = struct.Struct("<HHIIH")
_SAMPLED = frozenset({1, 3, 6, 7})  # PCM, floats, A-law and mu-law: a block of bytes for each sample
_MAX_CHUNKS = 100
_GSM_FRAME = 33  # bytes of 20 milliseconds
_GSM_MILLISECONDS = 20
_GSM_MARK = 0xD


def measure(file: IO[bytes], content_type: str) -> int | None:
    """The milliseconds that a file plays; None if it can't be measured.

    Takes bounded time and memory, whatever the file is.
    """
    file.seek(0)
    suffix = content_types.detect_extension(file)
    if suffix is None:
        return _measure_gsm(file) if content_types.extension(content_type) == "gsm" else None
    milliseconds = _measure_wav(file) if suffix == "wav" else None
    return milliseconds or _measure_packets(file)


def _measure_packets(file: IO[bytes]) -> int | None:
    """The milliseconds of a file by its packets, which are not decoded."""
    if not _SLOTS.acquire(timeout=_SLOT_TIMEOUT):
        logger.warning("No ffmpeg was free to measure an upload")
        return None
    try:
        with ffmpeg.run(file, _COPY, seconds=_MAX_SECONDS) as running:
            report = b""
            while chunk := running.output.read(_MAX_REPORT):
                report = (report + chunk)[-_MAX_REPORT:]
    except (OSError, RuntimeError):  # no ffmpeg for this machine, or no room for another process
        logger.exception("ffmpeg could not be run to measure an upload")
        return None
    finally:
        _SLOTS.release()
    times = _TIME.findall(report)
    return int(times[-1]) // 1000 or None if times and running.process.returncode == 0 else None


def _measure_wav(file: IO[bytes]) -> int | None:
    """The milliseconds of a WAV file: as many bytes as there are, by the bytes that a second takes.

    Streams and files that were cut off state 0, the largest number or more than there is as the size of their data.
    """
    length = file.seek(0, os.SEEK_END)
    position, bytes_per_second = 12, 0
    for _ in range(_MAX_CHUNKS):
        file.seek(position)
        head = file.read(8)
        if len(head) < 8:
            return None
        name, size = head[:4], int.from_bytes(head[4:], "little")
        position += 8
        if name == b"fmt ":
            bytes_per_second = _bytes_per_second(file.read(_WAVE_FORMAT.size))
        elif name == b"data":
            available = length - position
            data = size if 0 < size < available else available
            return data * 1000 // bytes_per_second if bytes_per_second else None
        position += size + size % 2
    return None


def _bytes_per_second(header: bytes) -> int:
    """The bytes that a second of a WAV file takes, by its format; 0 if that is incomplete."""
    if len(header) < _WAVE_FORMAT.size:
        return 0
    form, _channels, sample_rate, stated, block = _WAVE_FORMAT.unpack(header)
    return int(sample_rate * block if form in _SAMPLED else stated)


def _measure_gsm(file: IO[bytes]) -> int | None:
    """The milliseconds of GSM without a header: each frame begins with the same four bits."""
    length = file.seek(0, os.SEEK_END)
    file.seek(0)
    marks = file.read(_GSM_FRAME * 50)[::_GSM_FRAME]
    if length < _GSM_FRAME or any(mark >> 4 != _GSM_MARK for mark in marks):
        return None
    return length // _GSM_FRAME * _GSM_MILLISECONDS
