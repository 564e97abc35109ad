"""Messages that tests leave in a mailbox: where they go, and what is stored of them."""

from typing import Any

from couch.client import couch
from storage import database_names, modbs
from tests.support.api_client import Account


def path_of(box: dict[str, Any]) -> str:
    return f"vmboxes/{box['id']}/messages"


def stored(account: Account, message_id: str) -> dict[str, Any]:
    month = database_names.month_of_message(message_id)
    assert month is not None
    doc = couch().database(database_names.modb(account.id, month)).get(message_id)
    assert doc is not None
    return doc


def messages_in(account: Account) -> list[str]:
    """The ids of all documents in the account's MODbs except design documents."""
    rows = [row for _, modb in modbs.list_existing(account.id) for row in modb.all_docs()]
    return [row["id"] for row in rows if not row["id"].startswith("_design/")]
