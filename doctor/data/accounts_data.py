"""The check of the data itself: every document of every account, one account after the other."""

from collections.abc import Iterator

from couch.client import couch
from couch.errors import MissingDatabase
from doctor.data import month_messages, own_documents
from doctor.data.kinds import Faults
from doctor.findings import Finding
from doctor.scope import Scope
from storage import database_names


def check_data(scope: Scope) -> Iterator[Finding]:
    """Yield what is wrong with documents, however odd they are."""
    faults, messages = Faults(), 0
    account_ids = scope.accounts_with_database
    for number, account_id in enumerate(account_ids, 1):
        place = f"Data: account {number:,} of {len(account_ids):,}, {account_id}"
        scope.show_progress(place)
        try:
            own = own_documents.read(account_id, faults)
        except MissingDatabase:  # removed meanwhile
            continue
        for month in sorted(scope.months[account_id]):
            scope.show_progress(f"{place}, {month}, {messages:,} messages so far")
            database = couch().database(database_names.modb(account_id, month))
            try:
                messages += month_messages.check_month(own, database, month, faults)
            except MissingDatabase:  # archived meanwhile
                continue
    scope.summary["data"] = f"{len(account_ids):,} accounts, {messages:,} messages"
    yield from faults.findings()
