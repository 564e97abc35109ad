"""Migrations in this process that are interrupted at a request: an account to migrate, and ways to run it.

Mailboxes and media documents have the same ids in each account, so that their databases can be compared.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from django.conf import settings

from couch.errors import Unreachable
from migration.backups.folder import BackupFolder
from migration.backups.source import FolderSource
from migration.couchdb_source import served_source
from migration.migrate import migrate
from migration.outages import PATIENCE_SECONDS
from migration.progress import Progress, Tally
from migration.sources import Source
from migration.survey import RunOptions
from tests.support.cutting import CuttingProxy, through
from tests.support.kazoo3 import MAY_2016, Document, Kazoo3Account, speech

BOX_IDS = [f"{number:032x}" for number in (11, 12, 13)]
MEDIA_IDS = [f"{number:032x}" for number in range(100, 112)]
MONTH_SECONDS = 31 * 86_400


class Uninterrupted(NamedTuple):
    """What is stored after an uninterrupted migration, and how many requests it takes."""

    documents: dict[str, Document]
    requests: int


def fill_with_faults(account: Kazoo3Account) -> Kazoo3Account:
    """Add mailboxes, one of them deleted, with valid and faulty entries in three months."""
    first, second, deleted = (account.add_box(str(3000 + i), _id=box_id) for i, box_id in enumerate(BOX_IDS))
    deleted["pvt_deleted"] = True
    second["notify_email_address"] = "a@example.com"
    for index, media_id in enumerate(MEDIA_IDS):
        box = (first, first, second, deleted)[index % 4]
        account.add_media(speech(media_id), media_id, source_id=box["_id"])
        entry = account.make_entry(media_id, timestamp=MAY_2016 - (index % 3) * MONTH_SECONDS)
        box["messages"].append(entry)
    second["messages"].append(dict(first["messages"][0]))
    first["messages"] += [{}, {}, account.make_entry("f" * 32), dict(first["messages"][1])]
    return account


def migrate_in_place(
    account_id: str,
    progress: Progress | None = None,
    *,
    link: bool = False,
    workers: int = 2,
    patience: float = PATIENCE_SECONDS,
) -> Tally:
    """Migrate an account in small batches, so that there are many requests to be interrupted at."""
    options = RunOptions(accounts=(account_id,), workers=workers, batch=3, link=link, patience=patience)
    return migrate(served_source(), options, progress or Progress())


def migrate_backup(source: Source, progress: Progress | None = None, *, patience: float = PATIENCE_SECONDS) -> Tally:
    """Migrate all accounts of a source in small batches."""
    return migrate(source, RunOptions(workers=2, batch=3, patience=patience), progress or Progress())


def open_backup(folder: str) -> FolderSource:
    """The backups in a folder as a source."""
    return FolderSource(BackupFolder(Path(folder)))


class Outage:
    """A CouchDB behind a proxy that goes away after so many requests, and is back as soon as it is waited for.

    `swallow`: the next request still takes effect, but its answer is lost.
    """

    def __init__(self, limit: int | None = None, *, swallow: bool = False) -> None:
        self.proxy = CuttingProxy(settings.COUCHDB_URL, limit, swallow=swallow)
        self.waits = 0

    def on_change(self, tally: Tally) -> None:
        """Bring CouchDB back if the operation with this tally waits for it."""
        if tally.is_waiting and self.proxy.is_gone.is_set():
            self.waits += 1
            self.proxy.restore()


@contextmanager
def killed_at(limit: int, *, swallow: bool = False) -> Iterator[None]:
    """Within, CouchDB goes away after so many requests, and a migration without patience ends like one killed.

    `swallow`: the next request still takes effect, but its answer is lost.
    """
    with CuttingProxy(settings.COUCHDB_URL, limit, swallow=swallow) as proxy, through(proxy), suppress(Unreachable):
        yield
