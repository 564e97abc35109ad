"""Read the files of backups a second time, for a verification: what each document says about itself.

Nothing of the first reading is used: neither its index nor its decisions.
"""

import sqlite3
import tempfile
import threading
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import orjson

from couch.database import Document
from migration.backups.archives import FileReader, Refused
from migration.backups.attachments import AttachmentExtractor
from migration.backups.folder import BackupFolder, is_json, list_files, looks_like_json
from migration.backups.parsing import parse_documents

_SCHEMA = "CREATE TABLE statements (id TEXT, body BLOB); CREATE INDEX by_id ON statements (id)"


class SecondReading:
    """The private members of all documents in a source's files, which are read when they are needed first."""

    def __init__(self, folder: BackupFolder) -> None:
        self._source = folder.source
        self._path = folder.working_folder / "statements.sqlite3"
        self._working_folder = folder.working_folder
        self._lock = threading.Lock()
        self._is_done = False

    def find(self, ids: Iterable[str]) -> list[Document]:
        """The documents with these ids, in all files, with `_id` and the private members only."""
        with self._lock:
            if not self._is_done:
                self._read()
                self._is_done = True
            connection = sqlite3.connect(self._path)
            try:
                query = "SELECT body FROM statements WHERE id = ?"
                rows = [row for doc_id in set(ids) for row in connection.execute(query, (_storable(doc_id),))]
            finally:
                connection.close()
        return [orjson.loads(body) for (body,) in rows]

    def _read(self) -> None:
        connection = sqlite3.connect(self._path)
        connection.executescript(f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; {_SCHEMA}")
        with tempfile.TemporaryDirectory(dir=self._working_folder) as folder:
            reader = FileReader(Path(folder), lambda name, sentence: None, lambda name, head: looks_like_json(head))
            for path, name in list_files(self._source):
                with suppress(Refused):  # the first reading has reported it
                    for file in reader.read(path, name):
                        if is_json(file.path):
                            _read_file(connection, file.path)
                        if file.is_unpacked:
                            file.path.unlink()
        connection.commit()
        connection.close()


def _read_file(connection: sqlite3.Connection, path: Path) -> None:
    with path.open("rb") as file:
        for doc in parse_documents(AttachmentExtractor(file), lambda sentence: None):
            members = {key: value for key, value in doc.items() if key == "_id" or key.startswith("pvt_")}
            values = (_storable(doc["_id"]), orjson.dumps(members))
            connection.execute("INSERT INTO statements VALUES (?, ?)", values)


def _storable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
