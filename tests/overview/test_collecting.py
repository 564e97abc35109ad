"""What is collected of accounts, and how collections go on, end and share the work."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.db.models.functions import Now
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from couch.client import couch
from couch.database import Database, Document
from events import periodic
from events.models import PeriodicStart
from overview import collecting, examination, figures
from overview.collecting import LeaseLost
from overview.jobs import collect_overview
from overview.models import AccountFigures, Collection, DayFigures, Finding
from storage import database_names, gregorian, maintenance, modbs
from tests.support import kazoo_messages
from tests.support.api_client import Account, Api
from tests.support.following import Following
from tests.support.overview import claim_at, collect
from tests.support.servers import Service, wait_until
from webhooks import attempts

Kind = Finding.Kind
DAY = 86_400


def figures_of(account: Account) -> AccountFigures:
    return AccountFigures.objects.get(pk=account.id)


def make_older(account: Account, days: int) -> None:
    """Let an account have been created some days ago."""

    def change(doc: Document) -> Document:
        return {**doc, "pvt_created": gregorian.now() - days * DAY}

    couch().database(database_names.ACCOUNTS).update(account.id, change)


def test_databases_that_lack_views_or_a_month_are_found_until_they_are_repaired(
    account: Account, db: Database
) -> None:
    month = modbs.months_ahead()[1]
    couch().drop(database_names.modb(account.id, month))
    db.put_design({**(db.get_design("_design/vmboxes_numbers") or {}), "_deleted": True})
    collect(account)
    lacking = figures_of(account)
    assert (lacking.lacking_views, lacking.missing_months, lacking.problem) == (["account"], [month], "")
    assert list(figures.list_lacking([account.id])) == [lacking]
    assert lacking.bytes_on_disk > 0
    couch().create(database_names.modb(account.id, month))
    maintenance.sync_account(account.id)
    collect(account)
    assert not figures.list_lacking([account.id]).exists()


def test_an_account_without_a_database_is_a_problem_of_its_own(account: Account) -> None:
    for name in maintenance.list_account_databases(account.id):
        couch().drop(name)
    collect(account)
    assert figures_of(account).problem == "Its own database is missing."


def test_messages_are_counted_per_day_and_odd_days_found(account: Account, api: Api) -> None:
    make_older(account, 300)
    now = gregorian.now()
    ids = kazoo_messages.leave(account, api.new_box(), [now] * 12 + [now - 20 * DAY] * 2 + [now - 33 * DAY])
    collect(account)
    days = dict(figures.messages_per_day([account.id]))
    today = max(days)
    assert (days[today], days[today - timedelta(days=20)], sum(days.values())) == (12, 2, 14)
    (odd,) = figures.list_findings(Kind.ODD_DAY, [account.id])
    assert (odd.day, odd.number, odd.reference) == (today, 12, 1)
    assert figures.totals([account.id]).messages == 14
    for message_id in ids[:3]:
        database = kazoo_messages.database(account, message_id)
        database.put({**(database.get(message_id) or {}), "pvt_deleted": True})
    collect(account)
    assert dict(figures.messages_per_day([account.id]))[today] == 9
    assert not figures.list_findings(Kind.ODD_DAY, [account.id]).exists()


def test_full_mailboxes_are_those_with_as_many_messages_as_they_take(account: Account, api: Api) -> None:
    full, emptier = api.new_box(max_message_count=2, name="Reception"), api.new_box(max_message_count=3)
    for box in (full, emptier):
        kazoo_messages.leave(account, box, [gregorian.now()] * 2)
    collect(account)
    (finding,) = figures.list_findings(Kind.FULL_MAILBOX, [account.id])
    assert (finding.document_id, finding.number, finding.reference) == (full["id"], 2, 2)
    assert finding.name == f"{full['mailbox']} Reception"
    api.delete(f"vmboxes/{full['id']}")
    collect(account)
    assert not figures.list_findings(Kind.FULL_MAILBOX, [account.id]).exists()


def test_only_events_that_were_given_up_count_as_failed(account: Account, api: Api) -> None:
    hook = api.put("webhooks", {"name": "CRM", "uri": "https://crm.example.com/", "hook": "all"}).json()["data"]
    failed = {"hook_id": hook["id"], "result": "failure"}
    attempts.store_attempt(account.id, {**failed, "event_id": "repeated", "next_try": gregorian.now() + 60})
    attempts.store_attempt(account.id, {**failed, "event_id": "given up", "next_try": 1}, gregorian.now() - 60)
    attempts.store_attempt(account.id, {**failed, "event_id": "given up"})
    attempts.store_attempt(account.id, {**failed, "event_id": "old"}, gregorian.now() - 2 * DAY)
    collect(account)
    (finding,) = figures.list_findings(Kind.FAILED_WEBHOOK, [account.id])
    assert (finding.document_id, finding.name, finding.number) == (hook["id"], "CRM", 1)
    Finding.objects.update(at=timezone.now() - timedelta(hours=25))
    assert not figures.list_findings(Kind.FAILED_WEBHOOK, [account.id]).exists()


def test_of_an_account_that_has_not_changed_nothing_is_read_again(account: Account, api: Api) -> None:
    collect(account)
    doc = couch().database(database_names.ACCOUNTS).get(account.id)
    assert doc is not None
    previous = examination.Previous({account.id: figures_of(account)}, {}, {})
    (result,) = examination.examine([doc], previous)
    assert not result.has_new_days
    assert set(result.replaced_kinds) == {Kind.ODD_DAY}
    api.new_box()
    (result,) = examination.examine([doc], previous)
    assert Kind.FULL_MAILBOX in result.replaced_kinds


def test_an_account_that_cannot_be_read_keeps_no_other_from_being_read(
    account: Account, new_account: Callable[..., Account]
) -> None:
    other = new_account()

    def spoil(doc: Document) -> Document:
        return {**doc, "pvt_created": {"not": "a time"}, "name": ["no", "text"]}

    couch().database(database_names.ACCOUNTS).update(account.id, spoil)
    collect(account, other)
    assert not figures.list_lacking([other.id]).exists()
    assert figures_of(account).name == "['no', 'text']"


def test_one_process_reads_at_a_time_and_a_killed_one_is_replaced(account: Account) -> None:
    killed = claim_at(account.id)
    assert collecting.claim_run() is None
    Collection.objects.update(lease_until=Now() - timedelta(seconds=1))
    successor = collecting.claim_run()
    assert successor is not None
    assert successor.cursor == account.id
    AccountFigures.objects.filter(pk=account.id).delete()
    with pytest.raises(LeaseLost):
        collecting.collect_page(killed, size=1)
    assert not AccountFigures.objects.filter(pk=account.id).exists()
    collecting.collect_page(successor, size=1)
    assert figures_of(account)


def test_a_collection_that_is_under_way_is_not_begun_anew_unless_it_was_abandoned(account: Account) -> None:
    collecting.give_up(claim_at(account.id), "CouchDB went away")
    collecting.begin()
    row = collecting.current()
    assert row is not None
    assert (row.cursor, row.error) == (account.id, "CouchDB went away")
    Collection.objects.update(started_at=Now() - timedelta(hours=7), lease_until=Now() - timedelta(hours=7))
    collecting.begin()
    row = collecting.current()
    assert row is not None
    assert row.cursor == ""


def test_what_is_kept_of_accounts_that_are_gone_or_of_long_ago_is_deleted(
    account: Account, new_account: Callable[..., Account]
) -> None:
    gone = new_account()
    collect(account, gone)
    today = timezone.now().date()
    old, recent = (today - timedelta(days=age) for age in (90, 89))
    for day in (old, recent):
        DayFigures.objects.create(account_id=account.id, day=day, bytes_on_disk=1)
    assert DayFigures.objects.filter(account_id=gone.id).exists()
    collect(account)
    assert not AccountFigures.objects.filter(pk=gone.id).exists()
    assert not DayFigures.objects.filter(account_id=gone.id).exists()
    assert not DayFigures.objects.filter(day__lte=old).exists()
    assert (recent, 1) in figures.storage_per_day([account.id])


def test_sums_over_all_accounts_are_stored_when_a_collection_ends(
    account: Account, new_account: Callable[..., Account], api: Api
) -> None:
    other = new_account()
    kazoo_messages.leave(account, api.new_box(), [gregorian.now()] * 3)
    collect(account, other)
    both = [account.id, other.id]
    assert figures.storage_per_day(None)[-1] == figures.storage_per_day(both)[-1]
    assert figures.messages_per_day(None) == figures.messages_per_day(both)
    row = collecting.current()
    assert row is not None
    assert row.started_at is None
    assert row.system["version"] == couch().info()["version"]


def test_workers_start_it_once_per_interval(settings: LazySettings) -> None:
    def queued() -> int:
        return DBTaskResult.objects.filter(task_path=collect_overview.module_path).count()

    before = queued()
    PeriodicStart.objects.filter(name="overview").delete()
    settings.OVERVIEW_SECONDS = 0
    periodic.start_due()
    assert queued() == before
    settings.OVERVIEW_SECONDS = 900
    periodic.start_due()
    periodic.start_due()
    assert queued() == before + 1
    PeriodicStart.objects.filter(name="overview").update(due_at=Now() - timedelta(seconds=1))
    periodic.start_due()
    assert queued() == before + 2
    settings.OVERVIEW_SECONDS = 60  # what was due in 15 minutes is due by now
    periodic.start_due()
    assert queued() == before + 3
    DBTaskResult.objects.filter(task_path=collect_overview.module_path).delete()


def test_a_worker_begins_to_collect_by_itself(new_service: Callable[..., Service], tmp_path: Path) -> None:
    prepared = new_service(OVERVIEW_SECONDS="60")
    with Following(prepared, tmp_path / "events") as following, prepared.models():
        following.start_worker()
        wait_until(lambda: AccountFigures.objects.exists())


def test_the_command_goes_on_with_a_collection_and_ends_it(account: Account, service: Service) -> None:
    collecting.collect_page(claim_at(account.id), size=1)
    Collection.objects.update(cursor="~", started_at=timezone.now() - timedelta(minutes=1))
    assert service.manage("collect_overview").startswith("1 accounts in ")
    row = collecting.current()
    assert row is not None
    assert row.collected_at is not None
    assert figures_of(account)
