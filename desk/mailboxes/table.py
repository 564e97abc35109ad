"""The tables of an account's mailboxes: live ones, and removed ones."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import accounts
from couch.database import Document
from crossbar.pages import Page, PageRequest
from desk.kit.sorting import MAX_SORTED, Order, number_key, sort_page
from desk.kit.tables import Cell, Column, Filter, Paging, Row, Table, cut_note, page_request, time_cell
from desk.kit.times import heading
from desk.mailboxes.links import mailbox_url
from desk.users.titles import VIEW_USERS, user_title
from storage import database_names, document_types, values
from voicemail.mailboxes import listing as mailbox_listing
from voicemail.mailboxes import restore as mailbox_restore
from voicemail.mailboxes import search as mailbox_search

CHANGE_SETTINGS = "settings"
"""The action on selected mailboxes."""
_PAGE_SIZE = 50
_SORT_KEYS: dict[str, Callable[[Document], Any]] = {
    "mailbox": lambda entry: number_key(values.as_text(entry.get("mailbox"))),
    "messages": lambda entry: entry.get("messages", 0),
    "new": lambda entry: entry.get("folders", {}).get("new", 0),
    "saved": lambda entry: entry.get("folders", {}).get("saved", 0),
}
_STATES = [("", gettext_lazy("Live")), ("yes", gettext_lazy("Removed"))]


def shows_removed(request: HttpRequest) -> bool:
    """Whether the query asks for removed mailboxes."""
    return request.GET.get("removed") == "yes"


def mailbox_table(request: HttpRequest, account_id: str) -> Table:
    """The page of mailboxes that the query asks for; FaultyRequest for a wrong start key.

    ``q`` is a search, ``removed`` asks for removed mailboxes, ``start_key`` for a page.
    """
    text = request.GET.get("q", "").strip()[:200]
    make_table = _removed_table if shows_removed(request) else _live_table
    return make_table(request, account_id, page_request(request, _PAGE_SIZE), text)


def _live_table(request: HttpRequest, account_id: str, requested: PageRequest, text: str) -> Table:
    count = None if text else mailbox_listing.count_boxes(account_id)
    sortable = _sortable(count)
    order = Order.of(request, sortable, Order("name"))
    page = _live_page(request, account_id, requested, text, order)
    owner_names = _owner_names(request, account_id, page.entries)
    paging = Paging.of_page(request, page)
    may_change = request.user.has_perm("desk.change_mailbox") and page.entries
    return Table(
        columns=order.columns(request, _live_titles(), sortable),
        rows=[_live_row(account_id, entry, owner_names) for entry in page.entries],
        caption=_("Mailboxes"),
        empty=_("No matching mailboxes.") if text else _("There are no mailboxes yet."),
        paging=paging,
        note=cut_note(page, _("There are too many mailboxes to search all at once: there may be more matches.")),
        search=text,
        search_help=_("The beginnings of a number or alias, or of words of the mailbox's or owner's name; or an id."),
        search_parameters=[("account", account_id)],
        filters=_filters(request),
        actions=[(CHANGE_SETTINGS, _("Change settings"))] if may_change else [],
        all_label=_all_label(text, count) if paging.first or paging.next else "",
        total=count,
    )


def _live_titles() -> dict[str, str]:
    return {
        "mailbox": _("Number"),
        "name": _("Name"),
        "owner": _("Owner"),
        "messages": _("Messages"),
        "new": _("New"),
        "saved": _("Saved"),
    }


def _sortable(count: int | None) -> frozenset[str]:
    """The columns that a list of so many mailboxes can be sorted by; none for the results of a search.

    CouchDB has them by name. For the others, all are read, and for numbers of messages also counted.
    """
    if count is None:
        return frozenset()
    return frozenset({"name"} | (_SORT_KEYS.keys() if count <= MAX_SORTED else set()))


def _live_page(
    request: HttpRequest, account_id: str, requested: PageRequest, text: str, order: Order
) -> Page[Document]:
    """The page of live mailboxes that a search finds, or of all in an order."""
    if text:
        return mailbox_search.search(account_id, text, requested, by_owner=request.user.has_perm(VIEW_USERS))
    if order.name not in _SORT_KEYS:
        return mailbox_listing.list_boxes(account_id, replace(requested, descending=order.is_descending))
    entries = mailbox_listing.list_summaries(account_id)
    if order.name != "mailbox":
        entries = mailbox_listing.count_messages(account_id, entries)
    page = sort_page(entries, _SORT_KEYS[order.name], order, requested)
    if order.name != "mailbox":
        return page
    return replace(page, entries=mailbox_listing.count_messages(account_id, page.entries))


def _removed_table(request: HttpRequest, account_id: str, requested: PageRequest, text: str) -> Table:
    page = mailbox_restore.list_removed(account_id, requested, text)
    owner_names = _owner_names(request, account_id, page.entries)
    return Table(
        columns=[
            Column(_("Number"), "mailbox"),
            Column(_("Name"), "name"),
            Column(_("Owner"), "owner"),
            Column(heading(_("Removed")), "removed"),
        ],
        rows=[_removed_row(account_id, entry, owner_names) for entry in page.entries],
        caption=_("Removed mailboxes"),
        empty=_("No matching removed mailboxes.") if text else _("No mailboxes were removed."),
        paging=Paging.of_page(request, page),
        note=cut_note(
            page, _("There are too many removed mailboxes to search all at once: there may be more matches.")
        ),
        search=text,
        search_help=_("A part of the number or name."),
        search_parameters=[("account", account_id), ("removed", "yes")],
        filters=_filters(request),
    )


def _all_label(text: str, count: int | None) -> str:
    """The text of the checkbox that takes the mailboxes of all pages."""
    if text or count is None:
        return _("all that match, on every page")
    return _("all %(count)s of the account, on every page") % {"count": f"{count:,}"}


def _filters(request: HttpRequest) -> list[Filter]:
    return [Filter.by_parameter(request, _("state"), "removed", _STATES)]


def _owner_names(request: HttpRequest, account_id: str, entries: list[Document]) -> dict[str, str]:
    """The names of the mailboxes' owners by their ids, read in one request; none if the operator can't see users."""
    if not request.user.has_perm(VIEW_USERS):
        return {}
    owner_ids = (str(entry.get("owner_id")) for entry in entries)
    # In dirty data the id of an owner may be anything.
    docs = accounts.database_of(account_id).fetch(filter(database_names.is_account_id, owner_ids))
    return {doc_id: user_title(doc) for doc_id, doc in docs.items() if doc.get("pvt_type") == document_types.USER}


def _live_row(account_id: str, entry: Document, owner_names: dict[str, str]) -> Row:
    folders = entry.get("folders", {})
    cells = (
        *_title_cells(account_id, entry, owner_names),
        Cell(entry.get("messages", 0), style="number"),
        Cell(folders.get("new", 0), style="number"),
        Cell(folders.get("saved", 0), style="number"),
    )
    return Row(cells, str(entry["id"]))


def _removed_row(account_id: str, entry: Document, owner_names: dict[str, str]) -> Row:
    removed_cell = time_cell(entry["removed"])
    return Row((*_title_cells(account_id, entry, owner_names), removed_cell), str(entry["id"]))


def _title_cells(account_id: str, entry: Document, owner_names: dict[str, str]) -> tuple[Cell, ...]:
    owner_id = str(entry.get("owner_id") or "")
    return (
        Cell((values.as_text(entry.get("mailbox")) or "—")[:100], mailbox_url(account_id, str(entry["id"]))),
        Cell(str(entry.get("name") or "")[:100]),
        Cell(owner_names.get(owner_id, owner_id[:40])),
    )
