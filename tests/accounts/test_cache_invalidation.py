"""A change at the desk counts at once in the process that made it: no token outlives the credential behind it."""

import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.api_client import Account, Api
from tests.support.operators import Desk, new_operator
from tests.support.servers import Running, Service


@pytest.fixture(scope="module")
def one_worker(service: Service, server_with: Callable[..., Running]) -> tuple[Running, Desk]:
    """The service with a single process, which serves both the API and the desk, and an operator of it."""
    running = server_with(WEB_CONCURRENCY="1")
    return running, new_operator(running.url, service, (), ())


@pytest.fixture
def desk(one_worker: tuple[Running, Desk]) -> Desk:
    """The operator's desk."""
    return one_worker[1]


@pytest.fixture
def sign_in(one_worker: tuple[Running, Desk], account: Account) -> Any:
    """Signs in with the data of a request, and uses the token once, so that the process has cached whose it is."""

    def client(path: str, data: dict[str, str]) -> Api:
        api = Api(one_worker[0].url, account.id)
        answer = api.put(path, data)
        assert answer.status_code == 201, answer.text
        api.token = answer.json()["auth_token"]
        assert api.get("vmboxes").status_code == 200
        return api

    return client


@pytest.fixture
def by_password(sign_in: Any, account: Account) -> Api:
    """A client with a token of the account's administrator."""
    digest = hashlib.md5(f"{account.username}:{account.password}".encode()).hexdigest()
    client: Api = sign_in("/v2/user_auth", {"credentials": digest, "account_realm": account.realm})
    return client


@pytest.fixture
def by_api_key(sign_in: Any, account: Account) -> Api:
    """A client with a token of the account's API key."""
    client: Api = sign_in("/v2/api_auth", {"api_key": account.api_key})
    return client


def test_renewing_the_api_key_ends_its_tokens_at_once(desk: Desk, account: Account, by_api_key: Api) -> None:
    assert desk.post(f"desk/account/{account.id}/renew-api-key/").ok
    assert by_api_key.get("vmboxes").status_code == 401


def test_disabling_the_account_ends_all_tokens_at_once(
    desk: Desk, account: Account, by_api_key: Api, by_password: Api
) -> None:
    assert "The account is disabled." in desk.fill_in(f"desk/account/{account.id}/switch/").text
    assert by_api_key.get("vmboxes").status_code == 401
    assert by_password.get("vmboxes").status_code == 401


def test_disabling_a_user_ends_its_tokens_at_once(desk: Desk, account: Account, by_password: Api) -> None:
    assert desk.fill_in(f"desk/accountuser/{account.id}/{account.user_id}/change/", enabled=[]).ok
    assert by_password.get("vmboxes").status_code == 401


def test_a_user_who_becomes_no_administrator_changes_nothing_from_then_on(
    desk: Desk, account: Account, by_password: Api
) -> None:
    assert desk.fill_in(f"desk/accountuser/{account.id}/{account.user_id}/change/", priv_level="user").ok
    assert by_password.put("vmboxes", {"name": "Box", "mailbox": "3000"}).status_code == 403


def test_a_changed_realm_counts_for_the_next_message(desk: Desk, account: Account, by_password: Api) -> None:
    path = f"vmboxes/{by_password.new_box('3000')['id']}/messages"
    assert by_password.put(path, {}).json()["data"]["to"] == f"3000@{account.realm}"
    assert desk.fill_in(f"desk/account/{account.id}/change/", realm=f"new.{account.realm}").ok
    assert by_password.put(path, {}).json()["data"]["to"] == f"3000@new.{account.realm}"


def test_changing_the_retention_counts_at_once(desk: Desk, account: Account, by_password: Api) -> None:
    box = by_password.new_box("3000")
    path = f"vmboxes/{box['id']}/messages"
    day_before_yesterday = by_password.put(path, {}).json()["data"]["timestamp"] - 2 * 86_400
    message = by_password.put(path, {"timestamp": day_before_yesterday}).json()["data"]
    assert message["folder"] == "new"
    assert desk.post(f"desk/account/{account.id}/retention/", days="1").ok
    assert by_password.get(f"{path}/{message['media_id']}").json()["data"]["folder"] == "deleted"
