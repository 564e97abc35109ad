"""A backup: everything that was acknowledged before it began is in it, and no document without its attachments.

Whatever stops it, the same call continues after the last finished segment. The manifest is written last.
"""

import time
import uuid
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from backup import layout, selection, tables
from backup.chain import Chain, open_chain
from backup.database_backup import BackupJob, DatabaseBackup, Earlier
from backup.layout import Manifest, Selection
from backup.places import MissingFile, Place, PlaceError
from backup.progress import Progress
from couch.client import Couch
from couch.errors import MissingDatabase
from migration.concurrency import map_in_threads
from migration.outages import CHECK_SECONDS, PATIENCE_SECONDS, OutageRetry
from storage import database_names


@dataclass(frozen=True)
class BackupOptions:
    """What to back up, and how."""

    selection: Selection
    since: Place | None = None
    """A finished backup; without it, all documents are stored."""
    workers: int = 4
    segment_documents: int = 5_000
    patience: float = PATIENCE_SECONDS


class OtherBackup(PlaceError):
    """The place holds a backup, or the beginnings of one, with other options."""


def back_up(server: Couch, place: Place, options: BackupOptions, progress: Progress) -> Manifest:
    """Write a backup, or finish one that was interrupted; its manifest.

    Raises PlaceError, NotABackup for the one before, Stopped, and Unreachable if CouchDB stays away.
    """
    with place.locked(), place.temporary_folder() as folder:
        chain = None if options.since is None else open_chain(options.since)
        manifest = _begin_backup(place, options, chain)
        job = BackupJob(
            server=server,
            place=place,
            folder=folder,
            selection=options.selection,
            earlier=Earlier(lambda name: None) if chain is None else Earlier(chain.find_files, chain.backups()),
            progress=progress,
            retry=OutageRetry(progress, lambda: server.is_up(CHECK_SECONDS), options.patience),
            segment_documents=options.segment_documents,
        )
        manifest.databases = _back_up_databases(job, options.workers)
        if not options.selection.accounts:
            progress.begin_phase("tables")
            manifest.tables = tables.back_up(place, folder)
        manifest.ended_at = _now()
        layout.write_manifest(place, manifest)
        place.delete(layout.UNFINISHED)
    progress.begin_phase("done")
    return manifest


def _begin_backup(place: Place, options: BackupOptions, chain: Chain | None) -> Manifest:
    """The beginnings of the manifest: of an interrupted backup, or a new one."""
    if place.size(layout.MANIFEST) is not None:
        raise OtherBackup(f"There is a finished backup in {place.location} already: choose another place")
    since_id = "" if chain is None else chain.newest.manifest.id
    with suppress(MissingFile):
        place.read(layout.UNFINISHED)
        unfinished = layout.read_manifest(place, layout.UNFINISHED)
        if (unfinished.selection, unfinished.since_id) != (options.selection, since_id):
            raise OtherBackup(
                f"In {place.location} a backup with other options was begun at {unfinished.began_at}: "
                "finish that one, or choose another place"
            )
        return unfinished
    if chain is not None and chain.newest.manifest.selection != options.selection:
        raise OtherBackup(f"The backup in {chain.newest.place.location} was made with other options")
    manifest = Manifest(uuid.uuid4().hex, _now(), options.selection, since_id)
    if chain is not None:
        manifest.since_location = place.relative(chain.newest.place)
    layout.write_manifest(place, manifest, layout.UNFINISHED)
    return manifest


def _back_up_databases(job: BackupJob, workers: int) -> dict[str, str]:
    """Back up all databases; the digests of their lists of segments.

    `accounts` is read before the databases are listed: an account's databases are created before it is listed there.
    """
    job.progress.begin_phase("backing up")
    digests: dict[str, str] = {}
    expected: dict[str, int] = {}

    def run(name: str) -> tuple[str, str | None]:
        try:
            return name, DatabaseBackup(job, name, expected.get(name, 0)).run()
        except MissingDatabase:  # deleted meanwhile
            return name, None
        finally:
            job.progress.add(databases=1)

    def run_all(names: list[str]) -> None:
        if not job.earlier.backups:
            infos = job.retry(partial(job.server.infos, names))
            expected.update({name: int(info["doc_count"]) for name, info in infos.items()})
        job.progress.expect(databases=len(names), documents=sum(expected.get(name, 0) for name in names))
        for name, digest in map_in_threads(run, names, workers, job.progress):
            if digest is not None:
                digests[name] = digest
        job.progress.require_going_on()

    if job.retry(partial(job.server.exists, database_names.ACCOUNTS)):
        run_all([database_names.ACCOUNTS])
    names = job.retry(partial(selection.list_databases, job.server, job.selection))
    run_all([name for name in names if name != database_names.ACCOUNTS])
    return digests


def _now() -> str:
    return datetime.fromtimestamp(time.time(), UTC).isoformat(timespec="seconds")
