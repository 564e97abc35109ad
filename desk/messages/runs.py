"""Runs: actions on many messages, which a worker does (`desk.messages.run_job`) while a page shows the progress.

A run is about selected messages, about all messages of a list, or about those that an earlier run changed: it undoes
that one.
"""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, F
from django.http import HttpRequest
from django.utils import timezone

from couch.database import Document
from crossbar.errors import BadIdentifier
from crossbar.pages import TimeRange
from desk.kit.tables import BACK, START_KEY
from desk.messages.actions import COPY, MOVE, PUT_BACK, REMOVE, RESTORE
from desk.messages.run_job import do_run, store_lines
from desk.models import MessageRun, MessageRunLine

State, Result = MessageRun.State, MessageRunLine.Result
ACTIVE = (State.WAITING, State.WORKING)
_NOT_LISTED = (START_KEY, BACK, "export")
_LATEST = 50
_KEPT = timedelta(days=30)


def start(
    request: HttpRequest,
    account_id: str,
    action: str,
    target: Document | None,
    selection: Mapping[str, Sequence[str]],
) -> MessageRun:
    """Have a worker apply an action to selected messages: their ids by the ids of their mailboxes."""
    lines = [
        MessageRunLine(box_id=box_id, message_id=message_id)
        for box_id, ids in selection.items()
        for message_id in dict.fromkeys(ids)
    ]
    return _create(request, account_id, action, lines, target_id=target["_id"] if target else "")


def start_for_list(
    request: HttpRequest, account_id: str, action: str, target: Document | None, time_range: TimeRange
) -> MessageRun:
    """Have a worker apply an action to all messages of the list that a request's query names, within a time."""
    query = request.GET.copy()
    for name in _NOT_LISTED:
        query.pop(name, None)
    listing = {
        "query": query.urlencode(),
        "first": time_range.first,
        "last": time_range.last,
        "is_open": time_range.is_open,
    }
    return _create(request, account_id, action, None, target_id=target["_id"] if target else "", listing=listing)


def undo(request: HttpRequest, run: MessageRun) -> MessageRun | None:
    """Have a worker undo what a run did; None if that is being done already, or can't be."""
    action = undoing_action(run)
    if action is None:
        return None
    with transaction.atomic():
        # Of two operators at once, the second waits here until the first one's run is stored.
        MessageRun.objects.filter(pk=run.pk).update(problem=F("problem"))
        if run.undone_by.exists():
            return None
        done = run.lines.filter(result=Result.DONE).order_by("pk")
        lines = (_undoing_line(run, line) for line in done.iterator())
        return _create(request, run.account_id, action, lines, undoes=run)


def undoing_action(run: MessageRun) -> str | None:
    """The action that undoes a run; None if it undoes another one itself."""
    if run.undoes_id is not None:
        return None
    return {MOVE: MOVE, COPY: REMOVE, REMOVE: RESTORE, RESTORE: REMOVE}.get(run.action, PUT_BACK)


def _undoing_line(run: MessageRun, line: MessageRunLine) -> MessageRunLine:
    """The line that undoes another one: the message where it is now, and where it is to be."""
    if run.action in (MOVE, COPY):
        former_box_id = line.box_id if run.action == MOVE else ""
        return MessageRunLine(box_id=run.target_id, message_id=line.new_id, target=former_box_id)
    return MessageRunLine(box_id=line.box_id, message_id=line.new_id, target=line.former_folder)


def _create(
    request: HttpRequest, account_id: str, action: str, lines: Iterable[MessageRunLine] | None, **members: Any
) -> MessageRun:
    """Store a run with its lines, None if they are still to be listed, and its job."""
    MessageRun.objects.filter(state__in=(State.DONE, State.STOPPED), created_at__lt=timezone.now() - _KEPT).delete()
    with transaction.atomic():
        run = MessageRun.objects.create(
            account_id=account_id,
            operator_id=int(request.user.pk or 0),
            action=action,
            is_listed=lines is not None,
            request_id=(getattr(request, "request_id", None) or secrets.token_hex(16))[:64],
            **members,
        )
        store_lines(run, lines or ())
        do_run.enqueue(run.pk)
    return run


def get(account_id: str, run_id: int) -> MessageRun:
    """A run of an account; raises BadIdentifier."""
    run = MessageRun.objects.filter(pk=run_id, account_id=account_id).select_related("operator", "undoes").first()
    if run is None:
        raise BadIdentifier(str(run_id))
    return run


def list_latest(account_id: str) -> list[MessageRun]:
    """The latest runs of an account, the newest first."""
    account_runs = MessageRun.objects.filter(account_id=account_id).select_related("operator")
    return list(account_runs.order_by("-pk")[:_LATEST])


def count_results(run: MessageRun) -> dict[str, int]:
    """How many lines have each result."""
    return dict(run.lines.order_by().values_list("result").annotate(count=Count("pk")))


def stop(run: MessageRun) -> None:
    """Leave out what is not done yet."""
    active = MessageRun.objects.filter(pk=run.pk, state__in=ACTIVE)
    if active.update(state=State.STOPPED, ended_at=timezone.now()):
        run.lines.filter(result=Result.PLANNED).update(result=Result.LEFT_OUT)
