"""The table of the messages of an account or a mailbox, live or removed ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.http import HttpRequest, QueryDict
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from accounts import accounts
from couch.database import Document
from crossbar.pages import Page, TimeRange
from desk.kit import list_settings
from desk.kit.formats import format_length, format_number, format_time
from desk.kit.known_texts import translate
from desk.kit.sorting import Order
from desk.kit.tables import Cell, Paging, Row, Table, page_request, time_cell
from desk.kit.times import heading, zone_label
from desk.mailboxes.choice_field import mailbox_choice_field
from desk.mailboxes.links import mailbox_url
from desk.mailboxes.titles import mailbox_title
from desk.messages.actions import MOVE, ActionForm
from desk.messages.filters import (
    DateRangeForm,
    filter_bar,
    folder_of_summary,
    is_narrowed,
    is_searched,
    shows_removed,
)
from desk.messages.links import message_url
from desk.messages.list_query import DEFAULT_ORDER, MAX_SEARCHED, list_page
from desk.messages.row_controls import folder_choice, play_link
from desk.messages.titles import caller_title
from storage import gregorian, values
from voicemail.mailboxes import store as mailbox_store
from voicemail.messages import counts, retention
from voicemail.messages import listing as message_listing

_PAGE_SIZE = 50
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
    dates = _date_form(query)
    order = Order.of(request, [DEFAULT_ORDER.name], DEFAULT_ORDER)
    page = _page(request, account_id, box, dates, order)
    is_counted = not (is_removed or is_searched(query) or list_settings.settings_of_list(request).is_export)
    total = counts.total(account_id, box, query.get("folder") or None) if is_counted else None
    entries = page.entries if page else []
    boxes = None if box else _boxes(account_id, entries)
    style = _RowStyle.of(request, account_id, boxes, is_removed=is_removed)
    next_text = (
        _("Search the next %(max_searched)s messages") % {"max_searched": format_number(MAX_SEARCHED)}
        if page and page.is_cut
        else _("Next page")
    )
    return Table(
        columns=order.columns(request, _titles(style), ["time"]),
        rows=[_message_row(style, entry) for entry in entries],
        caption=_("Removed messages") if is_removed else _("Messages"),
        empty=_empty_text(request, page),
        paging=Paging.of(request, page.next_start_key if page else None, next_text),
        note=_cut_text(page),
        search=query.get("q", "").strip(),
        search_label=_("Caller"),
        search_help=_("A part of the caller's name or number, however it is written. Dates are in %(zone)s.")
        % {"zone": zone_label()},
        search_fields=dates.render_fields(),
        search_parameters=[
            (name, str(value)) for name, value in query.items() if value and name not in _SEARCH_FIELDS
        ],
        filters=filter_bar(request),
        actions=actions,
        action=form.action,
        action_fields=_target_field(account_id, form) if MOVE in dict(actions) else SafeString(),
        selected=form.selected,
        total=total,
        all_label=_all_label(request, page, total) if actions else "",
    )


def _all_label(request: HttpRequest, page: Page[message_listing.Entry] | None, total: int | None) -> str:
    """The text of the checkbox that selects the messages of all pages; empty if there is one page."""
    if page is None or (page.next_start_key is None and not request.GET.get("start_key")):
        return ""
    if total is None:
        return _("all that match, on every page")
    return _("all %(count)s, on every page") % {"count": f"{total:,}"}


def _target_field(account_id: str, form: ActionForm) -> SafeString:
    return mailbox_choice_field(account_id, form.target, form.target_error)


def _page(
    request: HttpRequest, account_id: str, box: Document | None, dates: DateRangeForm, order: Order
) -> Page[message_listing.Entry] | None:
    """The page of the listing; None if the dates are not valid."""
    time_range = _time_range(account_id, dates)
    if time_range is None:
        return None
    requested = page_request(request, _PAGE_SIZE, descending=order.is_descending)
    return list_page(request.GET, account_id, box, requested, time_range)


def _time_range(account_id: str, dates: DateRangeForm) -> TimeRange | None:
    now = gregorian.now()
    return dates.time_range(retention.limit(account_id, now), now)


def selected_times(request: HttpRequest, account_id: str) -> TimeRange | None:
    """The time over which the request's query lists messages; None if its dates are not valid."""
    return _time_range(account_id, _date_form(request.GET))


def _date_form(query: QueryDict) -> DateRangeForm:
    return DateRangeForm({name: query.get(name, "") for name in ("since", "until")})


def _boxes(account_id: str, entries: Sequence[message_listing.Entry]) -> dict[str, Document]:
    """The mailboxes of messages, removed ones included, read in one request."""
    return accounts.database_of(account_id).fetch(entry.box_id for entry in entries)


@dataclass(frozen=True)
class _RowStyle:
    """What the rows of a list show, and what one can do in them."""

    account_id: str
    is_removed: bool
    boxes: Mapping[str, Document] | None
    """The messages' mailboxes; None in the list of one mailbox."""
    has_links: bool
    can_listen: bool
    can_change: bool

    @classmethod
    def of(
        cls, request: HttpRequest, account_id: str, boxes: Mapping[str, Document] | None, *, is_removed: bool
    ) -> "_RowStyle":
        """The style of an operator's page; exports have texts only."""
        is_page = not list_settings.settings_of_list(request).is_export
        return cls(
            account_id,
            is_removed,
            boxes,
            has_links=is_page,
            can_listen=is_page and request.user.has_perm("desk.listen_to_message"),
            can_change=is_page and not is_removed and request.user.has_perm("desk.change_message"),
        )


def _titles(style: _RowStyle) -> dict[str, str]:
    """The names and headings of the columns, in the order of the cells."""
    is_removed, has_box = style.is_removed, style.boxes is None
    titles = {
        "time": heading(_("Time")),
        **({"play": _("Play")} if style.can_listen else {}),
        "caller_number": _("From"),
        "caller_name": _("Name"),
        "folder": _("Was in") if is_removed else _("Folder"),
        "length": _("Length"),
        "transcribed": _("Text"),
    }
    if is_removed:
        titles["removed"] = heading(_("Removed"))
    if not has_box:
        titles["mailbox"] = _("Mailbox")
    return titles


def _message_row(style: _RowStyle, entry: message_listing.Entry) -> Row:
    account_id, boxes, is_removed = style.account_id, style.boxes, style.is_removed
    summary = entry.summary
    message_id = str(summary["media_id"])
    row_id = f"{entry.box_id} {message_id}"
    title = f"{format_time(summary.get('timestamp'))}, {caller_title(summary)}"
    folder = folder_of_summary(summary, is_removed=is_removed)
    url = message_url(account_id, entry.box_id, message_id) if style.has_links else None
    play_cells = [Cell(play_link(account_id, entry.box_id, message_id, title))] if style.can_listen else []
    cells = [
        time_cell(summary.get("timestamp"), url, empty="—"),
        *play_cells,
        Cell(str(summary.get("caller_id_number") or "")[:80], style="caller"),
        Cell(str(summary.get("caller_id_name") or "")[:80]),
        Cell(folder_choice(row_id, folder, title) if style.can_change else translate(folder)),
        Cell(format_length(summary.get("length")), style="number", value=_seconds(summary.get("length"))),
        Cell("yes" if summary.get("transcribed") else ""),
    ]
    if is_removed:
        cells.append(time_cell(summary.get("removed")))
    if boxes is not None:
        cells.append(_mailbox_cell(style, entry.box_id, boxes.get(entry.box_id)))
    return Row(cells, row_id)


def _seconds(milliseconds: object) -> float | None:
    number = values.as_integer(milliseconds)
    return None if number is None else number / 1000


def _mailbox_cell(style: _RowStyle, box_id: str, box: Document | None) -> Cell:
    if box is None or not mailbox_store.is_live(box):
        return Cell(" ".join((mailbox_store.number(box or {}), _("(removed)"))).strip(), style="quiet")
    return Cell(mailbox_title(box)[:60], mailbox_url(style.account_id, box_id) if style.has_links else None)


def _cut_text(page: Page[message_listing.Entry] | None) -> str:
    """A sentence for a search that was cut before it filled a page with matches."""
    if page is None or not page.is_cut or not page.entries:
        return ""
    return _("%(max_searched)s messages were searched for this page. There may be more matches.") % {
        "max_searched": format_number(MAX_SEARCHED)
    }


def _empty_text(request: HttpRequest, page: Page[message_listing.Entry] | None) -> str:
    if page is None:
        return _("Correct the dates above.")
    if page.is_cut:
        text = _("No match in the first %(count)s messages.")
        if request.GET.get("start_key"):
            text = _("No match in the next %(count)s messages.")
        return text % {"count": format_number(MAX_SEARCHED)}
    if is_narrowed(request):
        return _("No matching messages.")
    if shows_removed(request):
        return _("No messages were removed within the retention period.")
    return _("There are no messages within the retention period.")
