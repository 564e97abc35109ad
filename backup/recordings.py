"""Attachments as files of a backup, each once, named by the SHA-256 of their bytes."""

import hashlib
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from backup.layout import recording_path
from backup.places import Place
from backup.segments import Document
from couch.client import Couch
from couch.database import Database
from couch.errors import NotFound, Unreachable
from couch.replication import Replica
from migration.outages import Retry

_READ_BYTES = 128 * 1024
_ATTEMPTS = 20


@dataclass(frozen=True)
class EarlierBackup:
    """A backup before this one, whose recordings need not be stored again."""

    id: str
    place: Place


@dataclass
class ReadDocument:
    """A document as it goes into a segment, and what was stored for it."""

    line: Document
    recordings: int = 0
    bytes: int = 0
    fault: str = ""


class RecordingStore:
    """Stores the attachments of documents of one database."""

    def __init__(
        self,
        server: Couch,
        name: str,
        place: Place,
        earlier: Sequence[EarlierBackup],
        folder: Path,
        retry: Retry,
    ) -> None:
        """`folder` is for files that are not complete yet."""
        self._database, self._replica = Database(server, name), Replica(server, name)
        self._place, self._earlier, self._folder, self._retry = place, earlier, folder, retry

    def store_attachments(self, doc: Document) -> ReadDocument:
        """Store the attachments of a document, all of one revision, and note them in it.

        One that was changed meanwhile is read again. An attachment that CouchDB can't read is left out, which is a
        fault.
        """
        current: Document | None = doc
        for _ in range(_ATTEMPTS):
            if current is None:
                return ReadDocument({"_id": doc["_id"], "_rev": doc["_rev"], "_deleted": True})
            if not current.get("_attachments"):
                return ReadDocument(current)
            stored = self._store_all(current)
            if not stored.fault:
                return stored
            latest = self._retry(lambda: self._replica.get(doc["_id"]))
            if latest is not None and latest["_rev"] == current["_rev"]:
                return stored
            current = latest
        raise Unreachable(f"document {doc['_id']} changes all the time")

    def _store_all(self, doc: Document) -> ReadDocument:
        attachments, faults = {}, []
        read = ReadDocument({})
        for name, stub in doc["_attachments"].items():
            try:
                attachments[name] = self._retry(lambda: self._store(doc, name, stub, read))  # noqa: B023  # called here
            except (NotFound, Unreachable):
                faults.append(f"{self._database.name}: attachment {name} of {doc['_id']} can't be read")
        read.line, read.fault = {**doc, "_attachments": attachments}, "; ".join(faults)
        return read

    def _store(self, doc: Document, name: str, stub: Document, read: ReadDocument) -> Document:
        """Store an attachment, unless its bytes are there already; what a segment says of it."""
        sha256, file = self._download(doc, name, int(stub["length"]))
        entry = {"content_type": stub["content_type"], "length": stub["length"], "sha256": sha256}
        path = recording_path(sha256)
        try:
            if self._place.size(path) is not None:
                return entry
            for earlier in self._earlier:
                if earlier.place.size(path) is not None:
                    return {**entry, "backup": earlier.id}
            self._place.add(path, file)
        finally:
            file.unlink(missing_ok=True)
        read.recordings += 1
        read.bytes += int(stub["length"])
        return entry

    def _download(self, doc: Document, name: str, length: int) -> tuple[str, Path]:
        """The SHA-256 of an attachment and a file with its bytes. Raises NotFound, Unreachable."""
        response = self._database.open_attachment(doc["_id"], name, rev=doc["_rev"])
        if response is None:
            raise NotFound(name)
        digest, size = hashlib.sha256(), 0
        with tempfile.NamedTemporaryFile(dir=self._folder, delete=False) as file:
            try:
                while piece := response.read(_READ_BYTES):
                    digest.update(piece)
                    file.write(piece)
                    size += len(piece)
                if size != length:
                    raise Unreachable(f"{size} bytes of {length} came")
            except BaseException:
                Path(file.name).unlink()
                raise
            finally:
                response.close()
        return digest.hexdigest(), Path(file.name)
