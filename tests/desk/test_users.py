"""The pages of users of accounts."""

from collections.abc import Callable
from typing import Any

import pytest

from couch.database import Database
from storage import view_names
from tests.support.api_client import Account, Api
from tests.support.operators import PIN, Desk

Operator = Callable[..., Desk]
LogIn = Callable[..., Api]
HOSTILE = '<script>alert(1)</script>‮"' + "x" * 90


@pytest.fixture
def ada(api: Api) -> dict[str, Any]:
    members = {"username": "ada", "password": "difference", "first_name": "Ada", "last_name": "Byron King", "pets": 2}
    user: dict[str, Any] = api.put("users", members).json()["data"]
    return user


def page_of(account: Account, user: dict[str, Any], page: str = "") -> str:
    return f"desk/accountuser/{account.id}/{user['id']}/{page}"


@pytest.mark.parametrize("text", ["ADA", "king", "byron a", "  ada  ", "Byrón", "ADA\u0301"])
def test_a_user_is_found_by_the_start_of_words_of_its_names(
    operator: Operator, account: Account, ada: dict[str, Any], text: str
) -> None:
    page = operator("Read only").get("desk/accountuser/", account=account.id, q=text).text
    assert f"/admin/{page_of(account, ada)}" in page
    assert account.user_id not in page


def test_users_are_listed_and_found_by_id(operator: Operator, account: Account, ada: dict[str, Any]) -> None:
    desk = operator("Read only")
    listed = desk.get("desk/accountuser/", account=account.id).text
    assert page_of(account, ada) in listed
    assert account.user_id in listed
    assert page_of(account, ada) in desk.get("desk/accountuser/", account=account.id, q=ada["id"]).text
    assert "No matching users." in desk.get("desk/accountuser/", account=account.id, q="ada nobody").text


def test_the_page_of_a_user_lists_the_mailboxes_that_the_user_owns(
    operator: Operator, account: Account, api: Api, ada: dict[str, Any]
) -> None:
    own_box = api.new_box("3000", owner_id=ada["id"])
    other_box = api.new_box("3001")
    page = operator("Read only").get(page_of(account, ada)).text
    assert f"/{own_box['id']}/" in page
    assert f"/{other_box['id']}/" not in page
    assert "difference" not in page


def test_a_new_user_can_sign_in(operator: Operator, account: Account, log_in: LogIn, db: Database) -> None:
    desk = operator("Administrators")
    path = f"desk/accountuser/{account.id}/add/"
    page = desk.fill_in(path, username="Grace", password="cobol", first_name="Grace", last_name="H").text
    assert "was created" in page
    (row,) = db.view(*view_names.USERS_BY_NAME, key="grace", include_docs=True)
    stored = row["doc"]
    assert (stored["username"], stored["first_name"], stored["enabled"]) == ("grace", "Grace", True)
    assert "password" not in stored
    assert "cobol" not in desk.get(page_of(account, {"id": row["id"]}, "history/")).text
    log_in(account, "grace", "cobol")


def test_a_taken_user_name_is_an_error_at_its_field(
    operator: Operator, account: Account, ada: dict[str, Any], db: Database
) -> None:
    path = f"desk/accountuser/{account.id}/add/"
    page = operator("Administrators").fill_in(path, username="ADA", password="x", first_name="A", last_name="L").text
    assert "Username is not unique for this account" in page
    assert f'<a href="/admin/{page_of(account, ada)}">Ada Byron King (ada)</a>' in page
    wrong = operator("Administrators").fill_in(path, username="eva", first_name="E", last_name="L", email="eva@").text
    assert "“eva@” is not an e-mail address." in wrong
    assert len(db.view(*view_names.USERS_BY_NAME, key="ada")) == 1


def test_a_change_keeps_what_the_form_does_not_show(
    operator: Operator, account: Account, ada: dict[str, Any], log_in: LogIn, db: Database
) -> None:
    desk = operator("Administrators")
    assert "was changed" in desk.fill_in(page_of(account, ada, "change/"), email="ada@example.com").text
    stored = db.get(ada["id"]) or {}
    assert (stored["email"], stored["pets"], stored["last_name"]) == ("ada@example.com", 2, "Byron King")
    log_in(account, "ada", "difference")
    history = desk.get(page_of(account, ada, "history/")).text
    assert "ada@example.com" in history
    assert desk.name in history


def test_an_edit_conflict_is_shown_before_anything_is_saved(
    operator: Operator, account: Account, api: Api, ada: dict[str, Any], db: Database
) -> None:
    desk = operator("Administrators")
    path = page_of(account, ada, "change/")
    opened = desk.get(path)
    api.patch(f"users/{ada['id']}", {"first_name": "Augusta", "email": "other@example.com"})
    before = db.get(ada["id"])
    conflict = desk.fill_in(path, opened, email="mine@example.com", password="typed too")
    assert "Changed in the meantime" in conflict.text
    assert "Augusta" in conflict.text
    assert "typed too" not in conflict.text
    assert db.get(ada["id"]) == before
    assert "was changed" in desk.fill_in(path, conflict).text
    stored = db.get(ada["id"]) or {}
    assert (stored["email"], stored["first_name"]) == ("mine@example.com", "Augusta")


def test_a_form_without_changes_stores_nothing(
    operator: Operator, account: Account, ada: dict[str, Any], db: Database
) -> None:
    before = db.get(ada["id"])
    assert "Nothing was changed." in operator("Administrators").fill_in(page_of(account, ada, "change/")).text
    assert db.get(ada["id"]) == before


def test_a_new_user_name_needs_the_password_again(
    operator: Operator, account: Account, ada: dict[str, Any], log_in: LogIn, db: Database
) -> None:
    desk = operator("Administrators")
    path = page_of(account, ada, "change/")
    assert "The password must be provided" in desk.fill_in(path, username="lovelace").text
    assert (db.get(ada["id"]) or {})["username"] == "ada"
    assert "was changed" in desk.fill_in(path, username="lovelace", password="engine").text
    log_in(account, "lovelace", "engine")


def test_a_new_password_is_set_and_recorded_but_never_shown(
    operator: Operator, account: Account, ada: dict[str, Any], log_in: LogIn
) -> None:
    desk = operator("Administrators")
    assert "has a new password" in desk.post(page_of(account, ada, "password/"), password=" note g ").text
    log_in(account, "ada", " note g ")
    history = desk.get(page_of(account, ada, "history/")).text
    assert "changed the password of" in history
    assert "note g" not in history


def test_a_removed_user_is_gone_but_its_mailboxes_stay(
    operator: Operator, account: Account, api: Api, ada: dict[str, Any], db: Database
) -> None:
    box = api.new_box("3000", owner_id=ada["id"])
    desk = operator("Administrators")
    assert "(1)" in desk.get(page_of(account, ada, "delete/")).text
    assert "was removed" in desk.post(page_of(account, ada, "delete/")).text
    assert (db.get(ada["id"]) or {})["pvt_deleted"] is True
    assert api.get("users/" + ada["id"]).status_code == 404
    assert (db.get(box["id"]) or {})["owner_id"] == ada["id"]


def test_removing_a_user_can_be_undone(
    operator: Operator, account: Account, ada: dict[str, Any], db: Database, log_in: Callable[..., Any]
) -> None:
    desk = operator("Administrators")
    assert "The next page offers to undo it" in desk.get(page_of(account, ada, "delete/")).text
    assert (
        f'action="/admin/{page_of(account, ada, "restore/")}" class="undo"'
        in desk.post(page_of(account, ada, "delete/")).text
    )
    assert "The user Ada Byron King (ada) was restored." in desk.post(page_of(account, ada, "restore/")).text
    assert "pvt_deleted" not in (db.get(ada["id"]) or {})
    log_in(account, "ada", "difference")


def test_a_removed_user_whose_name_was_taken_meanwhile_is_not_restored(
    operator: Operator, account: Account, api: Api, ada: dict[str, Any], db: Database
) -> None:
    desk = operator("Administrators")
    desk.post(page_of(account, ada, "delete/"))
    members = {"username": "ada", "password": "p", "first_name": "Eva", "last_name": "L"}
    other = api.put("users", members).json()["data"]
    page = desk.post(page_of(account, ada, "restore/")).text
    assert "The user was not restored." in page
    assert f'<a href="/admin/{page_of(account, other)}">' in page
    assert (db.get(ada["id"]) or {})["pvt_deleted"] is True


@pytest.mark.parametrize("page", ["change/", "password/", "delete/", "restore/"])
@pytest.mark.parametrize("group", ["Read only", "Support"])
def test_only_administrators_change_users(
    operator: Operator, account: Account, ada: dict[str, Any], db: Database, page: str, group: str
) -> None:
    before = db.get(ada["id"])
    desk = operator(group)
    assert desk.get(page_of(account, ada, page)).status_code == 403
    assert desk.post(page_of(account, ada, page), username="x", password="x").status_code == 403
    assert db.get(ada["id"]) == before


def test_a_user_of_another_account_is_not_found(
    operator: Operator, account: Account, new_account: Callable[..., Account], db: Database
) -> None:
    other_account = new_account()
    desk = operator("Administrators")
    response = desk.get(f"desk/accountuser/{other_account.id}/{account.user_id}/change/", follow="1")
    assert "This doesn&#x27;t exist" in response.text
    assert account.username not in desk.get("desk/accountuser/", account=other_account.id, q=account.user_id).text


def test_a_hostile_name_is_shown_as_text(operator: Operator, account: Account, api: Api, ada: dict[str, Any]) -> None:
    api.patch(f"users/{ada['id']}", {"first_name": HOSTILE})
    desk = operator("Administrators")
    paths = [page_of(account, ada, page) for page in ("", "change/", "password/", "delete/", "history/")]
    for path in (*paths, f"desk/accountuser/?account={account.id}", f"desk/account/{account.id}/"):
        page = desk.get(path)
        assert page.status_code == 200
        assert "<script>alert(1)" not in page.text


def test_secrets_within_a_new_object_are_hidden_in_the_audit_log(
    operator: Operator, account: Account, api: Api, ada: dict[str, Any]
) -> None:
    api.patch(f"users/{ada['id']}", {"hotdesk": {"id": "7", "pin": PIN}})
    desk = operator("Administrators")
    desk.post(page_of(account, ada, "delete/"))
    created = desk.get("desk/auditentry/", q=account.id).text
    assert PIN not in created
