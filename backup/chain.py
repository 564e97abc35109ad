"""A finished backup together with those that it builds on, newest first."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from backup import layout, segments
from backup.layout import DamagedBackup, DatabaseFiles, File, Manifest, NotABackup
from backup.opening import open_place
from backup.places import MissingFile, Place
from backup.recordings import EarlierBackup
from backup.segments import Document


@dataclass(frozen=True)
class FinishedBackup:
    """A backup and its manifest."""

    place: Place
    manifest: Manifest

    def read_files(self, name: str) -> DatabaseFiles | None:
        """What it has of a database; None if there was no such database. Raises DamagedBackup."""
        sha256 = self.manifest.databases.get(name)
        if sha256 is None:
            return None
        try:
            return layout.read_database_files(self.place, name, sha256)
        except MissingFile as error:
            raise DamagedBackup(str(error)) from error


class Chain:
    """Backups that build on each other."""

    def __init__(self, newest_first: list[FinishedBackup]) -> None:
        self.newest_first = newest_first
        self.newest = newest_first[0]

    @cached_property
    def by_id(self) -> dict[str, FinishedBackup]:
        """The backups by their ids."""
        return {backup.manifest.id: backup for backup in self.newest_first}

    def backups(self) -> tuple[EarlierBackup, ...]:
        """The places where recordings may be, newest first."""
        return tuple(EarlierBackup(backup.manifest.id, backup.place) for backup in self.newest_first)

    def find_files(self, name: str) -> DatabaseFiles | None:
        """What the newest backup has of a database. Raises DamagedBackup."""
        return self.newest.read_files(name)

    def list_segments(self, name: str) -> Iterator[tuple[FinishedBackup, File]]:
        """The segments that make up a database, newest first. Raises DamagedBackup."""
        for backup in self.newest_first:
            files = backup.read_files(name)
            if files is None:
                raise DamagedBackup(f"The backup in {backup.place.location} has nothing of the database {name}")
            for segment in reversed(files.segments):
                yield backup, segment
            if files.is_complete:
                return

    def locate_recording(self, backup: FinishedBackup, entry: Document) -> tuple[Place, str]:
        """Where a recording is that a segment of a backup names: its place and path. Raises DamagedBackup."""
        holder = self.by_id.get(entry.get("backup", backup.manifest.id))
        if holder is None:
            raise DamagedBackup(f"The backup {entry['backup']} is not among those that this one builds on")
        return holder.place, layout.recording_path(entry["sha256"])


def open_chain(place: Place) -> Chain:
    """The backup in a place, and all that it builds on. Raises NotABackup if one of them isn't there."""
    backups = [FinishedBackup(place, layout.read_manifest(place))]
    while since_id := backups[-1].manifest.since_id:
        last = backups[-1]
        earlier = open_place(last.manifest.since_location, last.place)
        manifest = layout.read_manifest(earlier)
        if manifest.id != since_id:
            raise NotABackup(
                f"{earlier.location} is another backup than the one that {last.place.location} builds on"
            )
        backups.append(FinishedBackup(earlier, manifest))
    return Chain(backups)


def read_newest_first(place: Place, segment: File) -> Iterator[Document]:
    """The documents of a segment, the last one first. Raises DamagedBackup."""
    for line in reversed(segments.read_lines(place, segment)):
        yield json.loads(line)
