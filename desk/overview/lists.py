"""The lists that the overview's figures lead to: exactly the accounts, mailboxes and deliveries that they count."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from desk.accounts.links import account_url
from desk.kit.formats import format_time
from desk.kit.known_texts import translate
from desk.kit.tables import Cell, Filter, Paging, Row, Table
from desk.mailboxes.links import mailbox_url
from desk.mails.links import mail_url
from desk.messages.links import all_messages_url
from desk.migration_runs.links import run_url
from desk.overview import links
from migration.models import MigrationRun
from migration.runs import control
from notifications import log
from notifications.models import Mail
from overview import figures
from overview.examination import FAILURE_SECONDS
from overview.models import AccountFigures, Finding
from storage import gregorian
from webhooks.models import Delivery
from webhooks.sending import queue

_PAGE_SIZE = 50
_LENGTH = 200
Kind = Finding.Kind
Ids = Collection[str] | None
May = Callable[[str], bool]


@dataclass(frozen=True)
class OverviewList:
    """A list: what it is called, the permission that it needs, and how its table is made."""

    title: Promise
    permission: str
    table: Callable[[HttpRequest, Ids, May], Table]


def _databases(request: HttpRequest, account_ids: Ids, may: May) -> Table:
    accounts = figures.list_lacking(account_ids)
    lacks = request.GET.get("lacks", "")
    if lacks == "views":
        accounts = accounts.exclude(lacking_views=[])
    elif lacks == "months":
        accounts = accounts.exclude(missing_months=[])
    elif lacks == "answers":
        accounts = accounts.exclude(problem="")
    options = [
        ("", _("Anything")),
        ("views", _("Views")),
        ("months", _("This or next month")),
        ("answers", _("Can't be read")),
    ]

    def make_row(figures_of_account: AccountFigures, account: Cell) -> Row:
        lacking, missing = figures_of_account.lacking_views, figures_of_account.missing_months
        problem = translate(figures_of_account.problem)[:_LENGTH]
        cells = (Cell(", ".join(lacking) or "—"), Cell(", ".join(missing) or "—"), Cell(problem or "—"))
        return Row((account, *cells, _repair(figures_of_account, may)))

    return _table(
        request,
        accounts,
        (_("Account"), _("Views are missing in"), _("Missing months"), _("Problem"), _("What to do")),
        make_row,
        empty=_("No account lacks anything."),
        filters=[Filter.by_parameter(request, _("lacks"), "lacks", options)],
    )


def _repair(account: AccountFigures, may: May) -> Cell:
    """What to do about an account's databases."""
    if account.problem:
        return Cell(_("Run manage.py doctor --account %(id)s") % {"id": account.pk})
    if not may("change_account"):
        return Cell(_("Run manage.py sync_views and manage.py ensure_modbs"))
    if account.lacking_views:
        return Cell(_("Create the views"), reverse("admin:desk_account_create_views", args=[account.pk]))
    return Cell(_("Create the months"), reverse("admin:desk_account_create_months", args=[account.pk]))


def _full_mailboxes(request: HttpRequest, account_ids: Ids, may: May) -> Table:
    def make_row(finding: Finding, account: Cell) -> Row:
        box = Cell(finding.name, mailbox_url(finding.account_id, finding.document_id))
        return Row((box, account, _number(finding.number), _number(finding.reference)))

    findings = figures.list_findings(Kind.FULL_MAILBOX, account_ids)
    columns = (_("Mailbox"), _("Account"), _("Messages"), _("Takes at most"))
    return _table(request, findings, columns, make_row, empty=_("No mailbox is full."))


def _odd_days(request: HttpRequest, account_ids: Ids, may: May) -> Table:
    def make_row(finding: Finding, account: Cell) -> Row:
        day = f"{finding.day:%Y-%m-%d}" if finding.day else ""
        url = f"{all_messages_url(finding.account_id)}&since={day}&until={day}" if may("view_message") else None
        return Row((Cell(day, url), account, _number(finding.number), _number(finding.reference)))

    findings = figures.list_findings(Kind.ODD_DAY, account_ids)
    columns = (_("Day (UTC)"), _("Account"), _("Messages"), _("On a usual day"))
    return _table(request, findings, columns, make_row, empty=_("No account had an odd day in the last week."))


def _failed_webhooks(request: HttpRequest, account_ids: Ids, may: May) -> Table:
    def make_row(finding: Finding, account: Cell) -> Row:
        url = f"{_webhook_url(finding.account_id, finding.document_id)}?result=failure"
        return Row((Cell(finding.name, url), account, _number(finding.number), _time(finding.at)))

    findings = figures.list_findings(Kind.FAILED_WEBHOOK, account_ids)
    columns = (_("Webhook"), _("Account"), _("Events"), _("The latest (UTC)"))
    return _table(request, findings, columns, make_row, empty=_("No event was given up in the last 24 hours."))


def _repeated_webhooks(request: HttpRequest, account_ids: Ids, may: May) -> Table:
    def make_row(delivery: Delivery, account: Cell) -> Row:
        event = Cell(delivery.event_name, f"{_webhook_url(delivery.account_id, delivery.hook_id)}?result=failure")
        return Row((event, account, Cell(delivery.host), _number(delivery.tries), _time(delivery.due_at)))

    columns = (_("Event"), _("Account"), _("Receiver"), _("Attempts"), _("Next (UTC)"))
    deliveries = queue.failing(account_ids).order_by("due_at", "id")
    return _table(request, deliveries, columns, make_row, empty=_("No event waits to be sent again."))


def _failed_mails(request: HttpRequest, account_ids: Ids, may: May) -> Table:
    since = timezone.now() - timedelta(seconds=FAILURE_SECONDS)
    mails = log.list_failed(since, account_ids).order_by("-due_at", "-id")
    columns = (_("Subject"), _("Account"), _("Error"), _("Failed (UTC)"))
    return _table(request, mails, columns, _mail_row, empty=_("No mail failed in the last 24 hours."))


def _repeated_mails(request: HttpRequest, account_ids: Ids, may: May) -> Table:
    mails = log.list_retried(account_ids).order_by("due_at", "id")
    columns = (_("Subject"), _("Account"), _("Error"), _("Next (UTC)"))
    return _table(request, mails, columns, _mail_row, empty=_("No mail waits to be sent again."))


def _mail_row(mail: Mail, account: Cell) -> Row:
    subject = Cell((mail.subject or mail.template)[:_LENGTH], mail_url(mail.account_id, mail.event_id))
    return Row((subject, account, Cell(mail.error[:_LENGTH]), _time(mail.due_at)))


def _migrations(request: HttpRequest, account_ids: Ids, may: May) -> Table:
    state = request.GET.get("state", "")
    runs = control.failed_runs() if state == "failed" else control.active_runs()
    if state in ("waiting", "running"):
        runs = runs.filter(state=state)
    if account_ids is not None:
        runs = runs.filter(account_id__in=account_ids)
    options = [
        ("", _("Waiting and running")),
        ("waiting", _("Waiting")),
        ("running", _("Running")),
        ("failed", _("Failed")),
    ]

    def make_row(run: MigrationRun, account: Cell) -> Row:
        title = Cell(f"{run.get_operation_display()} {run.pk}", run_url(run))
        cells = (Cell(run.get_state_display()), Cell(str(run.operator)), Cell(run.error[:_LENGTH]))
        return Row((title, account, *cells, _time(run.requested_at)))

    return _table(
        request,
        runs,
        (_("Run"), _("Account"), _("State"), _("Operator"), _("Error"), _("Requested (UTC)")),
        make_row,
        empty=_("No run."),
        filters=[Filter.by_parameter(request, _("state"), "state", options)],
    )


def _storage(request: HttpRequest, account_ids: Ids, may: May) -> Table:
    by_messages = request.GET.get("by") == "messages"
    accounts = figures.list_accounts(account_ids).order_by("-messages" if by_messages else "-bytes_on_disk", "pk")
    options = [("", _("On disk")), ("messages", _("Messages"))]

    def make_row(figures_of_account: AccountFigures, account: Cell) -> Row:
        size = Cell(filesizeformat(figures_of_account.bytes_on_disk), style="number")
        databases = _number(len(figures_of_account.databases))
        return Row((account, size, databases, _number(figures_of_account.messages)))

    return _table(
        request,
        accounts,
        (_("Account"), _("On disk"), _("Databases"), _("Messages of 30 days")),
        make_row,
        empty=_("No figures yet."),
        filters=[Filter.by_parameter(request, _("largest by"), "by", options)],
    )


LISTS = {
    links.DATABASES: OverviewList(gettext_lazy("Databases that lack something"), "view_health", _databases),
    links.FULL_MAILBOXES: OverviewList(gettext_lazy("Full mailboxes"), "view_mailbox", _full_mailboxes),
    links.ODD_DAYS: OverviewList(gettext_lazy("Odd days"), "view_account", _odd_days),
    links.FAILED_WEBHOOKS: OverviewList(
        gettext_lazy("Webhooks whose events were given up"), "view_webhook", _failed_webhooks
    ),
    links.REPEATED_WEBHOOKS: OverviewList(
        gettext_lazy("Events that are sent to webhooks again"), "view_webhook", _repeated_webhooks
    ),
    links.FAILED_MAILS: OverviewList(gettext_lazy("Mails that failed"), "view_mail", _failed_mails),
    links.REPEATED_MAILS: OverviewList(gettext_lazy("Mails that are sent again"), "view_mail", _repeated_mails),
    links.MIGRATIONS: OverviewList(gettext_lazy("Migrations under way or failed"), "view_account", _migrations),
    links.STORAGE: OverviewList(gettext_lazy("Accounts by size"), "view_health", _storage),
}
"""The lists by their names in the URL."""


def _table(
    request: HttpRequest,
    entries: QuerySet[Any],
    columns: Sequence[str],
    make_row: Callable[[Any, Cell], Row],
    *,
    empty: str,
    filters: Sequence[Filter] = (),
) -> Table:
    """A page of entries that each belong to an account; ``start_key`` is the number of those before it."""
    text = request.GET.get("start_key", "")
    start = int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0
    page = list(entries[start : start + _PAGE_SIZE + 1])
    names = figures.names_of({entry.account_id for entry in page})
    rows = [
        make_row(entry, Cell(names.get(entry.account_id, entry.account_id), account_url(entry.account_id)))
        for entry in page[:_PAGE_SIZE]
    ]
    following = str(start + _PAGE_SIZE) if len(page) > _PAGE_SIZE else None
    return Table(
        columns, rows, caption=columns[0], empty=empty, paging=Paging.of(request, following), filters=filters
    )


def _webhook_url(account_id: str, hook_id: str) -> str:
    return reverse("admin:desk_webhook_detail", args=[account_id, hook_id])


def _number(number: int) -> Cell:
    return Cell(f"{number:,}", style="number")


def _time(moment: datetime | None) -> Cell:
    return Cell(format_time(gregorian.from_datetime(moment)) if moment else "")
