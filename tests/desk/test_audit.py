"""The list of audit entries: of desk and API together, filtered by anything, and exported as it is filtered."""

import csv
import io
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.api_client import Account, Api
from tests.support.audit_entries import entry_of
from tests.support.operators import Desk
from tests.support.servers import Service

Operator = Callable[..., Desk]
PATH = "desk/auditentry/"


@pytest.fixture(scope="module")
def account(shared_account: Account) -> Account:
    """One for all tests of the module."""
    return shared_account


@pytest.fixture
def change(api: Api, service: Service) -> dict[str, Any]:
    """The entry of a mailbox's change over the API, after one of its creation."""
    box = api.new_box(name="Ada")
    return entry_of(service, api.patch(f"vmboxes/{box['id']}", {"name": "Zaphod's box", "pin": "43210"}))


def listed_ids(page: str) -> set[str]:
    """The primary keys of the entries on a page."""
    return set(re.findall(r"/admin/desk/auditentry/(\d+)/change/", page))


def test_entries_of_the_api_are_listed_with_names_and_shown_readably(
    operator: Operator, account: Account, change: dict[str, Any]
) -> None:
    desk = operator("Read only")
    page = desk.get(PATH, request_id=change["request_id"]).text
    text = re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", page))
    assert f"{account.username} changed mailbox Zaphod&#x27;s box {account.name} PATCH" in text
    assert f'href="/admin/desk/mailbox/{account.id}/{change["document_id"]}/"' in page
    entry = desk.get(f"{PATH}{change['id']}/change/").text
    assert "<b>name</b>: Ada → Zaphod&#x27;s box" in entry
    assert "<b>pin</b>: — → (hidden)" in entry
    assert f"PATCH /v2/accounts/{account.id}/vmboxes/{change['document_id']}" in entry


def test_entries_are_filtered_by_anything(operator: Operator, account: Account, change: dict[str, Any]) -> None:
    desk, now = operator("Read only"), datetime.now(UTC)
    key, hour = str(change["id"]), timedelta(hours=1)
    common = {"document": change["document_id"]}
    for parameters in (
        {"account": account.name},
        {"account": account.id},
        {"actor": account.username},
        {"actor": account.user_id},
        {"action": "changed"},
        {"kind": "mailbox"},
        {"source": "api"},
        {"request_id": change["request_id"]},
        {"address": "127.0.0.1"},
        {"since": f"{now - hour:%Y-%m-%dT%H:%M}", "until": f"{now + hour:%Y-%m-%dT%H:%M}"},
        {"q": "zaphod"},
    ):
        assert key in listed_ids(desk.get(PATH, **common, **parameters).text), parameters
    for parameters in (
        {"account": "no such account"},
        {"actor": "nobody"},
        {"action": "created"},
        {"kind": "user"},
        {"source": "desk"},
        {"request_id": "none"},
        {"address": "10.0.0.1"},
        {"since": f"{now + hour:%Y-%m-%dT%H:%M}"},
        {"until": f"{now - hour:%Y-%m-%dT%H:%M}"},
        {"q": "marvin"},
    ):
        assert key not in listed_ids(desk.get(PATH, **common, **parameters).text), parameters
    page = desk.get(PATH, since="no time")
    assert (page.status_code, listed_ids(page.text)) == (200, set())
    assert "Enter a valid date/time" in page.text


def test_entries_are_exported_as_they_are_filtered(
    operator: Operator, account: Account, change: dict[str, Any], service: Service
) -> None:
    desk = operator("Read only")
    answer = desk.get(f"{PATH}export/csv/", document=change["document_id"], o="0")
    assert answer.headers["Content-Disposition"] == "attachment; filename=audit.csv"
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [row["action"] for row in rows] == ["created", "changed"]
    assert (rows[1]["actor_name"], rows[1]["account_name"]) == (account.username, account.name)
    exported = desk.get(f"{PATH}export/json/", document=change["document_id"], action="changed").json()
    assert [entry["difference"] for entry in exported] == [change["difference"]]
    assert desk.get(f"{PATH}export/json/", document="none").json() == []
    assert "exported" in desk.get(PATH, kind="audit", actor=desk.name).text
    assert desk.get(f"{PATH}export/xml/").status_code == 404
    assert operator(permissions=("view_account",)).get(f"{PATH}export/csv/").status_code == 403


def test_the_history_of_a_mailbox_has_what_was_done_over_the_api(
    operator: Operator, account: Account, change: dict[str, Any]
) -> None:
    page = operator("Read only").get(f"desk/mailbox/{account.id}/{change['document_id']}/history/").text
    assert f'href="/admin/desk/accountuser/{account.id}/{account.user_id}/"' in page
    assert "<b>name</b>: Ada → Zaphod&#x27;s box" in page
