"""Runs of the migration while CouchDB, the service or their own process goes away, and several at once."""

import csv
import io
import os
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

from tests.support import old_messages
from tests.support.api_client import Account, Api
from tests.support.cutting import CuttingProxy
from tests.support.kazoo_messages import stored
from tests.support.migration_runs import (
    MONTH,
    PAGES,
    RUN,
    add_old_messages,
    get_progress,
    migrated_ids,
    post_from,
    start_run,
    wait_for_end,
)
from tests.support.operators import Desk, new_operator
from tests.support.servers import Running, Service, direct, wait_until

pytestmark = pytest.mark.long

MESSAGES = 60
REQUESTS = 45
"""After so many requests CouchDB goes away: enough to start migrating so many messages, too few to end it."""


@pytest.fixture
def box(api: Api) -> dict[str, Any]:
    return api.new_box("3000")


def send_start(desk: Desk, account: Account) -> requests.Response:
    """Start a migration on a connection of its own, from a page that is open already."""
    session = direct()
    session.cookies.update(desk.session.cookies)
    url = f"{desk.url}/admin/{PAGES}{account.id}/"
    token = desk.session.cookies["csrftoken"]
    fields = {"csrfmiddlewaretoken": token, "operation": "migrate"}
    return session.post(f"{url}start/", data=fields, headers={"Referer": url}, timeout=60)


class Machine:
    """A service that can be killed, the processes that it started, and a CouchDB that can go away."""

    def __init__(self, proxy: CuttingProxy, service: Service) -> None:
        self.proxy = proxy
        self.service = service
        self.server = self.service.start()
        self.desk = new_operator(self.server.url, self.service, ("Administrators",), ())
        self.started: list[Running] = []
        self.pids: set[int] = set()

    def other_instance(self, **changed_settings: str) -> Desk:
        """An operator of another instance of the service, whose CouchDB doesn't go away."""
        service = replace(
            self.service.with_settings(self.service.folder, **changed_settings), couchdb_url=settings.COUCHDB_URL
        )
        self.started.append(service.start())
        return new_operator(self.started[-1].url, service, ("Administrators",), ())

    def start_again(self) -> None:
        """Start the service at the same address, where its operator is still logged in."""
        self.server = self.service.start(int(self.server.url.rpartition(":")[2]))

    def begin_and_lose_couchdb(self, account: Account) -> int:
        """Start a migration during which CouchDB goes away; return its id once it waits for CouchDB."""
        self.proxy.cut_after(REQUESTS)
        run_id = start_run(self.desk, account, "migrate")
        wait_until(lambda: bool(get_progress(self.desk, run_id)["pid"]))
        self.pids.add(get_progress(self.desk, run_id)["pid"])
        wait_until(lambda: bool(get_progress(self.desk, run_id)["waits_for_couchdb"]))
        return run_id

    def kill_run(self, run_id: int, number: int = signal.SIGKILL) -> None:
        os.kill(get_progress(self.desk, run_id)["pid"], number)

    def clear(self) -> None:
        """End the processes that still run, and let CouchDB answer again."""
        for pid in self.pids:
            command = Path(f"/proc/{pid}/cmdline")
            if command.exists() and b"run_migration" in command.read_bytes():
                os.kill(pid, signal.SIGKILL)
        for running in self.started:
            running.kill()
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
    assert migrated_ids(account) == {f"{MONTH}-{media_id}" for media_id in media_ids}
    assert all(stored(account, f"{MONTH}-{media_id}")["_attachments"] for media_id in media_ids)
    assert old_messages.read_array(account, box["id"]) == []


def test_a_run_waits_for_couchdb_and_says_so(machine: Machine, account: Account, box: dict[str, Any]) -> None:
    media_ids = add_old_messages(account, box, MESSAGES)
    run_id = machine.begin_and_lose_couchdb(account)
    page = machine.desk.get(f"{PAGES}run/{run_id}/")
    assert page.status_code == 200
    assert "CouchDB doesn&#x27;t answer" in page.text
    assert "<progress" in page.text
    machine.proxy.restore()
    assert wait_for_end(machine.desk, run_id)["state"] == "done"
    assert_all_migrated_once(account, box, media_ids)


def test_a_run_outlives_the_service_that_started_it(machine: Machine, account: Account, box: dict[str, Any]) -> None:
    media_ids = add_old_messages(account, box, MESSAGES)
    run_id = machine.begin_and_lose_couchdb(account)
    machine.server.kill()
    machine.start_again()
    assert get_progress(machine.desk, run_id)["state"] == "running"
    machine.proxy.restore()
    assert wait_for_end(machine.desk, run_id)["state"] == "done"
    assert_all_migrated_once(account, box, media_ids)


def test_progress_is_written_later_if_the_database_is_locked(
    machine: Machine, account: Account, box: dict[str, Any]
) -> None:
    media_ids = add_old_messages(account, box, MESSAGES)
    run_id = machine.begin_and_lose_couchdb(account)
    # Whoever looks must not take it for dead meanwhile.
    other_desk = machine.other_instance(MIGRATION_SILENCE_SECONDS="600")
    with closing(sqlite3.connect(machine.service.tables, isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")
        machine.proxy.restore()
        wait_until(lambda: "can't write its progress now" in machine.server.logged())
        wait_until(lambda: not old_messages.read_array(account, box["id"]))
        assert get_progress(other_desk, run_id)["done"] < MESSAGES
        database.execute("ROLLBACK")
    assert wait_for_end(other_desk, run_id)["state"] == "done"
    rows = csv.DictReader(io.StringIO(other_desk.get(f"{PAGES}run/{run_id}/report.csv").text))
    assert sorted(row["media_id"] for row in rows) == sorted(media_ids)
    assert_all_migrated_once(account, box, media_ids)


@pytest.mark.parametrize("attended", [True, False], ids=["by its service", "by its silence"])
def test_a_killed_run_is_interrupted_and_continues_when_started_again(
    machine: Machine, account: Account, box: dict[str, Any], attended: bool
) -> None:
    media_ids = add_old_messages(account, box, MESSAGES)
    run_id = machine.begin_and_lose_couchdb(account)
    if attended:
        machine.kill_run(run_id)
    else:
        pid = get_progress(machine.desk, run_id)["pid"]
        machine.server.kill()
        os.kill(pid, signal.SIGKILL)
        machine.start_again()
    machine.proxy.restore()
    assert wait_for_end(machine.desk, run_id)["state"] == "interrupted"
    page = machine.desk.get(f"{PAGES}run/{run_id}/").text
    assert "to continue where it stopped" in page
    assert 'name="operation" value="migrate"' in page
    assert wait_for_end(machine.desk, start_run(machine.desk, account, "migrate"))["state"] == "done"
    assert_all_migrated_once(account, box, media_ids)


def test_a_terminated_run_is_interrupted(machine: Machine, account: Account, box: dict[str, Any]) -> None:
    add_old_messages(account, box, MESSAGES)
    run_id = machine.begin_and_lose_couchdb(account)
    machine.kill_run(run_id, signal.SIGTERM)
    assert wait_for_end(machine.desk, run_id)["state"] == "interrupted"
    assert "told to end" in machine.desk.get(f"{PAGES}run/{run_id}/").text


def test_an_account_has_one_run_at_a_time_which_other_operators_can_stop(
    machine: Machine, account: Account, box: dict[str, Any]
) -> None:
    media_ids = add_old_messages(account, box, MESSAGES)
    run_id = machine.begin_and_lose_couchdb(account)
    other_desk = machine.other_instance()
    # Its buttons are gone; a form that was open before is refused.
    assert 'name="operation"' not in other_desk.get(f"{PAGES}{account.id}/").text
    refused = post_from(other_desk, f"{PAGES}run/{run_id}/", f"{account.id}/start/", operation="migrate")
    assert f"{machine.desk.name} started a migration of it" in refused.text
    assert refused.url.endswith(f"run/{run_id}/")
    post_from(other_desk, f"{PAGES}run/{run_id}/", f"run/{run_id}/stop/")
    assert wait_for_end(other_desk, run_id)["state"] == "stopped"
    history = other_desk.get(f"desk/account/{account.id}/history/").text
    assert "stopped" in history
    assert other_desk.name in history
    assert wait_for_end(other_desk, start_run(other_desk, account, "migrate"))["state"] == "done"
    assert_all_migrated_once(account, box, media_ids)


def test_one_of_several_simultaneous_starts_succeeds(machine: Machine, account: Account, box: dict[str, Any]) -> None:
    add_old_messages(account, box, MESSAGES)
    desk = machine.desk
    assert "dry_run" in desk.get(f"{PAGES}{account.id}/").text
    # CouchDB goes away before the first one can have ended: no other run can be started after its end.
    machine.proxy.cut_after(REQUESTS)
    with ThreadPoolExecutor(4) as executor:
        responses = list(executor.map(lambda _: send_start(desk, account), range(4)))
    other_desk = machine.other_instance()
    runs = set(RUN.findall(other_desk.get(f"{PAGES}{account.id}/").text))
    assert len(runs) == 1
    assert len([response for response in responses if f"/run/{min(runs)}/" in response.url]) >= 1
    wait_until(lambda: bool(get_progress(other_desk, int(min(runs)))["waits_for_couchdb"]))
    machine.pids.add(get_progress(other_desk, int(min(runs)))["pid"])
    history = other_desk.get(f"desk/account/{account.id}/history/").text
    assert history.count("started migrating") == 1


def test_the_number_of_active_runs_is_limited(
    machine: Machine, account: Account, box: dict[str, Any], new_account: Callable[..., Account]
) -> None:
    add_old_messages(account, box, MESSAGES)
    machine.begin_and_lose_couchdb(account)
    busy = machine.other_instance(MIGRATIONS_AT_ONCE="1")
    another = new_account()
    refused = post_from(busy, f"{PAGES}{another.id}/", f"{another.id}/start/", operation="dry_run")
    assert "The limit of migrations at once (1) is reached" in refused.text
    assert "None were started at the desk yet." in refused.text
