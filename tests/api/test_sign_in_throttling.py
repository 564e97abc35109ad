"""After too many failed sign-ins an address has to wait, on every worker and instance."""

import base64
import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.support.api_client import Account, Api
from tests.support.servers import Running, Service, wait_until

ALLOWED = 4


@pytest.fixture(scope="module")
def strict(new_service: Callable[..., Service]) -> Service:
    """How to start a service that allows few failures, and soon again."""
    return new_service(SIGN_IN_FAILURES=str(ALLOWED), SIGN_IN_FAILURES_SECONDS="10", BEHIND_TLS_PROXY="1")


@pytest.fixture(scope="module")
def patient(strict: Service) -> Iterator[Running]:
    """It, running."""
    running = strict.start()
    yield running
    running.stop()


@pytest.fixture
def anybody(patient: Running) -> Api:
    """A client without a token."""
    return Api(patient.url, "")


def good(account: Account) -> dict[str, Any]:
    digest = hashlib.md5(f"{account.username}:{account.password}".encode()).hexdigest()
    return {"credentials": digest, "account_realm": account.realm}


def fail(api: Api, account: Account, **options: Any) -> int:
    bad = {"credentials": "0" * 32, "account_realm": account.realm}
    return api.put("/v2/user_auth", bad, **options).status_code


def test_it_has_to_wait_and_may_go_on_then(anybody: Api, account: Account) -> None:
    assert [fail(anybody, account) for _ in range(ALLOWED)] == [401] * ALLOWED
    answer = anybody.put("/v2/user_auth", good(account))
    assert answer.status_code == 429
    assert answer.json()["message"] == "too_many_requests"
    assert 1 <= int(answer.headers["Retry-After"]) <= 10
    wait_until(lambda: anybody.put("/v2/user_auth", good(account)).status_code == 201)
    assert fail(anybody, account) == 401


def test_no_failure_is_lost_between_workers(anybody: Api, account: Account) -> None:
    with ThreadPoolExecutor(ALLOWED) as pool:
        statuses = list(pool.map(lambda _: fail(anybody, account), range(ALLOWED)))
    assert statuses == [401] * ALLOWED
    assert fail(anybody, account) == 429


def test_an_instance_with_the_same_database_counts_with_it(anybody: Api, account: Account, strict: Service) -> None:
    elsewhere = strict.start()
    try:
        assert [fail(anybody, account) for _ in range(ALLOWED)] == [401] * ALLOWED
        assert fail(Api(elsewhere.url, ""), account) == 429
    finally:
        elsewhere.stop()


def test_the_account_counts_however_it_is_named(anybody: Api, account: Account) -> None:
    names = [{"account_realm": account.realm}, {"account_name": account.name}, {"account_id": account.id}]
    for named in [*names, {"account_name": account.name.upper() + "!"}]:
        assert anybody.put("/v2/user_auth", {"credentials": "0" * 32, **named}).status_code == 401
    assert fail(anybody, account) == 429


def test_basic_credentials_count_too(anybody: Api, account: Account) -> None:
    header = {"Authorization": "Basic " + base64.b64encode(f"{account.id}:{'0' * 32}".encode()).decode()}
    path = f"/v2/accounts/{account.id}"
    assert [anybody.get(path, headers=header).status_code for _ in range(ALLOWED)] == [401] * ALLOWED
    assert anybody.get(path, headers=header).status_code == 429
    assert fail(anybody, account) == 429


def test_other_accounts_and_other_addresses_do_not_wait(
    anybody: Api, account: Account, new_account: Callable[..., Account]
) -> None:
    there = {"headers": {"X-Forwarded-For": "198.51.100.1, 203.0.113.7"}}
    elsewhere = {"headers": {"X-Forwarded-For": "203.0.113.7, 198.51.100.1"}}
    assert [fail(anybody, account, **there) for _ in range(ALLOWED)] == [401] * ALLOWED
    assert fail(anybody, account, **there) == 429
    assert fail(anybody, account, **elsewhere) == 401
    assert fail(anybody, new_account(), **there) == 401


def test_an_account_that_there_is_not_looks_like_any_other(anybody: Api) -> None:
    bad = {"credentials": "0" * 32, "account_realm": "nobody.example.com"}
    statuses = [anybody.put("/v2/user_auth", bad).status_code for _ in range(ALLOWED + 1)]
    assert statuses == [401] * ALLOWED + [429]


def test_tokens_stay_good_meanwhile(anybody: Api, account: Account) -> None:
    token = anybody.put("/v2/user_auth", good(account)).json()["auth_token"]
    assert [fail(anybody, account) for _ in range(ALLOWED + 1)][-1] == 429
    assert Api(anybody.url, account.id, token).get("").status_code == 200
