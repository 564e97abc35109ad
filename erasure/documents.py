"""Documents of a database, erased for an erasure, which notes that the database is to be compacted."""

from collections.abc import Iterable, Mapping

from couch import erasing
from couch.client import couch
from couch.errors import MissingDatabase
from erasure.models import Erasure, ErasureItem
from storage import document_cache

_PENDING, _STARTED = "", "started"
_SAMPLE = 40


def erase_from(erasure: Erasure, name: str, ids: Iterable[str]) -> None:
    """Erase documents of a database, in whatever state they are."""
    unique = list(dict.fromkeys(ids))
    for start in range(0, len(unique), erasing.BATCH_SIZE):
        erase_revisions(erasure, name, dict.fromkeys(unique[start : start + erasing.BATCH_SIZE], ""))


def note_compaction(erasure: Erasure, name: str) -> None:
    """Note that a database is to be compacted, since old revisions in it hold what is erased."""
    if erasure.compactions.get(name) != _PENDING:
        erasure.compactions[name] = _PENDING
        erasure.save(update_fields=["compactions"])


def erase_revisions(erasure: Erasure, name: str, revisions: Mapping[str, str]) -> list[str]:
    """Erase documents of a database in some revisions (empty: any); the ids of those that were changed since."""
    note_compaction(erasure, name)
    try:
        changed_ids = erasing.erase_documents(couch(), name, revisions)
    except MissingDatabase:
        del erasure.compactions[name]
        erasure.save(update_fields=["compactions"])
        return []
    for doc_id in revisions:
        document_cache.invalidate(name, doc_id)
    return changed_ids


def continue_compaction(erasure: Erasure) -> bool:
    """Take the next step of each database's compaction; whether all are done.

    A compaction that ran already when the documents were erased may have copied them before. So it is done when one
    that began afterwards has ended, and the last bodies can't be read any more.
    """
    for name, step in list(erasure.compactions.items()):
        if erasing.is_compacting(couch(), name):
            continue
        if step == _STARTED and not erasing.is_any_readable(couch(), name, _sample(erasure, name)):
            del erasure.compactions[name]
        else:
            erasing.start_compaction(couch(), name)
            erasure.compactions[name] = _STARTED
    erasure.save(update_fields=["compactions"])
    return not erasure.compactions


def _sample(erasure: Erasure, name: str) -> list[tuple[str, str]]:
    """Some of the last revisions with a body that the database had, each with its document's id."""
    erased = erasure.items.filter(database=name, state=ErasureItem.State.ERASED).exclude(revision="")
    return list(erased.order_by("-pk").values_list("document_id", "revision")[:_SAMPLE])
