"""The table of accounts with what each one still has to migrate."""

from django.http import HttpRequest
from django.utils.translation import gettext as _

from accounts import listing
from couch.database import Document
from couch.errors import CouchError
from couch.parallel import in_parallel
from desk.accounts.links import account_title
from desk.accounts.table import SEARCH_HELP
from desk.kit.formats import format_number
from desk.kit.tables import Cell, Paging, Row, Table, cut_note, page_request
from desk.migration_runs.links import account_migration_url, run_url
from desk.migration_runs.progress import describe_state
from desk.scope import scope_of
from migration.models import MigrationRun
from migration.runs import control
from voicemail.legacy import remaining

_PAGE_SIZE = 30


def accounts_table(request: HttpRequest) -> Table:
    """The page of accounts that the query asks for: ``q`` is a search, ``start_key`` a page."""
    text = request.GET.get("q", "").strip()
    requested, among = page_request(request, _PAGE_SIZE), scope_of(request.user).account_names()
    page = listing.search_accounts(text, requested, among) if text else listing.list_accounts(requested, among=among)
    return Table(
        columns=(_("Account"), _("Old messages"), _("In removed mailboxes"), _("Latest run"), _("Realm")),
        rows=_account_rows(page.entries),
        caption=_("Accounts, with the messages that each one still has in the format of 3.x"),
        empty=_("No matching accounts.") if text else _("There are no accounts yet."),
        paging=Paging.of_page(request, page),
        note=cut_note(page, _("There are too many accounts to search all at once: there may be more matches.")),
        search=text,
        search_help=SEARCH_HELP,
    )


def _account_rows(docs: list[Document]) -> list[Row]:
    """The accounts, those with most old messages first."""
    counts = in_parallel(_count_entries, docs)
    runs = control.latest_runs(doc["_id"] for doc in docs)
    accounts = sorted(zip(docs, counts, strict=True), key=lambda pair: pair[1].total if pair[1] else 0, reverse=True)
    return [_account_row(doc, count, runs.get(doc["_id"])) for doc, count in accounts]


def _count_entries(doc: Document) -> remaining.RemainingEntries | None:
    """What an account still has; None if its database fails, which must not hide the other accounts."""
    try:
        return remaining.count_entries(doc["_id"])
    except CouchError:
        return None


def _account_row(doc: Document, count: remaining.RemainingEntries | None, run: MigrationRun | None) -> Row:
    number_cells = [Cell("?", style="number")] * 2
    if count is not None:
        numbers = (count.live, count.removed)
        number_cells = [Cell(format_number(number) if number else "—", style="number") for number in numbers]
    run_cell = Cell("—")
    if run is not None:
        run_cell = Cell(f"{run.get_operation_display()}: {describe_state(run)}", run_url(run))
    title_cell = Cell(account_title(doc), account_migration_url(doc["_id"]))
    return Row([title_cell, *number_cells, run_cell, Cell(doc.get("realm") or "")])
