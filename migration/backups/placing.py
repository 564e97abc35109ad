"""Decide which database each document of a backup's file goes to: its own account's, or none.

A document says whose it is (`storage.ownership`). The file's name must not say otherwise, and settles it where the
document says nothing, unless the file holds documents of other accounts too.
"""

from collections import Counter
from collections.abc import Iterator

from couch.database import Document
from migration.backups.file_names import StatedName
from migration.backups.index import DocumentIndex, is_needed
from storage import database_names, document_types
from storage.ownership import Owner, owner_of

# No database has such a name.
_PROVISIONAL = "\0"


class FilePlacement:
    """The documents of one file. Some get their database only when all have been read."""

    def __init__(self, index: DocumentIndex, name: str, stated: StatedName | None) -> None:
        """`name` is the file's path in the source, `stated` what it states."""
        self._index, self._name, self._stated = index, name, stated
        self._stated_owner = database_names.parse(stated.database) if stated else None
        self._databases: set[str] = set()
        """The databases that documents name."""
        self._account_documents: set[str] = set()
        self._provisional: set[str] = set()
        self._is_of_one_document = False
        """Whether the name is a document's id, and not an account's."""
        self._foreign: Counter[str] = Counter()
        """How many documents name another account than the file does, by the account that they name."""
        self._contradictory = 0
        self._count = 0

    def place(self, doc: Document) -> str | None:
        """The database that a document is to be added to, for now; None if it goes nowhere."""
        owner = owner_of(doc)
        self._count += 1
        is_account = doc.get("pvt_type") == document_types.ACCOUNT
        if self._stated is not None and doc["_id"] == self._stated.id and not is_account:
            self._is_of_one_document = True
        if owner.is_contradictory:
            self._contradictory += is_needed(doc)
            return None
        if owner.system is not None:
            return owner.system if self._stated_owner is None else None
        if owner.account_id is None:
            return self._add_provisional("unowned", self._month(doc) or "")
        if self._stated_owner is not None and owner.account_id != self._stated_owner.account_id:
            return self._place_foreign(doc, owner)
        if is_account:
            self._account_documents.add(owner.account_id)
            if self._stated_owner is not None:
                return database_names.account_db(owner.account_id)
            return self._add_provisional("account", owner.account_id)
        return self._place_own(doc, owner)

    def finish(self) -> Iterator[str]:
        """Move the documents to their databases whose place is known only now; a sentence for those left out."""
        if self._is_of_one_document:
            self._stated_owner, self._foreign = None, Counter()
        for account_id in sorted(self._account_documents):
            self._move("account", account_id, self._database_of_account_document(account_id))
        for name in sorted(self._provisional):
            if name.startswith(f"{_PROVISIONAL}foreign") and self._is_of_one_document:
                self._index.move_database(name, name.rpartition(" ")[2])
        unowned = self._place_unowned()
        for name in self._provisional:
            self._index.drop_database(name)
        return self._sentences(unowned)

    def _place_own(self, doc: Document, owner: Owner) -> str | None:
        """The database of a document that names the account that the file names, or any if the file names none."""
        database = owner.database()
        stated = self._stated_owner
        if stated is not None and stated.month is not None and self._month(doc) is None:
            database = self._stated.database if self._stated else None
        if database is not None:
            self._databases.add(database)
        return database

    def _place_foreign(self, doc: Document, owner: Owner) -> str | None:
        self._foreign[str(owner.account_id)] += is_needed(doc)
        if self._stated is None or self._stated.id is None:
            return None
        return self._add_provisional("foreign", owner.database() or "")

    def _database_of_account_document(self, account_id: str) -> str:
        """An account's document is in the account's database, and in the one that lists all accounts."""
        owners = {owner.account_id for name in self._databases if (owner := database_names.parse(name))}
        is_only_one = len(self._account_documents) == 1 and not owners and self._count > 1
        is_listing = self._stated is not None and self._stated.database == database_names.ACCOUNTS
        if account_id in owners or (is_only_one and not is_listing):
            return database_names.account_db(account_id)
        return database_names.ACCOUNTS

    def _place_unowned(self) -> int:
        """Move the documents that don't say whose they are, if that is clear; else how many there are."""
        prefix = f"{_PROVISIONAL}unowned {self._name} "
        names = [name for name in sorted(self._provisional) if name.startswith(prefix)]
        database = self._database_of_unowned()
        count = 0
        for name in names:
            month = name.removeprefix(prefix)
            owner = database_names.parse(database) if database else None
            if database is None:
                count += self._index.drop_database(name)
            elif owner is not None and month and owner.month is None:
                self._index.move_database(name, database_names.modb(owner.account_id, month))
            else:
                self._index.move_database(name, database)
        return count

    def _database_of_unowned(self) -> str | None:
        """The one database that the file's other documents, or else its name, leave for those that name none."""
        if self._foreign or self._contradictory:
            return None
        if self._stated_owner is not None:
            return self._stated.database if self._stated else None
        databases = {*self._databases}
        if not databases and len(self._account_documents) == 1:
            databases = {database_names.account_db(account_id) for account_id in self._account_documents}
        if len(databases) == 1:
            return databases.pop()
        account_ids = {owner.account_id for name in databases if (owner := database_names.parse(name))}
        if len(account_ids) == 1:
            return database_names.account_db(account_ids.pop())
        if not databases and self._stated is not None and not self._is_of_one_document:
            return self._stated.database
        return None

    def _sentences(self, unowned: int) -> Iterator[str]:
        for account_id, count in sorted(self._foreign.items()):
            if count and self._stated_owner is not None:
                yield (
                    f"{self._name} is named for account {self._stated_owner.account_id}: its documents of account "
                    f"{account_id} are left out ({count}). Give the file a name without an account's id, and each "
                    "document goes to its own account"
                )
        if self._contradictory:
            yield (
                f"{self._name}: documents that name two accounts, in pvt_account_id, pvt_account_db or their id, are "
                f"left out ({self._contradictory}). Correct these members in the backup"
            )
        if unowned:
            yield (
                f"{self._name}: documents that don't say whose they are, in a file that doesn't tell either, are "
                f"left out ({unowned}). Put the documents of each database into a file of its own, named like the "
                "database"
            )

    @staticmethod
    def _month(doc: Document) -> str | None:
        """The month of a message, by its id."""
        is_message = doc.get("pvt_type") == document_types.MESSAGE
        return database_names.month_of_message(doc["_id"]) if is_message else None

    def _add_provisional(self, kind: str, detail: str) -> str:
        name = f"{_PROVISIONAL}{kind} {self._name} {detail}"
        self._provisional.add(name)
        return name

    def _move(self, kind: str, detail: str, database: str) -> None:
        name = f"{_PROVISIONAL}{kind} {self._name} {detail}"
        if name in self._provisional:
            self._index.move_database(name, database)
            self._provisional.discard(name)
