"""The table of accounts: all of them, the children of one, or those that a search finds."""

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import account_index, accounts, listing
from couch.database import Document
from crossbar.pages import Page, PageRequest
from desk.accounts.links import account_list_url, account_title, account_url
from desk.kit.sorting import Order
from desk.kit.tables import Cell, Column, Paging, Row, Table, cut_note, page_request
from desk.scope import Scope, scope_of

SEARCH_HELP: Any = gettext_lazy("The beginnings of words of a name or realm, or an account id.")
_PAGE_SIZE = 50
_ENABLED, _DISABLED = "enabled", "disabled"


def account_table(request: HttpRequest) -> Table:
    """The page of accounts that the query asks for, of those that the operator may see.

    ``q`` is a search, ``below`` the id of a parent, ``state`` enabled or disabled, ``start_key`` a page.
    """
    text = request.GET.get("q", "").strip()
    parent_id, state = request.GET.get("below", ""), request.GET.get("state", "")
    is_enabled = {_ENABLED: True, _DISABLED: False}.get(state)
    order = Order.of(request, [] if text else ["name"], Order("name"))
    requested = page_request(request, _PAGE_SIZE, descending=order.is_descending)
    scope = scope_of(request.user)
    if text:
        page = _search(text, requested, scope, parent_id, is_enabled)
    else:
        page = listing.list_accounts(
            requested, parent_id=parent_id or None, is_enabled=is_enabled, among=scope.account_names()
        )
    return Table(
        columns=_columns(request, order, [] if text else ["name"]),
        rows=_account_rows(page.entries, scope),
        caption=_("Accounts"),
        empty=_("No matching accounts.") if text or state or parent_id else _("There are no accounts yet."),
        paging=Paging.of_page(request, page),
        note=cut_note(page, _("There are too many accounts to search all at once: there may be more matches.")),
        search=text,
        search_help=SEARCH_HELP,
        search_fields=_state_field(state),
        search_parameters=[("below", parent_id)] if parent_id else [],
        total=None if text or parent_id or state else _count_accounts(scope),
    )


def _count_accounts(scope: Scope) -> int:
    """How many accounts an operator may see."""
    ids = scope.account_ids()
    return listing.count_accounts() if ids is None else len(ids)


def _columns(request: HttpRequest, order: Order, sortable: Sequence[str]) -> list[Column]:
    titles = {
        "name": _("Name"),
        "realm": _("Realm"),
        "parent": _("Parent"),
        "children": _("Children"),
        "enabled": _("Enabled"),
        "id": _("Id"),
    }
    return order.columns(request, titles, sortable)


def _search(
    text: str, requested: PageRequest, scope: Scope, parent_id: str, is_enabled: bool | None
) -> Page[Document]:
    def is_listed(doc: Document) -> bool:
        is_below = not parent_id or parent_id in accounts.ancestor_ids(doc)
        return is_below and is_enabled in (None, accounts.is_enabled(doc))

    return listing.search_accounts(text, requested, scope.account_names(), is_listed)


def _state_field(state: str) -> SafeString:
    """The field of the search form that chooses enabled or disabled accounts."""
    options = format_html_join(
        "",
        '<option value="{}"{}>{}</option>',
        (
            (value, SafeString(" selected") if value == state else "", text)
            for value, text in (("", _("All")), (_ENABLED, _("Enabled")), (_DISABLED, _("Disabled")))
        ),
    )
    return format_html('<label>{} <select name="state">{}</select></label>', _("State"), options)


def _account_rows(docs: list[Document], scope: Scope) -> list[Row]:
    parent_ids = {doc["_id"]: ancestors[-1] for doc in docs if (ancestors := scope.visible_ancestor_ids(doc))}
    names = account_index.fetch_names(parent_ids.values())
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
        Cell(_("Show"), f"{account_list_url()}?below={account_id}") if has_children else Cell("—"),
        Cell(_("Yes")) if accounts.is_enabled(doc) else Cell(_("No"), style="state-bad"),
        Cell(account_id, style="quiet"),
    )
    return Row(cells, account_id)
