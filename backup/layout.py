"""The files of a backup, which docs/backup.md describes.

manifest.json                        written last: without it, it is no backup
unfinished.json                      what a backup that is not finished is to hold
databases/NAME/database.json         the segments of a database; NAME has %2F for slashes
databases/NAME/000001.jsonl.zst      documents
recordings/AB/REST                   attachments, by their SHA-256
tables/APP.MODEL.jsonl.zst           rows of Django's tables
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from backup.places import MissingFile, Place

MANIFEST, UNFINISHED = "manifest.json", "unfinished.json"
_FORMAT, _VERSION = "vmboxes-backup", 1


class DamagedBackup(Exception):
    """A file of a backup is missing, or is not what it was when the backup was written."""


class NotABackup(Exception):
    """There is no finished backup, or one of a version that is not known here."""


@dataclass(frozen=True)
class File:
    """A file of a backup, and what it must be."""

    path: str
    sha256: str
    documents: int
    """Documents, or rows of a table."""
    bytes: int


@dataclass
class DatabaseFiles:
    """What a backup holds of a database."""

    name: str
    identity: str
    """A mark that the database keeps as long as it isn't deleted; its sequences are good with no other one."""
    is_complete: bool
    """Whether it holds all documents, not only those that changed since the backup before."""
    seq: str
    """The sequence up to which its changes are in the segments."""
    is_finished: bool = False
    segments: list[File] = field(default_factory=list)
    recordings: int = 0
    recording_bytes: int = 0
    faults: list[str] = field(default_factory=list)
    """Sentences about what could not be read."""

    @property
    def documents(self) -> int:
        """The number of documents in the segments; one that changed meanwhile counts more than once."""
        return sum(segment.documents for segment in self.segments)


@dataclass(frozen=True)
class Selection:
    """What a backup is to hold."""

    accounts: tuple[str, ...]
    """The ids of the accounts; empty if it is to hold all of them, and what belongs to no account."""
    with_keys: bool


@dataclass
class Manifest:
    """What a backup holds."""

    id: str
    began_at: str
    """ISO 8601, UTC: whatever was acknowledged before is in it."""
    selection: Selection
    since_id: str = ""
    """The id of the backup that this one builds on; empty if it stands alone."""
    since_location: str = ""
    """Where that one is, as seen from here."""
    ended_at: str = ""
    databases: dict[str, str] = field(default_factory=dict)
    """The SHA-256 of each database's ``database.json``, by the database's name."""
    tables: list[File] = field(default_factory=list)


def database_folder(name: str) -> str:
    """The folder of a database."""
    return f"databases/{quote(name, safe='')}"


def database_file(name: str) -> str:
    """The path of a database's list of segments."""
    return f"{database_folder(name)}/database.json"


def recording_path(sha256: str) -> str:
    """The path of an attachment."""
    return f"recordings/{sha256[:2]}/{sha256[2:]}"


def digest_file(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_bytes(content: bytes) -> str:
    """The SHA-256 of some bytes."""
    return hashlib.sha256(content).hexdigest()


def write_database_files(place: Place, files: DatabaseFiles) -> str:
    """Store a database's list of segments; its SHA-256."""
    content = _json_bytes(asdict(files))
    place.write(database_file(files.name), content)
    return digest_bytes(content)


def read_database_files(place: Place, name: str, sha256: str | None = None) -> DatabaseFiles:
    """A database's list of segments. Raises DamagedBackup if it hasn't the digest; MissingFile."""
    content = place.read(database_file(name))
    if sha256 is not None and digest_bytes(content) != sha256:
        raise DamagedBackup(f"{database_file(name)} in {place.location} was changed or is damaged")
    members = json.loads(content)
    return DatabaseFiles(**{**members, "segments": [File(**segment) for segment in members["segments"]]})


def write_manifest(place: Place, manifest: Manifest, path: str = MANIFEST) -> None:
    """Store a manifest, or the beginnings of one."""
    place.write(path, _json_bytes({"format": _FORMAT, "version": _VERSION, **asdict(manifest)}))


def read_manifest(place: Place, path: str = MANIFEST) -> Manifest:
    """The manifest of a finished backup. Raises NotABackup."""
    try:
        members: dict[str, Any] = json.loads(place.read(path))
    except MissingFile as error:
        if path == MANIFEST and place.size(UNFINISHED) is not None:
            raise NotABackup(f"The backup in {place.location} is not finished") from error
        raise NotABackup(f"There is no backup in {place.location}: it has no {path}") from error
    except ValueError as error:
        raise NotABackup(f"{path} in {place.location} is damaged") from error
    if not isinstance(members, Mapping) or members.get("format") != _FORMAT:
        raise NotABackup(f"{path} in {place.location} is not of a backup of this service")
    if members["version"] != _VERSION:
        raise NotABackup(f"The backup in {place.location} is of version {members['version']}, not {_VERSION}")
    selection = members["selection"]
    known = {key: value for key, value in members.items() if key not in ("format", "version")}
    return Manifest(
        **{
            **known,
            "selection": Selection(tuple(selection["accounts"]), bool(selection["with_keys"])),
            "tables": [File(**table) for table in members["tables"]],
        }
    )


def _json_bytes(members: Mapping[str, Any]) -> bytes:
    return json.dumps(members, indent=1).encode() + b"\n"
