"""The table of an account's users: all of them, or those that a search finds."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

from accounts import listing, users
from couch.database import Document
from crossbar.pages import PageRequest
from desk.kit.sorting import MAX_SORTED, Order, sort_page, text_key
from desk.kit.tables import Cell, Column, Paging, Row, Table, cut_note, page_request
from desk.users.links import user_url
from desk.users.titles import full_name

_PAGE_SIZE = 50
_SORT_KEYS: dict[str, Callable[[Document], Any]] = {
    "name": lambda user: text_key(full_name(user)),
    "email": lambda user: text_key(user.get("email")),
    "role": users.is_admin,
    "enabled": users.is_enabled,
}


def user_table(request: HttpRequest, account_id: str) -> Table:
    """The page of users that the query asks for: ``q`` is a search, ``start_key`` a page."""
    text = request.GET.get("q", "").strip()
    count = None if text else listing.count_users(account_id)
    order = Order.of(request, _sortable(count), Order("username"))
    requested = page_request(request, _PAGE_SIZE, descending=order.is_descending)
    if text:
        page = users.search(account_id, text, requested)
    elif order.name in _SORT_KEYS:
        every_user = listing.list_users(account_id, PageRequest(size=None, descending=False)).entries
        page = sort_page(every_user, _SORT_KEYS[order.name], order, requested)
    else:
        page = listing.list_users(account_id, requested)
    return Table(
        columns=_user_columns(request, order, _sortable(count)),
        rows=[_user_row(account_id, doc) for doc in page.entries],
        caption=_("Users"),
        empty=_("No matching users.") if text else _("There are no users yet."),
        paging=Paging.of_page(request, page),
        note=cut_note(page, _("There are too many users to search all at once: there may be more matches.")),
        search=text,
        search_help=_("The beginnings of words of a name, user name or e-mail address, or a user's id."),
        search_parameters=[("account", account_id)],
        total=count,
    )


def _sortable(count: int | None) -> frozenset[str]:
    """The columns that a list of so many users can be sorted by; none for the results of a search.

    CouchDB has them by user name. For the others, all are read.
    """
    if count is None:
        return frozenset()
    return frozenset({"username"} | (_SORT_KEYS.keys() if count <= MAX_SORTED else set()))


def _user_columns(request: HttpRequest, order: Order, sortable: frozenset[str]) -> list[Column]:
    titles = {
        "username": _("User name"),
        "name": _("Name"),
        "email": _("E-mail"),
        "role": _("Role"),
        "enabled": _("Enabled"),
    }
    return order.columns(request, titles, sortable)


def _user_row(account_id: str, user: Document) -> Row:
    cells = (
        Cell(str(user.get("username") or user["_id"])[:100], user_url(account_id, user["_id"])),
        Cell(full_name(user)[:100]),
        Cell(str(user.get("email") or "")[:100]),
        Cell(_("Administrator") if users.is_admin(user) else _("User")),
        Cell(_("Yes") if users.is_enabled(user) else _("No")),
    )
    return Row(cells, user["_id"])
