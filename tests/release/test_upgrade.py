"""Upgrading from an earlier version and back by the steps of docs/operations.md, while clients write."""

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.api_client import Account, Api
from tests.support.kazoo_messages import audio_of, stored
from tests.support.operators import Desk
from tests.support.servers import PROJECT, Service, wait_until
from tests.support.unbroken_writers import Writer
from tests.support.upgrading import Installation, client, extract_version

pytestmark = [
    pytest.mark.long,
    pytest.mark.alone,
    pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning"),
]

EARLIER = "eb72d3f126c097b4d2d210a0f242368909a84c77"
"""The last commit of 2026-11-28: without search, overview, the API's audit and erasures, and their tables and views.

It needs the libraries of the present version, so one virtual environment has what both need.
"""
PASSWORD = "pass word 1"
OPERATOR = "chief"


@pytest.fixture(scope="module")
def earlier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the version before."""
    return extract_version(EARLIER, tmp_path_factory.mktemp("earlier"))


@pytest.fixture
def installation(couchdb: str, earlier: Path, tmp_path: Path) -> Iterator[Installation]:
    """The version before, installed and running behind its proxy."""
    settings = {"BEHIND_TLS_PROXY": "1", "ALLOWED_HOSTS": "127.0.0.1,localhost", "WEB_CONCURRENCY": "1"}
    installation = Installation(Service(couchdb, tmp_path, tmp_path / "tables.sqlite3", settings), earlier)
    for command in ("migrate", "sync_views"):
        installation.run(earlier, command)
    try:
        installation.start()
        yield installation
    finally:
        installation.stop()
        installation.run(PROJECT, "sync_views")  # for the tests that follow


@pytest.fixture
def account(installation: Installation, created_accounts: list[str]) -> Account:
    """An account that the version before created."""
    name, realm = "Before Ltd", f"{installation.https}.example.com"
    printed = installation.run(installation.program, "create_account", name, realm, "admin", PASSWORD)
    created = json.loads(printed)
    created_accounts.append(created["account_id"])
    return Account(created["account_id"], name, realm, "admin", PASSWORD, created["user_id"], created["api_key"])


@pytest.fixture
def new_api(installation: Installation, account: Account) -> Callable[[], Api]:
    """Makes clients that are logged in, each with a connection of its own."""

    def log_in() -> Api:
        api = Api(installation.url, account.id, session=client())
        credentials = hashlib.md5(f"{account.username}:{account.password}".encode()).hexdigest()
        answer = api.put("/v2/user_auth", {"credentials": credentials, "account_realm": account.realm})
        assert answer.status_code == 201, answer.text
        api.token = answer.json()["auth_token"]
        return api

    return log_in


@pytest.fixture
def writers(new_api: Callable[[], Api]) -> Iterator[list[Writer]]:
    """Clients that write to a mailbox each."""
    apis = [new_api() for _ in range(3)]
    user = {"first_name": "A", "last_name": "B", "username": "user", "password": PASSWORD}
    assert apis[0].put("users", user).status_code == 201
    writers = [Writer(api, api.new_box()["id"]) for api in apis]
    for writer in writers:
        writer.start()
    yield writers
    for writer in writers:
        writer.stop()


@pytest.fixture
def desk(installation: Installation) -> Desk:
    """An operator who was created with the version before, and signed in there."""
    installation.run(
        installation.program,
        *("createsuperuser", "--no-input", "--email", "chief@example.com"),
        DJANGO_SUPERUSER_USERNAME=OPERATOR,
        DJANGO_SUPERUSER_PASSWORD=PASSWORD,
    )
    desk = Desk(installation.url, OPERATOR, client())
    assert "Log out" in desk.post("login/", username=OPERATOR, password=PASSWORD, next="/admin/").text
    return desk


def assert_kept(account: Account, writers: list[Writer], new_api: Callable[[], Api]) -> None:
    """No request failed, and what was acknowledged is stored as it was, and served."""
    assert [failure for writer in writers for failure in writer.failures] == []
    api = new_api()
    for writer in writers:
        messages = writer.acknowledged()
        answer = api.get(f"vmboxes/{writer.box_id}/messages", params={"paginate": "false"})
        listed = {message["media_id"]: message["folder"] for message in answer.json()["data"]}
        assert len(messages) > 3
        for message_id, message in messages.items():
            assert stored(account, message_id)["metadata"]["folder"] == message.folder
            assert hashlib.sha256(audio_of(account, message_id)).hexdigest() == message.digest
            assert listed.get(message_id, "deleted") == message.folder
        latest = [message_id for message_id, message in messages.items() if message.folder != "deleted"][-1]
        audio = api.get(f"vmboxes/{writer.box_id}/messages/{latest}/raw")
        assert hashlib.sha256(audio.content).hexdigest() == messages[latest].digest


def write_on(writers: list[Writer]) -> None:
    """Wait until each writer has left more messages."""
    numbers = [len(writer.messages) for writer in writers]
    wait_until(lambda: all(w.failures or len(w.messages) > n + 4 for w, n in zip(writers, numbers, strict=True)))


def test_clients_write_through_an_upgrade_and_back(
    installation: Installation,
    account: Account,
    writers: list[Writer],
    desk: Desk,
    earlier: Path,
    new_api: Callable[[], Api],
    tmp_path: Path,
) -> None:
    write_on(writers)

    plan = json.loads(installation.run(PROJECT, "upgrade_check", "--json", statuses=(1,)))
    installation.run(earlier, "backup", str(tmp_path / "backup"), "--account", account.id)
    for command in ("migrate", "sync_views", "ensure_modbs"):
        installation.run(PROJECT, command)
    write_on(writers)
    assert "Nothing to do" in installation.run(PROJECT, "upgrade_check")
    installation.switch(PROJECT)
    write_on(writers)
    assert_kept(account, writers, new_api)
    assert account.name in desk.get("desk/account/").text

    marked = [change["name"] for change in plan["table_changes"] if not change["is_understood_before"]]
    assert marked == ["audit.0002_fields"]
    installation.run(PROJECT, "migrate", "audit", "0001")
    installation.switch(earlier)
    installation.run(earlier, "sync_views")
    write_on(writers)
    assert_kept(account, writers, new_api)
    assert account.name in desk.get("desk/account/").text
