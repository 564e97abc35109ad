"""Runs of the migration from Kazoo 3.x at the desk: started, watched, and their reports."""

import csv
import io
import re
from collections.abc import Callable
from typing import Any

import pytest

from couch.client import couch
from storage import database_names
from tests.support import old_messages
from tests.support.api_client import Account, Api
from tests.support.kazoo_messages import stored
from tests.support.migration_runs import (
    MONTH,
    PAGES,
    add_old_messages,
    migrated_ids,
    post_from,
    start_run,
    wait_for_end,
)
from tests.support.operators import Desk

pytestmark = pytest.mark.long

Operator = Callable[..., Desk]


@pytest.fixture
def box(api: Api) -> dict[str, Any]:
    return api.new_box("3000")


def test_a_migration_is_started_and_its_progress_and_report_are_shown(
    operator: Operator, account: Account, box: dict[str, Any]
) -> None:
    media_ids = add_old_messages(account, box, 5)
    old_messages.add(account, box["id"], [old_messages.make_entry("f" * 32)], audio=None)
    desk = operator("Administrators")
    assert "Messages in the format of 3.x" in desk.get(f"desk/account/{account.id}/").text
    page = desk.get(f"{PAGES}{account.id}/").text
    assert re.search(r"<dt>In mailboxes</dt><dd>6</dd>", page)

    run_id = start_run(desk, account, "migrate")
    last = wait_for_end(desk, run_id)

    assert (last["state"], last["done"], last["total"], last["faults"]) == ("done", 6, 6, 1)
    assert migrated_ids(account) == {f"{MONTH}-{media_id}" for media_id in media_ids}
    for media_id in media_ids:
        assert stored(account, f"{MONTH}-{media_id}")["_attachments"]
    (entry,) = old_messages.read_array(account, box["id"])
    assert entry["migration_error"] == "no_audio"
    page = desk.get(f"{PAGES}run/{run_id}/").text
    for text in ("done, with 1 to look at", "no_audio", "is not migrated", *media_ids):
        assert text in page
    only = desk.get(f"{PAGES}run/{run_id}/", outcome="failed").text
    assert "f" * 32 in only
    assert media_ids[0] not in only


def test_a_report_is_downloaded_as_csv_and_json(operator: Operator, account: Account, box: dict[str, Any]) -> None:
    media_ids = add_old_messages(account, box, 3)
    greeting = {"_id": "e" * 32, "pvt_type": "media", "pvt_account_id": account.id, "name": "Hold music"}
    couch().database(database_names.account_db(account.id)).put(greeting)
    desk = operator("Administrators")
    run_id = start_run(desk, account, "migrate")
    last = wait_for_end(desk, run_id)
    assert "3 of 3 messages, 1 greeting" in last["summary"]
    page = desk.get(f"{PAGES}run/{run_id}/").text
    assert "Greetings and other media</h2>" in page
    assert "have no audio (1, such as" in page
    only_greetings = desk.get(f"{PAGES}run/{run_id}/", kind="greeting").text
    assert greeting["_id"] in only_greetings
    assert media_ids[0] not in only_greetings
    response = desk.get(f"{PAGES}run/{run_id}/report.csv")
    assert response.headers["Content-Type"].startswith("text/csv")
    assert response.headers["Content-Disposition"].startswith("attachment")
    rows = list(csv.DictReader(io.StringIO(response.text)))
    assert {row["media_id"] for row in rows} == {*media_ids, greeting["_id"]}
    assert {(row["account_id"], row["box_id"], row["kind"], row["outcome"]) for row in rows} == {
        (account.id, box["id"], "message", "migrated"),
        (account.id, "", "greeting", "present"),
    }
    report = desk.get(f"{PAGES}run/{run_id}/report.json").json()
    message_ids = [f"{MONTH}-{media_id}" for media_id in media_ids]
    assert {entry["message_id"] for entry in report["entries"]} == {*message_ids, None}
    assert report["summary"]["outcomes"] == [{"outcome": "migrated", "reason": "", "count": 3}]
    assert report["summary"]["greetings"] == [{"outcome": "present", "reason": "", "count": 1}]
    assert desk.get(f"{PAGES}run/{run_id}/report.xml").status_code == 404


def test_a_dry_run_reports_the_same_and_writes_nothing(
    operator: Operator, account: Account, box: dict[str, Any]
) -> None:
    media_ids = add_old_messages(account, box, 4)
    foreign = {"_id": "e" * 32, "pvt_type": "vmbox", "pvt_account_id": "d" * 32, "messages": [{}]}
    couch().database(database_names.account_db(account.id)).put(foreign)
    before = old_messages.read_array(account, box["id"])
    desk = operator("Administrators")
    run_id = start_run(desk, account, "dry_run")
    last = wait_for_end(desk, run_id)
    assert (last["state"], last["done"]) == ("done", 4)
    assert old_messages.read_array(account, box["id"]) == before
    assert not couch().database(database_names.modb(account.id, MONTH)).exists()
    page = desk.get(f"{PAGES}run/{run_id}/").text
    assert all(media_id in page for media_id in media_ids)
    assert "Documents in the database of account" in page
    assert "that name another account are left out (1)" in page
    assert 'name="operation" value="migrate"' in page


def test_verification_reports_intact_messages_and_purging_asks_first(
    operator: Operator, account: Account, box: dict[str, Any]
) -> None:
    media_ids = add_old_messages(account, box, 3)
    db = old_messages.database(account)
    desk = operator("Administrators")
    wait_for_end(desk, start_run(desk, account, "migrate"))
    verified = wait_for_end(desk, start_run(desk, account, "verify"))
    assert (verified["state"], verified["done"], verified["faults"]) == ("done", 3, 0)

    question = post_from(desk, f"{PAGES}{account.id}/", f"{account.id}/start/", operation="purge")
    assert question.url.endswith(f"{account.id}/purge/")
    assert "Only a backup can bring them back" in question.text
    assert all(db.get(media_id) for media_id in media_ids)

    tried = wait_for_end(desk, start_run(desk, account, "purge_dry_run"))
    assert (tried["state"], tried["done"]) == ("done", 3)
    assert all(db.get(media_id) for media_id in media_ids)
    purged = wait_for_end(desk, start_run(desk, account, "purge", confirmed="yes"))
    assert purged["state"] == "done"
    assert not any(db.get(media_id) for media_id in media_ids)
    assert all(stored(account, f"{MONTH}-{media_id}")["_attachments"] for media_id in media_ids)


def test_started_runs_are_recorded(operator: Operator, account: Account, box: dict[str, Any]) -> None:
    add_old_messages(account, box, 1)
    desk = operator("Administrators")
    wait_for_end(desk, start_run(desk, account, "dry_run"))
    wait_for_end(desk, start_run(desk, account, "migrate"))
    history = desk.get(f"desk/account/{account.id}/history/").text
    assert "started a dry run of migrating" in history
    assert "started migrating" in history
    assert desk.name in history


@pytest.mark.parametrize("group", ["Read only", "Support"])
def test_operators_who_may_not_migrate_see_runs_but_start_none(
    operator: Operator, account: Account, box: dict[str, Any], group: str
) -> None:
    add_old_messages(account, box, 2)
    before = old_messages.read_array(account, box["id"])
    run_id = start_run(operator("Administrators"), account, "dry_run")
    desk = operator(group)
    wait_for_end(desk, run_id)
    page = desk.get(f"{PAGES}{account.id}/")
    assert page.status_code == 200
    assert 'name="operation"' not in page.text
    assert desk.get(f"{PAGES}run/{run_id}/report.csv").status_code == 200
    logout = f"{PAGES}{account.id}/"  # any page of the desk has a form with a token
    for path in (f"{account.id}/start/", f"run/{run_id}/stop/", f"{account.id}/purge/"):
        assert post_from(desk, logout, path, operation="migrate").status_code == 403
    assert old_messages.read_array(account, box["id"]) == before


def test_operators_who_may_not_view_accounts_see_no_migration(operator: Operator, account: Account) -> None:
    desk = operator(permissions=("view_mailbox",))
    for path in ("", f"{account.id}/", "run/1/", "run/1/progress/", "run/1/report.csv"):
        assert desk.get(PAGES + path).status_code == 403


def test_the_list_shows_how_many_messages_each_account_still_has(
    operator: Operator, account: Account, box: dict[str, Any]
) -> None:
    add_old_messages(account, box, 7)
    desk = operator("Read only")
    row = desk.get(PAGES, q=account.name).text.partition(f"{PAGES}{account.id}/")[2].partition("</tr>")[0]
    assert re.findall(r'class="number"><bdi>([^<]*)<', row) == ["7", "—"]
