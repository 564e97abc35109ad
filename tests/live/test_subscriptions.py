"""Clients subscribe to bindings, with Kazoo's messages and replies."""

import secrets
from collections.abc import Callable
from typing import Any

import pytest
import requests
from django.contrib.auth.models import User
from websockets.exceptions import ConnectionClosed

from desk.models import AccountLimit
from live import tickets
from tests.live.conftest import Client
from tests.support.api_client import Account, Api
from tests.support.servers import Running, Service, wait_until


@pytest.fixture
def operator_id(service: Service) -> str:
    """The key of an operator of the desk, who sees everything."""
    with service.models():
        return str(User.objects.create(username=f"operator-{secrets.token_hex(4)}", is_staff=True).pk)


def test_a_ping_is_answered(client: Client) -> None:
    client.send({"action": "ping", "request_id": "17", "data": {}})
    assert client.next() == {
        "action": "reply",
        "request_id": "17",
        "status": "success",
        "data": {"response": "pong"},
    }


def test_the_reply_names_what_was_subscribed_and_all_subscriptions(client: Client) -> None:
    first = client.ask("subscribe", binding="object.*.user")
    assert first == {
        "action": "reply",
        "request_id": "of subscribe",
        "status": "success",
        "data": {"subscribed": ["object.*.user"], "subscriptions": ["object.*.user"]},
    }
    second = client.ask("subscribe", bindings=["object.doc_created.vmbox", "object.*.user"])
    assert second["data"] == {
        "subscribed": ["object.doc_created.vmbox", "object.*.user"],
        "subscriptions": ["object.*.user", "object.doc_created.vmbox"],
    }
    assert client.ask("unsubscribe", binding="object.*.user")["data"] == {
        "unsubscribed": ["object.*.user"],
        "subscriptions": ["object.doc_created.vmbox"],
    }
    assert client.ask("unsubscribe")["data"]["subscriptions"] == []


@pytest.mark.parametrize(
    "binding",
    [
        "object.*",
        "object.doc_read.user",
        "object.*.faxbox",
        "call.CHANNEL_CREATE.*",
        "",
        7,
        None,
        "object.*.user." * 50,
    ],
)
def test_a_binding_that_does_not_exist_is_refused(client: Client, binding: Any) -> None:
    reply = client.ask("subscribe", bindings=["object.*.user", binding])
    assert reply["status"] == "error"
    assert "no available subscriptions" in reply["data"]["errors"][0]
    assert client.ask("subscribe", binding="object.*.media")["data"]["subscriptions"] == ["object.*.media"]


@pytest.mark.parametrize(
    "message",
    ["", "{", "[]", "7", '"ping"', '{"action": 7}', '{"action": "reboot"}', '{"action": "subscribe", "data": []}'],
)
def test_a_message_that_makes_no_sense_gets_an_error(client: Client, message: str) -> None:
    client.send(message)
    reply = client.next()
    assert (reply["action"], reply["status"], len(reply["data"]["errors"])) == ("reply", "error", 1)
    assert client.ask("ping")["status"] == "success"


@pytest.mark.parametrize("token", [None, "", "nonsense", 7, ["a"]])
def test_nobody_subscribes_without_a_valid_token(client: Client, token: Any) -> None:
    client.send({"action": "subscribe", "auth_token": token, "data": {"binding": "object.*.user"}})
    assert client.next()["data"]["errors"] == ["failed to authenticate token"]


def test_nobody_subscribes_to_the_account_of_others(
    client: Client, new_account: Callable[..., Account], account: Account
) -> None:
    for account_id in (new_account().id, "0" * 32, "../_users"):
        reply = client.ask("subscribe", binding="object.*.user", account_id=account_id)
        assert reply["data"]["errors"] == [f"unauthorized for account {account_id}"]


def test_administrators_subscribe_to_accounts_below(
    client: Client, api: Api, connect_as: Callable[[Api], Client]
) -> None:
    below = api.put("", {"name": "Below", "realm": f"below.{api.account_id}.example.com"}).json()["data"]["id"]
    client.subscribe("object.*.vmbox", account_id=below)
    box = requests.put(
        f"{api.url}/v2/accounts/{below}/vmboxes",
        json={"data": {"name": "Sales", "mailbox": "4000"}},
        headers={"X-Auth-Token": api.token or ""},
        timeout=60,
    ).json()["data"]
    assert client.next_event_of(box["id"])["data"]["account_id"] == below


def test_a_connection_has_a_hundred_subscriptions_at_most(client: Client) -> None:
    client.subscribe(*(f"object.*.user.{number}" for number in range(100)))
    reply = client.ask("subscribe", binding="object.*.user")
    assert reply["data"]["errors"] == ["a connection has 100 subscriptions at most"]


def test_a_health_check_needs_no_websocket(live: Running) -> None:
    answer = requests.get(live.url.replace("ws:", "http:") + "/health/live", timeout=60)
    assert (answer.status_code, answer.text) == (200, "ok\n")


def test_a_ticket_of_a_page_is_for_its_account_alone(
    client: Client, account: Account, own_api: Api, operator_id: str
) -> None:
    ticket = tickets.issue(account.id, operator_id)
    wanted = {"binding": "object.*.vmbox", "account_id": account.id}
    client.send({"action": "subscribe", "auth_token": ticket, "data": wanted})
    assert client.next()["status"] == "success"
    other = {**wanted, "account_id": own_api.account_id}
    client.send({"action": "subscribe", "auth_token": ticket, "data": other})
    assert client.next()["data"]["errors"] == [f"unauthorized for account {own_api.account_id}"]
    client.send({"action": "subscribe", "auth_token": ticket[:-2] + "xx", "data": wanted})
    assert client.next()["data"]["errors"] == ["failed to authenticate token"]


def test_a_ticket_ends_when_its_operator_may_no_longer_see_the_account(
    client: Client, account: Account, own_api: Api, api: Api, operator_id: str, service: Service
) -> None:
    ticket = tickets.issue(account.id, operator_id)
    subscription = {
        "action": "subscribe",
        "auth_token": ticket,
        "data": {"binding": "object.*.vmbox", "account_id": account.id},
    }
    client.send(subscription)
    assert client.next()["status"] == "success"
    with service.models():
        AccountLimit.objects.create(operator_id=int(operator_id), account_id=own_api.account_id)

    def is_refused() -> bool:
        client.send(subscription)
        return bool(client.next()["status"] == "error")

    def hear_events() -> None:
        for number in range(4000, 5000):
            api.new_box(str(number))
            client.next()

    wait_until(is_refused)
    with pytest.raises(ConnectionClosed) as closed:
        hear_events()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1008


def test_a_ticket_of_nobody_is_refused(client: Client, account: Account) -> None:
    ticket = tickets.issue(account.id, "0")
    client.send({"action": "subscribe", "auth_token": ticket, "data": {"binding": "object.*.vmbox"}})
    assert client.next()["data"]["errors"] == ["failed to authenticate token"]
