"""A CouchDB as a source: the one that this project serves, or another."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from threading import Lock

from couch.client import Couch, couch
from couch.database import Database, Document
from couch.errors import MissingDatabase
from migration.outages import CHECK_SECONDS, Retry, run_once
from migration.sources import Survey, document_type
from storage import database_names, document_types, ownership
from voicemail.legacy.media import DatabaseLibrary

_PAGE = 500


class CouchSource:
    """All accounts of a CouchDB."""

    def __init__(self, server: Couch, *, is_served: bool) -> None:
        self.is_served = is_served
        self.warnings: list[str] = []
        self.refusals: list[str] = []
        self._server = server
        self._databases: dict[str, set[str | None]] | None = None
        self._lock = Lock()

    def account_ids(self) -> list[str]:
        """The ids of all accounts that have a database."""
        return [account_id for account_id, months in self._list_databases().items() if None in months]

    def account(self, account_id: str) -> "CouchAccount":
        """One account, whether it exists or not."""
        months = self._list_databases().get(account_id, set())
        return CouchAccount(self._server, account_id, sorted(month for month in months if month is not None))

    def _list_databases(self) -> dict[str, set[str | None]]:
        """The databases of each account: their months, None for its own database.

        All names are read once: CouchDB 1.x and BigCouch can't list those of one account.
        """
        with self._lock:
            if self._databases is None:
                self._databases = {}
                for owner in map(database_names.parse, self._server.names("account/")):
                    if owner is not None:
                        self._databases.setdefault(owner.account_id, set()).add(owner.month)
            return self._databases

    def fetch_system(self, name: str, ids: Iterable[str]) -> Mapping[str, Document]:
        """Documents of one of the system's databases."""
        database = self._server.database(name)
        return {doc_id: doc for doc_id in ids if (doc := database.get(doc_id)) is not None}

    def read_again(self, account_id: str, ids: Iterable[str]) -> list[Document]:
        """Documents in an account's databases, whoever owns them by their own words."""
        name = database_names.account_db(account_id)
        docs: list[Document] = []
        by_month: dict[str | None, list[str]] = {}
        for doc_id in ids:
            by_month.setdefault(database_names.month_of_message(doc_id), []).append(doc_id)
        for month, month_ids in by_month.items():
            database = self._server.database(f"{name}-{month}" if month else name)
            with suppress(MissingDatabase):
                docs += database.fetch(month_ids).values()
        return docs

    def count_unrelated(self) -> Counter[str]:
        """Nothing: other databases are not read."""
        return Counter()

    def is_up(self) -> bool:
        """Whether CouchDB takes requests."""
        return self._server.is_up(CHECK_SECONDS)

    def close(self) -> None:
        """Nothing is held."""


class CouchAccount:
    """An account in a CouchDB."""

    def __init__(self, server: Couch, account_id: str, months: list[str]) -> None:
        self.account_id = account_id
        self._months = months
        self._server = server
        self._database = server.database(database_names.account_db(account_id))

    @property
    def library(self) -> DatabaseLibrary:
        """The media documents in its database."""
        return DatabaseLibrary(self._database)

    def survey(self) -> Survey:
        """Read its database, page by page."""
        survey = Survey(self.account_id)
        for doc in iterate_documents(self._database):
            survey.type_counts[document_type(doc)] += 1
            survey.add(doc)
        return survey

    def fetch(self, ids: Iterable[str]) -> Mapping[str, Document]:
        """Those documents that exist, by id."""
        return self.library.fetch(ids)

    def listed_document(self) -> Document | None:
        """Its document in the database ``accounts``."""
        doc = self._server.database(database_names.ACCOUNTS).get(self.account_id)
        return doc if doc is not None and ownership.may_be_in(doc, self.account_id) else None

    def list_months(self) -> list[str]:
        """The months that have a MODb."""
        return self._months

    def open_month(self, month: str) -> "CouchMonth":
        """One of these MODbs."""
        return CouchMonth(self._server.database(database_names.modb(self.account_id, month)))


class CouchMonth(DatabaseLibrary):
    """A MODb in a CouchDB."""

    def messages(self, retry: Retry, other_types: Counter[str]) -> Iterator[Document]:
        """The messages, found by reading all documents."""
        for doc in iterate_documents(self.database, retry=retry):
            if document_type(doc) == document_types.MESSAGE:
                yield doc
            else:
                other_types[document_type(doc)] += 1


def served_source() -> CouchSource:
    """The CouchDB that this project serves."""
    return CouchSource(couch(), is_served=True)


def iterate_documents(database: Database, *, page: int = _PAGE, retry: Retry = run_once) -> Iterator[Document]:
    """All documents of a database, read page by page, with attachments as stubs."""
    start_id = ""
    while True:
        rows = retry(partial(database.all_docs, startkey=start_id, include_docs=True, limit=page + 1))
        for row in rows[:page]:
            if row.get("doc"):
                yield row["doc"]
        if len(rows) <= page:
            return
        start_id = rows[page]["id"]
