"""The table of a run's lines, and its numbers in a sentence."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from desk.kit.formats import format_number, format_value
from desk.kit.schema_fields import SEPARATOR
from desk.kit.tables import Cell, Filter, Paging, Row, Table
from desk.mailboxes.labels import LABELS
from desk.mailboxes.links import mailbox_url
from desk.mailboxes.runs import PLANNED, PROBLEMS, Result
from desk.models import MailboxRun, MailboxRunLine

_PAGE_SIZE = 100
_MAX_VALUE = 200
_WITH_PAGE = frozenset(Result) - {Result.CREATE, Result.FAULTY}
_VERBS = {
    Result.CREATE: gettext_lazy("%(count)s to create"),
    Result.CHANGE: gettext_lazy("%(count)s to change"),
    Result.CREATED: gettext_lazy("%(count)s created"),
    Result.CHANGED: gettext_lazy("%(count)s changed"),
    Result.UNCHANGED: gettext_lazy("%(count)s as they are to be"),
    Result.FAULTY: gettext_lazy("%(count)s with errors"),
    Result.FAILED: gettext_lazy("%(count)s failed"),
    Result.LEFT_OUT: gettext_lazy("%(count)s left out"),
}


def describe_counts(counts: Mapping[str, int]) -> str:
    """The numbers of a run's results, as the end of a sentence."""
    return ", ".join(
        text % {"count": format_number(counts[result])} for result, text in _VERBS.items() if counts.get(result)
    )


def run_table(request: HttpRequest, run: MailboxRun, counts: Mapping[str, int]) -> Table:
    """The page of lines that the query asks for: ``result`` is a filter, ``start_key`` the first line's number."""
    result, start_key = request.GET.get("result", ""), request.GET.get("start_key", "")
    lines = run.lines.order_by("number")
    if result in Result.values:
        lines = lines.filter(result=result)
    if start_key.isdecimal() and len(start_key) < 9:
        lines = lines.filter(number__gte=int(start_key))
    page = list(lines[: _PAGE_SIZE + 1])
    next_start_key = str(page[_PAGE_SIZE].number) if len(page) > _PAGE_SIZE else None
    options = [
        ("", _("All")),
        *((kind.value, f"{kind.label} ({format_number(counts[kind])})") for kind in Result if counts.get(kind)),
    ]
    return Table(
        columns=(_("Line") if run.is_import else _("No."), _("Mailbox"), _("Result"), _("What changes")),
        rows=[_line_row(run, line) for line in page[:_PAGE_SIZE]],
        caption=_("Mailboxes of this run"),
        empty=_("No lines."),
        paging=Paging.of(request, next_start_key),
        filters=[Filter.by_parameter(request, _("result"), "result", options)],
    )


def _line_row(run: MailboxRun, line: MailboxRunLine) -> Row:
    has_page = line.box_id and line.result in _WITH_PAGE
    result = Result(line.result)
    style = "state-bad" if result in PROBLEMS else "" if result in PLANNED else "quiet"
    return Row(
        (
            Cell(line.number),
            Cell(line.name[:100], mailbox_url(run.account_id, line.box_id) if has_page else None),
            Cell(result.label, style=style),
            Cell(line.problem or describe_difference(line.difference, in_words=not run.is_import)),
        )
    )


def describe_difference(difference: Mapping[str, Any], *, in_words: bool) -> str:
    """What a line changes, in one line: settings by their names in the form, or as the columns of a file."""
    return "; ".join(_describe_changes(difference, in_words=in_words))


def _describe_changes(difference: Mapping[str, Any], *, in_words: bool) -> Iterable[str]:
    for path, (before, after) in difference.items():
        name = LABELS.get(path.replace(".", SEPARATOR), path) if in_words else path
        old, new = (format_value(value)[:_MAX_VALUE] for value in (before, after))
        yield f"{name}: {new}" if before is None else f"{name}: {old} → {new}"
