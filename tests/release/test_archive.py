"""The archive that a machine without git installs from, and what is told about the libraries."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from crossbar.version import VERSION
from tests.support.api_client import Account
from tests.support.servers import PROJECT, Service, answers, direct, free_port, spawn, wait_until

pytestmark = pytest.mark.long

NAME = f"vmboxes-{VERSION}"


def run(folder: Path, *command: str, **settings: str) -> str:
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    ended = subprocess.run(command, cwd=folder, env=environment | settings, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive of what is committed, with a bill of materials beside it."""
    folder = tmp_path_factory.mktemp("dist")
    (folder / "sbom.cdx.json").write_text("{}")
    run(PROJECT, "scripts/archive", str(folder), str(folder / "sbom.cdx.json"))
    return folder / f"{NAME}.tar.gz"


def test_checksums_tell_whether_the_archive_is_whole(archive: Path) -> None:
    sums = dict(line.split("  ")[::-1] for line in (archive.parent / "SHA256SUMS").read_text().splitlines())
    assert sums[archive.name] == hashlib.sha256(archive.read_bytes()).hexdigest()
    assert "sbom.cdx.json" in sums


def test_the_same_commit_makes_the_same_archive(archive: Path, tmp_path: Path) -> None:
    run(PROJECT, "scripts/archive", str(tmp_path), str(archive.parent / "sbom.cdx.json"))
    assert (tmp_path / archive.name).read_bytes() == archive.read_bytes()


def test_the_archive_installs_and_serves_without_git(
    archive: Path, service: Service, account: Account, tmp_path: Path
) -> None:
    run(tmp_path, "tar", "xzf", str(archive))
    folder = tmp_path / NAME
    assert {"sbom.cdx.json", "requirements.lock", "CHANGELOG.md"} <= {path.name for path in folder.iterdir()}
    assert not (folder / "tests/release/test_upgrade.py").exists(), "it needs the repository's history"
    run(folder, sys.executable, "-m", "venv", "venv")
    run(folder, "venv/bin/pip", "install", "--quiet", "--require-hashes", "-r", "requirements.lock")
    settings = service.with_settings(tmp_path).environment() | {"DATABASE_URL": f"sqlite:///{tmp_path}/tables"}
    for command in ("migrate", "sync_views", "ensure_modbs"):
        run(folder, "venv/bin/python", "manage.py", command, **settings)
    port = free_port()
    gunicorn = ["venv/bin/gunicorn", "-c", "config/gunicorn.conf.py", "-b", f"127.0.0.1:{port}"]
    process = spawn(gunicorn, tmp_path / "log", settings, folder=folder)
    try:
        wait_until(lambda: process.poll() is not None or answers(f"http://127.0.0.1:{port}/health/ready"))
        credentials = hashlib.md5(f"{account.username}:{account.password}".encode()).hexdigest()
        data = {"credentials": credentials, "account_realm": account.realm}
        signed_in = direct().put(f"http://127.0.0.1:{port}/v2/user_auth", json={"data": data}, timeout=60)
        assert signed_in.status_code == 201, (tmp_path / "log").read_text()
        assert signed_in.json()["version"] == VERSION
    finally:
        process.terminate()
        process.wait(30)


def test_the_licences_of_all_libraries_are_told() -> None:
    text = run(PROJECT, sys.executable, "scripts/licences.py", "requirements.lock")
    assert "Django 5" in text
    assert "BSD-3-Clause" in text
    assert "Permission is hereby granted" in text
