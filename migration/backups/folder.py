"""A folder of backups as a source: which file is of which database, and what is in them.

Operators and tools name files in many ways: plain, with ``%2F`` for the slashes, encoded twice, in folders, with
dates around. Where the name tells nothing the documents do: each says which account's it is.
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
from migration.backups import parsing
from migration.backups.extracting import Extracting
from migration.backups.index import Index
from storage import database_names

_SEPARATOR = r"(?:/|%2F|%2f|[_.:+~ -])"
_ACCOUNT = re.compile(
    rf"(?<![0-9A-Za-z])account{_SEPARATOR}([0-9a-f]{{2}}){_SEPARATOR}([0-9a-f]{{2}}){_SEPARATOR}([0-9a-f]{{28}})"
    r"(?:-(\d{4}(?:0[1-9]|1[0-2])))?(?![0-9a-f])"
)
_BARE = re.compile(r"(?<![0-9A-Za-z])([0-9a-f]{32})(?:-(\d{4}(?:0[1-9]|1[0-2])))?(?![0-9A-Za-z])")
_SYSTEM = re.compile(rf"(?:^|[/_.:+~ -])({'|'.join(database_names.SYSTEM)})(?=[/_.:+~ -]|$)")
_GZIP = b"\x1f\x8b"
_SAMPLE = 2_000


class Unreadable(Exception):
    """The folder holds nothing that can be read; the text says what is wrong."""


class Backups:
    """All backups in a folder, looked through once. Close it, and what it kept on disk is gone."""

    def __init__(self, folder: Path, looked: Callable[[int, int], None] = lambda done, total: None) -> None:
        """Look through the files; `looked` hears how many bytes of how many are done. Raises Unreadable."""
        self._kept = tempfile.TemporaryDirectory(prefix="migrate_kazoo3-")
        self.index = Index(Path(self._kept.name) / "index.sqlite3")
        self.warnings: list[str] = []
        """What was wrong with the files, a sentence each."""
        self.silent = 0
        """How many attachments the backups name without having them."""
        try:
            self._look_through(folder, looked)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Take away what was kept on disk."""
        self._kept.cleanup()

    def _look_through(self, folder: Path, looked: Callable[[int, int], None]) -> None:
        try:
            files = sorted((path for path in folder.rglob("*") if path.is_file()), key=_age)
            total, done = sum(path.stat().st_size for path in files), 0
            for path in files:
                self._read(path, str(path.relative_to(folder)))
                done += path.stat().st_size
                looked(done, total)
        except OSError as error:
            raise Unreadable(f"{folder} can't be read: {error}") from error
        self.index.save()
        if not self.index.names():
            raise Unreadable(f"{folder} holds no backup of a database")

    def _read(self, path: Path, name: str) -> None:
        def tell(what: str) -> None:
            self.warnings.append(f"{name}: {what}")

        plain = self._unpacked(path, tell)
        told = named(name)
        database = told or f"file {name}"
        hints: Counter[str] = Counter()
        count = 0
        with plain.open("rb") as file:
            extracting = Extracting(file)
            for doc in parsing.documents(extracting, tell):
                count += 1
                system = told in database_names.SYSTEM
                self.silent += self.index.add(database, doc, plain, extracting, system).silent
                if count <= _SAMPLE:
                    hints[_hint(doc)] += 1
        if told is None and count:
            found = _guess(hints)
            if found is None:
                tell("neither its name nor its documents tell which database this is a backup of: left out")
            else:
                self.index.rename(database, found)

    def _unpacked(self, path: Path, tell: Callable[[str], None]) -> Path:
        """The file itself, or what is in it when it is packed."""
        with path.open("rb") as file:
            if file.read(2) != _GZIP:
                return path
        target = tempfile.NamedTemporaryFile(dir=self._kept.name, delete=False)  # noqa: SIM115 - it stays for a while
        with target, gzip.open(path) as packed:
            try:
                # What could be unpacked before the end breaks off is not held back for the rest of a piece.
                while piece := packed.read1(64 * 1024):
                    target.write(piece)
            except (EOFError, OSError, zlib.error):
                tell("the packed file ends early or is damaged: read up to there")
        return Path(target.name)


def named(name: str) -> str | None:
    """The plain name of the database that a file's name, or the path to it, tells; None when it tells none."""
    spelled = unquote(unquote(name))
    found = list(_ACCOUNT.finditer(spelled))
    if found:
        account_id, month = "".join(found[-1].group(1, 2, 3)), found[-1].group(4)
        return database_names.modb(account_id, month) if month else database_names.account_db(account_id)
    last = spelled.rpartition("/")[2]
    bare = _BARE.search(last)
    if bare:
        return database_names.modb(*bare.groups()) if bare.group(2) else database_names.account_db(bare.group(1))
    system = _SYSTEM.search(last)
    return system.group(1) if system else None


def _hint(doc: Document) -> str:
    """The database that a document says it is in; an account's document may as well be in the one of all accounts."""
    told = doc.get("pvt_account_db")
    owner = database_names.split(told) if isinstance(told, str) else None
    if owner is None or doc.get("pvt_type") == "account":
        return f"account {doc['_id']}" if doc.get("pvt_type") == "account" else ""
    return database_names.decoded(told) if isinstance(told, str) else ""


def _guess(hints: Counter[str]) -> str | None:
    """The database that a file's documents tell together."""
    told = Counter({hint: count for hint, count in hints.items() if hint.startswith("account/")})
    if told:
        return told.most_common(1)[0][0]
    accounts = [hint.partition(" ")[2] for hint in hints if hint.startswith("account ")]
    if len(accounts) == 1 and sum(hints.values()) > 1 and database_names.is_account_id(accounts[0]):
        return database_names.account_db(accounts[0])
    return database_names.ACCOUNTS if accounts else None


def _age(path: Path) -> tuple[float, str]:
    """Of two backups of one database the later one counts."""
    return path.stat().st_mtime, str(path)
