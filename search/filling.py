"""Indexes what there was before changes were followed: all documents of all accounts, database by database.

A database is read to the end of its changes feed, and once more after the last write. So whatever a follower indexed
meanwhile is read again, and the latest state wins.
"""

from collections.abc import Callable

from django.db import transaction
from django.utils import timezone

from accounts import account_index
from couch.client import couch
from couch.errors import MissingDatabase
from events.feed import current_seq
from events.leases import SLOTS
from events.positions import SlotStart, load_slot
from search import freshness, index
from search.models import FilledDatabase, Filling
from storage import database_names, gregorian, modbs

_PAGE_SIZE = 1_000

ShowProgress = Callable[[int, int], None]
"""Takes how many accounts are done, and how many there are."""


def latest() -> Filling | None:
    """Return the run that was started last."""
    return Filling.objects.order_by("-started_at").first()


def fill_index(show_progress: ShowProgress = lambda done, total: None) -> None:
    """Index all accounts, or go on where a run was interrupted. Raises CouchError."""
    began_at = gregorian.now()
    _begin_following(began_at)
    filling = latest()
    if filling is None or filling.ended_at is not None:
        filling = _start_filling()
    account_ids = sorted(account_index.iterate_live_ids())
    filled = set(FilledDatabase.objects.values_list("name", flat=True))
    for done, account_id in enumerate(account_ids):
        Filling.objects.filter(pk=filling.pk).update(accounts=len(account_ids), accounts_done=done)
        show_progress(done, len(account_ids))
        for name in _databases_of(account_id):
            if name not in filled:
                fill_database(name)
                FilledDatabase.objects.get_or_create(name=name)
    with transaction.atomic():
        FilledDatabase.objects.all().delete()
        count = len(account_ids)
        Filling.objects.filter(pk=filling.pk).update(accounts=count, accounts_done=count, ended_at=timezone.now())
    show_progress(count, count)


def fill_database(name: str) -> None:
    """Index all documents of a database, and forget those that it no longer has."""
    stale_ids = index.list_ids(name)
    database, seq = couch().database(name), "0"
    try:
        while (page := database.changes(seq, _PAGE_SIZE)).docs or page.has_more:
            index.put_documents(name, page.docs)
            stale_ids -= {doc["_id"] for doc in page.docs}
            seq = page.last_seq
    except MissingDatabase:
        index.drop_database(name)
        return
    owner = database_names.parse(name)
    if owner is not None:
        index.forget(owner.account_id, stale_ids)


def _start_filling() -> Filling:
    with transaction.atomic():
        FilledDatabase.objects.all().delete()
        return Filling.objects.create(started_at=timezone.now())


def _begin_following(began_at: int) -> None:
    """Have followers begin with what changes from now on, unless they have begun already."""
    start = SlotStart(began_at, current_seq())
    for slot in range(SLOTS):
        load_slot(freshness.CONSUMER, slot, start)


def _databases_of(account_id: str) -> list[str]:
    months = modbs.list_months(account_id)
    return [database_names.account_db(account_id), *(database_names.modb(account_id, month) for month in months)]
