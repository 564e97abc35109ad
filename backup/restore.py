"""A restore: everything of a backup, or single accounts, into a CouchDB that doesn't have them.

Nothing is overwritten or deleted. What is in the way is found before anything is written. Databases that a restore
has begun are marked, so that the same call continues it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from backup import selection, tables
from backup.chain import Chain
from backup.database_restore import DatabaseRestore, RestoreJob
from backup.places import PlaceError
from backup.progress import Progress
from backup.segments import Document
from couch.client import Couch
from couch.database import Database
from events import consumers, positions
from events.positions import Position
from migration.concurrency import map_in_threads
from migration.outages import CHECK_SECONDS, PATIENCE_SECONDS, OutageRetry
from storage import database_names, gregorian, maintenance, private_fields

_MARK = "vmboxes_restore"
_SHOWN = 5
_PAGE_SIZE = 500
_DESIGN_DOCUMENTS = 50
"""More than a database has of them."""


@dataclass(frozen=True)
class RestoreOptions:
    """What to restore, and how."""

    accounts: tuple[str, ...] = ()
    """The ids of the accounts; empty for all that is in the backup."""
    add_missing: bool = False
    """Whether databases may be there already; what is in them stays."""
    with_tables: bool = True
    dry_run: bool = False
    workers: int = 4
    patience: float = PATIENCE_SECONDS


class InTheWay(PlaceError):
    """What is to be restored is there already, or its place is taken."""


def restore_backup(server: Couch, chain: Chain, options: RestoreOptions, progress: Progress) -> None:
    """Restore until all is done.

    Raises InTheWay and DamagedBackup before anything is written; Stopped, and Unreachable if CouchDB stays away.
    """
    _Restore(server, chain, options, progress).run()


class _Restore:
    def __init__(self, server: Couch, chain: Chain, options: RestoreOptions, progress: Progress) -> None:
        self._server, self._chain, self._options, self._progress = server, chain, options, progress
        self._retry = OutageRetry(progress, lambda: server.is_up(CHECK_SECONDS), options.patience)
        self._manifest = chain.newest.manifest
        self._job = RestoreJob(server, chain, self._is_selected, options.dry_run, progress, self._retry)
        self._names = [
            name for name in self._manifest.databases if selection.is_selected_database(name, options.accounts)
        ]

    def run(self) -> None:
        """Look for what is in the way, restore databases, and Django's tables."""
        self._progress.begin_phase("checking")
        self._require_accounts()
        self._retry(self._require_free)
        with_tables = bool(self._manifest.tables) and self._options.with_tables and not self._options.accounts
        has_tables = with_tables and tables.is_restored(self._chain.newest.place, self._manifest.tables)
        self._expect()
        self._progress.begin_phase("reading" if self._options.dry_run else "restoring")
        # An account is found by its document in `accounts`: that comes when all else is there.
        self._restore_all([name for name in self._names if name != database_names.ACCOUNTS])
        self._restore_all([name for name in self._names if name == database_names.ACCOUNTS])
        if with_tables and not has_tables and not self._options.dry_run:
            self._progress.begin_phase("tables")
            tables.restore_rows(self._chain.newest.place, self._manifest.tables)
        self._progress.begin_phase("done")

    def _is_selected(self, name: str, doc: Document) -> bool:
        accounts = self._options.accounts
        if not accounts or database_names.parse(name):
            return True
        return (doc.get("pvt_account_id") if name == database_names.WEBHOOKS else doc["_id"]) in accounts

    def _require_accounts(self) -> None:
        for account_id in self._options.accounts:
            if database_names.account_db(account_id) not in self._manifest.databases:
                raise InTheWay(f"The backup in {self._chain.newest.place.location} has no account {account_id}")

    # --- what is in the way ---

    def _require_free(self) -> None:
        """Raise InTheWay if databases, realms or names are taken."""
        if not self._options.add_missing:
            in_use = [name for name in self._names if self._is_in_use(name)]
            if in_use:
                shown = ", ".join(in_use[:_SHOWN]) + (" ..." if len(in_use) > _SHOWN else "")
                raise InTheWay(
                    f"{len(in_use)} databases have documents already: {shown}. Restore into an empty CouchDB, or use "
                    "--add-missing, which adds what is missing and leaves what is there"
                )
        if self._options.accounts and database_names.ACCOUNTS in self._names:
            self._require_free_realms()

    def _is_in_use(self, name: str) -> bool:
        if self._options.accounts and not database_names.parse(name):
            return False  # databases of all accounts
        if not self._server.exists(name):
            return False
        database = Database(self._server, name)
        return self._mark(database) is None and _has_documents(database)

    def _require_free_realms(self) -> None:
        """Raise InTheWay if another account has the realm or the name of one that is to be restored."""
        saved = list(DatabaseRestore(self._job, database_names.ACCOUNTS).read_live())
        realms = {str(doc["realm"]).lower(): doc for doc in saved if doc.get("realm")}
        names = {private_fields.alphanumeric(str(doc.get("name"))): doc for doc in saved if doc.get("name")}
        ids = {doc["_id"] for doc in saved}
        parents = {str(doc.get("pvt_parent_id")): doc["_id"] for doc in saved if doc.get("pvt_parent_id")}
        for account in self._list_accounts():
            parents.pop(account["_id"], None)
            if account["_id"] in ids or not private_fields.is_live(account):
                continue
            if (doc := realms.get(str(account.get("realm")).lower())) is not None:
                raise InTheWay(
                    f"The realm {doc['realm']} of account {doc['_id']} is taken: account {account['_id']} has it"
                )
            if (doc := names.get(private_fields.alphanumeric(str(account.get("name"))))) is not None:
                raise InTheWay(
                    f"The name {doc['name']!r} of account {doc['_id']} is taken: account {account['_id']} has it"
                )
        for parent_id, account_id in parents.items():
            if parent_id not in ids:
                self._progress.add_note(f"Account {parent_id}, above account {account_id}, is not here.")

    def _list_accounts(self) -> Iterator[Document]:
        if not self._server.exists(database_names.ACCOUNTS):
            return
        start = ""
        while True:
            rows = self._server.database(database_names.ACCOUNTS).all_docs(
                startkey=start, limit=_PAGE_SIZE + 1, include_docs=True
            )
            yield from (row["doc"] for row in rows[:_PAGE_SIZE] if not row["id"].startswith("_design/"))
            if len(rows) <= _PAGE_SIZE:
                return
            start = rows[_PAGE_SIZE]["id"]

    # --- restoring ---

    def _expect(self) -> None:
        documents = 0
        for name in self._names:
            is_shared = bool(self._options.accounts) and not database_names.parse(name)
            documents += 0 if is_shared else sum(segment.documents for _, segment in self._chain.list_segments(name))
        self._progress.expect(databases=len(self._names), documents=documents)

    def _restore_all(self, names: Sequence[str]) -> None:
        for _ in map_in_threads(self._restore_database, names, self._options.workers, self._progress):
            self._progress.add(databases=1)
        self._progress.require_going_on()

    def _restore_database(self, name: str) -> None:
        if self._options.dry_run:
            DatabaseRestore(self._job, name).run()
            return
        database = self._server.database(name)
        self._retry(partial(self._prepare, database))
        mark = self._retry(partial(self._mark, database))
        if mark is not None and mark.get("is_finished"):
            # Whatever is missing in it by now was deleted after the restore.
            self._progress.add_note(f"{name} was restored before, and stays as it is.")
            return
        if DatabaseRestore(self._job, name).run():
            self._retry(partial(self._finish, database))

    def _mark(self, database: Database) -> Document | None:
        """The mark of a database that a restore of this backup has begun; None for any other."""
        mark = database.get_local(_MARK)
        return mark if mark is not None and mark.get("backup") == self._manifest.id else None

    def _prepare(self, database: Database) -> None:
        """Create a database, and mark it as one of this restore's, unless it had documents before."""
        self._server.create(database.name)
        if self._mark(database) is None and not _has_documents(database):
            database.put_local(_MARK, {"backup": self._manifest.id})

    def _finish(self, database: Database) -> None:
        """Make the views, and let followers take nothing for new that was restored."""
        maintenance.sync_views(database)
        if self._mark(database) is None:
            return
        if database_names.parse(database.name):
            page = database.changes("now", 1)
            for consumer in consumers.registered():
                if consumer.gets_all_changes:
                    continue
                positions.store_position(database, consumer.name, Position(page.last_seq, gregorian.now()), epoch=0)
        database.put_local(_MARK, {"backup": self._manifest.id, "is_finished": True})


def _has_documents(database: Database) -> bool:
    """Whether there are any but design documents."""
    rows = database.all_docs(limit=_DESIGN_DOCUMENTS)
    return len(rows) == _DESIGN_DOCUMENTS or any(not row["id"].startswith("_design/") for row in rows)
