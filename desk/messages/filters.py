"""Which messages the table of messages shows.

Dates, mailbox, "removed" and "without audio" decide which view is read from where to where. Caller, folder and
transcription are checked message by message.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminTextInputWidget
from django.http import HttpRequest, QueryDict
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crossbar.pages import TimeRange
from desk.kit.tables import Filter
from storage import folding, gregorian
from voicemail.messages import deletion

FOLDERS: list[tuple[str, Any]] = [
    ("new", gettext_lazy("New")),
    ("saved", gettext_lazy("Saved")),
    ("deleted", gettext_lazy("Deleted")),
]
_ALL: tuple[str, Any] = ("", gettext_lazy("All"))
_STATES = [("", gettext_lazy("Live")), ("yes", gettext_lazy("Removed"))]
_TRANSCRIPTIONS = [_ALL, ("yes", gettext_lazy("Transcribed")), ("no", gettext_lazy("Not transcribed"))]
_AUDIO = [_ALL, ("none", gettext_lazy("Without audio"))]
_SEARCH_PARAMETERS = ("q", "text", "audio", "since", "until")

Summary = Mapping[str, Any]


class DateRangeForm(forms.Form):
    """A first and a last day, in the page's time zone."""

    since = forms.DateField(
        label=gettext_lazy("From"), required=False, widget=AdminTextInputWidget(attrs={"type": "date"})
    )
    until = forms.DateField(
        label=gettext_lazy("to"), required=False, widget=AdminTextInputWidget(attrs={"type": "date"})
    )

    def clean(self) -> dict[str, Any]:
        """Refuse a last day before the first one."""
        since, until = self.cleaned_data.get("since"), self.cleaned_data.get("until")
        if since and until and since > until:
            self.add_error("until", _("This is before the first day."))
        return self.cleaned_data

    def time_range(self, retention_limit: int, now: int) -> TimeRange | None:
        """The range in Gregorian seconds; None if the form is not valid.

        Without a first day it begins at the retention's limit, without a last one it ends now.
        """
        if not self.is_valid():
            return None
        since, until = self.cleaned_data["since"], self.cleaned_data["until"]
        last = now if until is None else _end_of_day(until)
        if since is not None:
            first = _midnight(since)
            return TimeRange(first, max(first, last))
        return TimeRange(retention_limit if retention_limit <= last else gregorian.FIRST, last, is_open=True)

    def render_fields(self) -> SafeString:
        """The two fields with their errors."""
        return format_html_join(
            "",
            '<span class="date-field">{} {} {}</span>',
            ((field.label_tag(label_suffix=""), field, field.errors) for field in self),
        )


def shows_removed(request: HttpRequest) -> bool:
    """Whether the query asks for removed messages."""
    return is_removed_query(request.GET)


def is_removed_query(query: QueryDict) -> bool:
    """Whether a list's query asks for removed messages."""
    return query.get("removed") == "yes"


def is_narrowed(request: HttpRequest) -> bool:
    """Whether the query asks for some messages only."""
    return bool(request.GET.get("folder")) or is_searched(request.GET)


def is_searched(query: QueryDict) -> bool:
    """Whether a list's query asks for some messages only, whatever their folder."""
    return any(query.get(name) for name in _SEARCH_PARAMETERS)


def filter_bar(request: HttpRequest) -> list[Filter]:
    """The filters beside the table."""
    return [
        Filter.by_parameter(request, _("state"), "removed", _STATES),
        Filter.by_parameter(request, _("folder"), "folder", [_ALL, *FOLDERS]),
        Filter.by_parameter(request, _("transcription"), "text", _TRANSCRIPTIONS),
        Filter.by_parameter(request, _("audio"), "audio", _AUDIO),
    ]


def summary_tests(query: QueryDict) -> Iterator[Callable[[Summary], bool]]:
    """The tests that a message's summary has to pass, as far as the choice of the view does not see to them."""
    is_removed = is_removed_query(query)
    caller, folder = query.get("q", "").strip(), query.get("folder")
    if caller:
        yield caller_test(caller)
    if folder:
        yield lambda summary: folder_of_summary(summary, is_removed=is_removed) == folder
    if query.get("text") in ("yes", "no"):
        yield lambda summary: bool(summary.get("transcribed")) == (query["text"] == "yes")
    if is_removed and query.get("audio") == "none":
        yield lambda summary: bool(summary.get("silent"))


def folder_of_summary(summary: Summary, *, is_removed: bool) -> str:
    """The folder that a message is in, or that a removed one was in."""
    if is_removed:
        return deletion.restore_folder(summary.get("removed_from"), summary.get("folder"))
    return str(summary["folder"])


def caller_test(text: str) -> Callable[[Summary], bool]:
    """A test for the callers that a text finds: by parts of the name, number or address, or by a number's digits."""
    digits, parts = folding.telephone_digits(text), folding.search_parts(text)

    def is_found(summary: Summary) -> bool:
        number, address = str(summary.get("caller_id_number") or ""), str(summary.get("from") or "")
        if digits and any(folding.is_number_found(digits, stored) for stored in (number, address.partition("@")[0])):
            return True
        return folding.has_parts(f"{number} {summary.get('caller_id_name') or ''}\n{address}", parts)

    return is_found


def _end_of_day(day: date) -> int:
    """The last second of a day in the page's time zone, in Gregorian seconds."""
    return gregorian.LAST if day == date.max else _midnight(day + timedelta(days=1)) - 1


def _midnight(day: date) -> int:
    """The beginning of a day in the page's time zone, in Gregorian seconds."""
    return gregorian.from_datetime(datetime.combine(day, time(), timezone.get_current_timezone()))
