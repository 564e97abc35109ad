"""The table of the messages of an account or a mailbox, live or removed ones."""

from collections.abc import Mapping, Sequence

from django.http import HttpRequest
from django.utils.safestring import SafeString

from accounts import accounts
from couch.database import Document
from crossbar.filters import Filter as SummaryFilter
from crossbar.pages import Page
from desk.kit.formats import format_length, format_time
from desk.kit.tables import Cell, Paging, Row, Table, page_request
from desk.mailboxes.choice_field import mailbox_choice_field
from desk.mailboxes.links import mailbox_url
from desk.mailboxes.titles import mailbox_title
from desk.messages.actions import MOVE, ActionForm
from desk.messages.filters import (
    DateRangeForm,
    filter_bar,
    folder_of_summary,
    is_narrowed,
    shows_removed,
    summary_tests,
)
from desk.messages.links import message_url
from storage import gregorian
from voicemail.mailboxes import store as mailbox_store
from voicemail.messages import listing as message_listing
from voicemail.messages import retention

_PAGE_SIZE = 50
MAX_SEARCHED = 3_000
"""A page ends after this many messages, however few of them match."""
_SEARCH_FIELDS = frozenset({"q", "since", "until", "start_key"})


def message_table(
    request: HttpRequest,
    account_id: str,
    box: Document | None,
    actions: Sequence[tuple[str, str]],
    form: ActionForm,
) -> Table:
    """The page of messages that the query asks for; FaultyRequest for a wrong start key.

    `actions` are those that the operator may use, `form` is what their form shows after a refusal.
    """
    query, is_removed = request.GET, shows_removed(request)
    dates = DateRangeForm({name: query.get(name, "") for name in ("since", "until")})
    page = _page(request, account_id, box, dates)
    entries = page.entries if page else []
    boxes = None if box else _boxes(account_id, entries)
    next_text = f"Search the next {MAX_SEARCHED:,} messages" if page and page.is_cut else "Next page"
    return Table(
        columns=_columns(is_removed=is_removed, has_box=box is not None),
        rows=[_message_row(account_id, entry, boxes, is_removed=is_removed) for entry in entries],
        caption="Removed messages, the latest first" if is_removed else "Messages, the latest first",
        empty=_empty_text(request, page),
        paging=Paging.of(request, page.next_start_key if page else None, next_text),
        note=_cut_text(page),
        search=query.get("q", "").strip(),
        search_label="Caller",
        search_help="A part of the caller's name or number, however it is written. Dates are in UTC.",
        search_fields=dates.render_fields(),
        search_parameters=[
            (name, str(value)) for name, value in query.items() if value and name not in _SEARCH_FIELDS
        ],
        filters=filter_bar(request),
        actions=actions,
        action=form.action,
        action_fields=_target_field(account_id, form) if MOVE in dict(actions) else SafeString(),
        selected=form.selected,
    )


def _target_field(account_id: str, form: ActionForm) -> SafeString:
    return mailbox_choice_field(account_id, form.target, form.target_error)


def _page(
    request: HttpRequest, account_id: str, box: Document | None, dates: DateRangeForm
) -> Page[message_listing.Entry] | None:
    """The page of the listing; None if the dates are not valid."""
    now = gregorian.now()
    time_range = dates.time_range(retention.limit(account_id, now), now)
    if time_range is None:
        return None
    live_source = message_listing.SILENT if request.GET.get("audio") == "none" else message_listing.LIVE
    return message_listing.list_messages(
        account_id,
        box,
        page_request(request, _PAGE_SIZE, descending=True),
        time_range,
        SummaryFilter(summary_tests(request)),
        None,
        source=message_listing.REMOVED if shows_removed(request) else live_source,
        max_rows=MAX_SEARCHED,
    )


def _boxes(account_id: str, entries: Sequence[message_listing.Entry]) -> dict[str, Document]:
    """The mailboxes of messages, removed ones included, read in one request."""
    return accounts.database_of(account_id).fetch(entry.box_id for entry in entries)


def _columns(*, is_removed: bool, has_box: bool) -> list[str]:
    columns = ["Time (UTC)", "From", "Name", "Was in" if is_removed else "Folder", "Length", "Text"]
    if is_removed:
        columns.append("Removed (UTC)")
    if not has_box:
        columns.append("Mailbox")
    return columns


def _message_row(
    account_id: str, entry: message_listing.Entry, boxes: Mapping[str, Document] | None, *, is_removed: bool
) -> Row:
    summary = entry.summary
    message_id = str(summary["media_id"])
    cells = [
        Cell(format_time(summary.get("timestamp")) or "—", message_url(account_id, entry.box_id, message_id)),
        Cell(str(summary.get("caller_id_number") or "")[:80], style="caller"),
        Cell(str(summary.get("caller_id_name") or "")[:80]),
        Cell(folder_of_summary(summary, is_removed=is_removed)),
        Cell(format_length(summary.get("length")), style="number"),
        Cell("yes" if summary.get("transcribed") else ""),
    ]
    if is_removed:
        cells.append(Cell(format_time(summary.get("removed"))))
    if boxes is not None:
        cells.append(_mailbox_cell(account_id, entry.box_id, boxes.get(entry.box_id)))
    return Row(cells, f"{entry.box_id} {message_id}")


def _mailbox_cell(account_id: str, box_id: str, box: Document | None) -> Cell:
    if box is None or not mailbox_store.is_live(box):
        return Cell(f"{mailbox_store.number(box or {})} (removed)".strip(), style="quiet")
    return Cell(mailbox_title(box)[:60], mailbox_url(account_id, box_id))


def _cut_text(page: Page[message_listing.Entry] | None) -> str:
    """A sentence for a search that was cut before it filled a page with matches."""
    if page is None or not page.is_cut or not page.entries:
        return ""
    return f"{MAX_SEARCHED:,} messages were searched for this page. There may be more matches."


def _empty_text(request: HttpRequest, page: Page[message_listing.Entry] | None) -> str:
    if page is None:
        return "Correct the dates above."
    if page.is_cut:
        first = "first" if not request.GET.get("start_key") else "next"
        return f"No match in the {first} {MAX_SEARCHED:,} messages."
    if is_narrowed(request):
        return "No matching messages."
    if shows_removed(request):
        return "No messages were removed within the retention period."
    return "There are no messages within the retention period."
