"""A folder of backups, an archive or a single file: read all once, and put each document into its own database."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from migration.backups.archives import BackupFile, FileReader, Refused
from migration.backups.attachments import AttachmentExtractor
from migration.backups.file_names import parse_path
from migration.backups.index import DocumentIndex, IndexedFile
from migration.backups.parsing import parse_documents
from migration.backups.placing import FilePlacement
from migration.backups.recordings import LooseRecordings, may_be_recording
from storage import database_names, empty_objects

# Text with so many broken characters is none.
_MAX_BROKEN = 0.05
# So many files in no known format are named, one by one; the others only counted.
_NAMED_FILES = 5
_MAX_WARNINGS = 500


class UnreadableSource(Exception):
    """The source holds nothing that can be read; the text says why."""


class SourceFile(NamedTuple):
    """A file or folder that a source consists of, and its path in the source."""

    path: Path
    name: str


class BackupFolder:
    """All backups in a folder, in an archive, or in a file. Close it to delete the index and the unpacked files."""

    def __init__(self, source: Path) -> None:
        """Read all files. Raises UnreadableSource."""
        self.source = source
        self._temporary = tempfile.TemporaryDirectory(prefix="migrate_kazoo3-")
        self.working_folder = Path(self._temporary.name)
        self.index = DocumentIndex(self.working_folder / "index.sqlite3")
        self.warnings: list[str] = []
        """Faults of the files, a sentence each."""
        self.refusals: list[str] = []
        """What is left out because it can't be told whose it is, or may do harm; a sentence each."""
        self._recordings = LooseRecordings(self.working_folder / "recordings.sqlite3")
        self._unknown_files = 0
        try:
            self._read_all()
        except BaseException:
            self.close()
            raise

    @property
    def lacking_attachments(self) -> int:
        """How many attachments the backups name without having their bytes."""
        return self.index.count_lacking()

    def close(self) -> None:
        """Delete the index and the unpacked files."""
        self._recordings.close()
        self._temporary.cleanup()

    def _read_all(self) -> None:
        reader = FileReader(self.working_folder, self._warn, self._is_wanted)
        try:
            for path, name in list_files(self.source):
                try:
                    for file in reader.read(path, name):
                        self._read_file(file)
                except Refused as refusal:
                    self.refusals.append(str(refusal))
        except OSError as error:
            raise UnreadableSource(f"{self.source} can't be read: {error}") from error
        unplaced = self._recordings.attach(self.index)
        if unplaced.number:
            self.warnings.append(
                f"Files that are neither backups nor recordings of a document are left out ({unplaced.number}, such "
                f"as {unplaced.example})"
            )
        if self._unknown_files > _NAMED_FILES:
            self.warnings.append(
                f"{self._unknown_files - _NAMED_FILES} more files hold no documents in JSON: left out"
            )
        self.index.commit()
        if not self.index.list_databases():
            reasons = f": {self.refusals[0]}" if self.refusals else ""
            raise UnreadableSource(f"{self.source} holds no backup of a database{reasons}")

    def _read_file(self, file: BackupFile) -> None:
        if is_json(file.path):
            self._read_documents(file)
            if file.is_unpacked and not self.index.refers_to(file.path):
                file.path.unlink()
        else:
            self._recordings.add(file)

    def _read_documents(self, file: BackupFile) -> None:
        stated = parse_path(file.name)
        placement = FilePlacement(self.index, file.name, stated)
        store_all = stated is not None and stated.database in database_names.SYSTEM
        faults: list[str] = []
        count = 0
        with file.path.open("rb") as opened:
            extractor = AttachmentExtractor(opened)
            indexed_file = IndexedFile(file.path, file.name, extractor)
            for doc in parse_documents(extractor, faults.append):
                count += 1
                empty_objects.restore_objects(doc)
                database = placement.place(doc)
                if database is not None:
                    is_system = store_all or database in database_names.SYSTEM
                    self.index.add(database, doc, indexed_file, store_all=is_system)
        self.refusals += placement.finish()
        if count:
            for sentence in faults:
                self._warn(file.name, sentence)
        elif file.path.stat().st_size:
            self._report_unknown(file.name)

    def _is_wanted(self, name: str, head: bytes) -> bool:
        if looks_like_json(head) or may_be_recording(name):
            return True
        if head:
            self._report_unknown(name)
        return False

    def _report_unknown(self, name: str) -> None:
        self._unknown_files += 1
        if self._unknown_files <= _NAMED_FILES:
            self._warn(name, "it holds no documents in JSON: left out")

    def _warn(self, name: str, sentence: str) -> None:
        if len(self.warnings) < _MAX_WARNINGS:
            self.warnings.append(f"{name}: {sentence}")


def list_files(source: Path) -> Iterator[SourceFile]:
    """The files of a source, the oldest first: of two backups of one database the later one counts."""
    if source.is_file():
        yield SourceFile(source, source.name)
        return
    for path in sorted((path for path in source.rglob("*") if path.is_file()), key=_age):
        yield SourceFile(path, str(path.relative_to(source)))


def is_json(path: Path) -> bool:
    """Whether a file may hold JSON."""
    with path.open("rb") as file:
        return looks_like_json(file.read(64 * 1024))


def looks_like_json(head: bytes) -> bool:
    """Whether a file with such a beginning may hold JSON: it is text, with a brace or bracket."""
    if b"\0" in head or not (b"{" in head or b"[" in head):
        return False
    text = head.decode("utf-8", "replace")
    return text.count("\ufffd") <= len(text) * _MAX_BROKEN


def _age(path: Path) -> tuple[float, str]:
    return path.stat().st_mtime, str(path)
