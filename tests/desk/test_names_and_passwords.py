"""Operators learn no names that they lack the permission for, and change no PIN or password without one."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from couch.database import Database
from tests.support.api_client import Account, Api
from tests.support.operators import NEW_PIN, PASSWORD, PIN, Desk, new_operator
from tests.support.servers import Running, Service

OWNER_NAME = "Zenobia"
BOX_NAME = "Zenobias Anrufbeantworter"


@pytest.fixture(scope="module")
def account(shared_account: Account) -> Account:
    """One account for all tests."""
    return shared_account


@pytest.fixture
def operator_with(server: Running, service: Service) -> Callable[..., Desk]:
    """Creates an operator with some permissions: ``operator_with("view_account")``."""
    return lambda *permissions: new_operator(server.url, service, (), permissions)


@pytest.fixture
def box(api: Api) -> dict[str, Any]:
    """A mailbox with an owner."""
    rows = api.get("users", params={"filter_first_name": OWNER_NAME}).json()["data"]
    if not rows:
        user = {"first_name": OWNER_NAME, "last_name": "B", "username": "zenobia", "password": "secret 1"}
        rows = [api.put("users", user).json()["data"]]
    return api.new_box(name=BOX_NAME, pin=PIN, owner_id=rows[0]["id"])


def test_an_account_shows_no_mailboxes_and_users_to_those_who_may_not_view_them(
    operator_with: Callable[..., Desk], account: Account, box: dict[str, Any]
) -> None:
    path = f"desk/account/{account.id}/"
    assert BOX_NAME not in operator_with("view_account", "view_accountuser").get(path).text
    page = operator_with("view_account", "view_mailbox").get(path).text
    assert BOX_NAME in page
    assert account.username not in page


def test_mailboxes_name_no_owner_to_those_who_may_not_view_users(
    operator_with: Callable[..., Desk], account: Account, box: dict[str, Any]
) -> None:
    paths = [f"desk/mailbox/?account={account.id}", f"desk/mailbox/{account.id}/{box['id']}/"]
    paths += [f"desk/mailbox/{account.id}/{box['id']}/change/", f"desk/mailbox/{account.id}/add/"]
    desk = operator_with("view_mailbox", "change_mailbox", "add_mailbox")
    for path in paths:
        page = desk.get(path)
        assert page.status_code == 200
        assert f"{OWNER_NAME} B" not in page.text
    assert desk.get(f"desk/mailbox/{account.id}/owners/", q="zen").status_code == 403
    assert "Renamed" in desk.fill_in(paths[2], name="Renamed").text
    assert f"{OWNER_NAME} B" in operator_with("view_mailbox", "view_accountuser").get(paths[1]).text


def test_the_first_page_names_nothing_of_what_an_operator_may_no_longer_view(
    operator_with: Callable[..., Desk], account: Account, box: dict[str, Any], service: Service
) -> None:
    desk = operator_with("view_mailbox", "change_mailbox")
    desk.fill_in(f"desk/mailbox/{account.id}/{box['id']}/change/", name="Of the past")
    assert "Of the past" in desk.get("").text
    with service.models():
        User.objects.get(username=desk.name).user_permissions.clear()
    assert "Of the past" not in desk.get("").text
    assert desk.get(f"desk/mailbox/{account.id}/{box['id']}/").status_code == 403


def test_setting_a_pin_takes_the_permission_to_change_mailboxes(
    operator_with: Callable[..., Desk], account: Account, box: dict[str, Any], db: Database
) -> None:
    path = f"desk/mailbox/{account.id}/{box['id']}/pin/"
    viewer = operator_with("view_mailbox", "see_pin")
    page = viewer.post(path)
    assert PIN in page.text
    assert "New PIN" not in page.text
    assert viewer.post(path, new=NEW_PIN).status_code == 403
    assert (db.get(box["id"]) or {})["pin"] == PIN
    assert operator_with("view_mailbox", "see_pin", "change_mailbox").post(path, new=NEW_PIN).status_code == 200
    assert (db.get(box["id"]) or {})["pin"] == NEW_PIN


def test_setting_another_operators_password_takes_a_superuser(
    operator_with: Callable[..., Desk], service: Service
) -> None:
    desk, colleague = operator_with("view_user", "change_user"), operator_with("view_account")
    with service.models():
        ids = {name: User.objects.get(username=name).pk for name in (desk.name, colleague.name)}

    def set_password(operator: Desk, name: str) -> int:
        path, new = f"auth/user/{ids[name]}/password/", "a new one 1234"
        return operator.post(path, follow=False, password1=new, password2=new, usable_password="true").status_code

    def stored_password(name: str) -> str:
        with service.models():
            user = User.objects.get(username=name)
            return next(text for text in (PASSWORD, "a new one 1234", "neither") if user.check_password(text))

    assert set_password(desk, colleague.name) == 403
    assert stored_password(colleague.name) == PASSWORD
    assert set_password(operator_with(), colleague.name) == 302
    assert stored_password(colleague.name) == "a new one 1234"
