"""Queries for the users of an account."""

from accounts import accounts, listing
from couch.client import Document
from crossbar.filters import Filter
from crossbar.pages import PageRequest
from storage import view_names


def page_of_users(account_id: str, start_key: str | None, size: int) -> tuple[list[Document], str | None]:
    """A page of an account's users by user name, and the start key of the next page."""
    page_request = PageRequest.from_query({"start_key": start_key} if start_key else {}, size, descending=False)
    database = accounts.database_of(account_id)
    page = listing.read_page(database, view_names.USERS_BY_NAME, page_request, Filter(), lambda doc: doc)
    return [row["doc"] for row in page.entries], page.next_start_key


def first_users(account_id: str, limit: int) -> list[Document]:
    """The first users of an account by user name."""
    rows = accounts.database_of(account_id).view(*view_names.USERS_BY_NAME, include_docs=True, limit=limit)
    return [row["doc"] for row in rows if row.get("doc")]


def find_by_username(account_id: str, username: str) -> Document | None:
    """The user with a user name; None if there is none."""
    rows = accounts.database_of(account_id).view(
        *view_names.USERS_BY_NAME, key=username.lower(), include_docs=True, limit=1
    )
    return rows[0].get("doc") if rows else None
