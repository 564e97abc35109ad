"""What deploy/ holds fits the project: its steps make a service that runs, and no secret has a default."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.servers import PROJECT, SECRET_KEY, Service, free_port

DEPLOY = PROJECT / "deploy"


def run(script: str, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(DEPLOY / script), *arguments]
    return subprocess.run(command, env={**os.environ, **settings}, capture_output=True, text=True, cwd="/")


def test_what_the_dockerfile_copies_is_healthy_and_writes_nothing(service: Service, tmp_path: Path) -> None:
    settings = {**service.environment(), "BIND": "127.0.0.1", "PORT": str(free_port())}
    ended = run("try_image.py", str(tmp_path / "image"), "--venv", sys.prefix, **settings)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "writes nothing outside its volume" in ended.stdout


def test_every_package_of_the_service_is_copied_and_let_through() -> None:
    copied = re.findall(r"^COPY (\w+) ", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    packages = {init.parent.name for init in PROJECT.glob("*/__init__.py")} - {
        "embedded_couchdb",
        "tests",
        "benchmarks",
    }
    assert packages == {name for name in copied if (PROJECT / name).is_dir()}


def test_secrets_are_made_once_and_match_each_other(tmp_path: Path) -> None:
    (tmp_path / "tls.pem").write_text("a certificate of one's own")
    for _ in range(2):
        ended = run("make_secrets.py", "voicemail.example.com", "--folder", str(tmp_path))
        assert ended.returncode == 0, ended.stderr
        secrets = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert secrets["tls.pem"] == "a certificate of one's own"
    assert set(secrets) == {
        "couchdb.ini",
        "couchdb_url",
        "postgresql_password",
        "database_url",
        "secret_key",
        "tls.pem",
    }
    assert ended.stdout.count("kept:") == 3
    assert secrets["postgresql_password"] in secrets["database_url"]
    password = re.search(r"//vmboxes:(.+)@couchdb", secrets["couchdb_url"])
    assert password
    assert password[1] not in secrets["couchdb.ini"]
    mounted = set(re.findall(r"\./secrets/(\S+?)[}:]", (DEPLOY / "compose.yaml").read_text()))
    assert mounted == set(secrets)


def test_secrets_are_not_made_again_if_one_is_missing(tmp_path: Path) -> None:
    (tmp_path / "tls.pem").touch()
    arguments = ["make_secrets.py", "voicemail.example.com", "--folder", str(tmp_path)]
    assert run(*arguments).returncode == 0
    before = (tmp_path / "couchdb.ini").read_text()
    (tmp_path / "couchdb_url").unlink()
    ended = run(*arguments)
    assert ended.returncode != 0
    assert "only fit together" in ended.stderr
    assert (tmp_path / "couchdb.ini").read_text() == before


@pytest.mark.parametrize("name", ["SECRET_KEY", "COUCHDB_URL", "DATABASE_URL"])
def test_a_secret_can_be_in_a_file(name: str, tmp_path: Path) -> None:
    values = {
        "SECRET_KEY": SECRET_KEY,
        "COUCHDB_URL": "http://admin:secret@127.0.0.1:1",
        "DATABASE_URL": f"sqlite:///{tmp_path / 'some.sqlite3'}",
    }
    (tmp_path / "secret").write_text(values[name] + "\n")
    settings = {**values, name: "", f"{name}_FILE": str(tmp_path / "secret"), "DEBUG": "0"}
    shown = "from config import settings as s; print(s.SECRET_KEY, s.COUCHDB_URL, s.DATABASES['default']['NAME'])"
    ended = subprocess.run(
        [sys.executable, "-c", shown], cwd=PROJECT, env={**os.environ, **settings}, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.split() == [SECRET_KEY, values["COUCHDB_URL"], str(tmp_path / "some.sqlite3")]


def test_a_secret_file_that_is_missing_is_named(tmp_path: Path) -> None:
    missing = str(tmp_path / "nowhere")
    settings = {"SECRET_KEY": "", "SECRET_KEY_FILE": missing, "COUCHDB_URL": "http://a:b@127.0.0.1:1", "DEBUG": "0"}
    ended = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=PROJECT,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
    )
    assert ended.returncode != 0
    assert ended.stderr.startswith(f"Not started: SECRET_KEY_FILE: {missing} can't be read")
