"""Accounts at the operators' desk."""

from collections.abc import Callable

import pytest
from api_client import Account, Api
from operators import Desk

from accounts import directory, gregorian
from accounts.couch import Database

Operator = Callable[..., Desk]


def test_an_account_is_found_by_name_realm_and_id(operator: Operator, account: Account) -> None:
    desk = operator("Read only")
    for text in (account.name.upper(), account.realm[:9], account.id):
        page = desk.get("accounts/account/", q=text)
        assert page.status_code == 200
        assert f"/admin/accounts/account/{account.id}/" in page.text


def test_an_accounts_page_tells_of_boxes_messages_users_and_databases(
    operator: Operator, account: Account, api: Api
) -> None:
    box = api.new_box("3000")
    api.put(f"vmboxes/{box['id']}/messages", {"caller_id_number": "1001"})
    page = operator("Read only").get(f"accounts/account/{account.id}/").text
    for told in (account.name, account.realm, account.username, "3000", "93", "complete"):
        assert told in page
    assert account.api_key not in page


def test_retention_is_written_where_kazoo_reads_it(operator: Operator, account: Account, db: Database) -> None:
    desk = operator("Administrators")
    desk.send(f"accounts/account/{account.id}/")
    path = f"accounts/account/{account.id}/retention/"
    page = desk.get(f"accounts/account/{account.id}/")
    assert page.ok
    assert desk.send(path, days="30").ok
    assert (db.get("configs_callflow") or {})["voicemail"]["message_retention_duration"] == 30
    desk.send(path, days="")
    assert (db.get("configs_callflow") or {})["voicemail"] == {}
    history = desk.get(f"accounts/account/{account.id}/history/").text
    assert "changed the retention of" in history
    assert desk.name in history


def test_the_api_key_is_shown_on_demand_and_recorded(operator: Operator, account: Account) -> None:
    desk = operator("Administrators")
    path = f"accounts/account/{account.id}/api-key/"
    assert account.api_key not in desk.get(path).text
    assert account.api_key in desk.send(path).text
    history = desk.get(f"accounts/account/{account.id}/history/").text
    assert "saw the API key of" in history
    assert account.api_key not in history


def test_a_renewed_api_key_ends_the_old_one(operator: Operator, account: Account, api: Api) -> None:
    desk = operator("Administrators")
    desk.send(f"accounts/account/{account.id}/renew-api-key/")
    assert directory.account(account.id)["pvt_api_key"] != account.api_key
    assert api.without_token().put("/v2/api_auth", {"api_key": account.api_key}).status_code == 401


def test_an_account_is_changed_and_what_is_wrong_stands_at_its_field(operator: Operator, account: Account) -> None:
    desk = operator("Administrators")
    path = f"accounts/account/{account.id}/change/"
    wrong = desk.send(path, name="", realm=account.realm)
    assert "This field is required" in wrong.text
    desk.send(path, name="Renamed <b>", realm=account.realm)
    assert directory.account(account.id)["name"] == "Renamed <b>"
    page = desk.get(f"accounts/account/{account.id}/history/").text
    assert "Renamed &lt;b&gt;" in page


@pytest.mark.parametrize("group", ["Read only", "Support"])
@pytest.mark.parametrize("page", ["change/", "api-key/", "renew-api-key/", "retention/"])
def test_what_a_group_lacks_is_denied_by_the_server(
    operator: Operator, account: Account, group: str, page: str
) -> None:
    desk = operator(group)
    path = f"accounts/account/{account.id}/{page}"
    assert desk.get(path).status_code == 403
    assert desk.send(path, days="1", name="Mine").status_code == 403
    assert directory.account(account.id)["name"] == account.name


def test_a_forged_form_is_refused(operator: Operator, account: Account) -> None:
    desk = operator("Administrators")
    answer = desk.session.post(f"{desk.url}/admin/accounts/account/{account.id}/renew-api-key/", timeout=60)
    assert answer.status_code == 403
    assert directory.account(account.id)["pvt_api_key"] == account.api_key


def test_who_is_not_logged_in_sees_the_log_in_page(operator: Operator, account: Account) -> None:
    desk = operator("Read only")
    desk.session.cookies.clear()
    page = desk.get(f"accounts/account/{account.id}/")
    assert account.name not in page.text
    assert 'name="password"' in page.text


def test_an_accounts_page_charts_its_messages_by_day(operator: Operator, account: Account, api: Api) -> None:
    box = api.new_box("3000")
    for _ in range(3):
        api.put(f"vmboxes/{box['id']}/messages", {"caller_id_number": "1001"})
    page = operator("Read only").get(f"accounts/account/{account.id}/").text
    today = f"{gregorian.to_datetime(gregorian.now()):%Y-%m-%d}"
    assert f"<title>{today}: 3</title>" in page


def test_the_index_tells_an_operator_what_it_did_lately(operator: Operator, account: Account) -> None:
    desk = operator("Administrators")
    assert "Nothing yet." in desk.get("").text
    desk.send(f"accounts/account/{account.id}/api-key/")
    assert "saw the API key of" in desk.get("").text
