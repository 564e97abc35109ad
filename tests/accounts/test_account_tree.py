"""The accounts below another, as they are cached, and lists of some accounts."""

from collections.abc import Callable

import pytest

from accounts import account_index, accounts, creation, listing
from accounts.account_index import AccountNames
from crossbar.pages import InvalidStartKey, PageRequest, decode_start_key
from tests.support.api_client import Account


def test_what_this_process_stores_of_accounts_is_known_at_once(account: Account, created_accounts: list[str]) -> None:
    assert not account_index.names_below(account.id)
    child = creation.create({"name": "Child"}, parent_id=account.id)["_id"]
    created_accounts.append(child)
    assert set(account_index.names_below(account.id)) == {child}
    grandchild = creation.create({"name": "Grandchild"}, parent_id=child)["_id"]
    created_accounts.append(grandchild)
    assert set(account_index.names_below(account.id)) == {child, grandchild}
    accounts.delete(grandchild)
    assert set(account_index.names_below(account.id)) == {child}


def test_some_accounts_are_listed_by_name_page_by_page(new_account: Callable[..., Account]) -> None:
    ids = [new_account().id for _ in range(3)]
    for account_id, name in zip(ids, ("B", "c", "A"), strict=True):
        accounts.merge(account_id, {"name": name, "enabled": name != "c"})
    among = {account_id: AccountNames(accounts.get(account_id)["name"], "x.test") for account_id in ids}
    request = PageRequest(size=2, descending=False)
    page = listing.list_accounts(request, among={**among, "0" * 32: AccountNames("B", "b.example.com")})
    assert [doc["name"] for doc in page.entries] == ["A", "B"]
    following = PageRequest(2, decode_start_key(page.next_start_key or ""), descending=False)
    last = listing.list_accounts(following, among=among)
    assert ([doc["name"] for doc in last.entries], last.next_start_key) == (["c"], None)
    enabled = listing.list_accounts(PageRequest(descending=True), among=among, is_enabled=True)
    assert [doc["name"] for doc in enabled.entries] == ["B", "A"]
    for text, names in (("a", ["A"]), (ids[1], ["c"]), (f"b {ids[0]}", []), ("0" * 32, [])):
        matches = listing.search_accounts(text, request, among, lambda doc: doc["name"] in ("A", "B", "c"))
        assert [doc["name"] for doc in matches.entries] == names, text
    with pytest.raises(InvalidStartKey):
        listing.list_accounts(PageRequest(2, [7, ids[0]], descending=False), among=among)
