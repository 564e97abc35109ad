"""The job of a run: list the messages that are meant, then apply the action to them, a batch at a time.

It may be killed at any moment, and then runs again. Before a message is changed, its line is marked as begun; a
changed document names the run by its request id, a copy has an id that derives from it. So nothing is done twice, and
what a killed worker did is recorded by the next one.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from django.db import transaction
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django_tasks import task

from accounts import accounts
from couch.database import Document
from couch.errors import CouchError, MissingDatabase, Unreachable
from crossbar.errors import ApiError, BadIdentifier, DatastoreUnreachable
from crossbar.pages import PageRequest, TimeRange
from desk.audit import log
from desk.kit.errors import describe_error
from desk.kit.sorting import Order
from desk.kit.tables import START_KEY
from desk.mailboxes.titles import mailbox_title
from desk.messages.actions import COPY, MOVE, PUT_BACK, REMOVE, RESTORE, RUN_ACTIONS, apply
from desk.messages.links import message_subject
from desk.messages.list_query import DEFAULT_ORDER, list_page
from desk.messages.reasons import describe_reason
from desk.messages.titles import message_titles
from desk.models import MessageRun, MessageRunLine
from storage.private_fields import Actor
from voicemail.legacy import on_access
from voicemail.mailboxes import store as mailbox_store
from voicemail.messages import batches, deletion, metadata, restore
from voicemail.messages.batches import Outcome
from voicemail.messages.folders import DELETED, NEW

logger = logging.getLogger(__name__)
State, Result = MessageRun.State, MessageRunLine.Result
_LISTED_AT_ONCE = 500
_BATCH_SIZE = 100
_PAUSE = timedelta(seconds=10)
_HERE_ALREADY = gettext_noop("it is in this mailbox already")
_NO_TARGET = gettext_noop("the mailbox that it was to go to is removed")
_FAULT = gettext_noop("the service had a fault. Its log has the details")


@task
def do_run(run_id: int) -> None:
    """Do what is left to do of a run."""
    runs = MessageRun.objects.filter(pk=run_id)
    if not runs.filter(state__in=(State.WAITING, State.WORKING)).update(state=State.WORKING, problem=""):
        return
    run = runs.get()
    try:
        while not run.is_listed:
            _list_next(run)
            if not runs.filter(state=State.WORKING).exists():
                return
        while lines := _next_lines(run):
            _do_lines(run, lines)
            if not runs.filter(state=State.WORKING).exists():
                return
    except (Unreachable, DatastoreUnreachable):
        problem = _("CouchDB doesn't answer. A worker tries again every ten seconds.")
        runs.filter(state=State.WORKING).update(state=State.WAITING, problem=problem)
        do_run.using(run_after=timezone.now() + _PAUSE).enqueue(run_id)
        return
    runs.filter(state=State.WORKING).update(state=State.DONE, ended_at=timezone.now())


# --- which messages ---


def store_lines(run: MessageRun, lines: Iterable[MessageRunLine]) -> None:
    """Store lines of a run, unless it has them already."""
    rows = list(lines)
    for line in rows:
        line.run = run
    MessageRunLine.objects.bulk_create(rows, batch_size=_LISTED_AT_ONCE, ignore_conflicts=True)


def _list_next(run: MessageRun) -> None:
    """Store the lines of the next page of the list that a run is about."""
    query = QueryDict(run.listing["query"])
    box_id = query.get("box", "")
    box = {"_id": box_id, **(mailbox_store.find(run.account_id, box_id) or {})} if box_id else None
    start = {START_KEY: run.next_start_key} if run.next_start_key else {}
    order = Order.parse(query.get("sort", ""), [DEFAULT_ORDER.name], DEFAULT_ORDER)
    requested = PageRequest.from_query(start, _LISTED_AT_ONCE, descending=order.is_descending)
    time_range = TimeRange(*(run.listing[name] for name in ("first", "last", "is_open")))
    page = list_page(query, run.account_id, box, requested, time_range)
    run.next_start_key, run.is_listed = page.next_start_key or "", page.next_start_key is None
    with transaction.atomic():
        store_lines(
            run,
            (
                MessageRunLine(box_id=entry.box_id, message_id=str(entry.summary["media_id"]))
                for entry in page.entries
            ),
        )
        run.save(update_fields=["next_start_key", "is_listed"])


def _next_lines(run: MessageRun) -> list[MessageRunLine]:
    """The next lines to do, which have a mailbox and a target in common."""
    planned = run.lines.filter(result=Result.PLANNED).order_by("box_id", "target", "pk")
    lines = list(planned[:_BATCH_SIZE])
    return [line for line in lines if (line.box_id, line.target) == (lines[0].box_id, lines[0].target)]


# --- what is done ---


@dataclass
class _Results:
    """What became of lines: the new ids of those that are done, and why others failed, by the lines' ids."""

    new_ids: dict[int, str] = field(default_factory=dict)
    reasons: dict[int, str] = field(default_factory=dict)


def _do_lines(run: MessageRun, lines: Sequence[MessageRunLine]) -> None:
    """Apply a run's action to the messages of lines; if that fails as a whole, to one after the other."""
    try:
        _store_results(run, lines, _apply_to_lines(run, lines))
    except (Unreachable, DatastoreUnreachable):
        raise
    except Exception as error:
        if len(lines) > 1:
            for line in lines:
                _do_lines(run, [line])
            return
        _store_results(run, lines, _Results(reasons={lines[0].pk: _describe_failure(run, error)}))


def _apply_to_lines(run: MessageRun, lines: Sequence[MessageRunLine]) -> _Results:
    account, results = accounts.get(run.account_id), _Results()
    box_id = lines[0].box_id
    target = _find_target(run, lines[0])
    if run.action in (MOVE, COPY) and (target is None or target["_id"] == box_id):
        reason = _NO_TARGET if target is None else _HERE_ALREADY
        return _Results(reasons={line.pk: reason for line in lines})
    actor = Actor(request_id=run.request_id)
    current_ids = _current_ids(run, account, lines, actor, results)
    _mark_begun(run, lines, current_ids, results)
    remaining = {line_id: message_id for line_id, message_id in current_ids.items() if line_id not in results.new_ids}
    if not remaining:
        return results
    name = (lines[0].target or NEW) if run.action == PUT_BACK else run.action
    try:
        outcome = apply(account, box_id, list(remaining.values()), name, target, None, actor, key=run.request_id)
    except (BadIdentifier, MissingDatabase):
        outcome = Outcome(failed=[{message_id: restore.MAILBOX_GONE} for message_id in remaining.values()])
    reasons = {message_id: reason for failure in outcome.failed for message_id, reason in failure.items()}
    for line_id, message_id in remaining.items():
        if message_id in reasons:
            results.reasons[line_id] = reasons[message_id]
        else:
            results.new_ids[line_id] = outcome.new_ids.get(message_id, message_id)
    return results


def _find_target(run: MessageRun, line: MessageRunLine) -> Document | None:
    """The mailbox that a line's message is moved or copied to; None if it is removed, or for any other action."""
    if run.action not in (MOVE, COPY):
        return None
    box = mailbox_store.find(run.account_id, line.target or run.target_id)
    return box if mailbox_store.is_live(box) else None


def _current_ids(
    run: MessageRun, account: Document, lines: Sequence[MessageRunLine], actor: Actor, results: _Results
) -> dict[int, str]:
    """The ids that the messages of lines have now: those of Kazoo 3.x get new ones. Adds failures to the results."""
    box = mailbox_store.find(run.account_id, lines[0].box_id) or {}
    if run.action == RESTORE or not mailbox_store.is_live(box):
        return {line.pk: line.message_id for line in lines}
    ids = [line.message_id for line in lines]
    current = on_access.find_current_ids(account, box, ids, actor, audio_optional=run.action == REMOVE)
    results.reasons |= {
        line.pk: current.failed[line.message_id] for line in lines if line.message_id in current.failed
    }
    return {line.pk: current.ids[line.message_id] for line in lines if line.message_id in current.ids}


def _mark_begun(
    run: MessageRun, lines: Sequence[MessageRunLine], current_ids: Mapping[int, str], results: _Results
) -> None:
    """Note in lines that their messages are going to be changed, and the folders that these are in.

    Lines that a killed worker began, and whose messages it changed, are done: adds them to the results.
    """
    docs: dict[str, Document] = {}
    for modb, batch in batches.by_month(run.account_id, current_ids.values(), Outcome()):
        docs |= modb.fetch(batch)
    begun = []
    for line in lines:
        doc = docs.get(current_ids.get(line.pk, ""), {})
        if not line.is_begun:
            line.is_begun, line.former_folder = True, str(metadata.folder(doc) or "")[:100]
            begun.append(line)
        elif _is_removed_by(run, line, doc):
            results.new_ids[line.pk] = str(doc.get(deletion.MOVED_TO) or doc["_id"])
    MessageRunLine.objects.bulk_update(begun, ["is_begun", "former_folder"])


def _is_removed_by(run: MessageRun, line: MessageRunLine, doc: Document) -> bool:
    """Whether a run has removed a message from its mailbox already: for good, or as the end of a move."""
    if run.action not in (MOVE, REMOVE) or not deletion.is_removed(doc or None, line.box_id):
        return False
    is_moved = bool(doc.get(deletion.MOVED_TO))
    return doc.get("pvt_request_id") == run.request_id and is_moved == (run.action == MOVE)


# --- what is recorded ---


def _store_results(run: MessageRun, lines: Sequence[MessageRunLine], results: _Results) -> None:
    """Store what became of lines, with an audit entry for each message that was changed."""
    box = mailbox_store.find(run.account_id, lines[0].box_id) or {"_id": lines[0].box_id}
    target = _find_target(run, lines[0])
    failed_ids = [line.message_id for line in lines if line.pk not in results.new_ids]
    titles = message_titles(run.account_id, failed_ids) if failed_ids else {}
    with transaction.atomic():
        for line in lines:
            planned = MessageRunLine.objects.filter(pk=line.pk, result=Result.PLANNED)
            new_id = results.new_ids.get(line.pk)
            if new_id is None:
                reason = describe_reason(results.reasons.get(line.pk, batches.NOT_FOUND))
                title = titles.get(line.message_id, line.message_id)
                planned.update(result=Result.FAILED, problem=reason[:300], title=title[:250])
            elif planned.update(result=Result.DONE, new_id=new_id):
                # Another worker that took this one for dead may have recorded it first.
                message_id = line.message_id if run.action in (MOVE, COPY) else new_id
                subject = message_subject(run.account_id, box, message_id)
                difference = _line_difference(run, line, new_id, target)
                log.record_for(run.operator_id, RUN_ACTIONS[run.action].past, subject, difference)


def _line_difference(run: MessageRun, line: MessageRunLine, new_id: str, target: Document | None) -> Document:
    """What the audit log says of a changed message."""
    if target is not None:
        return {"to": mailbox_title(target), "to_id": target["_id"], "new_id": new_id}
    if run.action == RESTORE:
        return {"pvt_deleted": [True, None]}
    if run.action == REMOVE:
        return {"pvt_deleted": [None, True], "metadata.folder": [line.former_folder, DELETED]}
    folder = line.target or NEW if run.action == PUT_BACK else run.action
    return {"metadata.folder": [line.former_folder, folder]}


def _describe_failure(run: MessageRun, error: Exception) -> str:
    if isinstance(error, ApiError | CouchError):
        return describe_error(error).rstrip(".")
    logger.error("A line of the run %d failed", run.pk, exc_info=error)
    return _FAULT
