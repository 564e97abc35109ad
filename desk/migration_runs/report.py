"""The report of a migration run on its page: counts by outcome, and the table of its rows."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from django.http import HttpRequest
from django.utils.translation import gettext as _

from desk.kit.known_texts import translate
from desk.kit.tables import Cell, Filter, Paging, Row, Table
from desk.mailboxes.links import mailbox_url
from desk.messages.links import message_url
from migration import report
from migration.models import MigrationRow, MigrationRun, Operation
from migration.progress import GREETING, MESSAGE
from storage import database_names

_PAGE_SIZE = 100
_START_KEY = re.compile(r"\d{1,18}", re.ASCII)
_OUTCOMES_WITH_MESSAGE = frozenset(
    {"migrated", "linked", "resolved", "present", "verified", "changed", "differing", "purged"}
)
"""After these outcomes there is a message to look at, unless the run was a dry run."""


@dataclass(frozen=True)
class OutcomeCount:
    """How many messages or greetings had an outcome for a reason, what it means, and whether it is a fault."""

    outcome: str
    reason: str
    count: int
    meaning: str
    is_fault: bool


def outcome_counts(counts: Iterable[tuple[str, str, int]]) -> list[OutcomeCount]:
    """A run's counts of messages or of greetings, in the order of the command's summary."""
    order = {outcome: position for position, outcome in enumerate(report.OUTCOMES)}
    in_order = sorted(counts, key=lambda count: (order.get(count[0], len(order)), count[1]))
    return [
        OutcomeCount(outcome, reason, number, _meaning(outcome, reason), outcome in report.FAULTS)
        for outcome, reason, number in in_order
    ]


def report_table(request: HttpRequest, run: MigrationRun, *, link_mailboxes: bool, link_messages: bool) -> Table:
    """The page of the report's rows that the query asks for.

    ``outcome`` and ``kind`` (message or greeting) are filters, ``start_key`` is a page.
    """
    kind = request.GET.get("kind", "")
    outcome, start_key = request.GET.get("outcome", ""), request.GET.get("start_key", "")
    rows = run.rows.filter(pk__gte=int(start_key) if _START_KEY.fullmatch(start_key) else 0)
    if outcome:
        rows = rows.filter(outcome=outcome)
    if kind:
        rows = rows.filter(kind=kind)
    page = list(rows[: _PAGE_SIZE + 1])
    next_start_key = str(page[_PAGE_SIZE].pk) if len(page) > _PAGE_SIZE else None
    outcomes = list(dict.fromkeys(outcome for outcome, *_rest in (*run.outcomes, *run.greetings)))
    options = [("", _("All")), *((outcome, outcome) for outcome in outcomes)]
    filters = [Filter.by_parameter(request, _("outcome"), "outcome", options)] if len(outcomes) > 1 else []
    if run.outcomes and run.greetings:
        kinds = [("", _("All")), (MESSAGE, _("messages")), (GREETING, _("greetings and other media"))]
        filters.append(Filter.by_parameter(request, _("kind"), "kind", kinds))
    return Table(
        columns=(_("Outcome"), _("Reason"), _("Message"), _("Media document"), _("Mailbox"), _("Audio")),
        rows=[
            _table_row(run, row, link_mailboxes=link_mailboxes, link_messages=link_messages)
            for row in page[:_PAGE_SIZE]
        ],
        caption=_("Report"),
        empty=_("Nothing yet.") if run.is_active else _("The report is empty."),
        paging=Paging.of(request, next_start_key),
        filters=filters,
    )


def _table_row(run: MigrationRun, row: MigrationRow, *, link_mailboxes: bool, link_messages: bool) -> Row:
    # In dirty data the id of a mailbox may be anything.
    has_mailbox_page = database_names.is_account_id(row.box_id)
    has_message_page = (
        has_mailbox_page and row.outcome in _OUTCOMES_WITH_MESSAGE and run.operation != Operation.DRY_RUN
    )
    box_url = mailbox_url(run.account_id, row.box_id) if link_mailboxes and has_mailbox_page else None
    url = message_url(run.account_id, row.box_id, row.message_id) if link_messages and has_message_page else None
    subject_cell = Cell(_("greeting")) if row.kind == GREETING else Cell(row.message_id or "—", url, "id")
    cells = (
        Cell(row.outcome, style="state-bad" if row.outcome in report.FAULTS else "state-good"),
        Cell(row.reason or "—"),
        subject_cell,
        Cell(row.media_id or "—", style="id"),
        Cell(row.box_id or "—", box_url, "id"),
        Cell(report.format_size(row.bytes) if row.bytes else "", style="number"),
    )
    return Row(cells, str(row.pk))


def _meaning(outcome: str, reason: str) -> str:
    texts = (report.OUTCOMES.get(outcome, ""), report.REASONS.get(reason, ""))
    return "; ".join(translate(text) for text in texts if text)
