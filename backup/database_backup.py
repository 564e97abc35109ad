"""The backup of one database: its changes since a sequence, as segments.

After each segment the list of segments is stored, together with the sequence that the next one begins at. So a backup
that was killed continues after its last finished segment.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from backup import layout, segments, selection
from backup.layout import DatabaseFiles, Selection
from backup.places import MissingFile, Place
from backup.progress import Progress
from backup.recordings import EarlierBackup, ReadDocument, RecordingStore
from backup.segments import Document
from couch.client import Couch
from couch.database import Database
from couch.errors import NotFound, Rejected
from couch.parallel import in_parallel
from couch.replication import Replica, StoredChanges
from migration.outages import Retry

FIRST_SEQ = "0"
_PAGE_SIZE = 200
_SEGMENT_DOCUMENTS = 5_000
_SEGMENT_BYTES = 8 * 1024 * 1024
_IDENTITY = "vmboxes_backup"
"""The local document with the database's mark: CouchDB deletes it with the database, and replicates it nowhere."""


@dataclass(frozen=True)
class Earlier:
    """The backups before this one: the latest with what it has of the database, and all whose recordings are good."""

    files: Callable[[str], DatabaseFiles | None]
    backups: tuple[EarlierBackup, ...] = ()


@dataclass(frozen=True)
class BackupJob:
    """What the backups of all databases have in common."""

    server: Couch
    place: Place
    folder: Path
    """For files that are not complete yet."""
    selection: Selection
    earlier: Earlier
    progress: Progress
    retry: Retry
    segment_documents: int = _SEGMENT_DOCUMENTS


class DatabaseBackup:
    """Backs up a database. `expected` of its documents are in the progress's total already."""

    def __init__(self, job: BackupJob, name: str, expected: int = 0) -> None:
        self._job, self._name, self._expected = job, name, expected
        self._replica = Replica(job.server, name)
        self._recordings = RecordingStore(job.server, name, job.place, job.earlier.backups, job.folder, job.retry)

    def run(self) -> str:
        """Store all segments that are missing; the SHA-256 of their list.

        Raises MissingDatabase, and Stopped after a segment once a stop is requested.
        """
        identity = self._job.retry(lambda: load_identity(Database(self._job.server, self._name)))
        files = self._begin(identity)
        self._job.progress.add(documents=files.documents, recordings=files.recordings, size=files.recording_bytes)
        if not files.is_finished:
            try:
                self._store_changes(files)
            except Rejected:  # a sequence that this database doesn't know
                if files.seq == FIRST_SEQ:
                    raise
                files = DatabaseFiles(self._name, identity, is_complete=True, seq=FIRST_SEQ)
                self._store_changes(files)
        self._expect(files.documents)
        for fault in files.faults:
            self._job.progress.add_fault(fault)
        return layout.write_database_files(self._job.place, files)

    def _begin(self, identity: str) -> DatabaseFiles:
        """What there is to continue, of this backup or the one before; nothing if the database was deleted since."""
        try:
            unfinished = layout.read_database_files(self._job.place, self._name)
        except MissingFile:
            unfinished = None
        if unfinished is not None and unfinished.identity == identity:
            return unfinished
        earlier = self._job.earlier.files(self._name)
        if earlier is not None and earlier.identity == identity:
            return DatabaseFiles(self._name, identity, is_complete=False, seq=earlier.seq)
        return DatabaseFiles(self._name, identity, is_complete=True, seq=FIRST_SEQ)

    def _store_changes(self, files: DatabaseFiles) -> None:
        lines: list[bytes] = []
        size, seq = 0, files.seq
        page_size = min(_PAGE_SIZE, self._job.segment_documents)
        while not files.is_finished:
            page: StoredChanges = self._job.retry(partial(self._replica.changes, seq, page_size))
            self._expect(files.documents + len(lines) + len(page.docs) + page.pending)
            for read in self._read_documents(page):
                lines.append(segments.encode_line(read.line))
                size += len(lines[-1])
                files.recordings += read.recordings
                files.recording_bytes += read.bytes
                files.faults += [read.fault] if read.fault else []
            is_stuck = page.last_seq == seq  # as it would be with a page that is never empty
            seq, is_last = page.last_seq, not page.pending or is_stuck
            is_stopping = self._job.progress.is_stopping
            if is_last or is_stopping or len(lines) >= self._job.segment_documents or size >= _SEGMENT_BYTES:
                self._store_segment(files, lines, seq, is_last=is_last)
                lines, size = [], 0
            if is_stopping:
                self._job.progress.require_going_on()

    def _expect(self, documents: int) -> None:
        """Correct what the progress expects of this database, which may change meanwhile."""
        self._job.progress.expect(documents=documents - self._expected)
        self._expected = documents

    def _read_documents(self, page: StoredChanges) -> list[ReadDocument]:
        docs = [doc for doc in page.docs if selection.is_selected(self._name, doc, self._job.selection)]
        read = in_parallel(self._read_document, docs)
        self._job.progress.add(
            documents=len(read),
            recordings=sum(document.recordings for document in read),
            size=sum(document.bytes for document in read),
        )
        return read

    def _read_document(self, doc: Document) -> ReadDocument:
        return self._recordings.store_attachments(doc)

    def _store_segment(self, files: DatabaseFiles, lines: list[bytes], seq: str, *, is_last: bool) -> None:
        if lines:
            path = f"{layout.database_folder(self._name)}/{len(files.segments) + 1:06}{segments.SUFFIX}"
            files.segments.append(segments.write_lines(self._job.place, path, lines, self._job.folder))
        files.seq, files.is_finished = seq, is_last
        layout.write_database_files(self._job.place, files)


def load_identity(database: Database) -> str:
    """The mark of a database, which is made if it has none. Raises MissingDatabase."""
    doc = database.get_local(_IDENTITY)
    if doc is None:
        database.put_local(_IDENTITY, {"identity": secrets.token_hex(16)})
        doc = database.get_local(_IDENTITY)
    if doc is None:
        raise NotFound(database.name)
    return str(doc["identity"])
