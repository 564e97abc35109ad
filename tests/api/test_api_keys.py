"""``/v2/accounts/{ACCOUNT_ID}/api_keys``: keys with scopes, and what each of them may do."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from accounts.models import ApiKeyUse
from couch.database import Database
from storage import gregorian
from tests.support.api_client import Account, Api
from tests.support.kazoo_messages import leave_spoken
from tests.support.servers import Running, Service, wait_until

Make = Callable[..., tuple[Api, dict[str, Any]]]
AUDIO = b"ID3" + bytes(range(256)) * 4


@pytest.fixture
def make(api: Api, server: Running) -> Make:
    """Makes a key; a client that sends it, and what the answer says of the key."""

    def make(*scopes: str, path: str = "api_keys", **members: Any) -> tuple[Api, dict[str, Any]]:
        answer = api.put(path, {"name": "Robot", "scopes": list(scopes), **members})
        assert answer.status_code == 201, answer.text
        key: dict[str, Any] = answer.json()["data"]
        assert answer.headers["Location"].endswith(f"/{path}/{key['id']}")
        return Api(server.url, api.account_id, key["api_key"]), key

    return make


@pytest.fixture
def box(api: Api) -> dict[str, Any]:
    """A mailbox with a PIN."""
    return api.new_box("3000", pin="2468")


@pytest.fixture
def message_id(account: Account, box: dict[str, Any]) -> str:
    """A message with audio."""
    return leave_spoken(account, box, gregorian.now(), AUDIO)


def requests_by_scope(client: Api, box: dict[str, Any], message_id: str) -> dict[str, int]:
    """The status of a request for each scope."""
    messages = f"vmboxes/{box['id']}/messages"
    return {
        "read_messages": client.get(f"{messages}/{message_id}").status_code,
        "hear": client.get(f"{messages}/{message_id}/raw").status_code,
        "write": client.post(f"{messages}/{message_id}", {"folder": "saved"}).status_code,
        "administer": client.get("users").status_code,
    }


@pytest.mark.parametrize("scope", ["read_messages", "hear", "write"])
def test_a_key_may_do_what_its_scope_says_and_nothing_else(
    make: Make, box: dict[str, Any], message_id: str, scope: str
) -> None:
    client, _key = make(scope)
    statuses = requests_by_scope(client, box, message_id)
    assert statuses == dict.fromkeys(statuses, 403) | {scope: 200}


def test_a_key_that_may_administer_may_do_all_that_its_owner_may(
    make: Make, box: dict[str, Any], message_id: str
) -> None:
    client, _key = make("administer")
    statuses = requests_by_scope(client, box, message_id)
    assert statuses == dict.fromkeys(statuses, 200)
    assert client.get(f"vmboxes/{box['id']}").json()["data"]["pin"] == "2468"


def test_the_error_names_the_missing_scope(make: Make, box: dict[str, Any]) -> None:
    client, _key = make("read_messages")
    answer = client.put(f"vmboxes/{box['id']}/messages", {})
    assert (answer.status_code, answer.json()["data"]) == (403, {"message": "this API key lacks the scope write"})


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("GET", ""),
        ("PATCH", ""),
        ("GET", "users"),
        ("GET", "api_key"),
        ("PUT", "api_key"),
        ("GET", "api_keys"),
        ("PUT", "api_keys"),
        ("GET", "descendants"),
        ("GET", "webhooks"),
        ("GET", "media"),
        ("GET", "/v2/token_auth"),
        ("PUT", "/v2/accounts"),
        ("PUT", "/v2/auth"),
    ],
)
def test_only_keys_that_may_administer_reach_what_is_not_voicemail(make: Make, verb: str, path: str) -> None:
    client, _key = make("read_messages", "hear", "write")
    options = {"json": {"data": {"name": "x", "scopes": ["hear"]}}} if verb != "GET" else {}
    assert client.request(verb, path, **options).status_code == 403


def test_no_key_without_that_right_sees_or_filters_by_a_pin(make: Make, box: dict[str, Any]) -> None:
    client, _key = make("read_messages", "write")
    assert "pin" not in client.get(f"vmboxes/{box['id']}").json()["data"]
    assert "pin" not in client.patch(f"vmboxes/{box['id']}", {"name": "New"}).json()["data"]
    assert client.get("vmboxes?filter_pin=2468").json()["data"] == []


@pytest.mark.parametrize("header", ["X-Auth-Token", "Authorization", "auth_token", "envelope"])
def test_a_key_is_sent_where_a_token_is_and_never_shown_again(make: Make, box: dict[str, Any], header: str) -> None:
    client, key = make("read_messages", "write")
    anonymous, text = client.without_token(), key["api_key"]
    path = f"vmboxes/{box['id']}"
    answers = {
        "X-Auth-Token": lambda: anonymous.get(path, headers={"X-Auth-Token": text}),
        "Authorization": lambda: anonymous.get(path, headers={"Authorization": f"Bearer {text}"}),
        "auth_token": lambda: anonymous.get(f"{path}?auth_token={text}"),
        "envelope": lambda: anonymous.patch(path, json={"data": {"name": "B"}, "auth_token": text}),
    }
    answer = answers[header]()
    assert answer.status_code == 200
    assert text not in answer.text


def test_only_a_digest_of_the_secret_is_stored(make: Make, db: Database, api: Api) -> None:
    _client, key = make("hear", expires=gregorian.now() + 1_000)
    secret = key["api_key"].rpartition("_")[2]
    doc = db.get(f"api_key-{key['id']}") or {}
    assert (doc["pvt_type"], doc["name"], doc["scopes"]) == ("api_key", "Robot", ["hear"])
    assert secret not in orjson.dumps([row["doc"] for row in db.all_docs(include_docs=True)]).decode()
    shown = api.get(f"api_keys/{key['id']}")
    assert shown.json()["data"] == {name: value for name, value in key.items() if name != "api_key"}
    assert doc["pvt_hashed_secret"] not in shown.text


def test_a_revoked_key_is_refused(make: Make, api: Api, box: dict[str, Any]) -> None:
    client, key = make("read_messages")
    assert client.get("vmboxes").status_code == 200
    assert api.delete(f"api_keys/{key['id']}").status_code == 200
    wait_until(lambda: client.get("vmboxes").status_code == 401)
    assert api.get("api_keys").json()["data"] == []
    assert api.get(f"api_keys/{key['id']}").status_code == 404


def test_a_key_ends_when_it_expires(make: Make, db: Database) -> None:
    client, key = make("read_messages", expires=gregorian.now() + 1_000)
    assert client.get("vmboxes").status_code == 200
    db.update(f"api_key-{key['id']}", lambda doc: {**doc, "expires": gregorian.now() - 1})
    wait_until(lambda: client.get("vmboxes").status_code == 401)


def test_a_key_is_of_use_only_in_its_networks(make: Make, api: Api) -> None:
    abroad, key = make("read_messages", networks=["192.0.2.0/24", "2001:db8::/32"])
    at_home, _key = make("read_messages", networks=["10.0.0.0/8", "127.0.0.0/8"])
    assert (abroad.get("vmboxes").status_code, at_home.get("vmboxes").status_code) == (401, 200)
    assert api.patch(f"api_keys/{key['id']}", {"networks": None}).status_code == 200
    wait_until(lambda: abroad.get("vmboxes").status_code == 200)


def test_a_key_ends_with_its_user_but_not_with_the_password(make: Make, api: Api) -> None:
    user = {"first_name": "Ada", "last_name": "L", "username": "ada", "password": "old password"}
    user_id = api.put("users", user).json()["data"]["id"]
    client, key = make("read_messages", path=f"users/{user_id}/api_keys")
    assert key["owner_id"] == user_id
    assert api.patch(f"users/{user_id}", {"password": "new password"}).status_code == 200
    assert client.get("vmboxes").status_code == 200
    assert api.patch(f"users/{user_id}", {"enabled": False}).status_code == 200
    wait_until(lambda: client.get("vmboxes").status_code == 401)


def test_a_users_key_changes_only_what_the_user_may(make: Make, api: Api, box: dict[str, Any]) -> None:
    user_id = api.put("users", {"first_name": "Ada", "last_name": "L"}).json()["data"]["id"]
    own_box = api.new_box("3001", owner_id=user_id)
    client, _key = make("write", path=f"users/{user_id}/api_keys")
    assert client.patch(f"vmboxes/{own_box['id']}", {"name": "Mine"}).status_code == 200
    assert client.patch(f"vmboxes/{box['id']}", {"name": "Not mine"}).status_code == 403


def test_a_key_is_of_no_use_in_other_accounts(make: Make, new_account: Callable[..., Account]) -> None:
    client, _key = make("administer")
    other = Api(client.url, new_account().id, client.token)
    assert other.get("vmboxes").status_code == 403


def test_a_key_gives_no_token(make: Make) -> None:
    client, key = make("administer")
    answer = client.without_token().put("/v2/api_auth", {"api_key": key["api_key"]})
    assert (answer.status_code, list(answer.json()["data"]["api_key"])) == (400, ["forbidden"])


@pytest.mark.parametrize("part", [0, 1, 2, 3])
def test_a_wrong_key_is_refused(make: Make, part: int) -> None:
    client, key = make("administer")
    parts = key["api_key"].split("_")
    parts[part] = "0" * len(parts[part])
    assert Api(client.url, client.account_id, "_".join(parts)).get("vmboxes").status_code == 401


def test_the_last_use_is_known(make: Make, api: Api) -> None:
    client, key = make("read_messages")
    assert "last_used" not in key
    before = gregorian.now()
    assert client.get("vmboxes").status_code == 200
    wait_until(lambda: "last_used" in api.get(f"api_keys/{key['id']}").json()["data"])
    used = api.get(f"api_keys/{key['id']}").json()["data"]["last_used"]
    assert (used["address"], before <= used["time"] <= gregorian.now()) == ("127.0.0.1", True)


@pytest.mark.parametrize(
    ("members", "field", "rule"),
    [
        ({"name": ""}, "name", "minLength"),
        ({"scopes": []}, "scopes", "minItems"),
        ({"scopes": ["everything"]}, "scopes.0", "enum"),
        ({"networks": ["192.0.2.0/24", "home"]}, "networks.1", "network"),
        ({"expires": 1}, "expires", "minimum"),
        ({"expires": 315_569_520_000}, "expires", "maximum"),
    ],
)
def test_a_faulty_key_is_refused(api: Api, db: Database, members: dict[str, Any], field: str, rule: str) -> None:
    answer = api.put("api_keys", {"name": "Robot", "scopes": ["hear"], **members})
    assert (answer.status_code, list(answer.json()["data"][field])) == (400, [rule])
    assert api.get("api_keys").json()["data"] == []


@pytest.mark.parametrize(
    ("odd", "status"),
    [
        ({"scopes": "read_messages"}, 403),
        ({"scopes": [{}, 1, None]}, 403),
        ({"networks": 5}, 401),
        ({"networks": ["home"]}, 401),
        ({"expires": "never"}, 401),
        ({"pvt_hashed_secret": None}, 401),
    ],
    ids=str,
)
def test_what_a_key_holds_that_is_odd_allows_nothing(
    make: Make, api: Api, db: Database, odd: dict[str, Any], status: int
) -> None:
    client, key = make("read_messages")
    db.update(f"api_key-{key['id']}", lambda doc: {**doc, **odd})
    wait_until(lambda: client.get("vmboxes").status_code == status)
    assert api.get("api_keys").status_code == api.get(f"api_keys/{key['id']}").status_code == 200
    assert api.delete(f"api_keys/{key['id']}").status_code == 200


def test_the_use_of_a_revoked_key_is_forgotten(make: Make, api: Api, service: Service) -> None:
    client, key = make("read_messages")
    assert client.get("vmboxes").status_code == 200
    with service.models():
        wait_until(lambda: ApiKeyUse.objects.filter(key_id=key["id"], account_id=api.account_id).exists())
        assert api.delete(f"api_keys/{key['id']}").status_code == 200
        assert not ApiKeyUse.objects.filter(key_id=key["id"]).exists()


def test_a_change_for_another_revision_is_refused(make: Make, api: Api) -> None:
    _client, key = make("hear")
    path = f"api_keys/{key['id']}"
    assert api.patch(path, {"name": "A"}, headers={"If-Match": '"1-0"'}).status_code == 412
    assert api.post(path, {"name": "B", "scopes": ["write"]}).json()["data"]["scopes"] == ["write"]
    assert [listed["name"] for listed in api.get("api_keys").json()["data"]] == ["B"]
