"""The search of the desk: its field, its suggestions and its page of results, and who sees what."""

import secrets
from collections.abc import Callable, Iterator

import pytest
from django.utils import timezone

from search import index
from search.models import Filling
from tests.support.api_client import Account, Api
from tests.support.operators import Desk, limit
from tests.support.searchable import Tenant
from tests.support.servers import Running, Service, direct

Operators = Callable[..., Desk]


@pytest.fixture(scope="module", autouse=True)
def models(service: Service) -> Iterator[None]:
    """The models of this process use the service's tables."""
    with service.models():
        yield


@pytest.fixture(scope="module")
def tenant(models: None) -> Tenant:
    """A company in the index."""
    return Tenant(f"Ropewalk {secrets.token_hex(4)}").store()


@pytest.fixture(scope="module")
def account(shared_account: Account) -> Account:
    return shared_account


def test_every_page_has_the_field(operator: Operators) -> None:
    for path in ("", "desk/account/", "sessions/", "auth/user/"):
        assert 'id="desk-search-field"' in operator().get(path).text, path


def test_nobody_searches_who_is_not_signed_in(server: Running) -> None:
    for path in ("search/?find=a", "search/suggestions.json?find=acme"):
        response = direct().get(f"{server.url}/admin/{path}", allow_redirects=False, timeout=60)
        assert (response.status_code, response.headers["Location"].partition("?")[0]) == (302, "/admin/login/")
    assert "desk-search-field" not in direct().get(f"{server.url}/admin/login/", timeout=60).text


def test_results_are_grouped_and_lead_to_their_pages(operator: Operators, tenant: Tenant) -> None:
    page = operator("Support").get("search/", find=f"lovelace {tenant.name}")
    assert page.status_code == 200
    assert f"/admin/desk/message/{tenant.id}/{tenant.box_id}/{tenant.message_id(0)}/" in page.text
    assert f"/admin/desk/account/{tenant.id}/" in page.text
    assert "mailbox 1001 Front desk" in page.text
    assert "<h2" in page.text
    found = operator("Support").get("search/suggestions.json", find=tenant.name).json()["groups"]
    assert [(group["title"], [result["title"] for result in group["results"]]) for group in found] == [
        ("Accounts", [tenant.name])
    ]


def test_more_of_a_kind_is_on_pages_of_its_own(operator: Operators, tenant: Tenant) -> None:
    page = operator().get("search/", find=f"ropewalk {tenant.name}", kind="account")
    assert "Results of every kind" in page.text
    for number in ("2", "0", "-1", "99999", "x"):
        assert operator().get("search/", find="ropewalk", kind="account", page=number).status_code == 200


def test_kinds_need_their_permissions(operator: Operators, tenant: Tenant) -> None:
    name = tenant.name
    accounts_only = operator(permissions=("view_account",))
    assert tenant.id in accounts_only.get("search/", find=name).text
    for text in (f"lovelace {name}", f"jane {name}", f"1001 {name}"):
        assert accounts_only.get("search/suggestions.json", find=text).json()["groups"] == []
    messages_only = operator(permissions=("view_message",))
    assert messages_only.get("search/suggestions.json", find=name).json()["groups"] == []
    page = messages_only.get("search/", find=f"lovelace {name}").text
    assert tenant.message_id(0) in page
    assert f"/admin/desk/account/{tenant.id}/" not in page


def test_limited_operators_find_what_is_of_their_accounts(
    operator: Operators,
    fresh_operator: Operators,
    service: Service,
    account: Account,
    new_account: Callable[..., Account],
    tenant: Tenant,
) -> None:
    foreign, desk = new_account(), fresh_operator("Support")
    limit(service, desk, account)
    own = Tenant(f"Ropewalk {secrets.token_hex(4)}", account.id).store()
    for text in (f"lovelace {tenant.name}", tenant.name, tenant.id, tenant.message_id(0), f"jane {tenant.name}"):
        assert tenant.id in operator("Support").get("search/", find=text).text.replace(f'value="{text}"', "")
        assert desk.get("search/suggestions.json", find=text).json()["groups"] == [], text
        assert "Nothing matches." in desk.get("search/", find=text).text, text
    for text in (foreign.realm, f"admin {foreign.realm}"):
        page = desk.get("search/", find=text).text
        assert foreign.name not in page, text
        assert "manage.py" not in page
    assert own.message_id(0) in desk.get("search/", find=f"lovelace {own.name}").text
    assert account.name in desk.get("search/", find=account.realm).text


def test_a_limited_operator_finds_nothing_of_other_accounts(
    fresh_operator: Operators, service: Service, account: Account, tenant: Tenant
) -> None:
    desk = fresh_operator("Support")
    limit(service, desk, account)
    for text in (tenant.name, tenant.id, f"lovelace {tenant.name}", f"1001 {tenant.name}"):
        assert tenant.id not in desk.get("search/", find=text).text.partition("<main")[2].replace(text, "")
        assert desk.get("search/suggestions.json", find=text).json()["groups"] == []
    assert account.name in desk.get("search/", find=account.realm).text


def test_words_of_transcriptions_find_nothing_for_who_may_not_read_them(operator: Operators, tenant: Tenant) -> None:
    text = f"crooked {tenant.name}"
    assert tenant.message_id(0) in operator("Support").get("search/", find=text).text
    assert tenant.message_id(0) not in operator("Read only").get("search/", find=text).text


def test_what_is_missing_from_the_index_is_found_by_the_views(
    operator: Operators, account: Account, api: Api
) -> None:
    box = api.new_box(name="Bowsprit")
    message = api.put(f"vmboxes/{box['id']}/messages", {"caller_id_number": "+1 415 555 0198"}).json()["data"]
    desk = operator("Support")
    page = desk.get("search/", find=account.realm).text
    assert account.name in page
    assert "manage.py index_search" in page
    assert box["id"] in desk.get("search/", find=f"bowsprit {account.realm}").text
    assert message["media_id"] in desk.get("search/", find=f"415 555 0198 {account.realm}").text
    assert desk.get("search/suggestions.json", find=account.realm).json()["note"]


def test_an_index_that_nobody_follows_says_so_and_what_to_do(operator: Operators, tenant: Tenant) -> None:
    filling = Filling.objects.create(started_at=timezone.now(), ended_at=timezone.now())
    try:
        assert "manage.py follow_changes" in operator().get("search/", find=tenant.name).text
        Filling.objects.update(ended_at=None, accounts=12, accounts_done=3)
        assert "3 of 12 accounts" in operator().get("search/", find=tenant.name).text
    finally:
        filling.delete()


@pytest.mark.parametrize(
    "text", ['"', "' OR 1=1 --", "* ) (", "\\", "%", "\u00b7\u00a4", "a" * 400, "1" * 200, "+", ""]
)
def test_hostile_texts_find_nothing_and_break_nothing(operator: Operators, text: str) -> None:
    assert operator().get("search/", find=text).status_code == 200
    assert operator().get("search/suggestions.json", find=text).status_code == 200


def test_an_operator_with_no_permission_gets_an_empty_page(operator: Operators, tenant: Tenant) -> None:
    page = operator(permissions=("view_health",)).get("search/", find=tenant.name)
    assert page.status_code == 200
    assert tenant.id not in page.text


def test_the_index_forgets_single_documents(operator: Operators) -> None:
    tenant = Tenant(f"Forgotten {secrets.token_hex(4)}").store()
    text = f"lovelace {tenant.name}"
    assert tenant.message_id(0) in operator().get("search/", find=text).text
    index.forget(tenant.id, [tenant.message_id(0)])
    assert tenant.message_id(0) not in operator().get("search/", find=text).text
