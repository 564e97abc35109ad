"""Pages of accounts, for the desk's tables: all, those right below one, those that are enabled or disabled."""

from collections.abc import Iterable

from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from accounts import account_index, accounts, listing
from couch.client import Document
from crossbar.filters import Filter as DocumentFilter
from crossbar.pages import PageRequest
from desk.kit.tables import Cell, Row, Table, query_with
from storage import database_names, view_names

_PAGE = 50
_ENABLED, _DISABLED = "enabled", "disabled"


def page_of_accounts(
    start_key: str | None, parent: str, size: int = _PAGE, state: str = ""
) -> tuple[list[Document], str | None]:
    """A page of all accounts, or of those right below one, by name; and where the next page starts.

    `state` is ``enabled``, ``disabled`` or empty for both.
    """
    wanted = PageRequest.from_query({"start_key": start_key} if start_key else {}, size, descending=False)
    passing = DocumentFilter([lambda doc: _is(state, dict(doc))]) if state else DocumentFilter()
    view, below = view_names.ACCOUNTS_BY_NAME, []
    if parent:
        view, below = view_names.ACCOUNTS_BY_PARENT, [parent]
    elif state == _DISABLED:
        view, passing = view_names.DISABLED_ACCOUNTS_BY_NAME, DocumentFilter()
    page = listing.page(account_index.database(), view, wanted, passing, lambda doc: doc, below=below)
    return [row["doc"] for row in page.entries], page.next_start_key


def table(request: HttpRequest) -> Table:
    """The table of the page that the query asks for: ``q`` searches, ``below`` an account, ``state`` filters."""
    text = request.GET.get("q", "").strip()
    parent, state = request.GET.get("below", ""), request.GET.get("state", "")
    following = None
    if text:
        found = [doc for doc in account_index.search(text) if _is(state, doc)]
        found = [doc for doc in found if not parent or parent in accounts.ancestor_ids(doc)]
    else:
        found, following = page_of_accounts(request.GET.get("start_key"), parent, state=state)
    return Table(
        columns=("Name", "Realm", "Above it", "Below it", "Enabled", "Id"),
        rows=_rows(found),
        caption="Accounts",
        search=text,
        search_help="The beginning of a name or realm, or an account id.",
        search_fields=_state_field(state),
        next_query=None if following is None else query_with(request, start_key=following),
        is_first="start_key" not in request.GET,
        first_query=query_with(request),
        kept=[("below", parent)] if parent else [],
        empty="No account is like that." if text or state or parent else "There are no accounts yet.",
    )


def names_of(account_ids: Iterable[str]) -> dict[str, str]:
    """The names of some accounts by their ids, in one request; the id where an account is gone."""
    ids = [one for one in dict.fromkeys(account_ids) if database_names.is_account_id(one)]
    found = account_index.database().fetch(ids) if ids else {}
    return {one: str((found.get(one) or {}).get("name") or one) for one in ids}


def _state_field(state: str) -> SafeString:
    """Beside the search: whether accounts are enabled."""
    options = format_html_join(
        "",
        '<option value="{}"{}>{}</option>',
        (
            (value, SafeString(" selected") if value == state else "", text)
            for value, text in (("", "All"), (_ENABLED, "Enabled"), (_DISABLED, "Disabled"))
        ),
    )
    return format_html('<label>State <select name="state">{}</select></label>', options)


def _is(state: str, doc: Document) -> bool:
    return not state or accounts.is_enabled(doc) == (state == _ENABLED)


def _rows(docs: list[Document]) -> list[Row]:
    above = {doc["_id"]: tree[-1] for doc in docs if (tree := accounts.ancestor_ids(doc))}
    names = names_of(above.values())
    parents = account_index.ids_with_children(doc["_id"] for doc in docs)
    return [_row(doc, above.get(doc["_id"]), names, is_parent=doc["_id"] in parents) for doc in docs]


def _row(doc: Document, above: str | None, names: dict[str, str], *, is_parent: bool) -> Row:
    account_id, is_enabled = doc["_id"], accounts.is_enabled(doc)
    below = f"{reverse('admin:desk_account_changelist')}?below={account_id}"
    cells = (
        Cell(str(doc.get("name") or account_id)[:100], reverse("admin:desk_account_detail", args=[account_id])),
        Cell(str(doc.get("realm") or "")[:253]),
        Cell(names[above][:100], reverse("admin:desk_account_detail", args=[above])) if above in names else Cell("—"),
        Cell("Show", below) if is_parent else Cell("—"),
        Cell("Yes") if is_enabled else Cell("No", style="state-bad"),
        Cell(account_id, style="quiet"),
    )
    return Row(cells, account_id)
