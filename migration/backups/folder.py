"""A folder of backups: read all its files once, and find out which database each file is a backup of.

Operators and tools name files in many ways: plain, with ``%2F`` for the slashes, encoded twice, in folders, with
dates. If a name doesn't tell the database, the documents do, as each names its account.
"""

import gzip
import re
import tempfile
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote

from couch.client import Document
from migration.backups.attachments import AttachmentExtractor
from migration.backups.index import DocumentIndex
from migration.backups.parsing import parse_documents
from storage import database_names, document_types

_SEPARATOR = r"(?:/|%2F|%2f|[_.:+~ -])"
_ACCOUNT = re.compile(
    rf"(?<![0-9A-Za-z])account{_SEPARATOR}([0-9a-f]{{2}}){_SEPARATOR}([0-9a-f]{{2}}){_SEPARATOR}([0-9a-f]{{28}})"
    r"(?:-(\d{4}(?:0[1-9]|1[0-2])))?(?![0-9a-f])"
)
_ACCOUNT_ID = re.compile(r"(?<![0-9A-Za-z])([0-9a-f]{32})(?:-(\d{4}(?:0[1-9]|1[0-2])))?(?![0-9A-Za-z])")
_SYSTEM = re.compile(rf"(?:^|[/_.:+~ -])({'|'.join(database_names.SYSTEM)})(?=[/_.:+~ -]|$)")
_GZIP = b"\x1f\x8b"
# How many documents of a file are read to guess its database.
_SAMPLE = 2_000


class UnreadableFolder(Exception):
    """The folder holds nothing that can be read; the text says why."""


class BackupFolder:
    """All backups in a folder. Close it to delete the index and the unpacked files."""

    def __init__(self, folder: Path) -> None:
        """Read all files. Raises UnreadableFolder."""
        self._temporary = tempfile.TemporaryDirectory(prefix="migrate_kazoo3-")
        self.index = DocumentIndex(Path(self._temporary.name) / "index.sqlite3")
        self.warnings: list[str] = []
        """Faults of the files, a sentence each."""
        self.lacking_attachments = 0
        """How many attachments the backups name without having their bytes."""
        try:
            self._read_folder(folder)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Delete the index and the unpacked files."""
        self._temporary.cleanup()

    def _read_folder(self, folder: Path) -> None:
        try:
            for path in sorted((path for path in folder.rglob("*") if path.is_file()), key=_age):
                self._read_file(path, str(path.relative_to(folder)))
        except OSError as error:
            raise UnreadableFolder(f"{folder} can't be read: {error}") from error
        self.index.commit()
        if not self.index.list_databases():
            raise UnreadableFolder(f"{folder} holds no backup of a database")

    def _read_file(self, path: Path, name: str) -> None:
        def warn(sentence: str) -> None:
            self.warnings.append(f"{name}: {sentence}")

        unpacked = self._unpack(path, warn)
        stated_name = parse_file_name(name)
        database = stated_name or f"file {name}"
        hints: Counter[str] = Counter()
        count = 0
        with unpacked.open("rb") as file:
            extractor = AttachmentExtractor(file)
            store_all = stated_name in database_names.SYSTEM
            for doc in parse_documents(extractor, warn):
                count += 1
                self.lacking_attachments += self.index.add(database, doc, unpacked, extractor, store_all=store_all)
                if count <= _SAMPLE:
                    hints[_database_hint(doc)] += 1
        if stated_name is None and count:
            guessed_name = _guess_database(hints)
            if guessed_name is None:
                warn("neither its name nor its documents tell which database this is a backup of: left out")
            else:
                self.index.rename_database(database, guessed_name)

    def _unpack(self, path: Path, warn: Callable[[str], None]) -> Path:
        """The file itself, or its decompressed content if it is in gzip."""
        with path.open("rb") as file:
            if file.read(2) != _GZIP:
                return path
        target = tempfile.NamedTemporaryFile(dir=self._temporary.name, delete=False)  # noqa: SIM115 - used until close
        with target, gzip.open(path) as compressed:
            try:
                # read1 returns what could be decompressed before the damage; read would fail for the whole piece.
                while piece := compressed.read1(64 * 1024):
                    target.write(piece)
            except (EOFError, OSError, zlib.error):
                warn("the packed file ends early or is damaged: read up to there")
        return Path(target.name)


def parse_file_name(name: str) -> str | None:
    """The plain name of the database that the path of a file states; None if it states none."""
    decoded_name = unquote(unquote(name))
    matches = list(_ACCOUNT.finditer(decoded_name))
    if matches:
        return _database_name("".join(matches[-1].group(1, 2, 3)), matches[-1].group(4))
    file_name = decoded_name.rpartition("/")[2]
    account = _ACCOUNT_ID.search(file_name)
    if account:
        return _database_name(account.group(1), account.group(2))
    system = _SYSTEM.search(file_name)
    return system.group(1) if system else None


def _database_name(account_id: str, month: str | None) -> str:
    return database_names.modb(account_id, month) if month else database_names.account_db(account_id)


def _database_hint(doc: Document) -> str:
    """The database that a document names, or ``account ID`` for an account's document, which may be in either."""
    if doc.get("pvt_type") == document_types.ACCOUNT:
        return f"account {doc['_id']}"
    name = doc.get("pvt_account_db")
    if not isinstance(name, str) or database_names.parse(name) is None:
        return ""
    return database_names.decode(name)


def _guess_database(hints: Counter[str]) -> str | None:
    """The database that most of a file's documents name."""
    names = Counter({hint: count for hint, count in hints.items() if hint.startswith("account/")})
    if names:
        return names.most_common(1)[0][0]
    account_ids = [hint.partition(" ")[2] for hint in hints if hint.startswith("account ")]
    if len(account_ids) == 1 and hints.total() > 1 and database_names.is_account_id(account_ids[0]):
        return database_names.account_db(account_ids[0])
    return database_names.ACCOUNTS if account_ids else None


def _age(path: Path) -> tuple[float, str]:
    """The order in which files are read: of two backups of one database the later one counts."""
    return path.stat().st_mtime, str(path)
