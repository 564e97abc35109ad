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
def throttled_service(new_service: Callable[..., Service]) -> Service:
    """A service that allows few failures, and again after a short while."""
    return new_service(SIGN_IN_FAILURES=str(ALLOWED), SIGN_IN_FAILURES_SECONDS="10", BEHIND_TLS_PROXY="1")


@pytest.fixture(scope="module")
def throttled(throttled_service: Service) -> Iterator[Running]:
    """The service, running."""
    running = throttled_service.start()
    yield running
    running.stop()


@pytest.fixture
def anonymous(throttled: Running) -> Api:
    """A client without a token."""
    return Api(throttled.url, "")


def correct(account: Account) -> dict[str, Any]:
    digest = hashlib.md5(f"{account.username}:{account.password}".encode()).hexdigest()
    return {"credentials": digest, "account_realm": account.realm}


def fail(api: Api, account: Account, **options: Any) -> int:
    bad = {"credentials": "0" * 32, "account_realm": account.realm}
    return api.put("/v2/user_auth", bad, **options).status_code


def test_sign_ins_after_too_many_failures_are_refused_for_a_while(anonymous: Api, account: Account) -> None:
    assert [fail(anonymous, account) for _ in range(ALLOWED)] == [401] * ALLOWED
    answer = anonymous.put("/v2/user_auth", correct(account))
    assert answer.status_code == 429
    assert answer.json()["message"] == "too_many_requests"
    assert 1 <= int(answer.headers["Retry-After"]) <= 10
    wait_until(lambda: anonymous.put("/v2/user_auth", correct(account)).status_code == 201)
    assert fail(anonymous, account) == 401


def test_workers_count_failures_together(anonymous: Api, account: Account) -> None:
    with ThreadPoolExecutor(ALLOWED) as pool:
        statuses = list(pool.map(lambda _: fail(anonymous, account), range(ALLOWED)))
    assert statuses == [401] * ALLOWED
    assert fail(anonymous, account) == 429


def test_instances_with_the_same_database_count_failures_together(
    anonymous: Api, account: Account, throttled_service: Service
) -> None:
    instance = throttled_service.start()
    try:
        assert [fail(anonymous, account) for _ in range(ALLOWED)] == [401] * ALLOWED
        assert fail(Api(instance.url, ""), account) == 429
    finally:
        instance.stop()


def test_failures_count_for_the_account_however_it_is_identified(anonymous: Api, account: Account) -> None:
    names = [{"account_realm": account.realm}, {"account_name": account.name}, {"account_id": account.id}]
    for identifier in [*names, {"account_name": account.name.upper() + "!"}]:
        assert anonymous.put("/v2/user_auth", {"credentials": "0" * 32, **identifier}).status_code == 401
    assert fail(anonymous, account) == 429


def test_failures_of_basic_credentials_count_as_well(anonymous: Api, account: Account) -> None:
    header = {"Authorization": "Basic " + base64.b64encode(f"{account.id}:{'0' * 32}".encode()).decode()}
    path = f"/v2/accounts/{account.id}"
    assert [anonymous.get(path, headers=header).status_code for _ in range(ALLOWED)] == [401] * ALLOWED
    assert anonymous.get(path, headers=header).status_code == 429
    assert fail(anonymous, account) == 429


def test_other_accounts_and_other_addresses_are_not_refused(
    anonymous: Api, account: Account, new_account: Callable[..., Account]
) -> None:
    client = {"headers": {"X-Forwarded-For": "198.51.100.1, 203.0.113.7"}}
    other_client = {"headers": {"X-Forwarded-For": "203.0.113.7, 198.51.100.1"}}
    assert [fail(anonymous, account, **client) for _ in range(ALLOWED)] == [401] * ALLOWED
    assert fail(anonymous, account, **client) == 429
    assert fail(anonymous, account, **other_client) == 401
    assert fail(anonymous, new_account(), **client) == 401


def test_an_unknown_account_is_throttled_like_any_other(anonymous: Api) -> None:
    bad = {"credentials": "0" * 32, "account_realm": "nobody.example.com"}
    statuses = [anonymous.put("/v2/user_auth", bad).status_code for _ in range(ALLOWED + 1)]
    assert statuses == [401] * ALLOWED + [429]


def test_tokens_stay_valid_while_sign_ins_are_refused(anonymous: Api, account: Account) -> None:
    token = anonymous.put("/v2/user_auth", correct(account)).json()["auth_token"]
    assert [fail(anonymous, account) for _ in range(ALLOWED + 1)][-1] == 429
    assert Api(anonymous.url, account.id, token).get("").status_code == 200
