"""The cards of the overview: how each subject is doing, and the figures that lead to their lists."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum
from typing import Any

from django.db.models import Count, Sum
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django_tasks.base import TaskResultStatus

from couch.client import couch
from desk.health.events_state import told_states
from desk.overview import links
from desk.overview.links import jobs_url, overview_list_url
from events import jobs, state
from migration.models import State
from migration.runs import control
from notifications import log
from overview import figures
from overview.examination import FAILURE_SECONDS
from overview.models import Finding
from webhooks.sending import queue

Kind = Finding.Kind
Ids = Collection[str] | None


class Level(IntEnum):
    """How much a card needs somebody; those that need somebody most come first."""

    BAD = 0
    WARNING = 1
    GOOD = 2


@dataclass(frozen=True)
class Figure:
    """A figure in words, and the list of what it counts."""

    text: str
    url: str | None = None


@dataclass(frozen=True)
class Card:
    """How a subject is doing."""

    title: str
    level: Level
    figures: Sequence[Figure]
    advice: str = ""
    """What to do."""

    @property
    def style(self) -> str:
        """The class of the card's style."""
        return self.level.name.lower()

    @property
    def word(self) -> str:
        """The level in words: colours alone say nothing to some people."""
        return {Level.BAD: _("Needs somebody"), Level.WARNING: _("Worth a look"), Level.GOOD: _("Good")}[self.level]

    @property
    def icon(self) -> str:
        """The level as a sign."""
        return {Level.BAD: "✕", Level.WARNING: "!", Level.GOOD: "✓"}[self.level]


def system_cards(system: dict[str, Any], may: Callable[[str], bool]) -> Iterator[Card]:
    """Yield the cards of what concerns no account; `system` was collected. CouchDB is only asked whether it is up."""
    yield _couchdb_card(system)
    yield _followers_card()
    yield _jobs_card(may)


def collected_cards(account_ids: Ids, may: Callable[[str], bool]) -> Iterator[Card]:
    """Yield the cards of figures that are collected, those that the operator may see."""
    if may("view_health"):
        yield _databases_card(account_ids)
    if may("view_webhook") or may("view_mail"):
        yield _deliveries_card(account_ids, may)
    if may("view_mailbox"):
        yield _mailboxes_card(account_ids)
    yield _odd_days_card(account_ids)


def _couchdb_card(system: dict[str, Any]) -> Card:
    title, url = _("CouchDB"), reverse("admin:desk_account_health")
    if not couch().is_up():
        advice = _("Clients get 503 until it does. Nothing is lost.")
        return Card(title, Level.BAD, [Figure(_("CouchDB doesn't answer"), url)], advice)
    version, nodes = system.get("version") or "", system.get("nodes") or []
    answers = _("CouchDB %(version)s answers") % {"version": version} if version else _("CouchDB answers")
    shown = [Figure(answers, url)]
    if len(nodes) > 1:
        text = ngettext("%(number)s node", "%(number)s nodes", len(nodes)) % {"number": len(nodes)}
        shown.append(Figure(text, url))
    if missing := system.get("missing_nodes"):
        text = _("Nodes of the cluster that are missing: %(names)s.") % {"names": ", ".join(missing)}
        return Card(title, Level.BAD, shown, text)
    if lacking := system.get("lacking_databases"):
        text = _("Views are missing in %(names)s: run manage.py sync_views.") % {"names": ", ".join(lacking)}
        return Card(title, Level.WARNING, shown, text)
    if system.get("is_embedded"):
        return Card(title, Level.WARNING, shown, _("It is embedded, not for production."))
    return Card(title, Level.GOOD, shown)


def _followers_card() -> Card:
    title, url = _("Events"), reverse("admin:desk_account_health")
    states = sorted(told_states(), key=lambda told: told.is_good)
    if not states:
        return Card(title, Level.GOOD, [Figure(_("Nobody is to be told what changes"), url)])
    in_time, late = _("To %(name)s: %(state)s"), _("To %(name)s: not in time")
    shown = [
        Figure((in_time if told.is_good else late) % {"name": told.name, "state": told.text}, url) for told in states
    ]
    reasons = dict.fromkeys(f"{told.text[:1].upper()}{told.text[1:]}" for told in states if not told.is_good)
    return Card(title, Level.BAD if reasons else Level.GOOD, shown, " ".join(reasons))


def _jobs_card(may: Callable[[str], bool]) -> Card:
    counts, workers = state.job_counts(), jobs.count_workers()
    shown = [Figure(ngettext("%(number)s worker", "%(number)s workers", workers) % {"number": f"{workers:,}"})]
    for text, number, status in (
        (_("%(number)s waiting"), counts.waiting, TaskResultStatus.READY),
        (_("%(number)s running"), counts.running, TaskResultStatus.RUNNING),
        (_("%(number)s failed"), counts.failed, TaskResultStatus.FAILED),
    ):
        shown.append(Figure(text % {"number": f"{number:,}"}, jobs_url(status) if may("view_job") else None))
    if not workers:
        advice = _(
            "No worker runs. Start manage.py db_worker, and keep it running: deploy/ has a unit and a container."
        )
        return Card(_("Jobs"), Level.BAD, shown, advice)
    return Card(_("Jobs"), Level.WARNING if counts.failed else Level.GOOD, shown)


def migrations_card(account_ids: Ids) -> Card:
    """The card of the runs of the migration from Kazoo 3.x, which Django's database knows at any time."""
    active, failed = control.active_runs(), control.failed_runs()
    if account_ids is not None:
        active, failed = active.filter(account_id__in=account_ids), failed.filter(account_id__in=account_ids)
    numbers: dict[str, int] = dict(active.order_by().values_list("state").annotate(Count("pk")))
    failed_number = failed.count()
    shown = [
        _linked(text % {"number": f"{number:,}"}, links.MIGRATIONS, state=value)
        for text, number, value in (
            (_("%(number)s failed"), failed_number, "failed"),
            (_("%(number)s waiting"), numbers.get(State.WAITING, 0), State.WAITING.value),
            (_("%(number)s running"), numbers.get(State.RUNNING, 0), State.RUNNING.value),
        )
    ]
    return Card(_("Migrations"), Level.BAD if failed_number else Level.GOOD, shown)


def _databases_card(account_ids: Ids) -> Card:
    lacking = figures.list_lacking(account_ids)
    unreadable = lacking.exclude(problem="").count()
    without_views = lacking.exclude(lacking_views=[]).count()
    without_months = lacking.exclude(missing_months=[]).count()
    shown = [
        _linked(text % {"number": f"{number:,}"}, links.DATABASES, lacks=value)
        for text, number, value in (
            (
                ngettext("%(number)s account can't be read", "%(number)s accounts can't be read", unreadable),
                unreadable,
                "answers",
            ),
            (
                ngettext("%(number)s account lacks views", "%(number)s accounts lack views", without_views),
                without_views,
                "views",
            ),
            (
                ngettext(
                    "%(number)s account lacks this or next month",
                    "%(number)s accounts lack this or next month",
                    without_months,
                ),
                without_months,
                "months",
            ),
        )
        if number
    ]
    level = Level.BAD if unreadable else Level.WARNING if shown else Level.GOOD
    return Card(
        _("Databases"), level, shown or [_linked(_("All accounts have their views and months"), links.DATABASES)]
    )


def _deliveries_card(account_ids: Ids, may: Callable[[str], bool]) -> Card:
    since = timezone.now() - timedelta(seconds=FAILURE_SECONDS)
    shown: list[Figure] = []
    failed = repeated = 0
    if may("view_webhook"):
        findings = figures.list_findings(Kind.FAILED_WEBHOOK, account_ids)
        given_up = int(findings.aggregate(events=Sum("number"))["events"] or 0)
        again = queue.failing(account_ids).count()
        failed, repeated = failed + given_up, repeated + again
        text = ngettext("%(number)s event to a webhook", "%(number)s events to webhooks", given_up)
        shown.append(_linked(text % {"number": f"{given_up:,}"}, links.FAILED_WEBHOOKS))
        if again:
            text = ngettext("%(number)s event is sent again", "%(number)s events are sent again", again)
            shown.append(_linked(text % {"number": f"{again:,}"}, links.REPEATED_WEBHOOKS))
    if may("view_mail"):
        given_up, again = log.list_failed(since, account_ids).count(), log.list_retried(account_ids).count()
        failed, repeated = failed + given_up, repeated + again
        text = ngettext("%(number)s mail", "%(number)s mails", given_up)
        shown.append(_linked(text % {"number": f"{given_up:,}"}, links.FAILED_MAILS))
        if again:
            text = ngettext("%(number)s mail is sent again", "%(number)s mails are sent again", again)
            shown.append(_linked(text % {"number": f"{again:,}"}, links.REPEATED_MAILS))
    level = Level.BAD if failed else Level.WARNING if repeated else Level.GOOD
    return Card(_("Failed deliveries of 24 hours"), level, shown)


def _mailboxes_card(account_ids: Ids) -> Card:
    number = figures.list_findings(Kind.FULL_MAILBOX, account_ids).count()
    text = ngettext("%(number)s mailbox is full", "%(number)s mailboxes are full", number) % {"number": f"{number:,}"}
    level = Level.WARNING if number else Level.GOOD
    return Card(_("Full mailboxes"), level, [_linked(text, links.FULL_MAILBOXES)])


def _odd_days_card(account_ids: Ids) -> Card:
    number = figures.list_findings(Kind.ODD_DAY, account_ids).count()
    text = ngettext(
        "%(number)s day with ten times the usual messages",
        "%(number)s days with ten times the usual messages",
        number,
    ) % {"number": f"{number:,}"}
    return Card(_("Odd days"), Level.WARNING if number else Level.GOOD, [_linked(text, links.ODD_DAYS)])


def _linked(text: str, list_name: str, **query: str) -> Figure:
    return Figure(text, overview_list_url(list_name, **query))
