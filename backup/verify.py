"""Check a backup: every file is what it was, and each attachment that a document names is there."""

from backup import layout, segments
from backup.chain import Chain, FinishedBackup
from backup.layout import DamagedBackup, File
from backup.places import MissingFile
from backup.progress import Progress
from backup.segments import Document
from migration.concurrency import map_in_threads
from storage import document_types, private_fields


def verify_backup(chain: Chain, progress: Progress, workers: int = 4) -> None:
    """Check all that a restore of the newest backup reads; what is wrong becomes a fault of the progress.

    Raises Stopped.
    """
    progress.begin_phase("checking")
    checker = _Checker(chain, progress)
    pieces = [piece for name in chain.newest.manifest.databases for piece in checker.list_segments(name)]
    progress.expect(
        databases=len(chain.newest.manifest.databases), documents=sum(segment.documents for _, _, segment in pieces)
    )
    for _ in map_in_threads(lambda piece: checker.check_segment(*piece), pieces, workers, progress):
        progress.require_going_on()
    progress.require_going_on()
    for table in chain.newest.manifest.tables:
        checker.check_table(table)
    progress.add(databases=len(chain.newest.manifest.databases))
    progress.begin_phase("done")


class _Checker:
    def __init__(self, chain: Chain, progress: Progress) -> None:
        self._chain, self._progress = chain, progress
        self._checked: set[bytes] = set()

    def list_segments(self, name: str) -> list[tuple[str, FinishedBackup, File]]:
        """The segments of a database, and what could not be read when they were written."""
        pieces = []
        try:
            for backup, segment in self._chain.list_segments(name):
                pieces.append((name, backup, segment))
            files = self._chain.newest.read_files(name)
            for fault in files.faults if files is not None else ():
                self._progress.add_note(f"When it was backed up: {fault}.")
        except DamagedBackup as error:
            self._progress.add_fault(str(error))
        return pieces

    def check_segment(self, name: str, backup: FinishedBackup, segment: File) -> None:
        """Check a segment, and all recordings that its documents name."""
        try:
            docs = segments.read_documents(backup.place, segment)
        except DamagedBackup as error:
            self._progress.add_fault(str(error))
            return
        if len(docs) != segment.documents:
            self._progress.add_fault(f"{segment.path} has {len(docs)} documents, not {segment.documents}")
        for doc in docs:
            self._check_document(name, backup, doc)
            if self._progress.is_stopping:
                return
        self._progress.add(documents=len(docs))

    def check_table(self, table: File) -> None:
        """Check the rows of a table."""
        try:
            segments.read_lines(self._chain.newest.place, table)
        except DamagedBackup as error:
            self._progress.add_fault(str(error))

    def _check_document(self, name: str, backup: FinishedBackup, doc: Document) -> None:
        entries: Document = doc.get("_attachments") or {}
        if not entries and private_fields.is_live(doc, document_types.MESSAGE):
            self._progress.add_note(f"{name}: message {doc['_id']} had no recording when it was backed up.")
        for attachment, entry in entries.items():
            try:
                self._check_recording(backup, entry)
            except DamagedBackup as error:
                self._progress.add_fault(f"{name}: {attachment} of {doc['_id']}: {error}")

    def _check_recording(self, backup: FinishedBackup, entry: Document) -> None:
        place, path = self._chain.locate_recording(backup, entry)
        key = bytes.fromhex(entry["sha256"])[:16]
        if key in self._checked:
            return
        try:
            with place.local_file(path) as file:
                is_same = layout.digest_file(file) == entry["sha256"] and file.stat().st_size == entry["length"]
        except MissingFile as error:
            raise DamagedBackup(str(error)) from error
        if not is_same:
            raise DamagedBackup(f"{path} in {place.location} was changed or is damaged")
        self._checked.add(key)
        self._progress.add(recordings=1, size=entry["length"])
