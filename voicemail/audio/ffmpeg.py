"""Run ffmpeg, from the wheel of imageio-ffmpeg, on audio that is not trusted.

ffmpeg gets an open file instead of a name, and may not open others; it accepts only the formats that recordings come
in, has an empty environment, little memory and one thread, and is killed if it takes too long. It ends when the
process that reads its output does.
"""

import math
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from threading import Event, Timer
from typing import IO, NamedTuple

import imageio_ffmpeg

if sys.platform == "linux":
    import resource

_INPUT_FORMATS = "mp3,wav,w64,mov,mp4,ogg,flac,aac,amr,matroska,webm,aiff,au,asf,caf,gsm,loas"
_MAX_BLOCK = 256 * 1024 * 1024
_MAX_MEMORY = 1024 * 1024 * 1024


class Run(NamedTuple):
    """A running ffmpeg: its standard output, and the process, which has ended after the ``with`` block."""

    output: IO[bytes]
    process: subprocess.Popen[bytes]
    is_late: Event
    """Set if it was killed for taking too long."""


@contextmanager
def run(
    source: IO[bytes],
    options: Sequence[str],
    *,
    seconds: float,
    log: IO[bytes] | None = None,
    target: IO[bytes] | None = None,
    input_format: str | None = None,
    niceness: int = 0,
) -> Iterator[Run]:
    """Run ffmpeg with a file as its input, which it reads from the start.

    `options` are those of its outputs, which are pipe:1, or `target` by its `output_url`. `log` gets its error
    messages. It is killed after some seconds, or when the ``with`` block raises. `input_format` is for formats that
    bytes don't show; with a `niceness` above 0, what else runs goes first.
    """
    process = subprocess.Popen(  # noqa: S603 - a fixed program; nothing of the audio is on its command line
        _command_line(options, seconds, input_format),
        stdin=_rewind(source),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL if log is None else log,
        pass_fds=() if target is None else (target.fileno(),),
        env={},
    )
    assert process.stdout is not None
    with process, _kill_when_late(process, seconds) as is_late:
        _limit(process.pid, niceness)
        yield Run(process.stdout, process, is_late)


def output_url(file: IO[bytes]) -> str:
    """The URL of a file that ffmpeg inherits: a path, since an index in front takes reading the file again."""
    return f"file:/dev/fd/{file.fileno()}"


def _command_line(options: Sequence[str], seconds: float, input_format: str | None) -> list[str]:
    quiet = ("-hide_banner", "-nostdin", "-nostats", "-loglevel", "error")
    # ffmpeg's own limit of processor time is for the case that this process dies.
    limits = ("-timelimit", str(math.ceil(seconds)), "-max_alloc", str(_MAX_BLOCK))
    form = () if input_format is None else ("-f", input_format)
    source = ("-protocol_whitelist", "fd", "-format_whitelist", _INPUT_FORMATS, "-threads", "1", *form, "-i", "fd:")
    return [imageio_ffmpeg.get_ffmpeg_exe(), *quiet, *limits, *source, *options]


def _rewind(file: IO[bytes]) -> int:
    """The descriptor of a file for another process, which reads it from its start."""
    descriptor = file.fileno()  # moves a file in memory to disk
    file.flush()
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


@contextmanager
def _kill_when_late(process: subprocess.Popen[bytes], seconds: float) -> Iterator[Event]:
    """Kill a process after some seconds, which sets the event, or when the ``with`` block raises."""
    is_late = Event()

    def kill() -> None:
        is_late.set()
        process.kill()

    timer = Timer(seconds, kill)
    timer.daemon = True
    timer.start()
    try:
        yield is_late
    except BaseException:
        process.kill()
        raise
    finally:
        process.wait()
        timer.cancel()


def _limit(pid: int, niceness: int) -> None:
    """Limit the memory of a process, and its share of the processors."""
    with suppress(OSError):  # it may have ended
        os.setpriority(os.PRIO_PROCESS, pid, niceness)
        if sys.platform == "linux":
            resource.prlimit(pid, resource.RLIMIT_AS, (_MAX_MEMORY, _MAX_MEMORY))
