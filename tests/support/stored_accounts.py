"""What CouchDB holds of an account, in both places."""

from couch.client import couch
from couch.database import Database, Document
from storage import database_names


def accounts_db() -> Database:
    """The database that lists all accounts."""
    return couch().database(database_names.ACCOUNTS)


def stored(account_id: str) -> tuple[Document, Document]:
    """The account's document in its own database and the copy, without CouchDB's members."""
    own = couch().database(database_names.account_db(account_id)).get(account_id) or {}
    copy = accounts_db().get(account_id) or {}
    plain = [{key: value for key, value in doc.items() if not key.startswith("_")} for doc in (own, copy)]
    return plain[0], plain[1]
