"""The tables of mailboxes at the desk: those that are there, and those that were removed."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from accounts import accounts
from couch.client import Document
from crossbar.pages import PageRequest
from desk.kit.formats import time_text
from desk.kit.tables import Cell, Filter, Row, Table, choices, query_with
from desk.users import choices as user_choices
from storage import database_names, values
from voicemail.mailboxes import listing as mailbox_listing
from voicemail.mailboxes import restore as mailbox_restore
from voicemail.mailboxes import search as mailbox_search

_PAGE = 50
_STATES = [("", "There"), ("yes", "Removed")]


def is_of_removed(request: HttpRequest) -> bool:
    """Whether the table shows removed mailboxes."""
    return request.GET.get("removed") == "yes"


def table(request: HttpRequest, account_id: str) -> Table:
    """A page of an account's mailboxes by name, of those that a search finds, or of removed ones. FaultyRequest."""
    text = request.GET.get("q", "").strip()[:200]
    start_key = request.GET.get("start_key", "")
    wanted = PageRequest.from_query({"start_key": start_key} if start_key else {}, _PAGE, descending=False)
    removed = is_of_removed(request)
    make = _removed if removed else _live
    return Table(
        caption="Removed mailboxes" if removed else "Mailboxes",
        search=text,
        search_help="A part of the number or name."
        if removed
        else "The beginning of a number or alias, of words of the name, or of the owner's name or user name.",
        is_first=not start_key,
        first_query=query_with(request),
        kept=[("account", account_id), *([("removed", "yes")] if removed else [])],
        filters=[Filter("state", choices(request, "removed", _STATES))],
        **make(request, account_id, wanted, text),
    )


def _live(request: HttpRequest, account_id: str, wanted: PageRequest, text: str) -> dict[str, Any]:
    if text:
        entries, following = mailbox_search.search(account_id, text), None
    else:
        page = mailbox_listing.page(account_id, wanted)
        entries, following = page.entries, page.next_start_key
    owners = _owners(account_id, entries)
    return {
        "columns": ("Number", "Name", "Owner", "Messages", "New", "Saved"),
        "rows": [_row(account_id, entry, owners) for entry in entries],
        "next_query": query_with(request, start_key=following) if following else None,
        "empty": "No mailbox is called so." if text else "There are no mailboxes yet.",
    }


def _removed(request: HttpRequest, account_id: str, wanted: PageRequest, text: str) -> dict[str, Any]:
    page = mailbox_restore.page(account_id, wanted, text)
    owners = _owners(account_id, page.entries)
    following = page.next_start_key
    return {
        "columns": ("Number", "Name", "Owner", "Removed (UTC)"),
        "rows": [_removed_row(account_id, entry, owners) for entry in page.entries],
        "next_query": query_with(request, start_key=following) if following else None,
        "empty": "No removed mailbox is called so." if text else "No mailboxes were removed.",
    }


def _owners(account_id: str, entries: list[Document]) -> dict[str, str]:
    """The names of the owners of some boxes, by their ids: one request for all."""
    ids = {one for entry in entries if database_names.is_account_id(one := str(entry.get("owner_id")))}
    found = accounts.database_of(account_id).fetch(sorted(ids))
    return {one: user_choices.name_of(user) for one, user in found.items() if user.get("pvt_type") == "user"}


def _row(account_id: str, entry: Document, owners: dict[str, str]) -> Row:
    folders = entry.get("folders", {})
    cells = (
        *_named(account_id, entry, owners),
        Cell(entry.get("messages", 0), style="number"),
        Cell(folders.get("new", 0), style="number"),
        Cell(folders.get("saved", 0), style="number"),
    )
    return Row(cells, str(entry["id"]))


def _removed_row(account_id: str, entry: Document, owners: dict[str, str]) -> Row:
    return Row((*_named(account_id, entry, owners), Cell(time_text(entry["removed"]))), str(entry["id"]))


def _named(account_id: str, entry: Document, owners: dict[str, str]) -> tuple[Cell, ...]:
    url = reverse("admin:desk_mailbox_detail", args=[account_id, str(entry["id"])])
    owner = str(entry.get("owner_id") or "")
    return (
        Cell((values.as_text(entry.get("mailbox")) or "—")[:100], url),
        Cell(str(entry.get("name") or "")[:100]),
        Cell(owners.get(owner, owner[:40])),
    )
