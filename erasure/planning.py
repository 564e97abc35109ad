"""An operator's decisions about an erasure. Each depends on the state that the operator saw, and so is made once."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts import account_index, accounts
from crossbar.errors import BadIdentifier
from erasure import callers, jobs, listing, secret_numbers
from erasure.models import Erasure, ErasureItem

Kind, State = Erasure.Kind, Erasure.State
_NAMED = 20


class Refused(Exception):
    """Something can't be erased, or not now; the text says why."""


def plan(
    kind: str, account_id: str, document_id: str, operator_id: int, *, mailbox_id: str = "", request_id: str = ""
) -> Erasure:
    """Plan the erasure of a message, mailbox, user or account. Raises Refused, BadIdentifier."""
    jobs.delete_old_previews()
    if kind == Kind.ACCOUNT:
        require_erasable_account(account_id)
    active = Erasure.objects.filter(kind=kind, account_id=account_id, document_id=document_id, state__in=ACTIVE)
    if active.exists():
        raise Refused("Its deletion for good is under way already.")
    return _start_waiting(
        Erasure(
            kind=kind,
            account_id=account_id,
            document_id=document_id,
            mailbox_id=mailbox_id,
            operator_id=operator_id,
            request_id=request_id[:64],
        )
    )


def plan_caller(
    numbers: Sequence[str], account_ids: Iterable[str] | None, operator_id: int, *, request_id: str = ""
) -> Erasure:
    """Plan the erasure of all messages of a caller, in some accounts or in all (None). Raises Refused."""
    jobs.delete_old_previews()
    normalized = [callers.normalize(number) for number in numbers]
    if not normalized or not all(normalized):
        raise Refused("Enter a number of at least three digits.")
    ids = None if account_ids is None else sorted(account_ids)
    return _start_waiting(
        Erasure(
            kind=Kind.CALLER,
            account_id=ids[0] if ids is not None and len(ids) == 1 else "",
            account_ids=ids,
            numbers=secret_numbers.encrypt(normalized),
            digest=callers.digest(normalized),
            operator_id=operator_id,
            request_id=request_id[:64],
        )
    )


ACTIVE = (State.REMOVING, State.WAITING, State.ERASING, State.COMPACTING, State.HELD, State.UNDOING)
"""The states in which an erasure has been confirmed and has not ended."""
PLANNED = (State.LISTING, State.PREVIEW)


def require_erasable_account(account_id: str) -> None:
    """Raise Refused for the master account, and for one with descendants; the text names some of these."""
    if account_id == accounts.master_account_id():
        raise Refused("This is the master account, which can't be deleted.")
    child_ids = account_index.descendant_ids(account_id, _NAMED + 1)
    if child_ids:
        names = list(account_index.fetch_names(child_ids).values())
        more = " and more" if len(names) > _NAMED else ""
        raise Refused(
            f"There are accounts below it, which have to be deleted first: {', '.join(names[:_NAMED])}{more}."
        )


def confirm(erasure: Erasure, groups: Iterable[str]) -> bool:
    """Have what a preview shows removed, with some of its optional groups; False if that was decided before."""
    with transaction.atomic():
        if not _move(erasure, (State.PREVIEW,), State.REMOVING, numbers=""):
            return False
        optional = erasure.items.exclude(group=ErasureItem.Group.ALWAYS)
        optional.exclude(group__in=list(groups)).delete()
        if erasure.kind != Kind.ACCOUNT:
            erasure.refresh_from_db()
            listing.set_totals(erasure)
        jobs.schedule_erasure(erasure)
    return True


def cancel(erasure: Erasure) -> bool:
    """Give up an erasure that nobody has confirmed; False if somebody has."""
    is_cancelled = _move(erasure, PLANNED, State.CANCELLED, numbers="", ended_at=timezone.now())
    if is_cancelled:
        erasure.items.all().delete()
    return is_cancelled


def undo(erasure: Erasure) -> bool:
    """Have restored what was removed; False if it has been deleted for good, or that has begun."""
    with transaction.atomic():
        is_undone = may_undo(erasure) and _move(erasure, (State.WAITING, State.HELD), State.UNDOING, problem="")
        if is_undone:
            jobs.schedule_erasure(erasure)
    return is_undone


def may_undo(erasure: Erasure) -> bool:
    """Whether what was removed can still be restored: nothing of it is deleted for good."""
    if erasure.state not in (State.WAITING, State.HELD):
        return False
    return not erasure.items.filter(state=ErasureItem.State.ERASED).exclude(revision="").exists()


def erase_changed(erasure: Erasure) -> bool:
    """Have what was changed or restored in the meantime removed again, and erased at once."""
    with transaction.atomic():
        if not _move(erasure, (State.HELD,), State.REMOVING, problem="", due_at=timezone.now()):
            return False
        erasure.items.filter(state=ErasureItem.State.HELD).update(state=ErasureItem.State.LISTED)
        jobs.schedule_erasure(erasure)
    return True


def leave_changed(erasure: Erasure) -> bool:
    """Leave what was changed or restored in the meantime as it is; False if that was decided before.

    Of messages, the others are deleted for good. Of anything else nothing is: what is still removed stays removed.
    """
    is_of_messages = erasure.kind in (Kind.MESSAGE, Kind.CALLER)
    state = State.DONE if is_of_messages else State.CANCELLED
    with transaction.atomic():
        now = timezone.now()
        if not _move(erasure, (State.HELD,), state, problem="", ended_at=now, due_at=erasure.due_at or now):
            return False
        erasure.items.exclude(state=ErasureItem.State.ERASED).update(state=ErasureItem.State.LEFT)
    return True


def due_time() -> timedelta:
    """How long what is removed waits before it is deleted for good."""
    return timedelta(days=settings.ERASURE_WAIT_DAYS)


def get(erasure_id: int) -> Erasure:
    """An erasure; raises BadIdentifier."""
    erasure = Erasure.objects.filter(pk=erasure_id).select_related("operator").first()
    if erasure is None:
        raise BadIdentifier(str(erasure_id))
    return erasure


def _start_waiting(erasure: Erasure) -> Erasure:
    with transaction.atomic():
        erasure.save()
        jobs.schedule_erasure(erasure)
    return erasure


def _move(erasure: Erasure, states: Iterable[str], state: str, **changes: object) -> bool:
    """Put an erasure into another state, if it is in one of some; whether it was."""
    rows = Erasure.objects.filter(pk=erasure.pk, state__in=list(states))
    return bool(rows.update(state=state, **changes))
