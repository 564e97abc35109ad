"""Two instances behind a load balancer are one service: what one knows the other knows."""

import hashlib
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import Any

import pytest
from django.conf import settings

from couch.client import couch
from couch.database import Database
from storage import database_names
from tests.support.api_client import Account, Api
from tests.support.kazoo_tokens import KazooTokens
from tests.support.servers import Running, Service, wait_until

ALLOWED = 6
ROUNDS = 5


@pytest.fixture(scope="module")
def instances(
    new_service: Callable[..., Service], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Running, Running]]:
    """Two of them: each with its own processes, both with the same CouchDB, Django database and SECRET_KEY."""
    first = new_service(SIGN_IN_FAILURES=str(ALLOWED), WEB_CONCURRENCY="1")
    second = first.with_settings(tmp_path_factory.mktemp("second"))
    servers = first.start(), second.start()
    yield servers
    for running in servers:
        running.stop()


@pytest.fixture
def reseller(new_account: Callable[..., Account]) -> Account:
    """An account with another one below it."""
    return new_account()


@pytest.fixture
def account(new_account: Callable[..., Account], reseller: Account) -> Account:
    """A new account below the reseller's."""
    return new_account(parent=reseller.id)


def credentials(account: Account) -> dict[str, str]:
    digest = hashlib.md5(f"{account.username}:{account.password}".encode()).hexdigest()
    return {"credentials": digest, "account_realm": account.realm}


def log_in(server: Running, account: Account) -> Api:
    answer = Api(server.url, account.id).put("/v2/user_auth", credentials(account))
    assert answer.status_code == 201, answer.text
    return Api(server.url, account.id, answer.json()["auth_token"])


def fail(server: Running, account: Account) -> int:
    wrong = {**credentials(account), "credentials": "0" * 32}
    return Api(server.url, account.id).put("/v2/user_auth", wrong).status_code


def test_a_token_is_valid_on_every_instance_until_one_revokes_it(
    instances: tuple[Running, Running], account: Account
) -> None:
    first_client = log_in(instances[0], account)
    second_client = Api(instances[1].url, account.id, first_client.token)
    box = second_client.new_box("3000")
    assert first_client.get(f"vmboxes/{box['id']}").json()["data"]["mailbox"] == "3000"
    revoked = second_client.delete("/v2/token_auth")
    assert revoked.status_code == 200, revoked.text
    stored = [row["doc"] for row in couch().database(database_names.TOKENS).all_docs(include_docs=True)]
    assert [doc for doc in stored if doc.get("account_id") == account.id and doc["pvt_type"] == "token_revocation"]
    assert second_client.get("vmboxes").status_code == 401
    # The first one has just used it, and remembers for some seconds that it was good.
    wait_until(lambda: first_client.get("vmboxes").status_code == 401)
    assert first_client.get("vmboxes").status_code == 401


def test_a_token_of_an_instance_whose_clock_is_ahead_is_valid_at_once(
    instances: tuple[Running, Running], account: Account
) -> None:
    log_in(instances[0], account)
    kazoo = KazooTokens(settings.COUCHDB_URL)
    claims = kazoo.claims(account.id, owner_id=account.user_id)
    ahead = kazoo.sign({**claims, "iat": int(time.time()) + 30})
    assert Api(instances[1].url, account.id, ahead).get("vmboxes").status_code == 200


def test_instances_count_failed_sign_ins_together(instances: tuple[Running, Running], account: Account) -> None:
    statuses = [fail(instances[turn % 2], account) for turn in range(ALLOWED)]
    assert statuses == [401] * ALLOWED
    for server in instances:
        answer = Api(server.url, account.id).put("/v2/user_auth", credentials(account))
        assert answer.status_code == 429
        assert int(answer.headers["Retry-After"]) > 0


def test_a_number_requested_on_two_instances_at_once_goes_to_one_mailbox(
    instances: tuple[Running, Running], account: Account, db: Database
) -> None:
    clients = [log_in(server, account) for server in instances]
    with ThreadPoolExecutor(2) as pool:
        for number in range(3000, 3000 + ROUNDS):
            together = Barrier(2, timeout=30)

            def create(api: Api, number: str = str(number), together: Barrier = together) -> int:
                together.wait()
                return api.put("vmboxes", {"name": f"Box {number}", "mailbox": number}).status_code

            assert sorted(pool.map(create, clients)) == [201, 400]
    boxes = [row["doc"] for row in db.all_docs(include_docs=True) if row["doc"].get("pvt_type") == "vmbox"]
    assert sorted(box["mailbox"] for box in boxes) == [str(number) for number in range(3000, 3000 + ROUNDS)]


def test_a_mailbox_that_one_instance_caches_is_gone_when_another_removes_it(
    instances: tuple[Running, Running], account: Account
) -> None:
    first_client = log_in(instances[0], account)
    second_client = Api(instances[1].url, account.id, first_client.token)
    box = second_client.new_box("3500")
    path = f"vmboxes/{box['id']}/messages"
    first, second = (second_client.put(path, {}).json()["data"]["media_id"] for _ in range(2))
    for message_id in (first, second) * 4:  # all workers have seen the box
        assert first_client.get(f"{path}/{message_id}").status_code == 200
    assert second_client.delete(f"{path}/{first}").status_code == 200
    assert first_client.get(f"{path}/{first}").json()["data"]["cause"] == first
    assert second_client.delete(f"vmboxes/{box['id']}").status_code == 200
    for tail in (f"/{second}", f"/{second}/raw", ""):
        gone = first_client.get(f"{path}{tail}")
        assert (gone.status_code, gone.json()["data"]["cause"]) == (404, box["id"])


MALLORY = {"first_name": "M", "last_name": "M", "username": "mallory", "password": "pass word 2"}


@pytest.fixture
def rogue(instances: tuple[Running, Running], account: Account) -> tuple[Api, Api, str]:
    """The account's administrator on one instance; another one, whom each process of the second instance knows."""
    boss = log_in(instances[0], account)
    user_id = boss.put("users", {**MALLORY, "priv_level": "admin"}).json()["data"]["id"]
    mallory = log_in(instances[1], replace(account, username="mallory", password="pass word 2"))
    for _ in range(8):
        assert mallory.get(f"users/{user_id}").status_code == 200
    return boss, mallory, user_id


def usurp(mallory: Api, user_id: str, boss_id: str) -> list[int]:
    """Try whatever would give rights to somebody or take them away; the statuses of the responses."""
    profile = {**MALLORY, "priv_level": "admin", "enabled": True}
    key = mallory.get("api_key")
    responses = [
        key,
        mallory.patch(f"users/{user_id}", {"enabled": True, "priv_level": "admin"}),
        mallory.post(f"users/{user_id}", profile),
        mallory.post(f"users/{user_id}?verb=PATCH", {"priv_level": "admin"}),
        mallory.put("users", {**profile, "username": "malloc"}),
        mallory.patch(f"users/{boss_id}", {"enabled": False}),
        mallory.delete(f"users/{boss_id}"),
        mallory.put("api_key"),
        mallory.put("", {"name": "Below"}),
        mallory.put("/v2/accounts", {"name": "Below"}),
        mallory.patch("", {"enabled": True, "name": "Mallory's"}),
        mallory.put("vmboxes", {"name": "Box", "mailbox": "3999"}),
    ]
    return [response.status_code for response in responses]


@pytest.mark.parametrize(
    ("change", "status"),
    [({"enabled": False}, 401), ({"priv_level": "user"}, 403), ({"password": "pass word 3"}, 401), (None, 401)],
)
def test_rights_that_one_instance_took_are_of_no_use_on_another(
    rogue: tuple[Api, Api, str], account: Account, db: Database, change: dict[str, Any] | None, status: int
) -> None:
    boss, mallory, user_id = rogue
    path = f"users/{user_id}"
    assert (boss.patch(path, change) if change else boss.delete(path)).status_code == 200
    revisions = {row["id"]: row["value"]["rev"] for row in db.all_docs()}
    assert usurp(mallory, user_id, account.user_id) == [status] * 12
    assert {row["id"]: row["value"]["rev"] for row in db.all_docs()} == revisions


def test_an_account_that_its_parent_disabled_enables_nobody(
    rogue: tuple[Api, Api, str], account: Account, db: Database, instances: tuple[Running, Running], reseller: Account
) -> None:
    _, mallory, user_id = rogue
    above = log_in(instances[0], reseller)
    assert above.patch(f"/v2/accounts/{account.id}", {"enabled": False}).status_code == 200
    revisions = {row["id"]: row["value"]["rev"] for row in db.all_docs()}
    assert usurp(mallory, user_id, account.user_id) == [401] * 12
    assert {row["id"]: row["value"]["rev"] for row in db.all_docs()} == revisions


def test_a_token_of_an_old_api_key_gets_no_new_one(instances: tuple[Running, Running], account: Account) -> None:
    by_key = Api(instances[1].url, account.id)
    by_key.token = by_key.put("/v2/api_auth", {"api_key": account.api_key}).json()["auth_token"]
    for _ in range(8):
        assert by_key.get("").status_code == 200
    new_key = log_in(instances[0], account).put("api_key").json()["data"]["api_key"]
    assert [by_key.get("api_key").status_code, by_key.put("api_key").status_code] == [401, 401]
    doc = couch().database(database_names.ACCOUNTS).get(account.id)
    assert doc is not None
    assert doc["pvt_api_key"] == new_key


def test_an_account_that_moved_elsewhere_in_the_tree_is_its_old_parents_no_more(
    instances: tuple[Running, Running], account: Account, db: Database, reseller: Account
) -> None:
    above, path = log_in(instances[1], reseller), f"/v2/accounts/{account.id}"
    for _ in range(8):
        assert above.get(path).status_code == 200
    db.update(account.id, lambda doc: {**doc, "pvt_tree": []})
    assert above.patch(path, {"enabled": False}).status_code == 403
    assert above.put(f"{path}/users", {**MALLORY, "priv_level": "admin"}).status_code == 403


def test_a_slow_body_keeps_no_rights(rogue: tuple[Api, Api, str], db: Database) -> None:
    boss, mallory, user_id = rogue

    def body() -> Iterator[bytes]:
        yield b'{"data": {"enabled": '
        assert boss.patch(f"users/{user_id}", {"enabled": False}).status_code == 200
        yield b"true}}"

    assert mallory.patch(f"users/{user_id}", body()).status_code == 401
    doc = db.get(user_id)
    assert doc is not None
    assert doc["enabled"] is False


def test_an_instance_goes_on_when_another_is_gone(instances: tuple[Running, Running], account: Account) -> None:
    token = log_in(instances[0], account).token
    instances[0].kill()
    second_client = Api(instances[1].url, account.id, token)
    box = second_client.new_box("4000")
    assert second_client.get(f"vmboxes/{box['id']}").status_code == 200
