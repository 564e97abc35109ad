"""``/v2/schemas``: which schemas there are and what they say, for anybody."""

import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from couch.client import couch
from couch.database import Database
from storage import database_names
from tests.support.api_client import Api
from tests.support.servers import Running, wait_until


@pytest.fixture
def anonymous(server: Running) -> Api:
    """A client without a token."""
    return Api(server.url, "")


@pytest.fixture
def stored(server: Running) -> Iterator[Database]:
    """The database of stored schemas, as it was afterwards."""
    database = couch().database(database_names.SCHEMAS)
    old_ids = {row["id"] for row in database.all_docs()}
    yield database
    for row in database.all_docs():
        if row["id"] not in old_ids:
            database.delete(row["id"], row["value"]["rev"])


def test_the_names_of_all_schemas_are_listed(anonymous: Api) -> None:
    answer = anonymous.get("/v2/schemas")
    assert answer.status_code == 200
    assert answer.json()["status"] == "success"
    assert {"vmboxes", "vm_message_metadata", "notify.callback", "accounts", "users"} <= set(answer.json()["data"])


def test_a_schema_is_returned_without_private_members(anonymous: Api) -> None:
    answer = anonymous.get("/v2/schemas/vmboxes")
    assert answer.status_code == 200
    data = answer.json()["data"]
    assert data["id"] == "vmboxes"
    assert data["required"] == ["mailbox", "name"]
    assert data["properties"]["pin"]["maxLength"] == 6
    assert not [key for key in data if key.startswith("_")]


def test_names_with_dots_and_trailing_slashes_are_accepted(anonymous: Api) -> None:
    assert anonymous.get("/v2/schemas/notify.callback").json()["data"]["id"] == "notify.callback"
    assert anonymous.get("/v2/schemas/notify.callback/").status_code == 200
    assert anonymous.get("/v2/schemas/").status_code == 200


@pytest.mark.parametrize("name", ["nothing", "_design%2Fx", "..%2Fvmboxes", "%00", "x" * 300])
def test_an_unknown_schema_is_not_found(anonymous: Api, name: str) -> None:
    answer = anonymous.get(f"/v2/schemas/{name}")
    assert answer.status_code == 404
    assert answer.json()["status"] == "error"


def test_the_error_names_the_unknown_schema(anonymous: Api) -> None:
    answer = anonymous.get("/v2/schemas/nothing").json()
    assert answer["message"] == "bad_identifier"
    assert answer["data"] == {"message": "bad identifier", "cause": "nothing"}


def test_a_stored_schema_is_listed_and_returned(anonymous: Api, stored: Database) -> None:
    name = f"test_{secrets.token_hex(8)}"
    stored.put({"_id": name, "type": "object", "pvt_type": "schema"})
    assert name in anonymous.get("/v2/schemas").json()["data"]
    assert anonymous.get(f"/v2/schemas/{name}").json()["data"] == {"id": name, "type": "object"}


def test_a_stored_schema_overrides_the_shipped_one_within_10_seconds(anonymous: Api, stored: Database) -> None:
    shipped = anonymous.get("/v2/schemas/notify.callback").json()["data"]
    stored.put({"_id": "notify.callback", **_without_id(shipped), "description": "Ours"})

    def is_overridden() -> bool:
        description: str = anonymous.get("/v2/schemas/notify.callback").json()["data"]["description"]
        return description == "Ours"

    wait_until(is_overridden, 10)


@pytest.mark.parametrize("method", ["PUT", "POST", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", ["/v2/schemas", "/v2/schemas/vmboxes"])
def test_schemas_can_only_be_read(anonymous: Api, method: str, path: str) -> None:
    answer = anonymous.request(method, path, json={"data": {}})
    assert answer.status_code == 405
    assert answer.json()["message"] == "invalid_method"


@pytest.mark.parametrize("path", ["/v2/schemas", "/v2/schemas/vmboxes"])
def test_head_and_options_are_answered(anonymous: Api, path: str) -> None:
    head = anonymous.head(path)
    assert head.status_code == 200
    assert head.content == b""
    options = anonymous.options(path)
    assert options.status_code == 200
    assert options.headers["Access-Control-Allow-Origin"] == "*"


def test_an_unchanged_schema_is_not_sent_again(anonymous: Api) -> None:
    etag = anonymous.get("/v2/schemas/vmboxes").headers["ETag"]
    assert anonymous.get("/v2/schemas/vmboxes", headers={"If-None-Match": etag}).status_code == 304


def _without_id(schema: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key != "id"}
