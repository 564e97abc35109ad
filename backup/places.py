"""Where a backup lies: files under paths with ``/``, in a folder or in a bucket (`backup.bucket`).

A file is complete or isn't there: it is written under another name, synced to disk, and then renamed.
"""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol


class PlaceError(Exception):
    """A backup can't be read or written where it lies."""


class MissingFile(PlaceError):
    """There is no such file."""


class Place(Protocol):
    """A place for the files of one backup."""

    location: str
    """As an operator writes it."""

    def read(self, path: str) -> bytes:
        """A small file. Raises MissingFile."""

    def write(self, path: str, content: bytes) -> None:
        """Store a small file, in place of any there is."""

    def add(self, path: str, file: Path) -> None:
        """Store a file of this machine, which is gone afterwards; it lies in a folder of `temporary_folder`."""

    def size(self, path: str) -> int | None:
        """The bytes of a file; None if there is none."""

    @contextmanager
    def local_file(self, path: str) -> Iterator[Path]:
        """The file on this machine, until the ``with`` block ends. Raises MissingFile."""

    @contextmanager
    def temporary_folder(self) -> Iterator[Path]:
        """A folder for files that are to be added, until the ``with`` block ends."""

    def delete(self, path: str) -> None:
        """Delete a file if it is there."""

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other backups out until the ``with`` block ends. Raises PlaceError if one is at work here."""

    def relative(self, other: "Place") -> str:
        """How to write another place in a file here, so that both can be moved together where possible."""


class Folder:
    """A folder of this machine, readable by its owner alone."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.location = str(path)

    def read(self, path: str) -> bytes:
        """A small file. Raises MissingFile."""
        try:
            return (self.path / path).read_bytes()
        except FileNotFoundError as error:
            raise MissingFile(f"{self.path / path} is missing") from error

    def write(self, path: str, content: bytes) -> None:
        """Store a small file, in place of any there is."""
        target = self.path / path
        self._create_folder(target.parent)
        descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=".unfinished-")
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        self.add(path, Path(name))

    def add(self, path: str, file: Path) -> None:
        """Store a file of this machine, which is gone afterwards."""
        target = self.path / path
        self._create_folder(target.parent)
        _wait_for_disk(file)
        file.replace(target)
        _wait_for_disk(target.parent)

    def size(self, path: str) -> int | None:
        """The bytes of a file; None if there is none."""
        try:
            return (self.path / path).stat().st_size
        except FileNotFoundError:
            return None

    @contextmanager
    def local_file(self, path: str) -> Iterator[Path]:
        """The file itself. Raises MissingFile."""
        if not (self.path / path).is_file():
            raise MissingFile(f"{self.path / path} is missing")
        yield self.path / path

    @contextmanager
    def temporary_folder(self) -> Iterator[Path]:
        """A folder on the same disk, so that files need not be copied; what a killed backup left in it is deleted."""
        folder = self.path / ".unfinished"
        self._create_folder(folder)
        _empty(folder)
        try:
            yield folder
        finally:
            _empty(folder)
            folder.rmdir()

    def delete(self, path: str) -> None:
        """Delete a file if it is there."""
        (self.path / path).unlink(missing_ok=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other backups out; the lock of a killed one ends with its process."""
        self._create_folder(self.path)
        with (self.path / ".lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise PlaceError(f"Another backup is writing to {self.location}") from error
            yield

    def relative(self, other: Place) -> str:
        """The other folder as seen from this one."""
        return os.path.relpath(other.path, self.path) if isinstance(other, Folder) else other.location

    def _create_folder(self, folder: Path) -> None:
        if folder.is_dir():
            return
        self._create_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
        _wait_for_disk(folder.parent)


def _wait_for_disk(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _empty(folder: Path) -> None:
    for file in folder.iterdir():
        file.unlink()
