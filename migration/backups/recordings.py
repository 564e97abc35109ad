"""Recordings that lie beside the JSON of their documents, as ``ID/name.mp3``: some tools dump attachments as files.

A recording belongs to the document with that id whose JSON is in a folder above, or is named like such a folder; if
there are several of these, to the nearest. What the document says of its digest must be true, and so must what the
folders say of the account.
"""

import base64
import hashlib
import mimetypes
import sqlite3
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

from migration.backups.archives import BackupFile
from migration.backups.file_names import parse_path
from migration.backups.index import DocumentIndex, Holder
from storage import database_names
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
    inner = f"{folder}/{doc_id}".lstrip("/")
    distances = {holder: _nearness(holder.file, inner) for holder in _own_holders(index, folder, doc_id, name)}
    reachable = [holder for holder, nearness in distances.items() if nearness is not None]
    if not reachable:
        return False
    digest, length = _recording_digest(path)
    fitting = [holder for holder in reachable if _may_have(holder, digest)]
    nearest = max((distances[holder] or 0 for holder in fitting), default=0)
    chosen = [holder for holder in fitting if distances[holder] == nearest]
    if not chosen or (len(chosen) > 1 and not all(holder.digest for holder in chosen)):
        return False
    content_type = mimetypes.guess_type(name)[0] or content_types.OCTETS
    for holder in chosen:
        stub = {"content_type": holder.content_type or content_type, "digest": digest, "length": length}
        index.attach(holder.database, doc_id, name, path, stub)
    return True


def _own_holders(index: DocumentIndex, folder: str, doc_id: str, name: str) -> list[Holder]:
    """The documents that may have a recording, without those of another account than its folders state."""
    stated = parse_path(f"{folder}/") if folder else None
    owner = database_names.parse(stated.database) if stated else None
    holders = index.find_holders(doc_id, name)
    return [
        holder
        for holder in holders
        if owner is None
        or (database := database_names.parse(holder.database)) is None
        or database.account_id == owner.account_id
    ]


def _nearness(file: str, inner: str) -> int | None:
    """How near a file of documents is to a folder below: the length of their common path; None if it isn't above."""
    folder, _, base = file.rpartition("/")
    namesake = f"{folder}/{base.partition('.')[0]}".lstrip("/")
    above = [path for path in (folder, namesake) if not path or f"{inner}/".startswith(f"{path}/")]
    return max(map(len, above)) if above else None


def _may_have(holder: Holder, digest: str) -> bool:
    return not holder.digest.startswith("md5-") or holder.digest == digest


def _recording_digest(path: Path) -> tuple[str, int]:
    """The digest of a file as CouchDB writes it, and its length in bytes."""
    md5, length = hashlib.md5(usedforsecurity=False), 0
    with path.open("rb") as file:
        while piece := file.read(_CHUNK):
            md5.update(piece)
            length += len(piece)
    return f"md5-{base64.b64encode(md5.digest()).decode()}", length
