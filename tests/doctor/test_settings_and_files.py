"""What the doctor says of settings, versions and files, of which it knows without asking anybody."""

import tempfile
from collections.abc import Callable, Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from doctor.checks import files, versions
from doctor.checks import settings as settings_checks
from doctor.scope import Scope
from doctor.system_checks import check_deployment, check_installation

SOUND = {
    "ALLOWED_HOSTS": ["voicemail.example.com"],
    "SESSION_COOKIE_SECURE": True,
    "DEBUG": False,
    "COUCHDB_URL": "https://vmboxes:Ce9fae1ahgh4@couch.example.com",
}


@pytest.fixture
def configured(settings: Any) -> Any:
    """Settings with which nothing is wrong."""
    for name, value in SOUND.items():
        setattr(settings, name, value)
    return settings


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody on the machine may enter."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


def keys(*checks: Callable[[Scope], Any]) -> set[str]:
    """The keys of what checks find."""
    return {finding.key for check in checks for finding in check(Scope())}


@pytest.mark.parametrize(
    ("name", "value", "key"),
    [
        ("DEBUG", True, "debug_on"),
        ("ALLOWED_HOSTS", ["*"], "any_host_allowed"),
        ("SESSION_COOKIE_SECURE", False, "cookies_unprotected"),
        ("WEBHOOK_ALLOWED_NETWORKS", [ip_network("0.0.0.0/0")], "webhooks_to_this_machine"),
        ("SIGN_IN_FAILURES", 0, "sign_ins_unlimited"),
        ("REQUEST_LIMIT", 0, "requests_unlimited"),
        ("COUCHDB_URL", "http://couch.example.com:5984", "couchdb_without_user"),
        ("COUCHDB_URL", "http://admin:admin@couch.example.com:5984", "couchdb_password_weak"),
        ("COUCHDB_URL", "http://admin:changeme@couch.example.com:5984", "couchdb_password_weak"),
        ("AMQP_URL", "amqp://guest:guest@broker.example.com/%2F", "broker_password_weak"),
        ("AMQP_URL", "amqp://broker.example.com/%2F", "broker_password_weak"),
        ("RATE_LIMIT_STORAGE", "redis://redis.example.com:6379/0", "redis_without_password"),
        ("EMAIL_URL", "smtp://u:Ce9fae1ahgh4@mail.example.com:25", "mail_password_unencrypted"),
        ("EMAIL_URL", "smtp+tls://mail.example.com:587", "mail_sender_is_local"),
    ],
)
def test_a_risky_setting_is_told(configured: Any, name: str, value: Any, key: str) -> None:
    checks = (
        settings_checks.check_hosts,
        settings_checks.check_limits,
        settings_checks.check_mail,
        settings_checks.check_passwords,
    )
    assert key not in keys(*checks)
    setattr(configured, name, value)
    assert key in keys(*checks)


def test_djangos_checks_tell_the_same(configured: Any) -> None:
    configured.SIGN_IN_FAILURES = 0
    assert "doctor.sign_ins_unlimited" in {message.id for message in check_deployment()}
    assert "doctor.sign_ins_unlimited" not in {message.id for message in check_installation()}
    call_command("check")


def test_libraries_that_are_missing_or_other_versions_are_told(configured: Any, tmp_path: Path) -> None:
    configured.BASE_DIR = tmp_path
    lines = [
        "# a comment",
        "Django==1.0  # another",
        "orjson>=1 \\",
        "    --hash=sha256:00",
        "no-such-library==1.0",
        'no-such-either==1.0; python_version < "3"',
        "-r other.txt",
        "=== no requirement",
    ]
    (tmp_path / "requirements.txt").write_text("\n".join(lines))
    findings = {finding.key: finding.subjects for finding in versions.check_libraries(Scope())}
    assert findings["library_missing"] == ("no-such-library==1.0",)
    (different,) = findings["library_version"]
    assert different.startswith("Django ")


def test_the_pinned_libraries_of_this_project_can_be_read() -> None:
    project = Path(__file__).parents[2]
    names = {requirement.name for requirement in versions.read_requirements(project / "requirements.txt")}
    assert {"Django", "pycurl", "packaging"} <= names


def test_a_secret_file_that_others_may_read_is_told_and_closed(configured: Any, open_folder: Path) -> None:
    file = open_folder / "secret"
    file.write_text("a secret")
    configured.SECRET_FILES = [str(file)]
    file.chmod(0o640)
    assert "secret_file_open" not in keys(files.check_permissions)
    file.chmod(0o664)
    (finding,) = [finding for finding in files.check_permissions(Scope()) if finding.key == "secret_file_open"]
    assert finding.subjects == (str(file),)
    assert finding.repair is not None
    assert finding.repair() == [f"Changed the permissions of {file} from 0664 to 0640."]
    assert "secret_file_open" not in keys(files.check_permissions)
    assert file.read_text() == "a secret"


def test_what_is_in_a_folder_that_others_cannot_enter_is_safe(configured: Any, open_folder: Path) -> None:
    folder = open_folder / "private"
    folder.mkdir(0o700)
    (folder / "secret").touch(0o644)
    configured.SECRET_FILES = [str(folder / "secret"), str(folder / "missing")]
    assert "secret_file_open" not in keys(files.check_permissions)


def test_tables_that_others_may_read_are_told(configured: Any, open_folder: Path) -> None:
    database = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(open_folder / "tables.sqlite3")}
    configured.DATABASES = {"default": {**configured.DATABASES["default"], **database}}
    assert not keys(files.check_permissions, files.check_tables_writable)
    (open_folder / "tables.sqlite3-wal").touch()
    (open_folder / "tables.sqlite3-wal").chmod(0o604)
    assert keys(files.check_permissions) == {"table_file_open"}
    configured.DATABASES["default"]["NAME"] = str(open_folder / "missing" / "tables.sqlite3")
    assert keys(files.check_tables_writable) == {"tables_not_writable"}
