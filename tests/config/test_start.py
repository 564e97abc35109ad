"""The service starts with safe settings only, and says in a sentence what is wrong with others."""

import os
import subprocess
import sys

import pytest

from tests.support.servers import PROJECT, SECRET_KEY

SAFE = {"COUCHDB_URL": "http://admin:secret@127.0.0.1:1", "SECRET_KEY": SECRET_KEY, "DEBUG": "0"}
STARTS = {
    "manage.py": ["manage.py", "check"],
    "gunicorn": ["-m", "gunicorn", "-c", "config/gunicorn.conf.py", "--check-config"],
    "wsgi": ["-c", "import config.wsgi"],
}


def start(arguments: list[str], **settings: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if name not in {*SAFE, "DJANGO_SETTINGS_MODULE"}}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=PROJECT, env=clean | settings, capture_output=True, text=True)


@pytest.mark.parametrize("way", STARTS)
def test_it_starts_with_safe_settings(way: str) -> None:
    ended = start(STARTS[way], **SAFE)
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("way", STARTS)
@pytest.mark.parametrize(
    ("secret", "explanation"),
    [
        ("", "SECRET_KEY is missing"),
        ("short but random: 8fJ2", "SECRET_KEY is too short"),
        ("django-insecure-8fJ2kd93jd92kd92jd92kd92kd92kd92k", "SECRET_KEY is a known example"),
        ("0" * 64, "SECRET_KEY is a known example"),
    ],
)
def test_it_does_not_start_without_a_safe_secret(way: str, secret: str, explanation: str) -> None:
    ended = start(STARTS[way], **{**SAFE, "SECRET_KEY": secret})
    assert ended.returncode != 0
    assert ended.stderr.strip().startswith(f"Not started: {explanation}")
    assert len(ended.stderr.strip().splitlines()) == 1


def test_without_settings_it_is_production() -> None:
    ended = start(STARTS["manage.py"])
    assert ended.returncode != 0
    assert "COUCHDB_URL is missing" in ended.stderr
    assert "SECRET_KEY is missing" in ended.stderr


def test_a_developer_needs_no_secret() -> None:
    ended = start(STARTS["manage.py"], COUCHDB_URL=SAFE["COUCHDB_URL"], DEBUG="1")
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize(
    ("name", "value", "explanation"),
    [
        ("COUCHDB_URL", "couch.example.com", "COUCHDB_URL must be like"),
        ("DEBUG", "perhaps", "DEBUG must be 1 or 0, not 'perhaps'."),
        ("MAX_UPLOAD_BYTES", "128 MB", "MAX_UPLOAD_BYTES must be a whole number of at least 1, not '128 MB'."),
        ("COUCHDB_READ_TIMEOUT", "0", "COUCHDB_READ_TIMEOUT must be a number of seconds above 0, not '0'."),
        ("LOG_LEVEL", "loud", "LOG_LEVEL must be one of DEBUG, INFO, WARNING, ERROR, CRITICAL, not 'LOUD'."),
    ],
)
def test_a_malformed_setting_is_named(name: str, value: str, explanation: str) -> None:
    ended = start(STARTS["manage.py"], **{**SAFE, name: value})
    assert ended.returncode != 0
    assert ended.stderr.strip().startswith(f"Not started: {explanation}")
    assert len(ended.stderr.strip().splitlines()) == 1
