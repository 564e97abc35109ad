"""Mailboxes as CSV: in the format that imports read, with PINs only for those who may see them and ask for them."""

import csv
import io
from collections.abc import Callable

import requests

from desk.models import AuditEntry
from tests.support.api_client import Account, Api
from tests.support.operators import PIN, Desk
from tests.support.servers import Service

Operator = Callable[..., Desk]


def rows_of(response: requests.Response) -> list[dict[str, str]]:
    """The rows of a CSV file by their columns."""
    assert response.status_code == 200
    return list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"))))


def test_an_export_opens_in_spreadsheets_and_has_no_pins(operator: Operator, account: Account, api: Api) -> None:
    user = {"first_name": "Ada", "last_name": "L", "username": "ada", "password": "difference"}
    user_id = api.put("users", user).json()["data"]["id"]
    api.new_box(
        "0300",
        name="=cmd|' /C calc'!A0",
        owner_id=user_id,
        pin=PIN,
        aliases=["3001", "3002"],
        transcribe=True,
        notify={"callback": {"number": "+4930123", "schedule": [10, 20]}},
    )
    desk = operator("Read only")
    response = desk.get(f"desk/mailbox/{account.id}/export/")
    assert response.content.startswith(b"\xef\xbb\xbf")
    assert f"mailboxes-{account.realm}.csv" in response.headers["Content-Disposition"]
    (row,) = rows_of(response)
    expected = {
        "mailbox": "'0300",
        "name": "'=cmd|' /C calc'!A0",
        "owner": "ada",
        "aliases": "'3001, 3002",
        "transcribe": "yes",
        "skip_greeting": "no",
        "notify.callback.number": "'+4930123",
        "timezone": "",
    }
    assert {name: row[name] for name in expected} == expected
    assert PIN not in response.text
    assert "pin" not in row
    blind = operator(permissions=("view_mailbox", "view_account"))
    assert rows_of(blind.get(f"desk/mailbox/{account.id}/export/"))[0]["owner"] == user_id


def test_pins_are_exported_to_those_who_may_see_them_and_ask(
    operator: Operator, account: Account, api: Api, service: Service
) -> None:
    api.new_box("3000", pin=PIN)
    path = f"desk/mailbox/{account.id}/export/"
    assert operator("Support").get(path, pins="yes").status_code == 403
    desk = operator("Administrators")
    assert "pin" not in rows_of(desk.get(path))[0]
    assert rows_of(desk.get(path, pins="yes"))[0]["pin"] == PIN
    with service.models():
        actions = list(AuditEntry.objects.filter(document_id=account.id).values_list("action", flat=True))
    assert actions == ["exported the PINs of"]


def test_the_template_names_every_column_and_has_an_example(operator: Operator, account: Account) -> None:
    path = f"desk/mailbox/{account.id}/template/"
    (row,) = rows_of(operator("Administrators").get(path))
    assert (row["mailbox"], row["pin"], row["owner"]) == ("1001", "2468", "ada")
    assert list(row)[:5] == ["mailbox", "name", "owner", "pin", "notify_email_addresses"]
    assert "pin" not in rows_of(operator("Support").get(path))[0]
