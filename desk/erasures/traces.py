"""What the desk keeps of what was deleted for good: nothing but ids. And what of it is a person's own data."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_noop

from desk.audit import log
from desk.audit.filters import about_documents
from desk.erasures.links import erasure_subject
from desk.models import AuditEntry, MailboxRun, MailboxRunLine, MessageRun, MessageRunLine
from erasure import traces
from erasure.export import subjects
from erasure.export.subjects import Subject
from erasure.models import Erasure
from erasure.signals import erasure_ended
from erasure.traces import Erased

_CHUNK = 400
_ACTIONS = {
    "erased": gettext_noop("deleted for good"),
    "undid": gettext_noop("restored instead of deleting for good"),
    "stopped": gettext_noop("didn't delete"),
}


def connect() -> None:
    """Have the desk's records follow erasures, and exports hold what it has recorded."""
    traces.register("desk", forget_erased)
    subjects.register_records("desk", list_records)
    erasure_ended.connect(record_end, dispatch_uid="desk.erasures")


def forget_erased(erased: Erased) -> None:
    """Empty the names and differences in entries and runs about what was erased; who did what, and when, stays."""
    if erased.whole_account_id:
        MailboxRun.objects.filter(account_id=erased.whole_account_id).delete()
        MessageRun.objects.filter(account_id=erased.whole_account_id).delete()
        entries = AuditEntry.objects.filter(account_id=erased.whole_account_id)
        entries.exclude(action__in=_ACTIONS.values()).update(name="", difference={})
    for ids in _id_chunks(erased.ids):
        entries = about_documents(AuditEntry.objects.all(), ids)
        entries.exclude(action__in=_ACTIONS.values()).update(name="", difference={})
    for ids in _id_chunks(erased.user_ids):
        AuditEntry.objects.filter(actor_user_id__in=ids).update(actor_name="", address="")
    for ids in _id_chunks(erased.box_ids):
        lines = MailboxRunLine.objects.filter(box_id__in=ids)
        lines.update(name="", difference={}, cells=[], problem="", patch="")
    for ids in _id_chunks(erased.message_ids):
        MessageRunLine.objects.filter(Q(message_id__in=ids) | Q(new_id__in=ids)).update(title="", problem="")


def record_end(sender: object, erasure: Erasure, action: str, **_: object) -> None:
    """Record what a worker did for an operator: by ids and numbers."""
    counts = {"messages": erasure.messages, "documents": erasure.documents, "bytes": erasure.bytes}
    log.record_for(
        erasure.operator_id, _ACTIONS[action], erasure_subject(erasure), {"deletion": erasure.pk, **counts}
    )


def list_records(subject: Subject) -> Iterator[Mapping[str, Any]]:
    """Yield the actions on a subject's documents, without the names of operators, who are other persons.

    A caller gets what was done, but not the differences: these are of mailboxes and their owners.
    """
    for ids in _id_chunks(subject.document_ids):
        for entry in about_documents(AuditEntry.objects.all(), ids).order_by("pk"):
            record = {"time": entry.time, "action": entry.action, "kind": entry.kind, "id": entry.document_id}
            yield record if subject.numbers else {**record, "difference": entry.difference}


def _id_chunks(ids: Iterable[str]) -> Iterator[list[str]]:
    remaining = sorted(ids)
    for start in range(0, len(remaining), _CHUNK):
        yield remaining[start : start + _CHUNK]
