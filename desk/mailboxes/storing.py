"""The job that stores a run's mailboxes, one after the other.

It may be killed at any moment, and then runs again: a new mailbox has its id from the preview, and a change that is
stored already differs in nothing any more. Nothing is stored that the preview didn't show.
"""

import json
import logging
from datetime import timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django_tasks import task

from couch.database import Document
from couch.errors import Conflict, CouchError, Unreachable
from crossbar.errors import ApiError, BadIdentifier, DatastoreUnreachable, ValidationFailed
from desk.audit import log
from desk.kit.errors import describe_error, field_errors
from desk.kit.formats import format_value
from desk.mailboxes.links import mailbox_subject
from desk.mailboxes.planned_lines import describe_faults, difference
from desk.mailboxes.runs import PLANNED, Result, State, decrypt
from desk.mailboxes.titles import mailbox_title
from desk.models import MailboxRun, MailboxRunLine
from storage.private_fields import Actor
from voicemail.mailboxes import search as mailbox_search
from voicemail.mailboxes import store as mailbox_store

logger = logging.getLogger(__name__)

_PAUSE = timedelta(seconds=10)
_FINISHED = (Result.CREATED, Result.CHANGED, Result.FAILED)


class ChangedMeanwhile(Exception):
    """A mailbox is no longer as the preview showed it."""

    def __init__(self, difference: Document) -> None:
        super().__init__()
        self.difference = difference


def start_storing(run: MailboxRun, request: HttpRequest) -> bool:
    """Have a worker store a run's mailboxes; False if that was decided before."""
    request_id = str(getattr(request, "request_id", ""))[:64]
    with transaction.atomic():
        previews = MailboxRun.objects.filter(pk=run.pk, state=State.PREVIEW)
        if not previews.update(
            state=State.WAITING, request_id=request_id, language=translation.get_language() or "en"
        ):
            return False
        store_mailboxes.enqueue(run.pk)
    return True


@task
def store_mailboxes(run_id: int) -> None:
    """Store what a run has planned and not stored yet."""
    runs = MailboxRun.objects.filter(pk=run_id)
    if not runs.filter(state__in=(State.WAITING, State.STORING)).update(state=State.STORING, problem=""):
        return
    run = runs.get()
    with translation.override(run.language):
        _store_lines(run, runs)


def _store_lines(run: MailboxRun, runs: "QuerySet[MailboxRun]") -> None:
    planned = run.lines.filter(result__in=PLANNED).order_by("number")
    try:
        while (line := planned.first()) is not None:
            _store_line(run, line)
            if not runs.filter(state=State.STORING).exists():
                return
    except (Unreachable, DatastoreUnreachable):
        runs.filter(state=State.STORING).update(
            state=State.WAITING, problem=_("CouchDB doesn't answer. A worker tries again every ten seconds.")
        )
        store_mailboxes.using(run_after=timezone.now() + _PAUSE).enqueue(run.pk)
        return
    runs.filter(state=State.STORING).update(state=State.DONE, ended_at=timezone.now())


def _store_line(run: MailboxRun, line: MailboxRunLine) -> None:
    """Store a line's mailbox, and its result with the audit entry."""
    was_begun = line.is_begun
    MailboxRunLine.objects.filter(pk=line.pk).update(is_begun=True)
    try:
        before, after = _store_mailbox(run, line)
    except (Unreachable, DatastoreUnreachable):
        raise
    except Exception as error:
        problem = _describe_failure(run, line, error)
        unfinished = MailboxRunLine.objects.filter(pk=line.pk).exclude(result__in=_FINISHED)
        unfinished.update(result=Result.FAILED, problem=problem, patch="")
        return
    is_new = line.result == Result.CREATE
    change = difference(before, mailbox_store.representation(after, secrets=True))
    change.pop("id", None)
    with transaction.atomic():
        # Another worker that took this one for dead may have noted it first.
        unfinished = MailboxRunLine.objects.filter(pk=line.pk).exclude(result__in=_FINISHED)
        result = Result.CREATED if is_new else Result.CHANGED
        is_first = unfinished.update(result=result, name=mailbox_title(after)[:250], problem="", patch="")
        if is_first and (change or was_begun):
            # A worker that was killed stored it: its entry is what the preview showed.
            subject, shown = mailbox_subject(run.account_id, after), change or line.difference
            action = "created" if is_new else "changed"
            log.record_for(run.operator_id, action, subject, {**shown, "run": run.title})


def _store_mailbox(run: MailboxRun, line: MailboxRunLine) -> tuple[Document, Document]:
    """Create or change the mailbox of a line; before and after. What is stored already stays as it is."""
    account_id, box_id = run.account_id, line.box_id
    patch, actor = decrypt(line.patch), Actor(request_id=run.request_id or None)
    stored = mailbox_store.find(account_id, box_id)
    if line.result == Result.CREATE:
        if stored is not None:
            return {}, mailbox_store.require_box(stored, box_id)
        return {}, mailbox_store.create(account_id, patch, actor, box_id=box_id)
    before: list[Document] = []

    def guard(current: Document) -> None:
        change = difference(current, mailbox_store.preview(account_id, current, patch))
        if change and json.loads(json.dumps(change)) != line.difference:
            raise ChangedMeanwhile(change)
        before[:] = [current]

    after = mailbox_store.merge(account_id, box_id, patch, actor, guard)
    return before[0], after


def _describe_failure(run: MailboxRun, line: MailboxRunLine, error: Exception) -> str:
    match error:
        case ChangedMeanwhile():
            now = "; ".join(
                f"{path}: {format_value(old)[:100]} → {format_value(new)[:100]}"
                for path, (old, new) in error.difference.items()
            )
            return _(
                "Somebody else changed the mailbox after the preview. Preview it again. Now it would be %(now)s."
            ) % {"now": now}
        case BadIdentifier():
            return _("The mailbox was removed after the preview.")
        case ValidationFailed():
            return " ".join([describe_faults(error), *_name_holders(run.account_id, line.box_id, error)])
        case Conflict():
            return _("Somebody else changed the mailbox at the same moment. Repeat the change.")
        case ApiError() | CouchError():
            return describe_error(error)
    logger.error("Line %d of the run %d failed", line.number, run.pk, exc_info=error)
    return _("A fault of the service. Its log has the details.")


def _name_holders(account_id: str, box_id: str, error: ValidationFailed) -> list[str]:
    """Sentences that say which mailboxes have the taken numbers of an error."""
    return [
        (_("%(number)s belongs to the mailbox %(mailbox)s.") % {"number": number, "mailbox": mailbox_title(holder)})
        for _path, _message, number in field_errors(error)
        if number is not None
        for holder in mailbox_search.list_holders(account_id, number)
        if holder["_id"] != box_id
    ]
