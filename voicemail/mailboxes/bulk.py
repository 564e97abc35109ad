"""Many mailboxes of an account at once: all of them read together."""

from collections.abc import Iterator

from accounts import accounts
from couch.database import Document
from storage import view_names
from voicemail.mailboxes import store as mailbox_store

_PAGE = 500


def list_documents(account_id: str) -> Iterator[Document]:
    """The documents of an account's live mailboxes, by name."""
    database = accounts.database_of(account_id)
    for row in database.stream_view(*view_names.MAILBOXES_BY_NAME, page=_PAGE, include_docs=True):
        if mailbox_store.is_live(row.get("doc")):
            yield row["doc"]
