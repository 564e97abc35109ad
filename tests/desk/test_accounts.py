"""The pages of accounts."""

import secrets
from collections.abc import Callable

import pytest

from accounts import account_index, accounts
from couch.database import Database
from storage import gregorian
from tests.support.api_client import Account, Api
from tests.support.operators import Desk

Operator = Callable[..., Desk]


def test_an_account_is_found_by_name_realm_and_id(operator: Operator, account: Account) -> None:
    desk = operator("Read only")
    for text in (account.name.upper(), account.realm[:9], account.id):
        page = desk.get("desk/account/", q=text)
        assert page.status_code == 200
        assert f"/admin/desk/account/{account.id}/" in page.text


def test_accounts_are_found_by_any_word_of_a_name(operator: Operator, new_account: Callable[..., Account]) -> None:
    word = f"Z\u00fcrich{secrets.token_hex(4)}"
    ids = {new_account().id for _ in range(2)}
    for number, account_id in enumerate(sorted(ids)):
        accounts.merge(account_id, {"name": f"Müller-{word} & Söhne {number}"})
    desk = operator("Read only")
    for text in (word, word.upper().replace("\u00dc", "U\u0308"), f"sohne {word}", f"muller {word}"):
        page = desk.get("desk/account/", q=text).text
        assert {account_id for account_id in ids if account_id in page} == ids, text
    assert "No matching accounts." in desk.get("desk/account/", q=f"{word} nobody").text


def test_the_page_of_an_account_shows_mailboxes_messages_users_and_databases(
    operator: Operator, account: Account, api: Api
) -> None:
    box = api.new_box("3000")
    api.put(f"vmboxes/{box['id']}/messages", {"caller_id_number": "1001"})
    page = operator("Read only").get(f"desk/account/{account.id}/").text
    for text in (account.name, account.realm, account.username, ">3000</a>", "<strong>93</strong> days", "complete"):
        assert text in page
    assert account.api_key not in page


def test_retention_is_written_where_kazoo_reads_it(operator: Operator, account: Account, db: Database) -> None:
    desk = operator("Administrators")
    desk.post(f"desk/account/{account.id}/")
    path = f"desk/account/{account.id}/retention/"
    page = desk.get(f"desk/account/{account.id}/")
    assert page.ok
    assert desk.post(path, days="30").ok
    assert (db.get("configs_callflow") or {})["voicemail"]["message_retention_duration"] == 30
    wrong = desk.post(path, days="0").text
    assert (
        '<ul class="errorlist" id="id_days_error"><li>Ensure this value is greater than or equal to 1.</li></ul>'
        in wrong
    )
    assert 'name="days" value="0"' in wrong
    desk.post(path, days="")
    assert (db.get("configs_callflow") or {})["voicemail"] == {}
    history = desk.get(f"desk/account/{account.id}/history/").text
    assert "changed the retention of" in history
    assert desk.name in history


def test_the_api_key_is_shown_on_demand_and_recorded(operator: Operator, account: Account) -> None:
    desk = operator("Administrators")
    path = f"desk/account/{account.id}/api-key/"
    assert account.api_key not in desk.get(path).text
    assert account.api_key in desk.post(path).text
    history = desk.get(f"desk/account/{account.id}/history/").text
    assert "saw the API key of" in history
    assert account.api_key not in history


def test_renewing_an_api_key_ends_the_old_one(operator: Operator, account: Account, api: Api) -> None:
    desk = operator("Administrators")
    desk.post(f"desk/account/{account.id}/renew-api-key/")
    assert accounts.get(account.id)["pvt_api_key"] != account.api_key
    assert api.without_token().put("/v2/api_auth", {"api_key": account.api_key}).status_code == 401


def test_an_account_is_changed_and_errors_appear_at_their_fields(operator: Operator, account: Account) -> None:
    desk = operator("Administrators")
    path = f"desk/account/{account.id}/change/"
    wrong = desk.fill_in(path, name="")
    assert "This field is required" in wrong.text
    desk.fill_in(path, name="Renamed <b>", timezone="Europe/Berlin")
    assert accounts.get(account.id)["timezone"] == "Europe/Berlin"
    assert accounts.get(account.id)["name"] == "Renamed <b>"
    page = desk.get(f"desk/account/{account.id}/history/").text
    assert "Renamed &lt;b&gt;" in page


def test_a_taken_realm_is_an_error_at_its_field(
    operator: Operator, account: Account, new_account: Callable[..., Account]
) -> None:
    other_account = new_account()
    page = operator("Administrators").fill_in(f"desk/account/{account.id}/change/", realm=other_account.realm.upper())
    assert "Account realm already in use" in page.text
    assert accounts.get(account.id)["realm"] == account.realm


def test_the_second_of_two_operators_sees_the_changes_of_the_first(operator: Operator, account: Account) -> None:
    first, second = operator("Administrators"), operator("Administrators")
    path = f"desk/account/{account.id}/change/"
    opened = second.get(path)
    assert "was changed" in first.fill_in(path, name="By the first", timezone="Asia/Tokyo").text
    conflict = second.fill_in(path, opened, name="By the second")
    assert "Changed in the meantime" in conflict.text
    assert "By the first" in conflict.text
    assert accounts.get(account.id)["name"] == "By the first"
    assert "was changed" in second.fill_in(path, conflict).text
    stored = accounts.get(account.id)
    assert (stored["name"], stored["timezone"], stored["realm"]) == ("By the second", "Asia/Tokyo", account.realm)


def test_nobody_signs_in_to_a_disabled_account_until_it_is_enabled(
    operator: Operator, account: Account, log_in: Callable[..., Api], api: Api
) -> None:
    desk = operator("Administrators")
    path = f"desk/account/{account.id}/switch/"
    assert "The account is disabled." in desk.fill_in(path).text
    stored = accounts.get(account.id)
    assert (stored["pvt_enabled"], stored["enabled"]) == (False, False)
    response = api.without_token().put("/v2/api_auth", {"api_key": account.api_key})
    assert response.status_code == 423
    assert account.id in desk.get("desk/account/", q=account.id, state="disabled").text
    assert account.name not in desk.get("desk/account/", q=account.id, state="enabled").text
    assert "The account is enabled." in desk.fill_in(path).text
    assert accounts.get(account.id)["pvt_enabled"] is True
    log_in(account)
    history = desk.get(f"desk/account/{account.id}/history/").text
    assert "disabled" in history
    assert "enabled: yes → no" in history.replace("</b>", "").replace("<b>", "")


def test_disabled_accounts_are_listed_alone(
    operator: Operator, account: Account, new_account: Callable[..., Account]
) -> None:
    other_account = new_account()
    accounts.merge(account.id, {"enabled": False})
    page = operator("Read only").get("desk/account/", state="disabled").text
    assert f"/admin/desk/account/{account.id}/" in page
    assert other_account.id not in page


def test_the_children_of_an_account_are_listed_with_breadcrumbs_along_the_tree(
    operator: Operator, account: Account, new_account: Callable[..., Account]
) -> None:
    child = new_account(parent=account.id)
    grandchild = new_account(parent=child.id)
    desk = operator("Read only")
    page = desk.get("desk/account/", below=account.id).text
    assert f"/admin/desk/account/{child.id}/" in page
    assert f"?below={child.id}" in page
    assert grandchild.id not in page
    last = desk.get(f"desk/account/{grandchild.id}/").text
    crumbs = last.partition('class="breadcrumbs"')[2].partition("</div>")[0]
    assert crumbs.index(account.id) < crumbs.index(child.id)
    assert "No matching accounts." in desk.get("desk/account/", below=grandchild.id).text


def test_an_account_is_created_below_another(
    operator: Operator, account: Account, created_accounts: list[str]
) -> None:
    desk = operator("Administrators")
    form = desk.get("desk/account/add/", below=account.id)
    assert f'value="{account.id}"' in form.text
    page = desk.fill_in("desk/account/add/", form, name="Below", realm=f"below.{account.realm}")
    assert "was created" in page.text
    account_id = page.url.rstrip("/").rpartition("/")[2]
    created_accounts.append(account_id)
    stored = accounts.get(account_id)
    assert (stored["name"], stored["pvt_tree"]) == ("Below", [account.id])
    assert account_index.ids_with_realm(f"below.{account.realm}") == [account_id]
    wrong = desk.fill_in("desk/account/add/", name="", realm=account.realm, parent="f" * 32)
    assert "This field is required" in wrong.text
    unknown = desk.fill_in("desk/account/add/", name="X", realm=f"x.{account.realm}", parent="f" * 32)
    assert "There is no such account." in unknown.text


@pytest.mark.parametrize("group", ["Read only", "Support"])
@pytest.mark.parametrize("page", ["change/", "api-key/", "renew-api-key/", "retention/"])
def test_pages_without_permission_are_denied_by_the_server(
    operator: Operator, account: Account, group: str, page: str
) -> None:
    desk = operator(group)
    path = f"desk/account/{account.id}/{page}"
    assert desk.get(path).status_code == 403
    assert desk.post(path, days="1", name="Mine").status_code == 403
    assert accounts.get(account.id)["name"] == account.name


def test_a_form_without_a_csrf_token_is_refused(operator: Operator, account: Account) -> None:
    desk = operator("Administrators")
    response = desk.session.post(f"{desk.url}/admin/desk/account/{account.id}/renew-api-key/", timeout=60)
    assert response.status_code == 403
    assert accounts.get(account.id)["pvt_api_key"] == account.api_key


def test_logged_out_operators_see_the_log_in_page(operator: Operator, account: Account) -> None:
    desk = operator("Read only")
    desk.session.cookies.clear()
    page = desk.get(f"desk/account/{account.id}/")
    assert account.name not in page.text
    assert 'name="password"' in page.text


def test_the_page_of_an_account_charts_its_messages_per_day(operator: Operator, account: Account, api: Api) -> None:
    box = api.new_box("3000")
    for _ in range(3):
        api.put(f"vmboxes/{box['id']}/messages", {"caller_id_number": "1001"})
    page = operator("Read only").get(f"desk/account/{account.id}/").text
    today = f"{gregorian.to_datetime(gregorian.now()):%Y-%m-%d}"
    assert f"<title>{today}: 3</title>" in page


def test_the_index_shows_the_operators_recent_actions(fresh_operator: Operator, account: Account) -> None:
    desk = fresh_operator("Administrators")
    assert "None yet." in desk.get("").text
    desk.post(f"desk/account/{account.id}/api-key/")
    assert "saw the API key of" in desk.get("").text
