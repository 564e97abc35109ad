"""Records are kept: when processes are killed, while the database is away, and where nothing can be written."""

import sqlite3
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from audit import retention, shipping
from audit.differences import differences
from audit.models import Entry, EntryDocument
from audit.spool import Spool, adopt_files, create_file
from doctor.checks.audit import check_records
from doctor.scope import Scope
from tests.support.api_client import Account, Api
from tests.support.audit_entries import entry_of
from tests.support.machine import Machine
from tests.support.servers import Running, Service, direct, wait_until


@pytest.fixture(scope="module")
def machine(
    tmp_path_factory: pytest.TempPathFactory,
    new_service: Callable[..., Service],
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[Machine]:
    """Both servers, which can be killed."""
    django_db_blocker.unblock()
    machine = Machine(tmp_path_factory.mktemp("audit"), new_service)
    yield machine
    machine.stop()


def audit_health(server: Running) -> requests.Response:
    """The answer of the health check."""
    return direct().get(f"{server.url}/health/audit", timeout=60)


def test_no_record_of_an_acknowledged_change_is_lost_or_doubled_by_a_kill(machine: Machine) -> None:
    wait_until(lambda: audit_health(machine.server).json()["bytes_waiting"] == 0)
    tables = sqlite3.connect(machine.service.tables, isolation_level=None)
    tables.execute("BEGIN IMMEDIATE")  # nobody else writes until it ends
    api = machine.api()
    answers = [api.patch(f"vmboxes/{machine.box_id}", {"name": f"Box {number}"}) for number in range(20)]
    assert all(answer.ok for answer in answers)
    health = audit_health(machine.server).json()
    assert (health["status"], health["spool_writable"]) == ("storing", True)
    assert health["bytes_waiting"] > 0
    machine.kill_service()
    tables.execute("ROLLBACK")
    tables.close()
    machine.start_service()
    ids = [answer.headers["X-Request-ID"] for answer in answers]
    stored = [entry_of(machine.service, answer)["difference"]["name"][1] for answer in answers]
    assert stored == [f"Box {number}" for number in range(20)]
    with machine.service.models():
        assert Entry.objects.filter(request_id__in=ids).count() == 20
    wait_until(lambda: audit_health(machine.server).json()["bytes_waiting"] == 0)


def test_changes_are_made_and_recorded_where_nothing_can_be_written(
    server_with: Callable[..., Running],
    service: Service,
    account: Account,
    log_in: Callable[..., Api],
    tmp_path: Path,
) -> None:
    (tmp_path / "file").touch()
    server = server_with(AUDIT_SPOOL=str(tmp_path / "file" / "folder"))
    api = Api(server.url, account.id, log_in(account).token)
    answer = api.put("vmboxes", {"name": "A box", "mailbox": "8001"})
    assert answer.status_code == 201
    assert entry_of(service, answer)["action"] == "created"
    assert (audit_health(server).status_code, audit_health(server).json()["spool_writable"]) == (503, False)
    assert "wait in memory" in server.logged()


def record(number: int, **members: Any) -> bytes:
    """A line of the spool."""
    spool_line = b'{"id": "%032d", "time": 1800000000.5, "action": "changed", "kind": "mailbox", "document_id": "x%d"'
    further = b"".join(b', "%s": %s' % (name.encode(), value) for name, value in members.items())
    return spool_line % (number, number) + further + b"}"


def test_a_record_that_is_brought_twice_is_stored_once(service: Service) -> None:
    lines = [record(1), record(2, documents=b'["a", "b"]')]
    with service.models():
        shipping.store(lines)
        shipping.store([*lines, record(3)])
        ids = [f"{number:032d}" for number in (1, 2, 3)]
        assert Entry.objects.filter(record_id__in=ids).count() == 3
        assert EntryDocument.objects.filter(entry__record_id=ids[1]).count() == 2


def test_a_broken_record_holds_up_no_other(service: Service, tmp_path: Path) -> None:
    file = create_file(tmp_path)
    file.append(record(11) + b"\n" + b'{"id": "broken\n' + record(12) + b"\n" + b'{"id": "half a line')
    file.close()
    with service.models():
        shipping.ship_left_behind(Spool(tmp_path))
        assert Entry.objects.filter(record_id__in=[f"{number:032d}" for number in (11, 12)]).count() == 2
    assert not list(tmp_path.iterdir())


def test_files_of_living_processes_are_left_alone(tmp_path: Path) -> None:
    file = create_file(tmp_path)
    file.append(b"a line\n")
    assert not list(adopt_files(tmp_path))
    file.close()
    assert [adopted.size for adopted in adopt_files(tmp_path)] == [7]


def test_records_of_a_spool_are_taken_while_others_come(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append(b"1\n")
    file = spool.take_file()
    assert file is not None
    spool.append(b"2\n3\n")
    assert list(file.read_batches(10)) == [[b"1"]]
    file.empty()
    file = spool.take_file()
    assert file is not None
    assert list(file.read_batches(1)) == [[b"2"], [b"3"]]
    file.empty()
    assert spool.take_file() is None
    spool.close()
    assert not list(tmp_path.iterdir())


def test_the_doctor_tells_what_waits_and_what_cant_be_written(settings: Any, tmp_path: Path) -> None:
    settings.AUDIT_SPOOL = str(tmp_path / "spool")
    assert not list(check_records(Scope()))
    file = create_file(tmp_path / "spool")
    file.append(record(31).replace(b"1800000000.5", b"1700000000.5") + b"\n")
    assert [finding.key for finding in check_records(Scope())] == ["audit_waiting"]
    file.remove()
    (tmp_path / "file").touch()
    settings.AUDIT_SPOOL = str(tmp_path / "file" / "spool")
    assert [finding.key for finding in check_records(Scope())] == ["audit_not_writable"]


def test_old_entries_are_deleted(service: Service, settings: Any) -> None:
    with service.models():
        old, new = (
            Entry.objects.create(time=timezone.now() - timedelta(days=days), action="changed", record_id=f"r{days}")
            for days in (31, 29)
        )
        EntryDocument.objects.create(entry=old, document_id="a")
        settings.AUDIT_DAYS = 0
        assert retention.delete_old_entries() == 0
        settings.AUDIT_DAYS = 30
        assert retention.delete_old_entries() >= 1
        assert list(Entry.objects.filter(pk__in=[old.pk, new.pk])) == [new]
        assert not EntryDocument.objects.filter(entry_id=old.pk).exists()


@pytest.mark.parametrize(
    ("before", "after", "difference"),
    [
        ({"pin": "1"}, {"pin": "2"}, {"pin": ["(hidden)", "(hidden)"]}),
        ({}, {"a": [{"token": "x", "b": 1}]}, {"a": [None, [{"token": "(hidden)", "b": 1}]]}),
        ({}, {"secret_for_signing": "x"}, {"secret_for_signing": [None, "(hidden)"]}),
        ({}, {"has_secrets": True}, {"has_secrets": [None, True]}),
        ({}, {"a": {"password": "x", "b": 1}}, {"a.b": [None, 1], "a.password": [None, "(hidden)"]}),
        ({}, {"uri": "http://ada:word@example.com"}, {"uri": [None, "http://ada:***@example.com"]}),
        ({"a": 1, "pvt_modified": 1}, {"a": 1, "pvt_modified": 2}, {}),
        ({"a": None}, {}, {}),
    ],
)
def test_differences_hold_no_secret(before: Any, after: Any, difference: Any) -> None:
    assert differences(before, after) == difference


def test_long_values_are_shortened() -> None:
    (change,) = differences({}, {"a": "x" * 5_000}).values()
    assert change == [None, "x" * 2_000 + " ..."]
