"""/v2/accounts/{ACCOUNT_ID}/webhooks/attempts and …/webhooks/{HOOK_ID}/attempts: what was sent."""

from typing import Any

import pytest

from storage import gregorian
from tests.support.api_client import Account, Api
from webhooks import attempts

HOOK = {"name": "CRM", "uri": "https://crm.example.com/", "hook": "all"}


@pytest.fixture
def hook_id(api: Api) -> str:
    created: str = api.put("webhooks", HOOK).json()["data"]["id"]
    return created


def attempt(account: Account, hook_id: str, event_id: str, result: str = "failure", age: int = 0) -> None:
    """Store an attempt that was made `age` seconds ago."""
    members = {"hook_id": hook_id, "event_id": event_id, "result": result}
    attempts.store_attempt(account.id, members, gregorian.now() - age)


def listed(api: Api, path: str) -> list[Any]:
    answer = api.get(path)
    assert answer.status_code == 200, answer.text
    return [entry["event_id"] for entry in answer.json()["data"]]


def test_attempts_are_listed_the_newest_first_across_months(api: Api, account: Account, hook_id: str) -> None:
    other = api.put("webhooks", HOOK).json()["data"]["id"]
    days = 86_400
    for number, age in enumerate((0, 20 * days, 30 * days)):
        attempt(account, hook_id, f"mine {number}", age=age)
        attempt(account, other, f"other {number}", age=age + 60)
    expected = [f"{whose} {number}" for number in range(3) for whose in ("mine", "other")]
    assert listed(api, "webhooks/attempts") == expected
    assert listed(api, f"webhooks/{hook_id}/attempts") == ["mine 0", "mine 1", "mine 2"]
    assert listed(api, f"webhooks/{hook_id}/attempts?ascending=true") == ["mine 2", "mine 1", "mine 0"]


def test_pages_follow_each_other(api: Api, account: Account, hook_id: str) -> None:
    for number in range(5):
        attempt(account, hook_id, f"event {number}", age=number * 7 * 86_400)
    path, pages, start_key = f"webhooks/{hook_id}/attempts?page_size=2", [], ""
    while start_key is not None:
        answer = api.get(path + (f"&start_key={start_key}" if start_key else "")).json()
        pages.append([entry["event_id"] for entry in answer["data"]])
        start_key = answer.get("next_start_key")
    assert pages == [["event 0", "event 1"], ["event 2", "event 3"], ["event 4"]]


def test_attempts_are_filtered_by_time_and_members(api: Api, account: Account, hook_id: str) -> None:
    attempt(account, hook_id, "old", age=3_600)
    attempt(account, hook_id, "new", result="success")
    now = gregorian.now()
    assert listed(api, f"webhooks/{hook_id}/attempts?created_from={now - 600}") == ["new"]
    assert listed(api, f"webhooks/{hook_id}/attempts?created_to={now - 600}") == ["old"]
    assert listed(api, "webhooks/attempts?filter_result=success") == ["new"]


def test_a_start_key_of_another_webhook_shows_nothing(api: Api, account: Account, hook_id: str) -> None:
    other = api.put("webhooks", HOOK).json()["data"]["id"]
    for number in range(2):
        attempt(account, hook_id, f"event {number}")
    start_key = api.get(f"webhooks/{hook_id}/attempts?page_size=1").json()["next_start_key"]
    answer = api.get(f"webhooks/{other}/attempts?start_key={start_key}")
    assert (answer.status_code, answer.json()["message"]) == (400, "faulty_request")


def test_failing_events_are_counted_once_each(account: Account, hook_id: str) -> None:
    for event_id in ("a", "a", "b"):
        attempt(account, hook_id, event_id)
    attempt(account, hook_id, "c", result="success")
    attempt(account, hook_id, "d", age=120)
    assert attempts.recent_failures(account.id, hook_id, 60, 6) == 2
    assert attempts.recent_failures(account.id, hook_id, 60, 1) == 1
    assert attempts.recent_failures(account.id, hook_id, 600, 6) == 3
