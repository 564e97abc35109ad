"""The tables of an account's webhooks, and of the attempts to send for one of them."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

from couch.database import Document
from crossbar.filters import Filter as DocumentFilter
from crossbar.pages import MAX_RANGE, PageRequest, TimeRange
from desk.kit.sorting import Order, sort_page, text_key
from desk.kit.tables import Cell, Column, Filter, Paging, Row, Table, page_request, time_cell
from desk.kit.times import heading
from desk.webhooks.links import attempt_url, webhook_title, webhook_url
from storage import gregorian
from webhooks import attempts, store

_PAGE_SIZE = 50
_REASON_LENGTH = 200


def webhook_table(request: HttpRequest, account_id: str) -> Table:
    """The page of an account's webhooks that the query asks for."""
    order = Order.of(request, _SORT_KEYS, Order("name"))
    every_hook = store.list_page(account_id, PageRequest(size=None, descending=False)).entries
    page = sort_page(every_hook, _SORT_KEYS[order.name], order, page_request(request, _PAGE_SIZE))
    titles = {"name": _("Name"), "events": _("Events"), "address": _("Address"), "enabled": _("Enabled")}
    return Table(
        columns=order.columns(request, titles, _SORT_KEYS),
        rows=[_webhook_row(hook) for hook in page.entries],
        caption=_("Webhooks"),
        empty=_("There are no webhooks yet."),
        paging=Paging.of_page(request, page),
    )


_SORT_KEYS: dict[str, Callable[[Document], Any]] = {
    "name": lambda hook: text_key(webhook_title(hook)),
    "events": lambda hook: text_key(describe_events(hook)),
    "address": lambda hook: text_key(hook.get("uri")),
    "enabled": store.is_hook_enabled,
}
"""An account has few enough webhooks to read all of them (WEBHOOKS_PER_ACCOUNT)."""


def _webhook_row(hook: Document) -> Row:
    is_enabled, reason = store.is_hook_enabled(hook), str(hook.get(store.DISABLED_MESSAGE) or "")
    cells = (
        Cell(webhook_title(hook), webhook_url(hook)),
        Cell(describe_events(hook)),
        Cell(str(hook.get("uri") or "")[:_REASON_LENGTH]),
        Cell(_("Yes"))
        if is_enabled
        else Cell(
            (_("No: %(reason)s") % {"reason": reason})[:_REASON_LENGTH] if reason else _("No"), style="state-bad"
        ),
    )
    return Row(cells, hook["_id"])


def describe_events(hook: Document) -> str:
    """Which events a webhook is told: its hook, and what its ``custom_data`` chooses."""
    custom_data = hook.get("custom_data")
    chosen = custom_data if isinstance(custom_data, dict) else {}
    filters = [str(chosen[name]) for name in ("type", "action") if chosen.get(name) not in (None, "", "all")]
    return " · ".join([str(hook.get("hook") or ""), *filters])[:_REASON_LENGTH]


def attempt_table(request: HttpRequest, hook: Document) -> Table:
    """The page of the attempts of the last 31 days that the query asks for; ``result`` chooses among them."""
    now, result = gregorian.now(), request.GET.get("result", "")
    tests = [lambda attempt: attempt.get("result") == result] if result else []
    page = attempts.list_page(
        hook["pvt_account_id"],
        TimeRange(now - MAX_RANGE, now + 1),
        page_request(request, _PAGE_SIZE, descending=True),
        DocumentFilter(tests),
        hook_id=hook["_id"],
    )
    options = (("", _("All")), (attempts.FAILURE, _("Failures")), (attempts.SUCCESS, _("Successes")))
    return Table(
        columns=[
            Column(heading(_("Time")), "time"),
            Column(_("Event"), "event"),
            Column(_("Answer"), "answer"),
            Column(_("Try"), "try"),
            Column(heading(_("Next try")), "next_try"),
        ],
        rows=[_attempt_row(hook, attempt) for attempt in page.entries],
        caption=_("Attempts"),
        empty=_("No attempts within 31 days. Those that succeed are kept only if the system's settings say so."),
        paging=Paging.of_page(request, page),
        filters=[Filter.by_parameter(request, _("result"), "result", options)],
    )


def _attempt_row(hook: Document, attempt: Document) -> Row:
    is_success = attempt.get("result") == attempts.SUCCESS
    cells = (
        time_cell(attempt.get("pvt_created"), attempt_url(hook, attempt)),
        Cell(str(attempt.get("pvt_event_name") or attempt.get("hook_event") or "")[:_REASON_LENGTH]),
        Cell(describe_answer(attempt), style="state-good" if is_success else "state-bad"),
        Cell(attempt.get("try", "")),
        time_cell(attempt.get("next_try"), empty="—"),
    )
    return Row(cells, attempt["_id"])


def describe_answer(attempt: Document) -> str:
    """What came back of an attempt: a status, or why there was none."""
    texts = [attempt.get("resp_status_code"), attempt.get("client_error")]
    answer = ", ".join(str(text) for text in texts if text)
    return (answer or str(attempt.get("reason") or "—"))[:_REASON_LENGTH]
