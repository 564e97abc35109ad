"""The frame around the desk's pages: the sections at the side, breadcrumbs, and what they name."""

import re
from collections.abc import Callable

from tests.support.api_client import Account, Api
from tests.support.operators import Desk

Operator = Callable[..., Desk]
_NAVIGATION = re.compile(r'<nav id="navigation".*?</nav>', re.DOTALL)
_LINK = re.compile(
    r'<a href="(?P<url>[^"]+)"(?P<current> aria-current="\w+")?>.*?<span>(?P<text>[^<]+)</span>', re.DOTALL
)
_OF_ACCOUNTS = ["Overview", "Users", "Mailboxes", "Messages", "Greetings and media", "Webhooks", "API keys", "Mails"]
_OF_ACCOUNTS += ["Migration", "Retention", "History"]


def test_an_account_is_named_at_the_side_with_its_sections(operator: Operator, account: Account) -> None:
    desk = operator("Read only")
    navigation = _navigation(desk, f"desk/mailbox/?account={account.id}")
    assert f"<bdi>{account.name}</bdi>" in navigation
    links = _LINK.findall(navigation)
    assert [text for url, _, text in links if account.id in url] == _OF_ACCOUNTS
    for url, _, text in links:
        assert desk.session.get(f"{desk.url}{url}", timeout=60).status_code == 200, text


def test_the_section_of_a_page_is_marked(operator: Operator, account: Account, api: Api) -> None:
    desk, box_id = operator("Administrators"), api.new_box("3000")["id"]
    for path, section in (
        ("", "Home"),
        ("desk/account/", "Accounts"),
        ("desk/account/health/", "Health"),
        (f"desk/account/{account.id}/", "Overview"),
        (f"desk/account/{account.id}/change/", "Overview"),
        (f"desk/account/{account.id}/history/", "History"),
        (f"desk/mailbox/{account.id}/{box_id}/pin/", "Mailboxes"),
        (f"desk/message/?account={account.id}&box={box_id}", "Messages"),
        (f"migration/migrationrun/{account.id}/", "Migration"),
        ("migration/migrationrun/", "Migrations"),
        ("auth/user/", "Operators"),
    ):
        assert [text for _, current, text in _LINK.findall(_navigation(desk, path)) if current] == [section], path


def test_only_sections_that_the_operator_may_open_are_listed(operator: Operator, account: Account) -> None:
    desk = operator(permissions=("view_account", "view_message"))
    texts = [text for *_, text in _LINK.findall(_navigation(desk, f"desk/account/{account.id}/"))]
    assert texts == ["Home", "Accounts", "Overview", "Messages", "Migration", "Retention", "History", "Migrations"]


def test_the_parent_of_an_account_is_not_taken_for_the_account(
    operator: Operator, account: Account, new_account: Callable[..., Account]
) -> None:
    child = new_account(parent=account.id)
    navigation = _navigation(operator("Read only"), f"desk/account/{child.id}/")
    assert f"<bdi>{child.name}</bdi>" in navigation
    assert account.id not in navigation


def _navigation(desk: Desk, path: str) -> str:
    page = desk.get(path).text
    navigation = _NAVIGATION.search(page)
    assert navigation is not None, page
    return navigation[0]


def test_a_new_account_offers_to_add_its_first_mailbox(
    operator: Operator, new_account: Callable[..., Account]
) -> None:
    account_id = new_account().id
    path = f"/admin/desk/mailbox/{account_id}/add/"
    assert f'href="{path}"' in operator("Administrators").get(f"desk/account/{account_id}/").text
    assert f'href="{path}"' in operator("Administrators").get(f"desk/mailbox/?account={account_id}").text
    assert path not in operator("Read only").get(f"desk/account/{account_id}/").text
