"""The table of messages at the desk: what it shows, and the filters that say which messages it shows.

Dates, mailbox, "removed" and "without audio" choose what of which view is read; caller, folder and transcription are
looked at message by message, so that a page reads on until it is full, or until it has read enough for now.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, time
from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminTextInputWidget
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from couch.client import Document
from crossbar.filters import Filter as Passing
from crossbar.pages import PageRequest, TimeRange
from desk.kit.formats import length_text, time_text
from desk.kit.tables import Cell, Filter, Row, Table, choices, query_with
from storage import gregorian
from voicemail.mailboxes import store as mailbox_store
from voicemail.messages import deletion, retention
from voicemail.messages import listing as message_listing

FOLDERS = [("", "All"), ("new", "New"), ("saved", "Saved"), ("deleted", "Deleted")]
_STATES = [("", "Listed"), ("yes", "Removed")]
_TEXTS = [("", "All"), ("yes", "Transcribed"), ("no", "Not transcribed")]
_SOUNDS = [("", "All"), ("none", "Without audio")]
_FIELDS = frozenset({"q", "since", "until", "start_key"})
_PAGE = 50
_MOST_ROWS = 3_000

Test = Callable[[Mapping[str, Any]], bool]


class _Dates(forms.Form):
    """From one day to another, both included, in UTC."""

    since = forms.DateField(label="From", required=False, widget=AdminTextInputWidget(attrs={"type": "date"}))
    until = forms.DateField(label="to", required=False, widget=AdminTextInputWidget(attrs={"type": "date"}))

    def clean(self) -> dict[str, Any]:
        """Refuse a range that ends before it begins."""
        since, until = self.cleaned_data.get("since"), self.cleaned_data.get("until")
        if since and until and since > until:
            self.add_error("until", "This is before the first day.")
        return self.cleaned_data

    def range(self, limit: int, now: int) -> TimeRange | None:
        """The range in Gregorian seconds, by itself from the retention's limit until now; None when it is wrong."""
        if not self.is_valid():
            return None
        since, until = self.cleaned_data["since"], self.cleaned_data["until"]
        last = now if until is None else _midnight(until) + 86_399
        if since is not None:
            first = _midnight(since)
            return TimeRange(first, max(first, last))
        return TimeRange(limit if limit <= last else gregorian.FIRST, last, is_open=True)

    def rendered(self) -> SafeString:
        """The two fields, with their errors, for the form that searches."""
        return format_html_join("", '<span class="date-field">{} {} {}</span>', self._parts())

    def _parts(self) -> Iterator[tuple[object, ...]]:
        for bound in self:
            yield bound.label_tag(label_suffix=""), bound, bound.errors


def is_of_removed(request: HttpRequest) -> bool:
    """Whether the table shows removed messages."""
    return request.GET.get("removed") == "yes"


def table(
    request: HttpRequest,
    account_id: str,
    box: Document | None,
    actions: Sequence[tuple[str, str]],
    fields: SafeString,
) -> Table:
    """A page of the messages of an account or of one of its boxes, as the query says. FaultyRequest."""
    query, removed = request.GET, is_of_removed(request)
    dates = _Dates({name: query.get(name, "") for name in ("since", "until")})
    page = _page(account_id, box, query, dates)
    entries = page.entries if page else []
    boxes = None if box else _boxes(account_id, entries)
    is_narrow = any(query.get(name) for name in ("q", "folder", "text", "audio", "since", "until"))
    return Table(
        columns=(
            *("Time (UTC)", "From", "Name", "Was in" if removed else "Folder", "Length", "Text"),
            *(("Removed (UTC)",) if removed else ()),
            *(() if box else ("Mailbox",)),
        ),
        rows=[_row(account_id, entry, boxes, removed=removed) for entry in entries],
        caption="Removed messages, the latest first" if removed else "Messages, the latest first",
        search=query.get("q", "").strip(),
        search_label="Caller",
        search_help="A part of the caller's number or name. Days are those of UTC.",
        search_fields=dates.rendered(),
        filters=[
            Filter("state", choices(request, "removed", _STATES)),
            Filter("folder", choices(request, "folder", FOLDERS)),
            Filter("transcription", choices(request, "text", _TEXTS)),
            Filter("audio", choices(request, "audio", _SOUNDS)),
        ],
        actions=actions,
        action_fields=fields,
        next_query=query_with(request, start_key=page.next_start_key) if page and page.next_start_key else None,
        next_text=f"Search on, past the {_MOST_ROWS:,} messages looked at" if page and page.is_cut else "Next page",
        is_first=not query.get("start_key"),
        first_query=query_with(request),
        empty=_empty(page, removed=removed, is_narrow=is_narrow),
        kept=[(name, str(value)) for name, value in query.items() if value and name not in _FIELDS],
    )


def _page(
    account_id: str, box: Document | None, query: Mapping[str, str], dates: _Dates
) -> message_listing.Page | None:
    now = gregorian.now()
    time_range = dates.range(retention.limit(account_id, now), now)
    if time_range is None:
        return None
    start_key, removed = query.get("start_key"), query.get("removed") == "yes"
    wanted = PageRequest.from_query({"start_key": start_key} if start_key else {}, _PAGE)
    silent = query.get("audio") == "none"
    live = message_listing.SILENT if silent else message_listing.LIVE
    return message_listing.page(
        account_id,
        box,
        wanted,
        time_range,
        Passing(_tests(query, removed=removed, silent=silent)),
        None,
        source=message_listing.REMOVED if removed else live,
        most_rows=_MOST_ROWS,
    )


def _tests(query: Mapping[str, str], *, removed: bool, silent: bool) -> Iterator[Test]:
    """What is looked at message by message."""
    caller, folder = query.get("q", "").strip().casefold(), query.get("folder")
    if caller:
        yield (
            lambda said: (
                caller in f"{said.get('caller_id_number')} {said.get('caller_id_name')}".casefold()
                or (caller in str(said.get("from")).casefold())
            )
        )
    if folder:
        yield lambda said: _folder(said, removed=removed) == folder
    if query.get("text") in ("yes", "no"):
        yield lambda said: bool(said.get("transcribed")) == (query["text"] == "yes")
    if removed and silent:
        yield lambda said: bool(said.get("silent"))


def _folder(said: Mapping[str, Any], *, removed: bool) -> str:
    """The folder a message is in, or was in before it was removed."""
    return deletion.restore_folder(said.get("removed_from"), said.get("folder")) if removed else str(said["folder"])


def _boxes(account_id: str, entries: Sequence[message_listing.Entry]) -> dict[str, Document]:
    """The mailboxes of some messages, removed ones too, in one request."""
    return mailbox_store.database_of(account_id).fetch({one.box_id for one in entries})


def _row(
    account_id: str, entry: message_listing.Entry, boxes: Mapping[str, Document] | None, *, removed: bool
) -> Row:
    said = entry.summary
    message_id = str(said["media_id"])
    url = reverse("admin:desk_message_detail", args=[account_id, entry.box_id, message_id])
    cells = [
        Cell(time_text(said.get("timestamp")) or "—", url),
        Cell(str(said.get("caller_id_number") or "")[:80], style="caller"),
        Cell(str(said.get("caller_id_name") or "")[:80]),
        Cell(_folder(said, removed=removed)),
        Cell(length_text(said.get("length")), style="number"),
        Cell("yes" if said.get("transcribed") else ""),
    ]
    if removed:
        cells.append(Cell(time_text(said.get("removed"))))
    if boxes is not None:
        cells.append(_box_cell(account_id, entry.box_id, boxes.get(entry.box_id)))
    return Row(cells, f"{entry.box_id} {message_id}")


def _box_cell(account_id: str, box_id: str, box: Document | None) -> Cell:
    if box is None or box.get("pvt_deleted"):
        return Cell(f"{mailbox_store.number(box) if box else ''} (removed)".strip(), style="quiet")
    named = f"{mailbox_store.number(box)} {box.get('name') or ''}".strip()[:60] or box_id
    return Cell(named, reverse("admin:desk_mailbox_detail", args=[account_id, box_id]))


def _empty(page: message_listing.Page | None, *, removed: bool, is_narrow: bool) -> str:
    if page is None:
        return "Correct the days above."
    if page.is_cut:
        return f"None of the {_MOST_ROWS:,} messages looked at is such a one."
    if is_narrow:
        return "There are no such messages."
    return (
        "No message was removed within the retention." if removed else "There are no messages within the retention."
    )


def _midnight(day: Any) -> int:
    """The beginning of a day, in Gregorian seconds."""
    return gregorian.from_datetime(datetime.combine(day, time(), UTC))
