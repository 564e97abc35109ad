"""The health page, and the repairs that it offers."""

import re
from collections.abc import Callable
from urllib.parse import unquote

import pytest

from couch.client import couch
from couch.database import Database
from storage import database_names, gregorian
from tests.support.api_client import Account
from tests.support.operators import Desk

pytestmark = pytest.mark.alone

Operator = Callable[..., Desk]


def page_of(desk: Desk, account: Account) -> str:
    """The health page that an account is on."""
    pages = [desk.get("desk/account/health/").text]
    while account.id not in pages[-1]:
        following = re.search(r'href="\?start_key=([^"]+)" rel="next"', pages[-1])
        assert following, "the account is on none of the pages"
        pages.append(desk.get("desk/account/health/", start_key=unquote(following[1])).text)
    assert "answers" in pages[-1]
    return pages[-1]


def rows_of(desk: Desk, account: Account) -> str:
    """The row of an account in the health pages' table."""
    return page_of(desk, account).partition(account.id)[2].partition("</tr>")[0]


@pytest.fixture
def lacking(account: Account, db: Database) -> Database:
    """The account's database without a design document."""
    db.put_design({**(db.get_design("_design/vmboxes") or {}), "_deleted": True})
    return db


def test_health_lists_an_accounts_storage_and_databases_that_lack_views(
    operator: Operator, account: Account, lacking: Database
) -> None:
    desk = operator("Read only")
    row = rows_of(desk, account)
    assert "missing in account" in row
    assert "<button" not in row
    assert f"<bdi>{account.name}</bdi></th><td" in page_of(desk, account)


def test_missing_views_are_created_and_that_is_recorded(
    operator: Operator, account: Account, lacking: Database
) -> None:
    desk = operator("Administrators")
    assert "Create them" in rows_of(desk, account)
    path = f"desk/account/{account.id}/create-views/"
    response = desk.post(path, next="/admin/desk/account/health/")
    assert response.url.endswith("/admin/desk/account/health/")
    assert "Created views in 1 database." in response.text
    assert "crossbar_listing" in (lacking.get_design("_design/vmboxes") or {})["views"]
    history = desk.get(f"desk/account/{account.id}/history/").text
    assert "created views of" in history
    assert "create _design/vmboxes" in history
    assert "No database of this account lacks a view." in desk.post(path, next="https://elsewhere.example/").text


def test_missing_months_are_created_and_that_is_recorded(operator: Operator, account: Account) -> None:
    month = gregorian.next_month(gregorian.month_of(gregorian.now()))
    name = database_names.modb(account.id, month)
    couch().drop(name)
    desk = operator("Administrators")
    assert f"no MODb of {month} yet" in rows_of(desk, account)
    assert "Create next month's database" in desk.get(f"desk/account/{account.id}/").text
    path = f"desk/account/{account.id}/create-months/"
    assert f"Created: {month}." in desk.post(path).text
    assert "listing_by_mailbox" in (couch().database(name).get_design("_design/mailbox_messages") or {})["views"]
    assert "created MODbs of" in desk.get(f"desk/account/{account.id}/history/").text
    assert "Both databases exist already." in desk.post(path).text


def test_health_needs_its_permission(operator: Operator) -> None:
    desk = operator(permissions=("view_account",))
    assert desk.get("desk/account/health/").status_code == 403
    assert "CouchDB" not in desk.get("").text


def test_the_index_shows_the_search_couchdb_and_recent_actions(operator: Operator, account: Account) -> None:
    somebody = operator("Administrators")
    somebody.post(f"desk/account/{account.id}/api-key/")
    page = operator("Read only").get("").text
    assert 'role="search"' in page
    assert re.search(r"CouchDB( \d\S*)? answers", page)
    assert f"<bdi>{somebody.name}</bdi> saw the API key of" in page


def test_the_desk_says_whether_it_runs_on_the_embedded_server(operator: Operator) -> None:
    desk = operator("Read only")
    is_embedded = "embedded" in couch().info()["features"]
    assert ("embedded, not for production" in desk.get("desk/account/health/").text) == is_embedded
