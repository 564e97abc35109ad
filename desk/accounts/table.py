"""The table of accounts: all of them, the children of one, or those that a search finds."""

from collections.abc import Iterable

from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from accounts import account_index, accounts, listing
from couch.client import Document
from crossbar.filters import Filter as DocumentFilter
from crossbar.pages import PageRequest
from desk.accounts.links import account_list_url, account_title, account_url
from desk.kit.tables import Cell, Paging, Row, Table
from storage import database_names, view_names

SEARCH_HELP = "The beginning of a name or realm, or an account id."
_PAGE_SIZE = 50
_ENABLED, _DISABLED = "enabled", "disabled"


def account_table(request: HttpRequest) -> Table:
    """The page of accounts that the query asks for.

    ``q`` is a search, ``below`` the id of a parent, ``state`` enabled or disabled, ``start_key`` a page.
    """
    text = request.GET.get("q", "").strip()
    parent_id, state = request.GET.get("below", ""), request.GET.get("state", "")
    next_start_key = None
    if text:
        matches = [doc for doc in account_index.search(text) if _has_state(doc, state)]
        docs = [doc for doc in matches if not parent_id or parent_id in accounts.ancestor_ids(doc)]
    else:
        docs, next_start_key = page_of_accounts(request.GET.get("start_key"), parent_id=parent_id, state=state)
    return Table(
        columns=("Name", "Realm", "Parent", "Children", "Enabled", "Id"),
        rows=_account_rows(docs),
        caption="Accounts",
        empty="No matching accounts." if text or state or parent_id else "There are no accounts yet.",
        paging=Paging.of(request, next_start_key),
        search=text,
        search_help=SEARCH_HELP,
        search_fields=_state_field(state),
        search_parameters=[("below", parent_id)] if parent_id else [],
    )


def page_of_accounts(
    start_key: str | None, *, size: int = _PAGE_SIZE, parent_id: str = "", state: str = ""
) -> tuple[list[Document], str | None]:
    """A page of accounts by name, and the start key of the next page.

    `parent_id` limits it to the children of an account, `state` to ``enabled`` or ``disabled`` ones.
    """
    page_request = PageRequest.from_query({"start_key": start_key} if start_key else {}, size, descending=False)
    document_filter = DocumentFilter([lambda doc: _has_state(dict(doc), state)]) if state else DocumentFilter()
    view, key_prefix = view_names.ACCOUNTS_BY_NAME, []
    if parent_id:
        view, key_prefix = view_names.ACCOUNTS_BY_PARENT, [parent_id]
    elif state == _DISABLED:
        view = view_names.DISABLED_ACCOUNTS_BY_NAME
        document_filter = DocumentFilter()
    page = listing.read_page(
        account_index.database(), view, page_request, document_filter, lambda doc: doc, below=key_prefix
    )
    return [row["doc"] for row in page.entries], page.next_start_key


def account_names(account_ids: Iterable[str]) -> dict[str, str]:
    """The names of accounts by their ids, read in one request; the id where there is no such account any more."""
    ids = [account_id for account_id in dict.fromkeys(account_ids) if database_names.is_account_id(account_id)]
    docs = account_index.database().fetch(ids) if ids else {}
    return {account_id: account_title({"_id": account_id, **docs.get(account_id, {})}) for account_id in ids}


def _has_state(doc: Document, state: str) -> bool:
    return not state or accounts.is_enabled(doc) == (state == _ENABLED)


def _state_field(state: str) -> SafeString:
    """The field of the search form that chooses enabled or disabled accounts."""
    options = format_html_join(
        "",
        '<option value="{}"{}>{}</option>',
        (
            (value, SafeString(" selected") if value == state else "", text)
            for value, text in (("", "All"), (_ENABLED, "Enabled"), (_DISABLED, "Disabled"))
        ),
    )
    return format_html('<label>State <select name="state">{}</select></label>', options)


def _account_rows(docs: list[Document]) -> list[Row]:
    parent_ids = {doc["_id"]: ancestors[-1] for doc in docs if (ancestors := accounts.ancestor_ids(doc))}
    names = account_names(parent_ids.values())
    ids_with_children = account_index.ids_with_children(doc["_id"] for doc in docs)
    return [
        _account_row(doc, parent_ids.get(doc["_id"]), names, has_children=doc["_id"] in ids_with_children)
        for doc in docs
    ]


def _account_row(doc: Document, parent_id: str | None, names: dict[str, str], *, has_children: bool) -> Row:
    account_id = doc["_id"]
    cells = (
        Cell(account_title(doc)[:100], account_url(account_id)),
        Cell(str(doc.get("realm") or "")[:253]),
        Cell(names[parent_id][:100], account_url(parent_id)) if parent_id in names else Cell("—"),
        Cell("Show", f"{account_list_url()}?below={account_id}") if has_children else Cell("—"),
        Cell("Yes") if accounts.is_enabled(doc) else Cell("No", style="state-bad"),
        Cell(account_id, style="quiet"),
    )
    return Row(cells, account_id)
