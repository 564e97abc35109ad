"""The pages of operators, and the audit log."""

import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User

from tests.support.api_client import Account
from tests.support.operators import PASSWORD, Desk
from tests.support.servers import Service

Operator = Callable[..., Desk]
NEW_PASSWORD = "a password that nobody had"


@pytest.fixture
def operator(fresh_operator: Operator) -> Operator:
    """New operators: these tests change them, and count their actions."""
    return fresh_operator


@pytest.fixture
def primary_key(service: Service) -> Callable[[Desk], str]:
    """The primary key of an operator."""

    def find(desk: Desk) -> str:
        with service.models():
            return str(User.objects.get(username=desk.name).pk)

    return find


def entry_of(desk: Desk, account: Account) -> str:
    """The primary key of the latest audit entry of an account."""
    page = desk.get("desk/auditentry/", account_id=account.id).text
    match = re.search(r"/admin/desk/auditentry/(\d+)/change/", page)
    assert match
    return match[1]


def test_the_audit_log_tells_times_as_other_pages_do(operator: Operator, account: Account) -> None:
    desk = operator("Administrators")
    desk.post(f"desk/account/{account.id}/api-key/")
    page = desk.get("desk/auditentry/", account_id=account.id).text
    assert "Time (UTC)" in re.sub("<[^>]+>", "", page)
    assert re.search(r'class="field-utc_time"><a [^>]*>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d</a>', page)


def test_the_audit_log_is_searched_by_account_operator_and_action(operator: Operator, account: Account) -> None:
    desk = operator("Administrators")
    desk.post(f"desk/account/{account.id}/api-key/")
    reader = operator("Read only")
    for query in (
        {"q": account.id},
        {"q": desk.name},
        {"account_id": account.id},
        {"account_id": account.id, "action": "saw the API key of"},
        {"account_id": account.id, "operator__username": desk.name},
    ):
        page = reader.get("desk/auditentry/", **query).text
        assert f"/admin/desk/account/{account.id}/" in page, query
        assert "1 audit entry" in page, query
    page = reader.get("desk/auditentry/", account_id=account.id, q=desk.name).text
    assert page.count('name="q"') == 1
    assert f'<input type="hidden" name="account_id" value="{account.id}">' in page
    assert "0 audit entries" in reader.get("desk/auditentry/", account_id=account.id, action="renewed").text


def test_nobody_can_change_the_audit_log(operator: Operator, account: Account) -> None:
    desk = operator()
    desk.post(f"desk/account/{account.id}/api-key/")
    entry = f"desk/auditentry/{entry_of(desk, account)}/"
    before = desk.get(f"{entry}change/").text
    assert "saw the API key of" in before
    token = {"X-CSRFToken": desk.session.cookies.get("csrftoken") or ""}
    for path in ("desk/auditentry/add/", f"{entry}change/", f"{entry}delete/"):
        response = desk.session.post(
            f"{desk.url}/admin/{path}", data={"action": "nothing", "post": "yes"}, headers=token, timeout=60
        )
        assert (response.status_code, "CSRF" in response.text) == (403, False), path
    assert "saw the API key of" in desk.get(f"{entry}change/").text
    assert 'value="delete_selected"' not in desk.get("desk/auditentry/").text


def test_an_operator_with_audit_entries_can_only_be_deactivated(
    operator: Operator, account: Account, primary_key: Callable[[Desk], str]
) -> None:
    leaver, chief = operator("Administrators"), operator()
    leaver.post(f"desk/account/{account.id}/api-key/")
    path = f"auth/user/{primary_key(leaver)}/"
    assert "has entries in the audit log" in chief.post(f"{path}delete/").text
    assert (
        "Deactivated 1 operator."
        in chief.post("auth/user/", action="deactivate", _selected_action=primary_key(leaver)).text
    )
    assert 'name="password"' in leaver.get("").text
    assert leaver.name in chief.get("desk/auditentry/", account_id=account.id).text


def test_an_operator_without_audit_entries_can_be_deleted(
    operator: Operator, primary_key: Callable[[Desk], str]
) -> None:
    leaver, chief = operator("Read only"), operator()
    path = f"auth/user/{primary_key(leaver)}/delete/"
    assert "was deleted successfully" in chief.post(path, post="yes").text
    assert 'name="password"' in leaver.get("").text


def test_administrators_neither_create_nor_change_superusers(
    operator: Operator, service: Service, primary_key: Callable[[Desk], str]
) -> None:
    administrator, chief = operator("Administrators"), operator()
    own = f"auth/user/{primary_key(administrator)}/change/"
    assert "was changed successfully" in administrator.fill_in(own, is_superuser="on", first_name="Ada").text
    with service.models():
        assert not User.objects.get(username=administrator.name).is_superuser
    theirs = f"auth/user/{primary_key(chief)}/"
    assert administrator.post(f"{theirs}password/", password1=NEW_PASSWORD, password2=NEW_PASSWORD).status_code == 403
    administrator.post("auth/user/", action="deactivate", _selected_action=primary_key(chief))
    again = Desk(chief.url, chief.name)
    assert "Log out" in again.post("login/?next=/admin/", username=chief.name, password=PASSWORD).text
