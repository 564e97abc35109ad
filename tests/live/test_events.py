"""What changes is told to the clients that listen, and may know of it."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from accounts.auth import tokens
from couch.database import Database
from storage import database_names, gregorian
from tests.live.conftest import SECONDS, Client
from tests.support.api_client import Account, Api
from tests.support.kazoo_messages import leave
from tests.support.servers import direct

MONTH = 31 * 86_400


@pytest.fixture
def box(api: Api) -> dict[str, Any]:
    """A mailbox."""
    return api.new_box()


def test_an_event_says_what_changed_and_for_which_subscription(
    client: Client, api: Api, account: Account, box: dict[str, Any]
) -> None:
    client.subscribe("object.*.mailbox_message")
    created = api.put(f"vmboxes/{box['id']}/messages", {"caller_id_name": "Ada"}).json()["data"]
    event = client.next_event_of(created["media_id"])
    database = database_names.encode(database_names.modb(account.id, created["media_id"][:6]))
    data = event.pop("data")
    assert event == {
        "action": "event",
        "subscribed_key": "object.*.mailbox_message",
        "subscription_key": "object.*.mailbox_message",
        "name": "doc_created",
        "routing_key": f"doc_created.{database}.mailbox_message.{created['media_id']}",
    }
    assert (data["account_id"], data["type"], data["action"]) == (account.id, "mailbox_message", "doc_created")
    assert (data["database"], data["is_soft_deleted"]) == (database, False)
    assert "Ada" not in str(data)


def test_only_what_was_subscribed_is_told(client: Client, api: Api, box: dict[str, Any]) -> None:
    client.subscribe("object.doc_edited.vmbox", "object.doc_deleted.vmbox")
    unwanted = api.new_box()
    api.patch(f"vmboxes/{box['id']}", {"name": "Renamed"})
    assert client.next()["name"] == "doc_edited"
    api.delete(f"vmboxes/{box['id']}")
    assert client.next()["name"] == "doc_deleted"
    assert client.ask("unsubscribe")["status"] == "success"
    api.patch(f"vmboxes/{unwanted['id']}", {"name": "Renamed, too"})
    client.subscribe("object.*.user")
    user = api.put("users", {"first_name": "Ada", "last_name": "L"}).json()["data"]
    assert client.ids_until(user["id"]) == [user["id"]]


def test_messages_of_all_months_are_told(client: Client, account: Account, box: dict[str, Any]) -> None:
    now = gregorian.now()
    leave(account, box, [now - 2 * MONTH])
    client.subscribe("object.*.mailbox_message")
    (in_old_month,) = leave(account, box, [now - 2 * MONTH])
    client.next_event_of(in_old_month)
    (in_new_month,) = leave(account, box, [now - 4 * MONTH])
    assert client.ids_until(in_new_month) == [in_new_month]


def test_what_a_kazoo_stores_is_told_as_well(client: Client, db: Database) -> None:
    client.subscribe("object.*.device")
    db.put({"_id": "d" * 32, "pvt_type": "device", "pvt_node": "ecallmgr@kazoo.example.com", "name": "Desk phone"})
    assert client.next_event_of("d" * 32)["name"] == "doc_created"


def test_accounts_never_hear_of_each_other(
    client: Client,
    own_api: Api,
    api: Api,
    connect_as: Callable[[Api], Client],
) -> None:
    stranger = connect_as(own_api)
    for listener in (client, stranger):
        listener.subscribe("object.*.*")
    box, strange_box = api.new_box(), own_api.new_box()
    assert client.ids_until(box["id"]) == [box["id"]]
    assert stranger.ids_until(strange_box["id"]) == [strange_box["id"]]


@pytest.fixture
def restricted(db: Database) -> Iterator[None]:
    """Mailboxes are for their owners alone."""
    settings = {"_id": "configs_crossbar.voicemail", "pvt_type": "account_config"}
    stored = db.put({**settings, "should_restrict_access_to_owner": True, "should_restrict_access_to_unowned": True})
    yield
    db.delete(stored["_id"], stored["_rev"])


@pytest.mark.usefixtures("restricted")
def test_users_hear_of_mailboxes_that_they_may_see(api: Api, plain: Api, connect_as: Callable[[Api], Client]) -> None:
    assert plain.token is not None
    own_id = tokens.verify(plain.token).owner_id
    listener = connect_as(plain)
    listener.subscribe("object.*.vmbox", "object.*.mailbox_message")
    hidden = api.new_box()
    api.put(f"vmboxes/{hidden['id']}/messages", {})
    visible = api.new_box(owner_id=own_id)
    message = api.put(f"vmboxes/{visible['id']}/messages", {}).json()["data"]["media_id"]
    assert listener.ids_until(message) == [visible["id"], message]


def test_a_client_that_signed_out_is_disconnected(
    log_in: Callable[..., Api], account: Account, api: Api, connect_as: Callable[[Api], Client]
) -> None:
    leaving = log_in(account)
    client = connect_as(leaving)
    client.subscribe("object.*.vmbox")
    signed_out = direct().delete(
        f"{leaving.url}/v2/token_auth", headers={"X-Auth-Token": leaving.token or ""}, timeout=60
    )
    assert signed_out.ok, signed_out.text
    with suppress(ConnectionClosed):
        while True:  # an event may still come within the seconds that a token's state is cached
            api.new_box()
            client.socket.recv(timeout=SECONDS)
    assert client.socket.close_code == 1008
