"""What the audit says of requests to the API: who, when, which request, and what differs."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User

from audit.models import Entry
from desk.audit.log import list_entries
from tests.support.api_client import Account, Api
from tests.support.audio import Studio
from tests.support.audit_entries import entries_of, entry_of, is_recorded
from tests.support.servers import Running, Service, direct

PIN = "43*21"


@pytest.fixture(scope="module")
def account(shared_account: Account) -> Account:
    """One for all tests of the module."""
    return shared_account


def test_a_change_is_recorded_with_its_caller_request_and_difference(
    api: Api, account: Account, service: Service
) -> None:
    box = api.new_box(name="Ada")
    answer = api.patch(f"vmboxes/{box['id']}", {"name": "Grace", "pin": "8642"}, headers={"X-Request-ID": "change-1"})
    assert answer.ok
    entry = entry_of(service, answer)
    assert (entry["source"], entry["action"], entry["kind"]) == ("api", "changed", "mailbox")
    assert (entry["account_id"], entry["document_id"], entry["name"]) == (account.id, box["id"], "Grace")
    assert (entry["actor_account_id"], entry["actor_user_id"]) == (account.id, account.user_id)
    assert entry["actor_name"] == account.username
    assert entry["request"] == f"PATCH /v2/accounts/{account.id}/vmboxes/{box['id']}"
    assert (entry["request_id"], entry["address"]) == ("change-1", "127.0.0.1")
    assert entry["difference"] == {"name": ["Ada", "Grace"], "pin": [None, "(hidden)"]}
    assert abs(datetime.now(UTC) - entry["time"]) < timedelta(minutes=5)


def test_creation_and_removal_are_recorded(api: Api, service: Service) -> None:
    created = api.put("vmboxes", {"name": "Ada", "mailbox": "7001", "pin": PIN})
    entry = entry_of(service, created)
    assert (entry["action"], entry["kind"], entry["name"]) == ("created", "mailbox", "Ada")
    assert entry["difference"]["mailbox"] == [None, "7001"]
    assert entry["difference"]["pin"] == [None, "(hidden)"]
    removed = api.delete(f"vmboxes/{created.json()['data']['id']}")
    entry = entry_of(service, removed)
    assert (entry["action"], entry["difference"]) == ("removed", {"pvt_deleted": [None, True]})


def test_what_changes_nothing_and_what_only_reads_isnt_recorded(api: Api, service: Service) -> None:
    box = api.new_box(name="Ada")
    answers = [api.get(f"vmboxes/{box['id']}"), api.patch(f"vmboxes/{box['id']}", {"name": "Ada"})]
    refused = api.patch(f"vmboxes/{box['id']}", {"mailbox": ""})
    assert [answer.status_code for answer in (*answers, refused)] == [200, 200, 400]
    assert not any(is_recorded(service, answer) for answer in (*answers, refused))


def test_that_credentials_change_is_recorded_but_not_what_they_are(
    own_api: Api, service: Service, server: Running
) -> None:
    user = own_api.put("users", {"first_name": "A", "last_name": "B", "username": "ada", "password": "first word"})
    user_id = user.json()["data"]["id"]
    changed = own_api.patch(f"users/{user_id}", {"password": "another word"})
    assert entry_of(service, changed)["difference"]["password"] == ["(hidden)", "(hidden)"]
    renewed = own_api.put("api_key")
    entry = entry_of(service, renewed)
    assert entry["difference"]["pvt_api_key"] == ["(hidden)", "(hidden)"]
    assert (entry["kind"], entry["document_id"]) == ("account", own_api.account_id)
    ended = own_api.put(f"users/{user_id}/auth", {"action": "reset_signature_secret"})
    assert entry_of(service, ended)["difference"] == {"signature_secret": ["(hidden)", "(hidden)"]}
    hook = {"name": "H", "uri": "https://ada:word@hooks.example.com/?token=12345678", "hook": "object"}
    created = own_api.put("webhooks", {**hook, "custom_request_headers": {"X-Key": "word"}})
    difference = entry_of(service, created)["difference"]
    assert difference["custom_request_headers"] == [None, "(hidden)"]
    assert difference["uri"] == [None, "https://ada:***@hooks.example.com/?token=***"]


def test_messages_that_were_changed_alike_are_one_record(api: Api, account: Account, service: Service) -> None:
    box_id = api.new_box()["id"]
    created = [api.put(f"vmboxes/{box_id}/messages", {}) for _ in range(3)]
    ids = [answer.json()["data"]["media_id"] for answer in created]
    changed = api.post(f"vmboxes/{box_id}/messages", {"messages": ids, "folder": "saved"})
    entry = entry_of(service, changed)
    assert (entry["action"], entry["name"], entry["document_count"]) == ("changed", "3 messages", 3)
    assert (sorted(entry["documents"]), entry["container_id"]) == (sorted(ids), box_id)
    assert entry["difference"] == {"metadata.folder": ["new", "saved"]}
    removed = api.delete(f"vmboxes/{box_id}")
    actions = [(entry["kind"], entry["action"], entry["document_count"]) for entry in entries_of(service, removed)]
    assert actions == [("mailbox", "removed", 1), ("message", "removed", 3)]


def test_audio_is_recorded_by_its_name_and_length(api: Api, audio: Studio, service: Service) -> None:
    box_id, recording = api.new_box()["id"], audio("mp3")
    message_id = api.put(f"vmboxes/{box_id}/messages", {}).json()["data"]["media_id"]
    headers = {"Content-Type": recording.content_type}
    answer = api.put(f"vmboxes/{box_id}/messages/{message_id}/raw", data=recording.content, headers=headers)
    before, after = entry_of(service, answer)["difference"]["attachments"]
    assert before is None
    assert f"({recording.content_type}, {len(recording.content)} bytes)" in after


def test_signing_in_and_out_is_recorded(account: Account, service: Service, server: Running) -> None:
    client = Api(server.url, account.id)
    login = {"credentials": _credentials(account.username, account.password), "account_realm": account.realm}
    signed_in = client.put("/v2/user_auth", login)
    entry = entry_of(service, signed_in)
    assert (entry["action"], entry["kind"], entry["document_id"]) == ("signed in", "user", account.user_id)
    assert (entry["actor_name"], entry["name"]) == (account.username, account.username)
    client.token = signed_in.json()["auth_token"]
    assert entry_of(service, client.delete("/v2/token_auth"))["action"] == "signed out"
    key = client.without_token().put("/v2/api_auth", {"api_key": account.api_key})
    entry = entry_of(service, key)
    assert (entry["action"], entry["kind"], entry["actor_user_id"]) == ("signed in", "account", "")


def test_a_refused_sign_in_is_recorded(account: Account, service: Service, server: Running) -> None:
    client = Api(server.url, account.id)
    login = {"credentials": _credentials(account.username, "wrong"), "account_id": account.id}
    entry = entry_of(service, client.put("/v2/user_auth", login))
    assert (entry["action"], entry["account_id"], entry["actor_account_id"]) == ("was refused", account.id, "")
    assert entry["difference"] == {"reason": "wrong credentials"}
    basic = direct().get(client.address("vmboxes"), auth=(account.id, "0" * 32), timeout=60)
    assert entry_of(service, basic)["action"] == "was refused"


def test_who_acts_as_another_user_is_recorded_and_what_is_done_so(
    api: Api, account: Account, new_account: Callable[..., Account], service: Service
) -> None:
    child = new_account(parent=account.id)
    answer = api.put(f"/v2/accounts/{child.id}/users/{child.user_id}/user_auth", {"action": "impersonate_user"})
    entry = entry_of(service, answer)
    assert (entry["action"], entry["document_id"], entry["actor_name"]) == (
        "acted as",
        child.user_id,
        account.username,
    )
    acting = Api(api.url, child.id, answer.json()["auth_token"])
    entry = entry_of(service, acting.patch("", {"name": "Another name"}))
    assert (entry["actor_name"], entry["impersonator"]) == (child.username, f"{account.id}/{account.user_id}")


def test_each_throttled_guess_after_the_first_isnt_recorded(
    server_with: Callable[..., Running], new_account: Callable[..., Account], service: Service
) -> None:
    server, account = server_with(SIGN_IN_FAILURES="2"), new_account()
    client = Api(server.url, account.id)
    guesses = [
        client.put("/v2/user_auth", {"credentials": _credentials("x", str(number)), "account_id": account.id})
        for number in range(6)
    ]
    assert [guess.status_code for guess in guesses[-3:]] == [429] * 3
    recorded = [guess for guess in guesses if is_recorded(service, guess)]
    assert recorded == guesses[: len(recorded)]
    assert [guess.status_code for guess in recorded].count(429) == 1


def test_history_is_by_each_message(api: Api, account: Account, service: Service) -> None:
    box_id = api.new_box()["id"]
    ids = [api.put(f"vmboxes/{box_id}/messages", {}).json()["data"]["media_id"] for _ in range(2)]
    entry_of(service, api.post(f"vmboxes/{box_id}/messages", {"messages": ids, "folder": "saved"}))
    with service.models():
        actions: list[Any] = [entry.action for entry in list_entries(User(is_superuser=True), [ids[1]], 10, None)]
        assert actions == ["changed", "created"]
        assert Entry.objects.filter(document_id=ids[1]).count() == 1


def _credentials(username: str, password: str) -> str:
    return hashlib.md5(f"{username}:{password}".encode()).hexdigest()
