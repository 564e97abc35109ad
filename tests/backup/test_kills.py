"""A backup or a restore that was interrupted anywhere is finished by the same call."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from backup import layout
from backup.layout import NotABackup
from backup.opening import open_place
from backup.places import PlaceError
from couch.client import Couch, couch
from couch.errors import Unreachable
from tests.support.backups import check_backup, dump_account, make_backup, restore_into
from tests.support.cutting import CuttingProxy, through
from tests.support.servers import PROJECT, Service


@pytest.mark.parametrize("limit", [3, 14, 22, 30])
def test_a_backup_continues_where_it_was_interrupted(
    filled_account: str, target: Couch, tmp_path: Path, limit: int
) -> None:
    with CuttingProxy(settings.COUCHDB_URL, limit) as proxy, through(proxy), pytest.raises(Unreachable):
        make_backup(tmp_path / "full", filled_account, segment_documents=3, patience=0)
    with pytest.raises(NotABackup, match="not finished"):
        check_backup(tmp_path / "full")
    finished = _read_segments(tmp_path / "full")
    make_backup(tmp_path / "full", filled_account, segment_documents=3)
    assert finished.items() <= _read_segments(tmp_path / "full").items()
    assert check_backup(tmp_path / "full").faults == []
    restore_into(target, tmp_path / "full", filled_account)
    assert dump_account(target, filled_account) == dump_account(couch(), filled_account)


@pytest.mark.parametrize("limit", [5, 18, 30, 45])
def test_a_restore_continues_where_it_was_interrupted(
    filled_account: str, target: Couch, tmp_path: Path, limit: int
) -> None:
    make_backup(tmp_path / "full", filled_account)
    with CuttingProxy(target.resource.url.replace("//", "//admin:secret@"), limit, swallow=limit % 2 == 0) as proxy:
        server = Couch(proxy.url, connect_timeout=3, read_timeout=30)
        with pytest.raises(Unreachable):
            restore_into(server, tmp_path / "full", filled_account, patience=0)
    assert restore_into(target, tmp_path / "full", filled_account).faults == []
    assert dump_account(target, filled_account) == dump_account(couch(), filled_account)


def test_both_commands_continue_after_kill_9(
    filled_account: str, target: Couch, tmp_path: Path, service: Service
) -> None:
    _run_until_killed(
        service, settings.COUCHDB_URL, 20, "backup", str(tmp_path / "full"), "--account", filled_account
    )
    with pytest.raises(NotABackup):
        check_backup(tmp_path / "full")
    make_backup(tmp_path / "full", filled_account)
    url = target.resource.url.replace("//", "//admin:secret@")
    _run_until_killed(service, url, 30, "restore", str(tmp_path / "full"), "--account", filled_account)
    assert dump_account(target, filled_account) != dump_account(couch(), filled_account)
    restore_into(target, tmp_path / "full", filled_account)
    assert dump_account(target, filled_account) == dump_account(couch(), filled_account)


def test_a_backup_is_not_continued_with_other_options(filled_account: str, tmp_path: Path) -> None:
    with CuttingProxy(settings.COUCHDB_URL, 14) as proxy, through(proxy), pytest.raises(Unreachable):
        make_backup(tmp_path / "full", filled_account, patience=0)
    with pytest.raises(PlaceError, match="other options"):
        make_backup(tmp_path / "full", filled_account, with_keys=True)


def test_two_backups_do_not_mix(filled_account: str, tmp_path: Path) -> None:
    place = open_place(str(tmp_path / "full"))
    with place.locked(), pytest.raises(PlaceError, match="Another backup is writing"):
        make_backup(tmp_path / "full", filled_account)
    make_backup(tmp_path / "full", filled_account)
    with pytest.raises(PlaceError, match="finished backup"):
        make_backup(tmp_path / "full", filled_account)


def _run_until_killed(service: Service, url: str, limit: int, *arguments: str) -> None:
    """Run a command, and kill it before its request of a number arrives at CouchDB."""
    processes: list[subprocess.Popen[bytes]] = []

    def kill(number: int) -> None:
        if number == limit:
            processes[0].kill()
            processes[0].wait()

    with CuttingProxy(url, before=kill) as proxy:
        environment = {**service.environment(), "COUCHDB_URL": proxy.url}
        command = [sys.executable, "manage.py", *arguments]
        processes.append(subprocess.Popen(command, cwd=PROJECT, env=environment, stderr=subprocess.DEVNULL))
        assert processes[0].wait(timeout=120) == -9


def _read_segments(folder: Path) -> dict[str, str]:
    """The digests of all finished segments, by their paths."""
    lists = [json.loads(path.read_text()) for path in folder.glob("databases/*/database.json")]
    segments = {segment["path"]: segment["sha256"] for files in lists for segment in files["segments"]}
    assert all(layout.digest_file(folder / path) == sha256 for path, sha256 in segments.items())
    return segments
