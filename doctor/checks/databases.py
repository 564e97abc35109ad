"""Accounts' databases: those that are missing, or nobody's, and the months that should be there."""

from collections.abc import Iterator

from accounts import account_index, accounts
from couch.client import couch
from couch.database import Document
from couch.parallel import in_parallel
from doctor.findings import Finding, Repair, error, note, warning
from doctor.scope import Scope
from storage import database_names, maintenance, modbs

_BATCH = 500
_COPIED = ("name", "realm", "enabled", "pvt_tree")


def check_accounts(scope: Scope) -> Iterator[Finding]:
    """Yield accounts without a database or without their document in it, and databases of no account."""
    live_ids = scope.live_accounts
    scope.summary["databases"] = f"{len(live_ids):,} accounts, {len(scope.databases):,} databases"
    if not live_ids and scope.account_id is None:
        yield note("no_accounts", "There are no accounts yet.", "Create one: ./manage.py create_account.")
    elif not live_ids:
        yield error("account_unknown", "There is no such account.", "Look up its id at the desk, under Accounts.")
    without_database = tuple(account_id for account_id in live_ids if account_id not in scope.months)
    if without_database:
        yield error(
            "account_database_missing",
            "Accounts have no database: nothing of them can be read.",
            "Restore their databases from a backup, or remove what is left of the accounts.",
            without_database,
        )
    known_ids: set[str] = set()
    owners = sorted({owner.account_id for owner in scope.databases.values()})
    for start in range(0, len(owners), _BATCH):
        known_ids |= account_index.database().fetch(owners[start : start + _BATCH]).keys()
    ownerless = tuple(name for name, owner in scope.databases.items() if owner.account_id not in known_ids)
    if ownerless:
        yield warning(
            "database_of_nobody",
            "Databases are of no account: the database accounts has no document of theirs.",
            "Find out whose they were: put the account's document back into accounts, or archive and delete them.",
            ownerless,
        )


def check_account_documents(scope: Scope) -> Iterator[Finding]:
    """Yield accounts whose document isn't in their own database, and whose copy in `accounts` differs from it."""
    missing, different = [], []
    ids = scope.accounts_with_database
    for start in range(0, len(ids), _BATCH):
        scope.show_progress(f"Accounts: {start:,} of {len(ids):,}")
        batch = ids[start : start + _BATCH]
        for account_id, (doc, copy) in zip(batch, in_parallel(_read_both, batch), strict=True):
            if not accounts.is_live(doc):
                missing.append(account_id)
            elif any(doc.get(key) != (copy or {}).get(key) for key in _COPIED):
                different.append(account_id)
    if missing:
        yield error(
            "account_document_missing",
            "Accounts have no document of their own in their database, or it says that they were removed.",
            "Put its document from the database accounts into its own, or remove the account.",
            tuple(missing),
        )
    if different:
        yield warning(
            "account_copy_differs",
            "Accounts' copies in the database accounts differ from their documents: they may be found by an old name "
            "or realm.",
            "Change such an account once, at the desk or over the API: that stores the copy anew.",
            tuple(different),
        )


def _read_both(account_id: str) -> tuple[Document | None, Document | None]:
    """Return an account's document and its copy in `accounts`."""
    own = couch().database(database_names.account_db(account_id))
    return couch().fetch_both(own.get_request(account_id), account_index.database().get_request(account_id))


def check_months(scope: Scope) -> Iterator[Finding]:
    """Yield the accounts that have no database of this month, or of the next one."""
    this_month, next_month = modbs.months_ahead()
    ids = scope.accounts_with_database
    for key, month, when in (("month_missing", this_month, "this"), ("next_month_missing", next_month, "next")):
        lacking = tuple(account_id for account_id in ids if month not in scope.months[account_id])
        if lacking:
            yield warning(
                key,
                f"Accounts have no database of {when} month ({month}): the first message has to wait for it.",
                "Run ./manage.py ensure_modbs every day, by a timer or cron; --fix creates the databases now.",
                lacking,
                _creation(lacking, month),
            )
    future = tuple(name for name, owner in scope.databases.items() if owner.month and owner.month > next_month)
    if future:
        yield note(
            "month_in_the_future",
            "There are databases of months further in the future.",
            "Harmless, if clocks are right: messages may have been imported with a wrong time.",
            future,
        )


def _creation(account_ids: tuple[str, ...], month: str) -> Repair:
    def create() -> list[str]:
        names = [database_names.modb(account_id, month) for account_id in account_ids]
        for name in names:
            couch().create(name)
            maintenance.sync_database(name)
        return [f"Created the database {name}." for name in names]

    return create
