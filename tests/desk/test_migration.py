"""The migration from Kazoo 3.x at the operators' desk: started, watched, stopped, interrupted, and its reports."""

import csv
import io
import os
import re
import signal
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests
from django.conf import settings

from couch.client import couch
from storage import database_names
from tests.support import old_messages
from tests.support.api_client import Account, Api
from tests.support.cutting import CuttingProxy
from tests.support.kazoo_messages import stored
from tests.support.operators import Desk, new_operator
from tests.support.servers import Running, Service, direct, wait_until

Operator = Callable[..., Desk]
PAGES = "migration/migrationrun/"
RUN = re.compile(r"/migrationrun/run/(\d+)/")
MONTH = "201605"
MESSAGES = 60
REQUESTS = 45
"""After so many requests CouchDB goes away: enough to start migrating so many messages, too few to end it."""


@pytest.fixture
def box(api: Api) -> dict[str, Any]:
    return api.new_box("3000")


def start(desk: Desk, account: Account, operation: str, **fields: str) -> int:
    """Start a run from the account's page; its number."""
    answer = post(desk, f"{PAGES}{account.id}/", f"{account.id}/start/", operation=operation, **fields)
    found = RUN.search(answer.url)
    assert found, answer.text
    return int(found[1])


def post(desk: Desk, page: str, path: str, **fields: str) -> Any:
    """Send a form that is on one page to another."""
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', desk.get(page).text)
    assert token
    return desk.session.post(
        f"{desk.url}/admin/{PAGES}{path}",
        data={"csrfmiddlewaretoken": token[1], **fields},
        headers={"Referer": f"{desk.url}/admin/{page}"},
        timeout=60,
    )


def send_start(desk: Desk, account: Account) -> requests.Response:
    """Start a migration on a connection of its own, from a page that was opened before."""
    session = direct()
    session.cookies.update(desk.session.cookies)
    url = f"{desk.url}/admin/{PAGES}{account.id}/"
    token = desk.session.cookies["csrftoken"]
    sent = {"csrfmiddlewaretoken": token, "operation": "migrate"}
    return session.post(f"{url}start/", data=sent, headers={"Referer": url}, timeout=60)


def progress(desk: Desk, run_id: int) -> dict[str, Any]:
    answer = desk.get(f"{PAGES}run/{run_id}/progress/")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def ended(desk: Desk, run_id: int) -> dict[str, Any]:
    """A run's progress once it has ended."""
    wait_until(lambda: not progress(desk, run_id)["is_active"], 60)
    return progress(desk, run_id)


def leave_many(account: Account, box: dict[str, Any], number: int) -> list[str]:
    return old_messages.add(account, box["id"], [old_messages.make_entry() for _ in range(number)])


def migrated(account: Account) -> set[str]:
    """The ids of all messages in the month of the old ones."""
    modb = couch().database(database_names.modb(account.id, MONTH))
    return {row["id"] for row in modb.all_docs() if not row["id"].startswith("_design/")}


def test_a_migration_is_started_and_its_progress_and_report_are_shown(
    operator: Operator, account: Account, box: dict[str, Any]
) -> None:
    media_ids = leave_many(account, box, 5)
    old_messages.add(account, box["id"], [old_messages.make_entry("f" * 32)], audio=None)
    desk = operator("Administrators")
    assert "Messages in the format of 3.x" in desk.get(f"desk/account/{account.id}/").text
    page = desk.get(f"{PAGES}{account.id}/").text
    assert re.search(r"<dt>In mailboxes</dt><dd>6</dd>", page)

    run_id = start(desk, account, "migrate")
    last = ended(desk, run_id)

    assert (last["state"], last["done"], last["total"], last["faults"]) == ("done", 6, 6, 1)
    assert migrated(account) == {f"{MONTH}-{one}" for one in media_ids}
    for one in media_ids:
        assert stored(account, f"{MONTH}-{one}")["_attachments"]
    (left,) = old_messages.read_array(account, box["id"])
    assert left["migration_error"] == "no_audio"
    page = desk.get(f"{PAGES}run/{run_id}/").text
    for told in ("done, with 1 to look at", "no_audio", "is not migrated", *media_ids):
        assert told in page
    only = desk.get(f"{PAGES}run/{run_id}/", outcome="failed").text
    assert "f" * 32 in only
    assert media_ids[0] not in only


def test_a_report_is_downloaded_as_csv_and_json(operator: Operator, account: Account, box: dict[str, Any]) -> None:
    media_ids = leave_many(account, box, 3)
    desk = operator("Administrators")
    run_id = start(desk, account, "migrate")
    ended(desk, run_id)
    answer = desk.get(f"{PAGES}run/{run_id}/report.csv")
    assert answer.headers["Content-Type"].startswith("text/csv")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert {row["media_id"] for row in rows} == set(media_ids)
    assert {(row["account_id"], row["box_id"], row["outcome"]) for row in rows} == {
        (account.id, box["id"], "migrated")
    }
    told = desk.get(f"{PAGES}run/{run_id}/report.json").json()
    assert {one["message_id"] for one in told["entries"]} == {f"{MONTH}-{one}" for one in media_ids}
    assert told["summary"]["outcomes"] == [{"outcome": "migrated", "reason": "", "count": 3}]
    assert desk.get(f"{PAGES}run/{run_id}/report.xml").status_code == 404


def test_a_dry_run_reports_the_same_and_writes_nothing(
    operator: Operator, account: Account, box: dict[str, Any]
) -> None:
    media_ids = leave_many(account, box, 4)
    before = old_messages.read_array(account, box["id"])
    desk = operator("Administrators")
    run_id = start(desk, account, "dry_run")
    last = ended(desk, run_id)
    assert (last["state"], last["done"]) == ("done", 4)
    assert old_messages.read_array(account, box["id"]) == before
    assert not couch().database(database_names.modb(account.id, MONTH)).exists()
    page = desk.get(f"{PAGES}run/{run_id}/").text
    assert all(one in page for one in media_ids)
    assert 'name="operation" value="migrate"' in page


def test_verification_reports_intact_messages_and_purging_asks_first(
    operator: Operator, account: Account, box: dict[str, Any]
) -> None:
    media_ids = leave_many(account, box, 3)
    db = old_messages.database(account)
    desk = operator("Administrators")
    ended(desk, start(desk, account, "migrate"))
    verified = ended(desk, start(desk, account, "verify"))
    assert (verified["state"], verified["done"], verified["faults"]) == ("done", 3, 0)

    asked = post(desk, f"{PAGES}{account.id}/", f"{account.id}/start/", operation="purge")
    assert asked.url.endswith(f"{account.id}/purge/")
    assert "Only a backup can bring them back" in asked.text.replace("&#x27;", "'")
    assert all(db.get(one) for one in media_ids)

    tried = ended(desk, start(desk, account, "purge_dry_run"))
    assert (tried["state"], tried["done"]) == ("done", 3)
    assert all(db.get(one) for one in media_ids)
    purged = ended(desk, start(desk, account, "purge", confirmed="yes"))
    assert purged["state"] == "done"
    assert not any(db.get(one) for one in media_ids)
    assert all(stored(account, f"{MONTH}-{one}")["_attachments"] for one in media_ids)


def test_started_runs_are_recorded(operator: Operator, account: Account, box: dict[str, Any]) -> None:
    leave_many(account, box, 1)
    desk = operator("Administrators")
    ended(desk, start(desk, account, "dry_run"))
    ended(desk, start(desk, account, "migrate"))
    history = desk.get(f"desk/account/{account.id}/history/").text
    assert "started a dry run of migrating" in history
    assert "started migrating" in history
    assert desk.name in history


@pytest.mark.parametrize("group", ["Read only", "Support"])
def test_operators_who_may_not_migrate_see_runs_but_start_none(
    operator: Operator, account: Account, box: dict[str, Any], group: str
) -> None:
    leave_many(account, box, 2)
    before = old_messages.read_array(account, box["id"])
    run_id = start(operator("Administrators"), account, "dry_run")
    desk = operator(group)
    ended(desk, run_id)
    page = desk.get(f"{PAGES}{account.id}/")
    assert page.status_code == 200
    assert 'name="operation"' not in page.text
    assert desk.get(f"{PAGES}run/{run_id}/report.csv").status_code == 200
    logout = f"{PAGES}{account.id}/"  # any page of the desk has a form with a token
    for path in (f"{account.id}/start/", f"run/{run_id}/stop/", f"{account.id}/purge/"):
        assert post(desk, logout, path, operation="migrate").status_code == 403
    assert old_messages.read_array(account, box["id"]) == before


def test_operators_who_may_not_view_accounts_see_no_migration(operator: Operator, account: Account) -> None:
    desk = operator(permissions=("view_mailbox",))
    for path in ("", f"{account.id}/", "run/1/", "run/1/progress/", "run/1/report.csv"):
        assert desk.get(PAGES + path).status_code == 403


def test_the_list_shows_how_many_messages_each_account_still_has(
    operator: Operator, account: Account, box: dict[str, Any]
) -> None:
    leave_many(account, box, 7)
    desk = operator("Read only")
    row = desk.get(PAGES, q=account.name).text.partition(f"{PAGES}{account.id}/")[2].partition("</tr>")[0]
    assert re.findall(r'class="number"><bdi>([^<]*)<', row) == ["7", "—"]


# --- with a CouchDB that goes away, and processes that are killed ---


class Machine:
    """A service that can be killed, and what it started; its CouchDB can go away."""

    def __init__(self, proxy: CuttingProxy, service: Service) -> None:
        self.proxy = proxy
        self.service = service
        self.server = self.service.start()
        self.desk = new_operator(self.server.url, self.service, ("Administrators",), ())
        self.started: list[Running] = []
        self.pids: set[int] = set()

    def other(self, **more: str) -> Desk:
        """An operator at another instance of the service, whose CouchDB doesn't go away."""
        service = replace(self.service.with_settings(self.service.folder, **more), couchdb_url=settings.COUCHDB_URL)
        self.started.append(service.start())
        return new_operator(self.started[-1].url, service, ("Administrators",), ())

    def start_again(self) -> None:
        """Start the service at the same place, where its operator is still logged in."""
        self.server = self.service.start(int(self.server.url.rpartition(":")[2]))

    def begin_and_lose_couchdb(self, account: Account) -> int:
        """Start a migration that CouchDB goes away under; its number, once it waits for CouchDB."""
        self.proxy.cut_after(REQUESTS)
        run_id = start(self.desk, account, "migrate")
        wait_until(lambda: bool(progress(self.desk, run_id)["pid"]), 60)
        self.pids.add(progress(self.desk, run_id)["pid"])
        wait_until(lambda: bool(progress(self.desk, run_id)["waits_for_couchdb"]), 60)
        return run_id

    def kill_run(self, run_id: int, number: int = signal.SIGKILL) -> None:
        os.kill(progress(self.desk, run_id)["pid"], number)

    def clear(self) -> None:
        """End what a test left running, and let CouchDB answer again."""
        for pid in self.pids:
            command = Path(f"/proc/{pid}/cmdline")
            if command.exists() and b"run_migration" in command.read_bytes():
                os.kill(pid, signal.SIGKILL)
        for each in self.started:
            each.kill()
        self.pids, self.started = set(), []
        self.proxy.go_away()
        self.proxy.restore()


@pytest.fixture(scope="module")
def shared_machine(couchdb: str, new_service: Callable[..., Service]) -> Iterator[Machine]:
    with CuttingProxy(settings.COUCHDB_URL) as proxy:
        machine = Machine(proxy, new_service(proxy.url, MIGRATION_SILENCE_SECONDS="15"))
        yield machine
        machine.server.kill()


@pytest.fixture
def machine(shared_machine: Machine) -> Iterator[Machine]:
    yield shared_machine
    shared_machine.clear()


def assert_all_migrated_once(account: Account, box: dict[str, Any], media_ids: list[str]) -> None:
    assert migrated(account) == {f"{MONTH}-{one}" for one in media_ids}
    assert all(stored(account, f"{MONTH}-{one}")["_attachments"] for one in media_ids)
    assert old_messages.read_array(account, box["id"]) == []


def test_a_run_waits_for_couchdb_and_says_so(machine: Machine, account: Account, box: dict[str, Any]) -> None:
    media_ids = leave_many(account, box, MESSAGES)
    run_id = machine.begin_and_lose_couchdb(account)
    page = machine.desk.get(f"{PAGES}run/{run_id}/")
    assert page.status_code == 200
    assert "CouchDB doesn&#x27;t answer" in page.text
    assert "<progress" in page.text
    machine.proxy.restore()
    assert ended(machine.desk, run_id)["state"] == "done"
    assert_all_migrated_once(account, box, media_ids)


def test_a_run_outlives_the_service_that_started_it(machine: Machine, account: Account, box: dict[str, Any]) -> None:
    media_ids = leave_many(account, box, MESSAGES)
    run_id = machine.begin_and_lose_couchdb(account)
    machine.server.kill()
    machine.start_again()
    assert progress(machine.desk, run_id)["state"] == "running"
    machine.proxy.restore()
    assert ended(machine.desk, run_id)["state"] == "done"
    assert_all_migrated_once(account, box, media_ids)


def test_progress_is_written_later_if_the_database_is_locked(
    machine: Machine, account: Account, box: dict[str, Any]
) -> None:
    media_ids = leave_many(account, box, MESSAGES)
    run_id = machine.begin_and_lose_couchdb(account)
    # Whoever looks must not take it for dead meanwhile.
    other = machine.other(MIGRATION_SILENCE_SECONDS="600")
    with closing(sqlite3.connect(machine.service.tables, isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")
        machine.proxy.restore()
        wait_until(lambda: "can't write its progress now" in machine.server.logged(), 60)
        wait_until(lambda: not old_messages.read_array(account, box["id"]), 60)
        assert progress(other, run_id)["done"] < MESSAGES
        database.execute("ROLLBACK")
    assert ended(other, run_id)["state"] == "done"
    rows = csv.DictReader(io.StringIO(other.get(f"{PAGES}run/{run_id}/report.csv").text))
    assert sorted(row["media_id"] for row in rows) == sorted(media_ids)
    assert_all_migrated_once(account, box, media_ids)


@pytest.mark.parametrize("attended", [True, False], ids=["by its service", "by its silence"])
def test_a_killed_run_is_interrupted_and_continues_when_started_again(
    machine: Machine, account: Account, box: dict[str, Any], attended: bool
) -> None:
    media_ids = leave_many(account, box, MESSAGES)
    run_id = machine.begin_and_lose_couchdb(account)
    if attended:
        machine.kill_run(run_id)
    else:
        pid = progress(machine.desk, run_id)["pid"]
        machine.server.kill()
        os.kill(pid, signal.SIGKILL)
        machine.start_again()
    machine.proxy.restore()
    assert ended(machine.desk, run_id)["state"] == "interrupted"
    page = machine.desk.get(f"{PAGES}run/{run_id}/").text
    assert "to continue where it stopped" in page
    assert 'name="operation" value="migrate"' in page
    assert ended(machine.desk, start(machine.desk, account, "migrate"))["state"] == "done"
    assert_all_migrated_once(account, box, media_ids)


def test_a_terminated_run_is_interrupted(machine: Machine, account: Account, box: dict[str, Any]) -> None:
    leave_many(account, box, MESSAGES)
    run_id = machine.begin_and_lose_couchdb(account)
    machine.kill_run(run_id, signal.SIGTERM)
    assert ended(machine.desk, run_id)["state"] == "interrupted"
    assert "told to end" in machine.desk.get(f"{PAGES}run/{run_id}/").text


def test_an_account_has_one_run_at_a_time_which_other_operators_can_stop(
    machine: Machine, account: Account, box: dict[str, Any]
) -> None:
    media_ids = leave_many(account, box, MESSAGES)
    run_id = machine.begin_and_lose_couchdb(account)
    other = machine.other()
    # Its buttons are gone; a form that was open before is refused.
    assert 'name="operation"' not in other.get(f"{PAGES}{account.id}/").text
    refused = post(other, f"{PAGES}run/{run_id}/", f"{account.id}/start/", operation="migrate")
    assert f"{machine.desk.name} started a migration of it" in refused.text
    assert refused.url.endswith(f"run/{run_id}/")
    post(other, f"{PAGES}run/{run_id}/", f"run/{run_id}/stop/")
    assert ended(other, run_id)["state"] == "stopped"
    history = other.get(f"desk/account/{account.id}/history/").text
    assert "stopped" in history
    assert other.name in history
    assert ended(other, start(other, account, "migrate"))["state"] == "done"
    assert_all_migrated_once(account, box, media_ids)


def test_one_of_several_simultaneous_starts_succeeds(machine: Machine, account: Account, box: dict[str, Any]) -> None:
    leave_many(account, box, MESSAGES)
    desk = machine.desk
    assert "dry_run" in desk.get(f"{PAGES}{account.id}/").text
    # CouchDB goes away before the first one can have ended: no other can be started after its end.
    machine.proxy.cut_after(REQUESTS)
    with ThreadPoolExecutor(4) as executor:
        answers = list(executor.map(lambda _: send_start(desk, account), range(4)))
    other = machine.other()
    runs = set(RUN.findall(other.get(f"{PAGES}{account.id}/").text))
    assert len(runs) == 1
    assert len([answer for answer in answers if f"/run/{min(runs)}/" in answer.url]) >= 1
    wait_until(lambda: bool(progress(other, int(min(runs)))["waits_for_couchdb"]), 60)
    machine.pids.add(progress(other, int(min(runs)))["pid"])
    history = other.get(f"desk/account/{account.id}/history/").text
    assert history.count("started migrating") == 1


def test_the_number_of_active_runs_is_limited(
    machine: Machine, account: Account, box: dict[str, Any], new_account: Callable[..., Account]
) -> None:
    leave_many(account, box, MESSAGES)
    machine.begin_and_lose_couchdb(account)
    busy = machine.other(MIGRATIONS_AT_ONCE="1")
    another = new_account()
    refused = post(busy, f"{PAGES}{another.id}/", f"{another.id}/start/", operation="dry_run")
    assert "The limit of migrations at once (1) is reached" in refused.text
    assert "None were started at the desk yet." in refused.text
