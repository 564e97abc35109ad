"""The pages of webhooks and of the attempts to send for them."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from couch.client import couch
from couch.database import Document
from storage import database_names, gregorian
from tests.support.api_client import Account, Api
from tests.support.operators import Desk
from webhooks import attempts, store

Operator = Callable[..., Desk]
MEMBERS = {"name": "CRM", "uri": "https://crm.example.com/voicemail", "hook": "notifications"}
SECRET = "Bearer very-secret-indeed"


@pytest.fixture
def hook(api: Api) -> dict[str, Any]:
    created: dict[str, Any] = api.put(
        "webhooks",
        {
            **MEMBERS,
            "custom_request_headers": {"Authorization": SECRET},
            "security_settings": {"sha256_key": "key-" + SECRET},
            "custom_data": {"type": "voicemail_new"},
        },
    ).json()["data"]
    return created


def stored(hook_id: str) -> Document:
    return couch().database(database_names.WEBHOOKS).get(hook_id) or {}


def page_of(account: Account, hook: dict[str, Any], page: str = "") -> str:
    return f"desk/webhook/{account.id}/{hook['id']}/{page}"


def test_the_account_leads_to_its_webhooks(operator: Operator, account: Account, hook: dict[str, Any]) -> None:
    desk = operator("Read only")
    assert f"desk/webhook/?account={account.id}" in desk.get(f"desk/account/{account.id}/").text
    page = desk.get("desk/webhook/", account=account.id).text
    assert page_of(account, hook) in page
    assert "notifications · voicemail_new" in page


def test_webhooks_are_sorted_by_any_column(operator: Operator, account: Account, api: Api) -> None:
    for name, uri, enabled in (("B", "https://a.example.com/", True), ("a", "https://b.example.com/", False)):
        assert api.put("webhooks", {**MEMBERS, "name": name, "uri": uri, "enabled": enabled}).status_code == 201
    desk = operator("Read only")

    def order(sort: str) -> list[str]:
        page = desk.get("desk/webhook/", account=account.id, sort=sort).text
        return re.findall(r'<th scope="row"[^>]*><a [^>]*><bdi>(\w)</bdi>', page)

    assert order("") == order("name") == order("-address") == order("enabled") == ["a", "B"]
    assert order("-name") == order("address") == ["B", "a"]


def test_a_webhook_is_added(operator: Operator, account: Account) -> None:
    desk = operator("Administrators")
    answer = desk.fill_in(
        f"desk/webhook/{account.id}/add/",
        name="New",
        hook="object",
        uri="https://crm.example.com/",
        custom_data='{"type": "vmbox"}',
        custom_request_headers='{"X-Token": "1"}',
        security_settings__sha256_key="key",
    )
    assert "was created" in answer.text
    (hook,) = store.list_enabled([account.id])
    assert (hook["name"], hook["hook"], hook["custom_data"]) == ("New", "object", {"type": "vmbox"})
    assert (hook["custom_request_headers"], hook["security_settings"]) == ({"X-Token": "1"}, {"sha256_key": "key"})


@pytest.mark.parametrize("uri", ["", "crm.example.com", "ftp://crm.example.com/"])
def test_a_faulty_address_is_an_error_at_its_field(operator: Operator, account: Account, uri: str) -> None:
    page = operator("Administrators").fill_in(f"desk/webhook/{account.id}/add/", name="N", hook="all", uri=uri).text
    assert "Please correct the error below" in page
    assert store.list_enabled([account.id]) == []


def test_credentials_are_never_shown(operator: Operator, account: Account, hook: dict[str, Any]) -> None:
    desk = operator("Administrators")
    for page in ("", "change/", "history/", "test/"):
        text = desk.get(page_of(account, hook, page)).text
        assert SECRET not in text
    assert "Authorization" in desk.get(page_of(account, hook)).text


def test_a_change_keeps_the_credentials_and_one_of_them_replaces_the_old(
    operator: Operator, account: Account, hook: dict[str, Any]
) -> None:
    desk, path = operator("Administrators"), page_of(account, hook, "change/")
    assert "was changed" in desk.fill_in(path, name="Our CRM").text
    assert stored(hook["id"])["custom_request_headers"] == {"Authorization": SECRET}
    assert stored(hook["id"])["security_settings"] == hook["security_settings"]
    headers = '{"X-New": "another-secret"}'
    assert "was changed" in desk.fill_in(path, custom_request_headers=headers).text
    assert stored(hook["id"])["custom_request_headers"] == {"X-New": "another-secret"}
    history = desk.get(page_of(account, hook, "history/")).text
    assert "Our CRM" in history
    assert "another-secret" not in history
    assert "Nothing was changed." in desk.fill_in(path).text


def test_a_webhook_is_removed(operator: Operator, account: Account, hook: dict[str, Any]) -> None:
    desk = operator("Administrators")
    assert "was removed" in desk.post(page_of(account, hook, "delete/")).text
    assert stored(hook["id"])["pvt_deleted"] is True


def test_webhooks_that_failed_are_enabled_again(
    operator: Operator, account: Account, hook: dict[str, Any], service: Any
) -> None:
    with service.models():
        store.disable(hook["id"], "6 events could not be sent")
    desk = operator("Administrators")
    assert "6 events could not be sent" in desk.get(page_of(account, hook)).text
    assert "Webhooks enabled: 1." in desk.post(f"desk/webhook/{account.id}/enable/").text
    assert stored(hook["id"])["enabled"] is True


def test_attempts_are_listed_and_shown_without_credentials(
    operator: Operator, account: Account, hook: dict[str, Any]
) -> None:
    members: dict[str, Any] = {
        "hook_id": hook["id"],
        "hook_event": "notifications",
        "event_id": "1" * 32,
        "method": "post",
        "uri": MEMBERS["uri"],
        "req_headers": {"Authorization": SECRET, "X-Hook-ID": hook["id"]},
        "req_body": "<script>alert(1)</script>",
        "resp_status_code": 503,
        "resp_body": "<b>busy</b>",
        "try": 1,
        "next_try": gregorian.now() + 60,
    }
    failed = attempts.store_attempt(account.id, {**members, "result": "failure", "pvt_event_name": "voicemail_new"})
    succeeded = attempts.store_attempt(account.id, {**members, "result": "success", "resp_status_code": 204})
    desk = operator("Read only")
    path = page_of(account, hook)
    everything, failures = desk.get(path).text, desk.get(path, result="failure").text
    for attempt, is_failure in ((failed, True), (succeeded, False)):
        assert f"attempts/{attempt['_id']}/" in everything
        assert (f"attempts/{attempt['_id']}/" in failures) is is_failure
    page = desk.get(f"{path}attempts/{failed['_id']}/").text
    assert SECRET not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "&lt;b&gt;busy" in page
    assert "voicemail_new" in page


def test_attempts_of_another_webhook_or_account_are_not_shown(
    operator: Operator, account: Account, hook: dict[str, Any], new_account: Callable[..., Account]
) -> None:
    stranger = new_account()
    other = attempts.store_attempt(account.id, {"hook_id": "0" * 32, "result": "failure"})
    foreign = attempts.store_attempt(stranger.id, {"hook_id": hook["id"], "result": "failure"})
    for attempt in (other, foreign):
        page = operator("Read only").get(f"{page_of(account, hook)}attempts/{attempt['_id']}/").text
        assert "exist" in page
    page = operator("Read only").get(f"desk/webhook/{stranger.id}/{hook['id']}/").text
    assert MEMBERS["uri"] not in page
