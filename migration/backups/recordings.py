"""Recordings that lie beside the JSON of their documents, as ``ID/name.mp3``: some tools dump attachments as files.

A recording belongs to the document with that id whose JSON is in the folder above, or further up; if there are
several of these, to the nearest. What the document says of its digest must be true.
"""

import base64
import hashlib
import mimetypes
import sqlite3
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

from migration.backups.archives import BackupFile
from migration.backups.index import DocumentIndex, Holder
from voicemail.audio import content_types

_CHUNK = 256 * 1024
_SCHEMA = "CREATE TABLE recordings (folder TEXT, id TEXT, name TEXT, path TEXT, is_unpacked INTEGER)"


class Unplaced(NamedTuple):
    """Files that belong to no document: how many, and the path of one in the source."""

    number: int
    example: str


class LooseRecordings:
    """The files of a source that may be recordings; noted on disk, as there may be a million."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path)
        self._connection.executescript(f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; {_SCHEMA}")

    def add(self, file: BackupFile) -> None:
        """Note a file."""
        folder, doc_id, name = split_path(file.name)
        values = (folder, doc_id, name, str(file.path), file.is_unpacked)
        self._connection.execute("INSERT INTO recordings VALUES (?, ?, ?, ?, ?)", values)

    def attach(self, index: DocumentIndex) -> Unplaced:
        """Give each document its recordings; what remains."""
        number, example = 0, ""
        for folder, doc_id, name, path, is_unpacked in self._connection.execute("SELECT * FROM recordings"):
            if not _attach(index, folder, doc_id, name, Path(path)):
                number, example = number + 1, f"{folder}/{doc_id}/{name}".lstrip("/")
                if is_unpacked:
                    Path(path).unlink()
        return Unplaced(number, example)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def may_be_recording(path: str) -> bool:
    """Whether a file may be a recording by its path: it is in the folder of a document."""
    return bool(split_path(path)[1])


def split_path(path: str) -> tuple[str, str, str]:
    """The folder of documents, the id and the attachment's name in a path; the id is empty if there is none."""
    parent, _, name = path.rpartition("/")
    folder, _, doc_id = parent.rpartition("/")
    return folder, unquote(doc_id), unquote(name)


def _attach(index: DocumentIndex, folder: str, doc_id: str, name: str, path: Path) -> bool:
    """Attach a recording to its document; False if there is none, or several that it may be of."""
    holders = index.find_holders(doc_id, name)
    inner = f"{folder}/{doc_id}".lstrip("/")
    reachable = [holder for holder in holders if _holds(holder.folder, inner)]
    if not reachable:
        return False
    digest, length = _digest(path)
    fitting = [holder for holder in reachable if _may_have(holder, digest)]
    nearest = max((len(holder.folder) for holder in fitting), default=0)
    chosen = [holder for holder in fitting if len(holder.folder) == nearest]
    if not chosen or (len(chosen) > 1 and not all("digest" in holder.stub for holder in chosen)):
        return False
    content_type = mimetypes.guess_type(name)[0] or content_types.OCTETS
    for holder in chosen:
        stub = {"content_type": content_type, **holder.stub, "digest": digest, "length": length}
        index.attach(holder.database, doc_id, name, path, stub)
    return True


def _holds(folder: str, inner: str) -> bool:
    """Whether a folder is another one, or one above it."""
    return not folder or inner == folder or inner.startswith(f"{folder}/")


def _may_have(holder: Holder, digest: str) -> bool:
    stated = holder.stub.get("digest")
    return stated is None or not str(stated).startswith("md5-") or stated == digest


def _digest(path: Path) -> tuple[str, int]:
    """The digest of a file as CouchDB writes it, and its length in bytes."""
    md5, length = hashlib.md5(usedforsecurity=False), 0
    with path.open("rb") as file:
        while piece := file.read(_CHUNK):
            md5.update(piece)
            length += len(piece)
    return f"md5-{base64.b64encode(md5.digest()).decode()}", length
