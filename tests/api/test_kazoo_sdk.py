"""Sessions of kazoo-sdk, the Python client that Kazoo's users have: it is told our address, and nothing else."""

import json
from typing import Any

import pytest

from couch.database import Database
from storage import gregorian
from tests.support.api_client import Account
from tests.support.kazoo_messages import leave, stored
from tests.support.servers import Running

_decoder = json._default_decoder  # type: ignore[attr-defined]

import kazoo  # noqa: E402
from kazoo.exceptions import (  # noqa: E402
    KazooApiAuthenticationError,
    KazooApiBadDataError,
    KazooApiError,
)

# The SDK has all JSON of its process read into ordered dictionaries: only its own sessions shall.
_sdks_decoder, json._default_decoder = json._default_decoder, _decoder  # type: ignore[attr-defined]

BOX = {"name": "VMBox 0", "mailbox": "3000", "pin": "0000", "require_pin": True}


@pytest.fixture(autouse=True)
def sdks_json(monkeypatch: pytest.MonkeyPatch) -> None:
    """JSON is read as the SDK wants it."""
    monkeypatch.setattr(json, "_default_decoder", _sdks_decoder)


@pytest.fixture
def base_url(server: Running, monkeypatch: pytest.MonkeyPatch) -> str:
    """What the SDK is told."""
    monkeypatch.setenv("no_proxy", "*")  # no proxy of the machine's comes between
    return f"{server.url}/v2"


@pytest.fixture(params=["password", "api_key"])
def client(request: pytest.FixtureRequest, base_url: str, account: Account) -> Any:
    """The SDK's client, logged in with a password (which it sends as MD5) or with an API key."""
    logins = {
        "password": {"username": account.username, "password": account.password, "account_name": account.name},
        "api_key": {"api_key": account.api_key},
    }
    client = kazoo.Client(base_url=base_url, **logins[request.param])
    assert client.authenticate().count(".") == 2
    return client


def public(doc: dict[str, Any] | None) -> dict[str, Any]:
    """What of a stored document is no one's secret."""
    return {key: value for key, value in (doc or {}).items() if not key.startswith(("_", "pvt_"))}


def test_a_wrong_password_raises_an_authentication_error(base_url: str, account: Account) -> None:
    client = kazoo.Client(base_url=base_url, username=account.username, password="wrong", account_name=account.name)
    with pytest.raises(KazooApiAuthenticationError):
        client.authenticate()


def test_a_mailbox_is_created_listed_fetched_changed_and_deleted(client: Any, account: Account, db: Database) -> None:
    created = client.create_voicemail_box(account.id, BOX)
    assert created["status"] == "success"
    box_id = created["data"]["id"]
    assert created["data"].items() >= BOX.items()
    assert {**public(db.get(box_id)), "id": box_id} == created["data"]

    listed = client.get_voicemail_boxes(account.id)["data"]
    assert listed == [{"id": box_id, "name": "VMBox 0", "mailbox": "3000", "messages": 0, "flags": []}]
    fetched = client.get_voicemail_box(account.id, box_id)
    assert fetched["data"] == created["data"]
    assert fetched["revision"] == (db.get(box_id) or {})["_rev"]

    changed = client.update_voicemail_box(account.id, box_id, {**BOX, "name": "Reception"})
    assert changed["data"] == {**created["data"], "name": "Reception"}
    assert public(db.get(box_id))["name"] == "Reception"

    deleted = client.delete_voicemail_box(account.id, box_id)
    assert deleted["metadata"]["deleted"] is True
    assert (db.get(box_id) or {})["pvt_deleted"] is True
    assert client.get_voicemail_boxes(account.id)["data"] == []
    with pytest.raises(KazooApiError, match="bad_identifier"):
        client.get_voicemail_box(account.id, box_id)


def test_errors_name_the_field_and_the_rule(client: Any, account: Account, db: Database) -> None:
    client.create_voicemail_box(account.id, BOX)
    with pytest.raises(KazooApiBadDataError) as number_error:
        client.create_voicemail_box(account.id, BOX)
    assert list(number_error.value.field_errors["mailbox"]) == ["unique"]
    with pytest.raises(KazooApiBadDataError) as name_error:
        client.create_voicemail_box(account.id, {"mailbox": "3001"})
    assert list(name_error.value.field_errors["name"]) == ["required"]
    assert len(list(db.view("vmboxes", "crossbar_listing"))) == 1


def test_messages_are_listed_by_a_manual_request(client: Any, account: Account) -> None:
    box = client.create_voicemail_box(account.id, BOX)["data"]
    now = gregorian.now()
    ids = leave(account, box, [now - 60, now - 30], length=3140)
    _, listed = client.manual_request(f"/accounts/{account.id}/vmboxes/{box['id']}/messages")
    assert [entry["media_id"] for entry in listed] == ids[::-1]
    assert {entry["length"] for entry in listed} == {3140}
    assert client.get_voicemail_boxes(account.id)["data"][0]["folders"] == {"new": 2, "saved": 0}


def test_a_message_is_created_and_moved_to_another_folder(client: Any, account: Account) -> None:
    box = client.create_voicemail_box(account.id, BOX)["data"]
    path = f"/accounts/{account.id}/vmboxes/{box['id']}/messages"
    _, created = client.manual_request(path, method="put", data={"data": {"caller_id_number": "1001"}})
    message_id = created["media_id"]
    assert stored(account, message_id)["metadata"]["caller_id_number"] == "1001"
    _, changed = client.manual_request(f"{path}/{message_id}", method="post", data={"data": {"folder": "saved"}})
    assert changed["folder"] == "saved"
    assert stored(account, message_id)["metadata"]["folder"] == "saved"


def test_the_account_and_its_user_are_fetched(client: Any, account: Account) -> None:
    shown = client.get_account(account.id)["data"]
    assert (shown["id"], shown["name"], shown["realm"]) == (account.id, account.name, account.realm)
    (user,) = client.get_users(account.id)["data"]
    assert user["username"] == account.username
    assert client.get_user(account.id, account.user_id)["data"]["priv_level"] == "admin"
    assert client.get_account_children(account.id)["data"] == []
