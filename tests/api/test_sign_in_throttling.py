"""After too many failed sign-ins an address has to wait, on every worker and instance."""

import base64
import hashlib
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from accounts.models import SignInCount
from tests.support.api_client import Account, Api
from tests.support.servers import Running, Service

ALLOWED = 4
ALLOWED_PER_ACCOUNT = 9
ALLOWED_PER_ADDRESS = 60


@pytest.fixture(scope="module")
def throttled_service(new_service: Callable[..., Service]) -> Service:
    """A service that allows few failures."""
    return new_service(
        SIGN_IN_FAILURES=str(ALLOWED),
        SIGN_IN_FAILURES_PER_ACCOUNT=str(ALLOWED_PER_ACCOUNT),
        SIGN_IN_FAILURES_PER_ADDRESS=str(ALLOWED_PER_ADDRESS),
        BEHIND_TLS_PROXY="1",
    )


@pytest.fixture(scope="module")
def throttled(throttled_service: Service) -> Iterator[Running]:
    """The service, running."""
    running = throttled_service.start()
    yield running
    running.stop()


@pytest.fixture(autouse=True)
def counts(service: Service, throttled_service: Service) -> Callable[[], None]:
    """Ends all spans: at the beginning of each test, and whenever a test calls it."""

    def end_spans() -> None:
        with throttled_service.models():
            SignInCount.objects.update(ends_at=int(time.time()) - 1)

    end_spans()
    return end_spans


@pytest.fixture
def anonymous(throttled: Running) -> Api:
    """A client without a token."""
    return Api(throttled.url, "")


def correct(account: Account) -> dict[str, Any]:
    digest = hashlib.md5(f"{account.username}:{account.password}".encode()).hexdigest()
    return {"credentials": digest, "account_realm": account.realm}


def sign_in(api: Api, account: Account, address: str = "127.0.0.1") -> int:
    return api.put("/v2/user_auth", correct(account), headers={"X-Forwarded-For": address}).status_code


def fail(api: Api, account: Account, **options: Any) -> int:
    bad = {"credentials": "0" * 32, "account_realm": account.realm}
    return api.put("/v2/user_auth", bad, **options).status_code


def test_sign_ins_after_too_many_failures_are_refused_for_a_while(
    anonymous: Api, account: Account, counts: Callable[[], None]
) -> None:
    assert [fail(anonymous, account) for _ in range(ALLOWED)] == [401] * ALLOWED
    answer = anonymous.put("/v2/user_auth", correct(account))
    assert answer.status_code == 429
    assert answer.json()["message"] == "too_many_requests"
    assert 1 <= int(answer.headers["Retry-After"]) <= 300
    counts()
    assert anonymous.put("/v2/user_auth", correct(account)).status_code == 201
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


def test_of_many_guesses_at_once_no_more_are_checked(anonymous: Api, account: Account) -> None:
    with ThreadPoolExecutor(12) as pool:
        statuses = list(pool.map(lambda _: fail(anonymous, account), range(12)))
    assert sorted(statuses) == [401] * ALLOWED + [429] * (12 - ALLOWED)


def test_right_passwords_at_once_are_all_accepted(anonymous: Api, account: Account) -> None:
    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(lambda _: sign_in(anonymous, account), range(16))) == {201}


def test_where_somebody_signed_in_before_right_passwords_are_accepted_at_the_limit(
    anonymous: Api, account: Account
) -> None:
    home = {"headers": {"X-Forwarded-For": "198.51.100.20"}}
    assert sign_in(anonymous, account, "198.51.100.20") == 201
    client = Api(anonymous.url, account.id, anonymous.put("/v2/user_auth", correct(account)).json()["auth_token"])
    colleague = {"first_name": "A", "last_name": "B", "username": "colleague", "password": "pass word 2"}
    assert client.put("users", colleague).status_code == 201
    statuses = [fail(anonymous, account, **home) for _ in range(ALLOWED + 2)]
    assert statuses == [401] * ALLOWED + [429, 429]
    assert sign_in(anonymous, replace(account, username="colleague", password="pass word 2"), "198.51.100.20") == 201
    hopeless = [fail(anonymous, account, **home) for _ in range(5 * ALLOWED)]
    assert set(hopeless) == {429}
    assert sign_in(anonymous, replace(account, username="nobody"), "198.51.100.20") == 429


def test_an_account_has_a_limit_of_its_own_for_addresses_that_it_does_not_know(
    anonymous: Api, account: Account
) -> None:
    assert sign_in(anonymous, account, "198.51.100.30") == 201
    addresses = [f"203.0.113.{number}" for number in range(100, 100 + ALLOWED_PER_ACCOUNT)]
    for address in addresses:
        assert fail(anonymous, account, headers={"X-Forwarded-For": address}) == 401
    assert sign_in(anonymous, account, "203.0.113.200") == 429
    assert sign_in(anonymous, account, "198.51.100.30") == 201
    assert fail(anonymous, account, headers={"X-Forwarded-For": "198.51.100.30"}) == 401


def test_what_one_address_is_refused_leaves_the_account_to_others(anonymous: Api, account: Account) -> None:
    for _ in range(ALLOWED_PER_ACCOUNT + 3):
        fail(anonymous, account, headers={"X-Forwarded-For": "203.0.113.210"})
    assert sign_in(anonymous, account, "203.0.113.211") == 201


def test_accounts_of_one_name_count_apart(
    anonymous: Api, account: Account, new_account: Callable[..., Account], log_in: Callable[..., Api]
) -> None:
    namesake = new_account()
    assert log_in(namesake).patch("", {"name": account.name}).status_code == 200
    by_id = {"credentials": "0" * 32, "account_id": account.id}
    assert [anonymous.put("/v2/user_auth", by_id).status_code for _ in range(ALLOWED)] == [401] * ALLOWED
    by_name = {**correct(namesake), "account_name": account.name}
    del by_name["account_realm"]
    assert anonymous.put("/v2/user_auth", by_name).status_code == 201
    assert anonymous.put("/v2/user_auth", {**by_name, **correct(account)}).status_code == 429


@pytest.mark.parametrize(
    ("first", "second", "is_same"),
    [
        ("2001:db8:5:1::1", "2001:db8:5:1:ffff::2", True),
        ("2001:db8:5:2::1", "[2001:DB8:5:2::2]:50123", True),
        ("2001:db8:5:3::1", "2001:db8:5:4::1", False),
        ("198.51.100.40", "::ffff:198.51.100.40", True),
        ("198.51.100.41:50123", "198.51.100.41", True),
        ("198.51.100.42", "198.51.100.43", False),
    ],
)
def test_addresses_of_ipv6_count_by_their_network(
    anonymous: Api, account: Account, first: str, second: str, is_same: bool
) -> None:
    for _ in range(ALLOWED):
        assert fail(anonymous, account, headers={"X-Forwarded-For": first}) == 401
    assert sign_in(anonymous, account, second) == (429 if is_same else 201)


def test_an_address_has_a_limit_over_all_accounts(anonymous: Api, account: Account) -> None:
    sprayer = {"X-Forwarded-For": "203.0.113.220"}
    assert sign_in(anonymous, account, "203.0.113.220") == 201
    for number in range(ALLOWED_PER_ADDRESS):
        bad = {"credentials": "0" * 32, "account_realm": f"sprayed-{number}.example.com"}
        assert anonymous.put("/v2/user_auth", bad, headers=sprayer).status_code == 401
    bad = {"credentials": "0" * 32, "account_realm": "the-last.example.com"}
    assert anonymous.put("/v2/user_auth", bad, headers=sprayer).status_code == 429
    assert anonymous.put("/v2/user_auth", bad).status_code == 401
    assert sign_in(anonymous, account, "203.0.113.220") == 201


def test_wrong_api_keys_are_refused_after_some_and_right_ones_accepted(anonymous: Api, account: Account) -> None:
    client = {"X-Forwarded-For": "203.0.113.230"}
    wrong = [f"{number:064x}" for number in range(ALLOWED + 1)]
    statuses = [anonymous.put("/v2/api_auth", {"api_key": key}, headers=client).status_code for key in wrong]
    assert statuses == [401] * ALLOWED + [429]
    assert anonymous.put("/v2/api_auth", {"api_key": account.api_key}, headers=client).status_code == 201
    assert anonymous.put("/v2/api_auth", {"api_key": wrong[0]}).status_code == 401


def test_basic_credentials_that_are_right_are_never_in_the_way(anonymous: Api, account: Account) -> None:
    digest = correct(account)["credentials"]
    header = {"Authorization": "Basic " + base64.b64encode(f"{account.id}:{digest}".encode()).decode()}
    assert anonymous.get(f"/v2/accounts/{account.id}", headers=header).status_code == 200
    assert [fail(anonymous, account) for _ in range(ALLOWED + 1)][-1] == 429
    assert anonymous.get(f"/v2/accounts/{account.id}", headers=header).status_code == 200


def test_workers_count_for_themselves_while_djangos_database_fails(
    new_service: Callable[..., Service], account: Account, new_account: Callable[..., Account]
) -> None:
    service = new_service(SIGN_IN_FAILURES=str(ALLOWED), WEB_CONCURRENCY="1")
    running = service.start()
    try:
        client = Api(running.url, "")
        with sqlite3.connect(service.tables) as connection:
            connection.execute("ALTER TABLE accounts_signincount RENAME TO away")
        statuses = [fail(client, account) for _ in range(ALLOWED + 1)]
        assert statuses == [401] * ALLOWED + [429]
        assert client.put("/v2/user_auth", correct(new_account())).status_code == 201
        assert running.logged().count("sign-ins are counted in each worker") == 1
    finally:
        running.stop()
