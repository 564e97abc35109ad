"""An account that makes too many requests has to wait."""

from collections.abc import Callable
from hashlib import md5

import pytest

from tests.support.api_client import Account, Api
from tests.support.servers import Running, wait_until

ALLOWED = 6
MP3 = {"Content-Type": "audio/mpeg"}


@pytest.fixture(scope="module")
def limited(server_with: Callable[..., Running]) -> Running:
    """A service that allows few requests, and the next ones not before the tests are over."""
    return server_with(REQUEST_LIMIT=str(ALLOWED), REQUEST_LIMIT_SECONDS="100000")


@pytest.fixture
def there(limited: Running) -> Callable[..., Api]:
    """The same client at that service, with a connection of its own: ``there(api)``."""
    return lambda api: Api(limited.url, api.account_id, api.token)


def statuses(api: Api, count: int, path: str = "vmboxes") -> list[int]:
    return [api.get(path).status_code for _ in range(count)]


def test_requests_over_the_limit_are_refused(api: Api, there: Callable[..., Api]) -> None:
    client = there(api)
    assert statuses(client, ALLOWED) == [200] * ALLOWED
    answer = client.get("vmboxes")
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["Retry-After"]) <= 100_000
    body = answer.json()
    assert (body["status"], body["error"], body["message"]) == ("error", "429", "too_many_requests")
    assert body["data"] == {"message": "too many requests"}
    assert body["request_id"] == answer.headers["X-Request-ID"]
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_a_refused_request_changes_nothing(api: Api, there: Callable[..., Api]) -> None:
    client = there(api)
    box = client.new_box("3000")
    statuses(client, ALLOWED)
    for path in ("vmboxes", f"vmboxes/{box['id']}/messages"):
        assert client.put(path, {"name": "Another", "mailbox": "3001"}).status_code == 429
    assert client.put(f"vmboxes/{box['id']}/messages", b"x" * 3_000_000, headers=MP3).status_code == 429
    assert client.delete(f"vmboxes/{box['id']}").status_code == 429
    assert [box["mailbox"] for box in api.get("vmboxes").json()["data"]] == ["3000"]
    assert api.get(f"vmboxes/{box['id']}/messages").json()["data"] == []


def test_head_counts_and_options_does_not(api: Api, there: Callable[..., Api]) -> None:
    client = there(api)
    assert [client.options("vmboxes").status_code for _ in range(3 * ALLOWED)] == [200] * 3 * ALLOWED
    assert [client.head("vmboxes").status_code for _ in range(ALLOWED)] == [200] * ALLOWED
    assert client.head("vmboxes").status_code == 429
    assert client.get("vmboxes").status_code == 429
    assert client.options("vmboxes").status_code == 200


def test_other_accounts_need_not_wait(
    api: Api, there: Callable[..., Api], new_account: Callable[..., Account], log_in: Callable[..., Api]
) -> None:
    assert statuses(there(api), ALLOWED + 1)[-1] == 429
    assert statuses(there(log_in(new_account())), ALLOWED) == [200] * ALLOWED


def test_all_users_and_tokens_of_an_account_count_together(
    api: Api, there: Callable[..., Api], log_in: Callable[..., Api], account: Account, plain: Api
) -> None:
    assert statuses(there(api), 2) + statuses(there(log_in(account)), 2) == [200] * 4
    assert statuses(there(plain), 3) == [200, 200, 429]


def test_requests_count_for_the_account_in_the_path(
    api: Api,
    there: Callable[..., Api],
    account: Account,
    new_account: Callable[..., Account],
    log_in: Callable[..., Api],
) -> None:
    below = [new_account(parent=account.id) for _ in range(2)]
    for descendant in below:
        assert statuses(there(api), ALLOWED, f"/v2/accounts/{descendant.id}/vmboxes") == [200] * ALLOWED
        assert statuses(there(api), 1, f"/v2/accounts/{descendant.id}/vmboxes") == [429]
    assert statuses(there(log_in(below[0])), 1) == [429]
    assert statuses(there(api), ALLOWED) == [200] * ALLOWED


def test_requests_without_an_account_in_the_path_count_for_the_callers(api: Api, there: Callable[..., Api]) -> None:
    assert statuses(there(api), ALLOWED, "/v2/token_auth") == [200] * ALLOWED
    assert statuses(there(api), 1, "/v2/token_auth") == [429]
    assert statuses(there(api), 1) == [429]


def test_strangers_use_up_none_of_an_accounts_requests(
    api: Api, there: Callable[..., Api], new_account: Callable[..., Account], log_in: Callable[..., Api]
) -> None:
    stranger = there(log_in(new_account()))
    path = f"/v2/accounts/{api.account_id}/vmboxes"
    assert statuses(stranger, 2 * ALLOWED, path) == [403] * 2 * ALLOWED
    assert statuses(there(api).without_token(), 2 * ALLOWED) == [401] * 2 * ALLOWED
    assert statuses(there(api), ALLOWED) == [200] * ALLOWED


def test_signing_in_counts_if_it_succeeds(api: Api, there: Callable[..., Api], account: Account) -> None:
    nobody = there(api).without_token()
    digest = md5(f"{account.username}:{account.password}".encode()).hexdigest()
    ways = [
        ("/v2/user_auth", {"credentials": digest, "account_realm": account.realm}),
        ("/v2/api_auth", {"api_key": account.api_key}),
    ]
    bad = {"credentials": "0" * 32, "account_realm": account.realm}
    assert nobody.put("/v2/user_auth", bad).status_code == 401
    assert [nobody.put(*way).status_code for way in ways] == [201] * 2
    assert statuses(there(api), ALLOWED - 1) == [200] * (ALLOWED - 2) + [429]
    assert [nobody.put(*way).status_code for way in ways] == [429] * 2
    assert nobody.put("/v2/user_auth", bad).status_code == 401


def test_paths_of_no_account_have_no_limit(limited: Running) -> None:
    nobody = Api(limited.url, "")
    for path in ("/v2/about", "/v2/schemas/vmboxes", "/health/live"):
        assert statuses(nobody, 2 * ALLOWED, path) == [200] * 2 * ALLOWED


def test_requests_are_answered_again_after_the_stated_time(server_with: Callable[..., Running], api: Api) -> None:
    client = Api(server_with(REQUEST_LIMIT="3", REQUEST_LIMIT_SECONDS="9").url, api.account_id, api.token)
    waits: list[str] = []

    def is_refused() -> bool:
        waits[:] = [client.get("vmboxes").headers.get("Retry-After", "")]
        return waits != [""]

    wait_until(is_refused)
    assert 1 <= int(waits[0]) <= 9
    wait_until(lambda: client.get("vmboxes").status_code == 200)


def test_the_limit_can_be_switched_off(server_with: Callable[..., Running], api: Api) -> None:
    running = server_with(REQUEST_LIMIT="0", REQUEST_LIMIT_SECONDS="1000")
    assert set(statuses(Api(running.url, api.account_id, api.token), 40)) == {200}
