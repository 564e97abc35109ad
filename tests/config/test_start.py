"""The service starts with safe settings only, and says in a sentence what is wrong with others."""

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Callable

import pytest
import requests

from tests.support.servers import PROJECT, SECRET_KEY, Service, direct, wait_until

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
        ("EMAIL_URL", "mail.example.com", "EMAIL_URL must be like smtp://"),
        ("EMAIL_URL", "smtps://mail.example.com", "EMAIL_URL must be like smtp://"),
        ("EMAIL_URL", "smtp://", "EMAIL_URL must be like smtp://"),
        ("EMAIL_URL", "smtp://u:hunter2@mail.example.com:port", "EMAIL_URL must be like smtp://"),
        ("LOG_LEVEL", "loud", "LOG_LEVEL must be one of DEBUG, INFO, WARNING, ERROR, CRITICAL, not 'LOUD'."),
    ],
)
def test_a_malformed_setting_is_named(name: str, value: str, explanation: str) -> None:
    ended = start(STARTS["manage.py"], **{**SAFE, name: value})
    assert ended.returncode != 0
    assert ended.stderr.strip().startswith(f"Not started: {explanation}")
    assert len(ended.stderr.strip().splitlines()) == 1


def test_a_new_master_waits_for_the_port_of_one_that_was_killed(new_service: Callable[..., Service]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    service = new_service(PORT=str(port), WEB_CONCURRENCY="1", CLIENT_SILENCE_SECONDS="100", GRACEFUL_TIMEOUT="100")
    log = service.folder / "gunicorn.log"
    url = f"http://127.0.0.1:{port}"

    def start_master() -> subprocess.Popen[bytes]:
        with log.open("ab") as output:
            command = [sys.executable, "-m", "gunicorn", "-c", "config/gunicorn.conf.py"]
            return subprocess.Popen(command, cwd=PROJECT, env=service.environment(), stdout=output, stderr=output)

    def is_answering() -> bool:
        with contextlib.suppress(requests.ConnectionError):
            return direct().get(f"{url}/health/live", timeout=60).ok
        return False

    master = start_master()
    wait_until(is_answering)
    with socket.create_connection(("127.0.0.1", port)) as unfinished:
        head = b"PUT /v2/user_auth HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n"
        unfinished.sendall(head)
        assert unfinished.recv(1_000).startswith(b"HTTP/1.1 100 Continue")
        master.kill()
        master.wait()
        successor = start_master()
        wait_until(lambda: "is still in use" in log.read_text())
    wait_until(lambda: log.read_text().count("Listening at") == 2)
    wait_until(is_answering)
    successor.terminate()
    assert successor.wait(timeout=60) == 0
