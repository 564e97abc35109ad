"""Pages of accounts, for the desk's tables."""

from accounts import directory, listing
from accounts.couch import Document
from crossbar.filters import Filter
from crossbar.pages import PageRequest

_PAGE = 50


def page_of_accounts(start_key: str | None, parent: str, size: int = _PAGE) -> tuple[list[Document], str | None]:
    """A page of all accounts, or of those right below one, by name; and where the next page starts."""
    wanted = PageRequest.from_query({"start_key": start_key} if start_key else {}, size, descending=False)
    view = (directory.DESIGN, directory.BY_PARENT) if parent else ("accounts", "listing_by_name")
    below = [parent] if parent else None
    page = listing.page(directory.accounts_database(), view, wanted, Filter(), lambda doc: doc, below=below)
    found: str | None = page.extra.get("next_start_key")
    return [row["doc"] for row in page.rows], found
