"""The key and the secret that sign tokens: made once where no Kazoo has been, and Kazoo's own where one has."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import requests

from tests.support.api_client import Api
from tests.support.kazoo_tokens import KazooTokens
from tests.support.servers import PROJECT, Service, direct, start_couchdb, wait_until

SIGN_IN = """
import sys, django
django.setup()
from accounts.auth import tokens
sys.stdin.readline()
print(tokens.issue("a" * 32, None, "cb_api_auth", "a secret"))
"""


@pytest.fixture
def empty_couchdb(tmp_path: Path) -> Iterator[str]:
    """The URL of a CouchDB in which nothing is."""
    couchdb = start_couchdb(tmp_path / "couchdb")
    yield couchdb.url
    couchdb.stop()


def issue_at_once(couchdb_url: str, folder: Path, count: int) -> tuple[list[str], str]:
    """Tokens that several processes issue at the same time, and what they wrote to their logs."""
    service = Service(couchdb_url, folder, folder / "tables.sqlite3")
    environment = {**service.environment(), "DJANGO_SETTINGS_MODULE": "config.settings"}
    command = [sys.executable, "-c", SIGN_IN]
    pipe = subprocess.PIPE
    processes = [
        subprocess.Popen(command, cwd=PROJECT, env=environment, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
        for _ in range(count)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    outputs = [process.communicate() for process in processes]
    assert [process.returncode for process in processes] == [0] * count, outputs
    return [output.strip() for output, _ in outputs], "".join(log for _, log in outputs)


def keys_in(couchdb_url: str) -> list[str]:
    """The ids of all keys."""
    answer: requests.Response = direct().get(f"{couchdb_url}/system_auth/_all_docs")
    return [row["id"] for row in answer.json()["rows"]]


def test_processes_that_start_together_agree_on_one_key(empty_couchdb: str, tmp_path: Path) -> None:
    kazoo = KazooTokens(empty_couchdb)
    tokens, log = issue_at_once(empty_couchdb, tmp_path, 3)
    (key_id,) = keys_in(empty_couchdb)
    assert kazoo.settings()["system_key"] == key_id
    assert len(key_id) == 32
    assert len(kazoo.settings()["secret_for_user_signature"]) == 64
    public_key = kazoo.public_key(key_id)
    for token in tokens:
        assert kazoo.decode(token, public_key)["account_id"] == "a" * 32
    assert "PRIVATE" not in log


def test_a_kazoos_own_key_is_used(empty_couchdb: str, tmp_path: Path) -> None:
    kazoo = KazooTokens(empty_couchdb)
    kazoo.install()
    before = kazoo.settings()
    (token,), _ = issue_at_once(empty_couchdb, tmp_path, 1)
    assert kazoo.settings() == before
    assert kazoo.decode(token, kazoo.public_key(before["system_key"]))["iss"] == "kazoo"
    assert keys_in(empty_couchdb) == [before["system_key"]]


def test_a_key_that_a_killed_process_announced_is_made(empty_couchdb: str, tmp_path: Path) -> None:
    announced = {"pvt_type": "config", "default": {"system_key": "e" * 32, "secret_for_user_signature": "a secret"}}
    session = direct()
    assert session.put(f"{empty_couchdb}/system_config").status_code in (201, 202)
    assert session.put(f"{empty_couchdb}/system_config/auth", json=announced).status_code in (201, 202)
    issue_at_once(empty_couchdb, tmp_path, 1)
    assert keys_in(empty_couchdb) == ["e" * 32]
    assert KazooTokens(empty_couchdb).settings() == announced["default"]


@pytest.mark.parametrize("odd", [None, 7, "", [], {"system_key": 7, "secret_for_user_signature": None}])
def test_odd_settings_are_replaced_by_ones_that_work(empty_couchdb: str, tmp_path: Path, odd: object) -> None:
    session, kazoo = direct(), KazooTokens(empty_couchdb)
    assert session.put(f"{empty_couchdb}/system_config").status_code in (201, 202)
    config = {"pvt_type": "config", "default": odd, "node@host": {"kept": True}}
    assert session.put(f"{empty_couchdb}/system_config/auth", json=config).status_code in (201, 202)
    (token,), _ = issue_at_once(empty_couchdb, tmp_path, 1)
    assert kazoo.decode(token, kazoo.public_key(kazoo.settings()["system_key"]))["iss"] == "kazoo"
    assert kazoo.document("system_config", "auth")["node@host"] == {"kept": True}


def test_a_key_that_cannot_be_read_is_an_error_that_says_which(empty_couchdb: str, tmp_path: Path) -> None:
    kazoo = KazooTokens(empty_couchdb)
    kazoo.install("no key at all")
    with pytest.raises(AssertionError, match=f"the key {kazoo.settings()['system_key']} in system_auth"):
        issue_at_once(empty_couchdb, tmp_path, 1)


def test_a_new_secret_of_the_server_ends_all_tokens(empty_couchdb: str, new_service: Callable[..., Service]) -> None:
    service = new_service(empty_couchdb, WEB_CONCURRENCY="1")
    created = json.loads(service.manage("create_account", "New", "new.example.com", "admin", "secret word"))
    running, kazoo = service.start(), KazooTokens(empty_couchdb)
    credentials = hashlib.md5(b"admin:secret word").hexdigest()
    anybody = Api(running.url, created["account_id"])

    def sign_in() -> Api:
        answer = anybody.put("/v2/user_auth", {"credentials": credentials, "account_realm": "new.example.com"})
        return replace(anybody, token=answer.json()["auth_token"])

    try:
        before = sign_in()
        assert before.get("").status_code == 200
        assert kazoo.verify(str(before.token))["owner_id"] == created["user_id"]
        kazoo.change("system_config", "auth", default={**kazoo.settings(), "secret_for_user_signature": "another"})
        wait_until(lambda: before.get("").status_code == 401)
        after = sign_in()
        assert after.get("").status_code == 200
        assert kazoo.verify(str(after.token))["owner_id"] == created["user_id"]
    finally:
        running.stop()
