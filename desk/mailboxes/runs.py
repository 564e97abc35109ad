"""Runs: changes of many mailboxes that are kept from their preview to their result. A worker stores them."""

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from cryptography.fernet import Fernet
from django.conf import settings
from django.db import transaction
from django.db.models import Count
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from crossbar.errors import BadIdentifier
from desk.mailboxes.planned_lines import PlannedLine
from desk.models import MailboxRun, MailboxRunLine

State, Result = MailboxRun.State, MailboxRunLine.Result
PLANNED = (Result.CREATE, Result.CHANGE)
PROBLEMS = (Result.FAULTY, Result.FAILED, Result.LEFT_OUT)
_LISTED = 10
_PREVIEWS_KEPT, _RESULTS_KEPT = timedelta(days=1), timedelta(days=30)


def create(
    request: HttpRequest,
    account_id: str,
    title: str,
    lines: Iterable[PlannedLine],
    *,
    notes: Sequence[str] = (),
    header: Sequence[str] = (),
    cells: Mapping[int, Sequence[str]] | None = None,
) -> MailboxRun:
    """Keep planned lines as a run, of an import if there is a `header`; `cells` are those of the file by line."""
    _delete_old_runs()
    with transaction.atomic():
        run = MailboxRun.objects.create(
            account_id=account_id,
            operator_id=int(request.user.pk or 0),
            title=title[:200],
            is_import=bool(header),
            notes=list(notes),
            header=list(header),
        )
        MailboxRunLine.objects.bulk_create(
            (_make_line(run, line, (cells or {}).get(line.number, ())) for line in lines), batch_size=200
        )
    return run


def _make_line(run: MailboxRun, line: PlannedLine, cells: Sequence[str]) -> MailboxRunLine:
    if line.problem:
        result = Result.FAULTY
    elif line.is_new:
        result = Result.CREATE
    else:
        result = Result.CHANGE if line.difference else Result.UNCHANGED
    return MailboxRunLine(
        run=run,
        number=line.number,
        box_id=line.box_id,
        name=line.name[:250],
        result=result,
        patch=encrypt(line.patch) if result in PLANNED else "",
        difference=line.difference,
        problem=line.problem,
        cells=list(cells),
    )


def get(account_id: str, run_id: int) -> MailboxRun:
    """A run of an account; raises BadIdentifier."""
    run = MailboxRun.objects.filter(pk=run_id, account_id=account_id).select_related("operator").first()
    if run is None:
        raise BadIdentifier(str(run_id))
    return run


def list_latest(account_id: str) -> list[MailboxRun]:
    """The latest runs of an account."""
    account_runs = MailboxRun.objects.filter(account_id=account_id).select_related("operator")
    return list(account_runs.order_by("-pk")[:_LISTED])


def count_results(run: MailboxRun) -> dict[str, int]:
    """How many lines have each result."""
    rows = run.lines.order_by().values_list("result").annotate(count=Count("pk"))
    return dict(rows)


def stop(run: MailboxRun) -> None:
    """Leave out what is not stored yet."""
    ended = MailboxRun.objects.filter(pk=run.pk, state__in=(State.PREVIEW, State.WAITING, State.STORING))
    if ended.update(state=State.STOPPED, ended_at=timezone.now()):
        run.lines.filter(result__in=PLANNED).update(result=Result.LEFT_OUT, patch="", problem=_("It was not stored."))


def encrypt(patch: Mapping[str, Any]) -> str:
    """A patch, encrypted by the service's secret key."""
    return _fernet().encrypt(json.dumps(patch).encode()).decode()


def decrypt(text: str) -> dict[str, Any]:
    """The patch of an encrypted text."""
    patch: dict[str, Any] = json.loads(_fernet().decrypt(text.encode()))
    return patch


def _fernet() -> Fernet:
    key = hashlib.sha256(b"desk.mailboxes.runs:" + settings.SECRET_KEY.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(key))


def _delete_old_runs() -> None:
    """Delete previews that nobody stored within a day, and the results of a month ago."""
    now = timezone.now()
    MailboxRun.objects.filter(state=State.PREVIEW, created_at__lt=now - _PREVIEWS_KEPT).delete()
    MailboxRun.objects.filter(state__in=(State.DONE, State.STOPPED), created_at__lt=now - _RESULTS_KEPT).delete()
