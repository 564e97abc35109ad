"""The doctor of a whole installation, with a CouchDB of its own, as operators and monitoring run it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from couch.client import Couch
from doctor.findings import Severity, error, note, warning
from doctor.outcome import Entry, SubjectReport, exit_status
from tests.doctor.conftest import run_doctor, run_process
from tests.support.scripted_server import response, scripted_server
from tests.support.servers import Running, Service

SOUND = {"SEND_WEBHOOKS": "0", "SEARCH_INDEX": "0", "EMAIL_URL": "", "AMQP_URL": "", "RATE_LIMIT_STORAGE": ""}
IGNORED = ("--ignore", "couchdb_embedded", "--ignore", "couchdb_password_weak")
WELCOME = b'{"couchdb":"Welcome","version":"3.5.0","features":[]}'


@pytest.fixture(scope="module")
def installation(new_service: Callable[..., Service], own_couchdb: Running) -> Service:
    """An installation with a CouchDB of its own."""
    return new_service(own_couchdb.url, **SOUND)


def test_an_empty_couchdb_is_told_and_prepared(installation: Service, own_couchdb: Running) -> None:
    diagnosis = run_doctor(installation, *IGNORED)
    assert diagnosis.status == 2
    assert {"system_database_missing", "global_changes_missing"} <= diagnosis.findings.keys()
    fixed = run_doctor(installation, *IGNORED, "--fix").findings
    assert fixed["global_changes_missing"]["repairs"] == ["Created the database _global_changes."]
    assert fixed["system_database_missing"]["fixed"]
    couchdb = Couch(own_couchdb.url, connect_timeout=3, read_timeout=30)
    assert {"_global_changes", "accounts", "system_config"} <= set(couchdb.names())
    created = installation.manage("create_account", "A", "a.example.com", "admin", "pass word 1")
    assert "account_id" in created
    diagnosis = run_doctor(installation, *IGNORED, "--deep")
    assert (diagnosis.status, diagnosis.members["status"]) == (0, "fine"), diagnosis.members
    assert all(subject["checked"] for subject in diagnosis.members["subjects"])


def test_the_text_has_the_worst_first_and_what_to_do(installation: Service) -> None:
    text = run_process(installation, "--account", "0" * 32).stdout
    first, second = text.splitlines()[:2]
    assert first.startswith("Accounts and months")
    assert second == "  error    There is no such account. [account_unknown]"
    assert "→ Look up its id at the desk, under Accounts." in text
    assert "\x1b" not in text
    assert run_process(installation, "--account", "../etc").returncode == 2


def test_what_is_away_is_told_and_the_rest_is_checked(new_service: Callable[..., Service]) -> None:
    away = {
        "EMAIL_URL": "smtp://127.0.0.1:1",
        "AMQP_URL": "amqp://127.0.0.1:1",
        "RATE_LIMIT_STORAGE": "redis://127.0.0.1:1",
    }
    service = new_service("http://admin:Ce9fae1ahgh4@127.0.0.1:1", **away)
    diagnosis = run_doctor(service, "--deep")
    expected = {"couchdb_unreachable", "mail_server_away", "broker_away", "redis_away", "follower_missing"}
    assert expected <= diagnosis.findings.keys()
    assert diagnosis.status == 2
    unchecked = {subject["subject"] for subject in diagnosis.members["subjects"] if not subject["checked"]}
    assert unchecked == {"couchdb", "clock", "databases", "views", "sizes", "data"}


@pytest.mark.parametrize("is_welcoming", [True, False])
def test_a_silent_couchdb_ends_nothing(new_service: Callable[..., Service], is_welcoming: bool) -> None:
    def answer(request: bytes, number: int) -> bytes:
        return response(WELCOME) if is_welcoming and request.startswith(b"GET / ") else b""

    with scripted_server(answer) as server:
        service = new_service(server.url.replace("//", "//admin:Ce9fae1ahgh4@"), **SOUND)
        diagnosis = run_doctor(service, "--deep")
    assert "couchdb_unreachable" in diagnosis.findings
    assert [finding["subject"] for finding in diagnosis.members["findings"]].count("couchdb") == 1


def test_what_is_no_couchdb_is_told(new_service: Callable[..., Service]) -> None:
    with scripted_server(lambda request, number: response(b"[]")) as server:
        service = new_service(server.url.replace("//", "//admin:Ce9fae1ahgh4@"), **SOUND)
        assert "not_couchdb" in run_doctor(service).findings


def test_wrong_credentials_are_told(new_service: Callable[..., Service], own_couchdb: Running) -> None:
    service = new_service(own_couchdb.url.replace("secret", "wrong"), **SOUND)
    assert "couchdb_credentials" in run_doctor(service).findings


def test_settings_with_which_nothing_starts_are_told(installation: Service, tmp_path: Path) -> None:
    unsafe = run_doctor(installation.with_settings(tmp_path, SECRET_KEY="short"))
    assert unsafe.findings["setting_unsafe"]["problem"] == "SECRET_KEY is too short."
    unreadable = run_doctor(installation.with_settings(tmp_path, MAX_UPLOAD_BYTES="128 MB"))
    assert (unreadable.status, list(unreadable.findings)) == (2, ["start_failed"])


def test_tables_that_are_missing_or_outdated_are_told(installation: Service, tmp_path: Path) -> None:
    elsewhere = installation.with_settings(tmp_path, DATABASE_URL=f"sqlite:///{tmp_path}/empty.sqlite3")
    findings = run_doctor(elsewhere).findings
    assert {"tables_outdated", "tables_away"} <= findings.keys()


def test_the_exit_status_is_that_of_the_worst_that_is_left() -> None:
    def status(*entries: Entry) -> int:
        return exit_status([SubjectReport("a", "A", list(entries)), SubjectReport("b", "B")])

    assert status() == 0
    assert status(Entry(note("n", "", ""))) == 0
    assert status(Entry(note("n", "", "")), Entry(warning("w", "", ""))) == 1
    assert status(Entry(warning("w", "", "")), Entry(error("e", "", ""))) == 2
    assert status(Entry(warning("w", "", "")), Entry(error("e", "", ""), is_fixed=True)) == 1
    assert list(Severity) == [Severity.ERROR, Severity.WARNING, Severity.NOTE]
