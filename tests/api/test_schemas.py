"""``/v2/schemas``: which schemas there are and what they say, for anybody."""

import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from couch.client import Database, couch
from storage import database_names
from tests.support.api_client import Api
from tests.support.servers import Running, wait_until


@pytest.fixture
def anybody(server: Running) -> Api:
    """A client without a token."""
    return Api(server.url, "")


@pytest.fixture
def stored(server: Running) -> Iterator[Database]:
    """The database of stored schemas, as it was afterwards."""
    database = couch().database(database_names.SCHEMAS)
    before = {row["id"] for row in database.all_docs()}
    yield database
    for row in database.all_docs():
        if row["id"] not in before:
            database.delete(row["id"], row["value"]["rev"])


def test_it_lists_the_names(anybody: Api) -> None:
    answer = anybody.get("/v2/schemas")
    assert answer.status_code == 200
    assert answer.json()["status"] == "success"
    assert {"vmboxes", "vm_message_metadata", "notify.callback", "accounts", "users"} <= set(answer.json()["data"])


def test_it_shows_a_schema(anybody: Api) -> None:
    answer = anybody.get("/v2/schemas/vmboxes")
    assert answer.status_code == 200
    data = answer.json()["data"]
    assert data["id"] == "vmboxes"
    assert data["required"] == ["mailbox", "name"]
    assert data["properties"]["pin"]["maxLength"] == 6
    assert not [key for key in data if key.startswith("_")]


def test_a_name_may_hold_a_dot_and_a_slash_may_follow(anybody: Api) -> None:
    assert anybody.get("/v2/schemas/notify.callback").json()["data"]["id"] == "notify.callback"
    assert anybody.get("/v2/schemas/notify.callback/").status_code == 200
    assert anybody.get("/v2/schemas/").status_code == 200


@pytest.mark.parametrize("name", ["nothing", "_design%2Fx", "..%2Fvmboxes", "%00", "x" * 300])
def test_an_unknown_schema_is_not_found(anybody: Api, name: str) -> None:
    answer = anybody.get(f"/v2/schemas/{name}")
    assert answer.status_code == 404
    assert answer.json()["status"] == "error"


def test_an_unknown_schema_is_named(anybody: Api) -> None:
    answer = anybody.get("/v2/schemas/nothing").json()
    assert answer["message"] == "bad_identifier"
    assert answer["data"] == {"message": "bad identifier", "cause": "nothing"}


def test_a_stored_schema_is_listed_and_shown(anybody: Api, stored: Database) -> None:
    name = f"test_{secrets.token_hex(8)}"
    stored.put({"_id": name, "type": "object", "pvt_type": "schema"})
    assert name in anybody.get("/v2/schemas").json()["data"]
    assert anybody.get(f"/v2/schemas/{name}").json()["data"] == {"id": name, "type": "object"}


def test_a_stored_schema_goes_before_the_shipped_one_within_10_seconds(anybody: Api, stored: Database) -> None:
    shipped = anybody.get("/v2/schemas/notify.callback").json()["data"]
    stored.put({"_id": "notify.callback", **_without_id(shipped), "description": "Ours"})

    def shown() -> bool:
        told: str = anybody.get("/v2/schemas/notify.callback").json()["data"]["description"]
        return told == "Ours"

    wait_until(shown, 10)


@pytest.mark.parametrize("method", ["PUT", "POST", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", ["/v2/schemas", "/v2/schemas/vmboxes"])
def test_schemas_can_only_be_read(anybody: Api, method: str, path: str) -> None:
    answer = anybody.request(method, path, json={"data": {}})
    assert answer.status_code == 405
    assert answer.json()["message"] == "invalid_method"


@pytest.mark.parametrize("path", ["/v2/schemas", "/v2/schemas/vmboxes"])
def test_head_and_options_work(anybody: Api, path: str) -> None:
    head = anybody.head(path)
    assert head.status_code == 200
    assert head.content == b""
    options = anybody.options(path)
    assert options.status_code == 200
    assert options.headers["Access-Control-Allow-Origin"] == "*"


def test_a_schema_that_the_client_has_is_not_sent_again(anybody: Api) -> None:
    etag = anybody.get("/v2/schemas/vmboxes").headers["ETag"]
    assert anybody.get("/v2/schemas/vmboxes", headers={"If-None-Match": etag}).status_code == 304


def _without_id(schema: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key != "id"}
