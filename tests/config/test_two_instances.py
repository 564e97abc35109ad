"""Two instances behind a load balancer are one service: what one knows the other knows."""

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import jwt
import pytest

from couch.client import Database, couch
from storage import database_names
from tests.support.api_client import Account, Api
from tests.support.servers import SECRET_KEY, Running, Service, wait_until

ALLOWED = 6
ROUNDS = 5


@pytest.fixture(scope="module")
def instances(
    new_service: Callable[..., Service], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Running, Running]]:
    """Two of them: each with its own processes, both with the same CouchDB, Django database and SECRET_KEY."""
    first = new_service(SIGN_IN_FAILURES=str(ALLOWED))
    second = first.with_settings(tmp_path_factory.mktemp("second"))
    servers = first.start(), second.start()
    yield servers
    for running in servers:
        running.stop()


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
    claims = jwt.decode(log_in(instances[0], account).token or "", SECRET_KEY, algorithms=["HS256"])
    ahead = jwt.encode(
        {**claims, "iat": claims["iat"] + 30, "exp": claims["exp"] + 30}, SECRET_KEY, algorithm="HS256"
    )
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


def test_an_instance_goes_on_when_another_is_gone(instances: tuple[Running, Running], account: Account) -> None:
    token = log_in(instances[0], account).token
    instances[0].kill()
    second_client = Api(instances[1].url, account.id, token)
    box = second_client.new_box("4000")
    assert second_client.get(f"vmboxes/{box['id']}").status_code == 200
