"""A backup of everything, taken while clients write, restored to an empty CouchDB and to empty tables."""

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from pytest_django.plugin import DjangoDbBlocker

from accounts.auth import signing
from backup.restore import InTheWay
from backup.tables import TablesInUse
from couch.client import Couch
from desk.models import AuditEntry, GroupAccess
from storage import database_names
from tests.support.api_client import Api
from tests.support.backups import dump_account, dump_database, make_backup, restore_into
from tests.support.machine import Machine
from tests.support.servers import Running, Service, start_couchdb, wait_until

CLIENTS = 3


@pytest.fixture(scope="module")
def machine(
    tmp_path_factory: pytest.TempPathFactory, new_service: Callable[..., Service], django_db_blocker: DjangoDbBlocker
) -> Iterator[Machine]:
    """Both servers, with operators, an audit log and keys."""
    django_db_blocker.unblock()
    machine = Machine(tmp_path_factory.mktemp("backed-up"), new_service)
    with machine.service.models():
        _create_operator("first", entries=3)
    yield machine
    machine.stop()


@pytest.fixture
def empty_couchdb(tmp_path: Path) -> Iterator[Running]:
    running = start_couchdb(tmp_path / "empty")
    yield running
    running.kill()


class Clients:
    """Clients that leave messages, and move them to another folder, one after the other."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._is_ended = threading.Event()
        self.acknowledged: dict[str, bytes] = {}
        """The recordings of messages that were acknowledged, by the messages' ids."""
        self._threads = [threading.Thread(target=self._work, args=[number]) for number in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._is_ended.set()
        for thread in self._threads:
            thread.join()

    def _work(self, number: int) -> None:
        api, count = self._machine.api(), 0
        while not self._is_ended.is_set():
            count += 1
            recording = b"RIFF" + f"{number}-{count} ".encode() * 4_000
            files = {
                "metadata": (None, json.dumps({"data": {"folder": "new"}}), "application/json"),
                "content_media": ("voice.wav", recording, "audio/x-wav"),
            }
            answer = api.put(f"vmboxes/{self._machine.box_id}/messages", files=files)
            assert answer.status_code == 201, answer.text
            message_id = answer.json()["data"]["media_id"]
            self.acknowledged[message_id] = recording
            moved = api.post(f"vmboxes/{self._machine.box_id}/messages/{message_id}", {"folder": "saved"})
            assert moved.status_code == 200, moved.text


def test_what_was_acknowledged_before_a_backup_under_load_is_restored_whole(
    machine: Machine, new_service: Callable[..., Service], empty_couchdb: Running, tmp_path: Path
) -> None:
    clients = Clients(machine)
    wait_until(lambda: len(clients.acknowledged) >= 30)
    before = dict(clients.acknowledged)
    machine.service.manage("backup", str(tmp_path / "full"))
    clients.stop()
    assert len(clients.acknowledged) > len(before)
    machine.service.manage("verify_backup", str(tmp_path / "full"))

    restored = new_service(empty_couchdb.url, WEB_CONCURRENCY="1")
    with machine.service.models():
        groups = _list_groups()
    with restored.models():  # where groups have other numbers
        Group.objects.order_by("name")[0].delete()
        Group.objects.create(name="another")
    restored.manage("restore", str(tmp_path / "full"))
    server = _open(empty_couchdb)
    messages: dict[str, dict[str, tuple[str, bytes]]] = {}
    for name, documents in dump_account(server, machine.account_id).items():
        owner = database_names.parse(name)
        assert owner is not None
        if owner.month:
            messages |= {doc_id: attachments for doc_id, (_, attachments) in documents.items()}
    contents = {doc_id: [content for _, content in files.values()] for doc_id, files in messages.items()}
    assert {doc_id: contents[doc_id] for doc_id in before} == {doc_id: [before[doc_id]] for doc_id in before}
    # Of what was stored meanwhile, nothing is half there either.
    assert all(files == [clients.acknowledged[doc_id]] for doc_id, files in contents.items())
    _serve_restored(machine, restored, before)
    with restored.models():
        assert _list_groups() == groups


def _serve_restored(machine: Machine, restored: Service, recordings: dict[str, bytes]) -> None:
    """Let the service run on what was restored: with the same API key, messages and operators."""
    account = Couch(restored.couchdb_url, connect_timeout=3, read_timeout=30).database(database_names.ACCOUNTS)
    api_key = (account.get(machine.account_id) or {})["pvt_api_key"]
    running = restored.start()
    try:
        anonymous = Api(running.url, machine.account_id)
        token = anonymous.put("/v2/api_auth", {"api_key": api_key}).json()["auth_token"]
        api = Api(running.url, machine.account_id, token)
        message_id, recording = next(iter(recordings.items()))
        raw = api.get(f"vmboxes/{machine.box_id}/messages/{message_id}/raw")
        assert raw.content == recording
        listed = api.get(f"vmboxes/{machine.box_id}/messages", params={"paginate": "false"}).json()["data"]
        assert {message["media_id"] for message in listed} >= recordings.keys()
    finally:
        running.stop()
    with restored.models():
        assert _list_operators() == ["first"]
        assert _count_audit_entries() == 3


def test_keys_are_in_a_backup_on_demand_alone(machine: Machine, empty_couchdb: Running, tmp_path: Path) -> None:
    original, server = _open(machine.couchdb), _open(empty_couchdb)
    with machine.service.models():
        without = make_backup(tmp_path / "without", server=original)
        make_backup(tmp_path / "with", server=original, with_keys=True)
    assert not without.databases.keys() & {database_names.KEYS, database_names.TOKENS}
    restore_into(server, tmp_path / "with", with_tables=False)
    for name in (database_names.KEYS, database_names.CONFIG):
        assert dump_database(server, name) == dump_database(original, name)
    assert signing.CATEGORY in dump_database(server, database_names.CONFIG)


def test_a_restore_over_another_system_is_refused(machine: Machine, tmp_path: Path) -> None:
    with machine.service.models():
        make_backup(tmp_path / "full", server=_open(machine.couchdb))
        with pytest.raises(InTheWay, match="have documents already"):
            restore_into(_open(machine.couchdb), tmp_path / "full")


def test_other_operators_are_in_the_way_of_the_tables(
    machine: Machine, new_service: Callable[..., Service], empty_couchdb: Running, tmp_path: Path
) -> None:
    server, other = _open(empty_couchdb), new_service(empty_couchdb.url)
    with machine.service.models():
        make_backup(tmp_path / "full", server=_open(machine.couchdb))
    with other.models():
        _create_operator("second", entries=0)
        with pytest.raises(TablesInUse):
            restore_into(server, tmp_path / "full")
        assert server.names("account/") == []
        restore_into(server, tmp_path / "full", with_tables=False)
        assert _list_operators() == ["second"]


def _open(running: Running) -> Couch:
    return Couch(running.url, connect_timeout=3, read_timeout=30)


def _create_operator(name: str, *, entries: int) -> None:
    operator = User.objects.create(username=name, is_staff=True)
    operator.groups.set(Group.objects.order_by("name")[:1])
    for number in range(entries):
        AuditEntry.objects.create(operator=operator, action="change", kind="mailbox", document_id=str(number))


def _list_groups() -> list[tuple[int, str, list[str], Any]]:
    """The groups with their numbers, permissions, and what else the desk knows of them."""
    groups = Group.objects.order_by("pk")
    return [
        (
            group.pk,
            group.name,
            sorted(group.permissions.values_list("codename", flat=True)),
            list(GroupAccess.objects.filter(group=group).values()),
        )
        for group in groups
    ]


def _list_operators() -> list[str]:
    assert all(user.groups.count() == 1 for user in User.objects.all())
    return sorted(User.objects.values_list("username", flat=True))


def _count_audit_entries() -> int:
    return AuditEntry.objects.filter(operator__username="first").count()
