"""The files in a folder of backups, those in archives and packed files among them.

Archives (tar, zip) are read as the folders that they hold, packed files (gzip, bzip2, xz, zstd) as what they pack,
one in another too. Files are unpacked one at a time, under names of our own: whatever names an archive has, it writes
nowhere else. Links and devices in archives are not followed.
"""

import bz2
import gzip
import lzma
import shutil
import sys
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_CHUNK = 256 * 1024
_HEAD = 64 * 1024
# What one archive may unpack to: hardly any backup shrinks to a hundredth, and an archive made to fill the disk to
# less than a thousandth.
_MAX_GROWTH = 100
FREE_GROWTH = 4 * 1024**3
_MAX_DEPTH = 4
# So much of the disk stays free.
_RESERVE = 256 * 1024**2
# What stands between two files of a tar archive: names of a few kilobytes at most.
_MAX_HEADER = 1024**2
_MAX_NAME = 2_000
_OPENERS: dict[bytes, Callable[[Any], "Stream"]] = {
    b"\x1f\x8b": lambda file: gzip.GzipFile(fileobj=file),
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\x00": lzma.LZMAFile,
    b"\x28\xb5\x2f\xfd": zstd.ZstdFile,
}
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_DAMAGED = (
    EOFError,
    OSError,
    zlib.error,
    lzma.LZMAError,
    zstd.ZstdError,
    tarfile.TarError,
    zipfile.BadZipFile,
    ValueError,
    RuntimeError,  # an encrypted file in a zip archive
    NotImplementedError,  # a way to pack that zipfile does not know
)


class Refused(Exception):
    """A source that is not read to its end on purpose; the text is a sentence without its full stop."""


class BackupFile(NamedTuple):
    """A file on disk, and its path in the source: folders, archives and files, with slashes between."""

    path: Path
    name: str
    is_unpacked: bool
    """Whether it was unpacked, and may be deleted as soon as nobody reads it any more."""


class Stream(Protocol):
    """What is unpacked."""

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes; empty at the end."""


Warn = Callable[[str, str], None]
"""Gets the name of a file, and a sentence about it."""


@dataclass
class _Budget:
    """How many bytes may still be unpacked of an archive."""

    name: str
    remaining: int
    folder: Path
    _unchecked: int = field(default=0, init=False)

    def spend(self, count: int, *, on_disk: bool) -> None:
        """Count unpacked bytes. Raises Refused if there are too many, or the disk is full."""
        self.remaining -= count
        if self.remaining < 0:
            raise Refused(f"{self.name} unpacks to far more than a backup does: unpack it yourself if you trust it")
        self._unchecked += count if on_disk else 0
        if self._unchecked > 64 * 1024**2:
            self._unchecked = 0
            if shutil.disk_usage(self.folder).free < _RESERVE:
                raise Refused(f"{self.name} needs more room to be unpacked than {self.folder} has: set TMPDIR")


class FileReader:
    """Reads the files of a source one after the other. Unpacks into a folder of its own."""

    def __init__(
        self, folder: Path, warn: Warn, is_wanted: Callable[[str, bytes], bool], *, free_growth: int = FREE_GROWTH
    ) -> None:
        """`is_wanted` tells from a file's name and its first bytes whether to unpack it at all.

        `free_growth`: so many bytes an archive may unpack to, however small it is.
        """
        self._folder, self._warn, self._is_wanted = folder, warn, is_wanted
        self._free_growth = free_growth

    def read(self, path: Path, name: str) -> Iterator[BackupFile]:
        """The file itself, or the files that it packs or holds. Raises Refused, OSError."""
        with path.open("rb") as file:
            head = file.read(_HEAD)
        budget = _Budget(name, path.stat().st_size * _MAX_GROWTH + self._free_growth, self._folder)
        if _is_plain(head):
            if self._is_wanted(name, head):
                yield BackupFile(path, name, is_unpacked=False)
            return
        yield from self._read_packed(path, head, name, budget, 0)

    def _read_packed(self, path: Path, head: bytes, name: str, budget: _Budget, depth: int) -> Iterator[BackupFile]:
        """The files in an archive or packed file on disk, up to its damage if it has some."""
        try:
            if head.startswith(_ZIP):
                yield from self._read_zip(path, name, budget, depth)
                return
            with path.open("rb") as file:
                if _is_tar(head):
                    yield from self._read_tar(file, name, budget, depth)
                else:
                    yield from self._read_stream(_open_packed(file, head), name, budget, depth)
        except _DAMAGED as error:
            if isinstance(error, OSError) and error.errno:
                raise
            self._warn(name, "the packed file ends early or is damaged: read up to there")

    def _read_stream(self, stream: Stream, name: str, budget: _Budget, depth: int) -> Iterator[BackupFile]:
        """A file that is just being unpacked: itself, or what it holds."""
        head = _read_head(stream)
        whole = _Restarted(head, stream)
        if _is_plain(head):
            if self._is_wanted(name, head):
                yield BackupFile(self._unpack(whole, name, budget), name, is_unpacked=True)
            return
        if depth >= _MAX_DEPTH:
            raise Refused(f"{name} is an archive in too many others: unpack it yourself if you trust it")
        if _is_tar(head):
            yield from self._read_tar(whole, name, budget, depth + 1)
        elif head.startswith(_ZIP):
            path = self._unpack(whole, name, budget)
            yield from self._read_packed(path, head, name, budget, depth + 1)
            path.unlink()
        else:
            yield from self._read_stream(_open_packed(whole, head), name, budget, depth + 1)

    def _read_tar(self, file: Stream, name: str, budget: _Budget, depth: int) -> Iterator[BackupFile]:
        limited = _Limited(file, budget)
        with tarfile.open(fileobj=limited, mode="r|", ignore_zeros=True) as archive:  # type: ignore[call-overload]
            while True:
                limited.allow(_MAX_HEADER)
                member = archive.next()
                if member is None:
                    return
                # Else the archive keeps all of them, and there may be a million.
                archive.members.clear()
                limited.allow(member.size + _MAX_HEADER)
                content = archive.extractfile(member) if member.isreg() else None
                if content is None:
                    continue
                yield from self._read_stream(content, _join(name, member.name), budget, depth)
                # What nobody has read is read past.
                limited.allow(member.size + _MAX_HEADER)

    def _read_zip(self, path: Path, name: str, budget: _Budget, depth: int) -> Iterator[BackupFile]:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                if member.is_dir() or (member.external_attr >> 28) not in (0, 8):
                    continue
                member_name = _join(name, member.filename)
                try:
                    with archive.open(member) as content:
                        yield from self._read_stream(content, member_name, budget, depth)
                except _DAMAGED as error:
                    if isinstance(error, OSError) and error.errno:
                        raise
                    self._warn(member_name, "it is damaged, encrypted or packed in an unknown way: left out")

    def _unpack(self, stream: Stream, name: str, budget: _Budget) -> Path:
        """Write a stream into a file, as far as it can be read."""
        target = tempfile.NamedTemporaryFile(dir=self._folder, delete=False)  # noqa: SIM115 - used until the end
        with target:
            try:
                while piece := stream.read(_CHUNK):
                    budget.spend(len(piece), on_disk=True)
                    target.write(piece)
            except _DAMAGED as error:
                if isinstance(error, OSError) and error.errno:
                    raise
                self._warn(name, "the packed file ends early or is damaged: read up to there")
        return Path(target.name)


class _Restarted:
    """A stream whose beginning was read already. Returns what could be unpacked before a damage."""

    def __init__(self, head: bytes, stream: Stream) -> None:
        self._head, self._stream = head, stream

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes; empty at the end."""
        if self._head:
            count = len(self._head) if size < 0 else size
            piece, self._head = self._head[:count], self._head[count:]
            return piece
        return _read_some(self._stream, size)


class _Limited:
    """A stream of a tar archive that never returns more than the archive may need next."""

    def __init__(self, stream: Stream, budget: _Budget) -> None:
        self._stream, self._budget = stream, budget
        self.allow(_MAX_HEADER)

    def allow(self, count: int) -> None:
        """Allow so many bytes from here on, and what is read ahead."""
        self._allowed = count + tarfile.RECORDSIZE

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes; empty at the end. Raises ValueError if there are more than were allowed."""
        piece = _read_some(self._stream, size)
        self._allowed -= len(piece)
        if self._allowed < 0:
            raise ValueError("a header of the archive is longer than any name")
        self._budget.spend(len(piece), on_disk=False)
        return piece


def _is_plain(head: bytes) -> bool:
    return not (head.startswith((*_OPENERS, *_ZIP)) or _is_tar(head))


def _is_tar(head: bytes) -> bool:
    try:
        tarfile.TarInfo.frombuf(head[: tarfile.BLOCKSIZE], "utf-8", "surrogateescape")
    except tarfile.TarError:
        return False
    return True


def _open_packed(stream: Any, head: bytes) -> Stream:
    opener = next(opener for magic, opener in _OPENERS.items() if head.startswith(magic))
    return opener(stream)


def _read_head(stream: Stream) -> bytes:
    head = b""
    try:
        while len(head) < _HEAD and (piece := _read_some(stream, _HEAD - len(head))):
            head += piece
    except _DAMAGED:
        # The next read tells it again.
        if not head:
            raise
    return head


def _read_some(stream: Stream, size: int) -> bytes:
    """The next bytes: all that there are before a damage, which `read` would lose."""
    read: Callable[[int], bytes] = getattr(stream, "read1", stream.read)
    return read(size)


def _join(name: str, member_name: str) -> str:
    """The path of a file in an archive, with nothing that leads out of the archive or is hard to print."""
    parts = [part for part in member_name.replace("\\", "/").split("/") if part not in ("", ".", "..")]
    path = "/".join([name, *parts])[:_MAX_NAME]
    return "".join(character if character.isprintable() else "\ufffd" for character in path)
