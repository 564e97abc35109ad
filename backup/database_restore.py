"""The restore of one database: the latest state of each document, with its attachments in the same write.

The segments are read from the newest to the oldest, and of each document only the first state that comes is stored,
under its own revision. A document that is there already stays as it is; nothing is deleted.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import islice

from backup.chain import Chain, FinishedBackup, read_newest_first
from backup.layout import DamagedBackup
from backup.places import MissingFile
from backup.progress import Progress
from backup.segments import Document
from couch.client import Couch
from couch.database import Database
from couch.errors import Conflict, Rejected, TooLarge
from couch.parallel import in_parallel
from couch.replication import NewAttachment, Replica
from migration.outages import Retry, describe_error

_BATCH = 200
_READ_BYTES = 1024 * 1024


@dataclass(frozen=True)
class RestoreJob:
    """What the restores of all databases have in common."""

    server: Couch
    chain: Chain
    is_selected: Callable[[str, Document], bool]
    dry_run: bool
    progress: Progress
    retry: Retry


@dataclass(frozen=True)
class _Saved:
    """A document of a backup."""

    backup: FinishedBackup
    doc: Document


class DatabaseRestore:
    """Restores a database, or with `dry_run` only reads what it would restore."""

    def __init__(self, job: RestoreJob, name: str) -> None:
        self._job, self._name = job, name
        self._database, self._replica = Database(job.server, name), Replica(job.server, name)
        self._has_faults = False

    def run(self) -> bool:
        """Store all documents that are missing; whether that succeeded.

        Raises Stopped between two batches once a stop is requested.
        """
        documents = self._read_documents()
        while batch := list(islice(documents, _BATCH)):
            if self._job.dry_run:
                in_parallel(self._check_recordings, batch)
                self._job.progress.add(documents=len(batch))
            else:
                self._restore_batch(batch)
            self._job.progress.require_going_on()
        return not self._has_faults

    def read_live(self) -> Iterator[Document]:
        """The documents to restore, each once in its latest state."""
        return (saved.doc for saved in self._read_documents())

    def _read_documents(self) -> Iterator[_Saved]:
        seen: set[str] = set()
        for backup, segment in self._job.chain.list_segments(self._name):
            try:
                for doc in read_newest_first(backup.place, segment):
                    if doc["_id"] in seen:
                        continue
                    seen.add(doc["_id"])
                    if not doc.get("_deleted") and self._job.is_selected(self._name, doc):
                        yield _Saved(backup, doc)
            except DamagedBackup as error:
                self._add_fault(f"{error}: what it holds is not restored")

    def _restore_batch(self, batch: Sequence[_Saved]) -> None:
        rows = self._job.retry(lambda: self._database.all_docs(keys=[saved.doc["_id"] for saved in batch]))
        present = {row["id"]: row["value"] for row in rows if "value" in row}
        missing, deleted = [], []
        for saved in batch:
            state = present.get(saved.doc["_id"])
            if state is None:
                missing.append(saved)
            elif state.get("deleted"):
                deleted.append(saved)
            elif state["rev"] != saved.doc["_rev"]:
                self._job.progress.add_note(
                    f"{self._name}: {saved.doc['_id']} is there in another state, and stays as it is."
                )
        plain = [saved for saved in missing if not saved.doc.get("_attachments")]
        if plain:
            docs = [saved.doc for saved in plain]
            refused = self._job.retry(partial(self._replica.put_revisions, docs))
            for doc_id in refused:
                self._add_fault(f"{self._name}: CouchDB refuses document {doc_id}")
        self._job.progress.add(documents=len(batch) - len(missing) - len(deleted) + len(plain))
        in_parallel(self._restore, [saved for saved in missing if saved.doc.get("_attachments")])
        in_parallel(partial(self._restore, is_new=True), deleted)

    def _restore(self, saved: _Saved, *, is_new: bool = False) -> None:
        """Store a document with its attachments; what can't be stored whole is not stored, which is a fault."""
        doc_id, size = saved.doc["_id"], sum(entry["length"] for entry in _entries(saved.doc).values())
        try:
            self._job.retry(lambda: self._put(saved, is_new=is_new))
        except DamagedBackup as error:
            self._add_fault(f"{self._name}: document {doc_id} is not restored: {error}")
        except Conflict:
            self._job.progress.add_note(f"{self._name}: {doc_id} was stored by somebody else meanwhile.")
        except (Rejected, TooLarge) as error:
            self._add_fault(f"{self._name}: document {doc_id} is not restored: {describe_error(error)}")
        else:
            self._job.progress.add(documents=1, recordings=len(_entries(saved.doc)), size=size)

    def _put(self, saved: _Saved, *, is_new: bool) -> None:
        with ExitStack() as stack:
            attachments = []
            for name, entry in _entries(saved.doc).items():
                place, path = self._job.chain.locate_recording(saved.backup, entry)
                try:
                    file = stack.enter_context(stack.enter_context(place.local_file(path)).open("rb"))
                except MissingFile as error:
                    raise DamagedBackup(str(error)) from error
                if hashlib.file_digest(file, "sha256").hexdigest() != entry["sha256"]:
                    raise DamagedBackup(f"{path} in {place.location} was changed or is damaged")
                file.seek(0)
                attachments.append(NewAttachment(name, entry["content_type"], entry["length"], file))
            doc = {key: value for key, value in saved.doc.items() if key != "_attachments"}
            if is_new:
                self._replica.put_new(doc, attachments)
            else:
                self._replica.put_revision(doc, attachments)

    def _check_recordings(self, saved: _Saved) -> None:
        """Note recordings that are missing, or have another length."""
        for name, entry in _entries(saved.doc).items():
            place, path = self._job.chain.locate_recording(saved.backup, entry)
            if place.size(path) != entry["length"]:
                self._add_fault(
                    f"{self._name}: recording {name} of {saved.doc['_id']} is missing or has another length"
                )
            else:
                self._job.progress.add(recordings=1, size=entry["length"])

    def _add_fault(self, sentence: str) -> None:
        self._has_faults = True
        self._job.progress.add_fault(sentence)


def _entries(doc: Document) -> Document:
    entries: Document = doc.get("_attachments") or {}
    return entries
