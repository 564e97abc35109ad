"""What the tests share: a CouchDB, the service under gunicorn, accounts in it, and real audio.

``COUCHDB_URL`` makes them use that CouchDB, else an embedded one is started. Either way the accounts that
they make, with all their databases, are gone at the end.
"""

import hashlib
import json
import secrets
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command

from couch.client import Database, Document, couch
from storage import database_names
from tests.support.api_client import Account, Api
from tests.support.audio import Studio
from tests.support.operators import Desk, new_operator
from tests.support.servers import SECRET_KEY, Running, Service, direct, start_couchdb

PASSWORD = "pass word 1"


def pytest_configure() -> None:
    """Clean up after SIGTERM as after Ctrl-C: a CouchDB that others use, too, must not keep what tests made."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.fixture(scope="session")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the whole run."""
    return tmp_path_factory.mktemp("service")


@pytest.fixture(scope="session")
def couchdb(workplace: Path) -> Iterator[str]:
    """The URL of a CouchDB with all that the service needs in it; this process's settings use it, too."""
    embedded = None if settings.COUCHDB_URL else start_couchdb(workplace / "couchdb")
    settings.COUCHDB_URL = embedded.url if embedded else settings.COUCHDB_URL
    settings.SECRET_KEY = SECRET_KEY
    couch.cache_clear()
    call_command("sync_views", stdout=StringIO())
    yield settings.COUCHDB_URL
    if embedded:
        embedded.stop()


@pytest.fixture(scope="session")
def service(couchdb: str, workplace: Path) -> Service:
    """How to start the service, its own tables made."""
    service = Service(couchdb, workplace)
    service.manage("migrate", "--verbosity", "0")
    return service


@pytest.fixture(scope="session")
def server(service: Service) -> Iterator[Running]:
    """The service, running."""
    running = service.start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def made_accounts(couchdb: str) -> Iterator[list[str]]:
    """The ids of the accounts that the tests made; they and those below them are taken away at the end."""
    made: list[str] = []
    yield made
    accounts = couch().database(database_names.ACCOUNTS)
    for row in accounts.all_docs(include_docs=True):
        doc = row["doc"]
        if {doc["_id"], *doc.get("pvt_tree", [])} & set(made):
            accounts.delete(doc["_id"], doc["_rev"])
            for name in couch().names(database_names.account_db(doc["_id"])):
                couch().drop(name)
    _forget_master(made)


def _forget_master(made: list[str]) -> None:
    """The first superduper admin of a system becomes its master: a test's must not stay that."""

    def change(doc: Document) -> Document | None:
        named = doc.get("default", {}).get("master_account_id")
        kept = {key: value for key, value in doc.get("default", {}).items() if key != "master_account_id"}
        return {**doc, "default": kept} if named in made else None

    couch().database(database_names.CONFIG).update("accounts", change)


@pytest.fixture(scope="session")
def new_account(made_accounts: list[str]) -> Callable[..., Account]:
    """Makes accounts: ``new_account()``, ``new_account(parent=other.id)``, ``new_account(superduper_admin=True)``."""

    def make(*, parent: str | None = None, superduper_admin: bool = False) -> Account:
        unique = secrets.token_hex(6)
        name, realm, username = f"Account {unique}", f"{unique}.example.com", f"admin-{unique}"
        arguments = ["create_account", name, realm, username, PASSWORD]
        arguments += ["--parent", parent] if parent else []
        arguments += ["--superduper-admin"] if superduper_admin else []
        call_command(*arguments, stdout=(printed := StringIO()))
        made = json.loads(printed.getvalue())
        made_accounts.append(made["account_id"])
        return Account(made["account_id"], name, realm, username, PASSWORD, made["user_id"], made["api_key"])

    return make


@pytest.fixture
def account(new_account: Callable[..., Account]) -> Account:
    """A fresh account with an administrator."""
    return new_account()


@pytest.fixture
def new_database(couchdb: object) -> Iterator[Database]:
    """An empty database, alone in its folder.

    Not called ``database``: what is called so in a module's plugin would lose to it.
    """
    name = f"account/{secrets.token_hex(1)}/{secrets.token_hex(1)}/{secrets.token_hex(14)}"
    couch().create(name)
    yield couch().database(name)
    couch().drop(name)


@pytest.fixture
def owner(account: Account) -> dict[str, Any]:
    """The account's document, as much of it as the domain looks at."""
    return {"_id": account.id, "realm": account.realm}


@pytest.fixture
def log_in(server: Running) -> Callable[..., Api]:
    """Logs in through the API: ``log_in(account)``, ``log_in(account, "some user", "its password")``."""

    def client(account: Account, username: str | None = None, password: str | None = None) -> Api:
        spelled = f"{username or account.username}:{password or account.password}"
        credentials = {"credentials": hashlib.md5(spelled.encode()).hexdigest(), "account_realm": account.realm}
        answer = direct().put(f"{server.url}/v2/user_auth", json={"data": credentials}, timeout=60)
        assert answer.status_code == 201, answer.text
        return Api(server.url, account.id, answer.json()["auth_token"])

    return client


@pytest.fixture
def api(log_in: Callable[..., Api], account: Account) -> Api:
    """A client that is logged in as the account's administrator."""
    return log_in(account)


@pytest.fixture(scope="session")
def operators(server: Running, service: Service) -> Callable[..., Desk]:
    """The n-th operator of some groups and permissions; each is made once, which takes seconds."""

    @cache
    def made(number: int, groups: tuple[str, ...], permissions: tuple[str, ...]) -> Desk:
        return new_operator(server.url, service, groups, permissions)

    return made


@pytest.fixture
def fresh_operator(server: Running, service: Service) -> Callable[..., Desk]:
    """As `operator`, for tests that change operators, or look at all that one did: each is a new one."""

    def make(*groups: str, permissions: tuple[str, ...] = ()) -> Desk:
        return new_operator(server.url, service, groups, permissions)

    return make


@pytest.fixture
def operator(operators: Callable[..., Desk]) -> Callable[..., Desk]:
    """Operators of the desk: ``operator("Support")``, ``operator(permissions=("view_account",))``.

    Several that one test asks for are several, each logged in, with nothing left over from other tests' pages.
    """
    asked: Counter[tuple[tuple[str, ...], tuple[str, ...]]] = Counter()

    def make(*groups: str, permissions: tuple[str, ...] = ()) -> Desk:
        asked[groups, permissions] += 1
        return operators(asked[groups, permissions], groups, permissions).again()

    return make


@pytest.fixture
def new_realm(account: Account) -> str:
    """A realm that nobody has."""
    return f"new.{account.realm}"


@pytest.fixture
def plain(api: Api, account: Account, log_in: Callable[..., Api]) -> Api:
    """A client of a user who is no administrator."""
    user = {"first_name": "A", "last_name": "B", "username": "plain", "password": "secret 1"}
    assert api.put("users", user).status_code == 201
    return log_in(account, "plain", "secret 1")


@pytest.fixture
def db(account: Account) -> Database:
    """The account's database."""
    return couch().database(database_names.account_db(account.id))


@pytest.fixture
def modb(account: Account) -> Callable[[str], Database]:
    """The account's database of a month: ``modb("202611")``."""
    return lambda month: couch().database(database_names.modb(account.id, month))


@pytest.fixture(scope="session")
def audio(tmp_path_factory: pytest.TempPathFactory) -> Studio:
    """Makes recordings: ``audio("mp3")``, ``audio("wav", "Some sentence.")``."""
    return Studio(tmp_path_factory.mktemp("audio"))
