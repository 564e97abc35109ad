"""Limits of operators and groups at the desk: who sets them, and what a limited operator may do about others."""

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from django.contrib.auth.models import Group, User

from desk.models import AccountLimit, AuditEntry
from tests.support.api_client import Account
from tests.support.operators import Desk, limit, new_operator
from tests.support.servers import Running, Service

Operator = Callable[..., Desk]


@dataclass(frozen=True)
class Tree:
    """An operator's own account, one below it, and one of others."""

    own: Account
    below: Account
    foreign: Account


@pytest.fixture(scope="module")
def tree(new_account: Callable[..., Account]) -> Tree:
    own = new_account()
    return Tree(own, new_account(parent=own.id), new_account())


@pytest.fixture
def chief(operator: Operator) -> Desk:
    """A superuser."""
    return operator()


@pytest.fixture
def new_limited(server: Running, service: Service) -> Callable[..., Desk]:
    """Operators who are limited to some accounts."""

    def create(*account: Account, group: str = "Administrators") -> Desk:
        operator = new_operator(server.url, service, (group,), ())
        limit(service, operator, *account)
        return operator

    return create


@pytest.fixture
def new_group(service: Service) -> Callable[..., Group]:
    """Groups with the permissions of Support that are limited to some accounts."""

    def create(*accounts: Account) -> Group:
        with service.models():
            group = Group.objects.create(name=f"Group {secrets.token_hex(4)}")
            group.permissions.set(Group.objects.get(name="Support").permissions.all())
            for account in accounts:
                AccountLimit.objects.create(group=group, account_id=account.id)
        return group

    return create


@pytest.fixture
def form_of(service: Service) -> Callable[[Desk], str]:
    """The path of the form of an operator."""

    def find(desk: Desk) -> str:
        with service.models():
            return f"auth/user/{User.objects.get(username=desk.name).pk}/change/"

    return find


def limit_of(service: Service, name: str) -> set[str]:
    """The accounts that an operator is limited to."""
    with service.models():
        return set(AccountLimit.objects.filter(operator__username=name).values_list("account_id", flat=True))


def test_an_operator_is_limited_by_the_name_of_an_account(
    chief: Desk, fresh_operator: Operator, service: Service, form_of: Callable[[Desk], str], tree: Tree
) -> None:
    desk = fresh_operator("Support")
    path = form_of(desk)
    assert "There is no such account." in chief.fill_in(path, accounts="nobody is called this").text
    assert limit_of(service, desk.name) == set()
    page = chief.fill_in(path, accounts=[tree.own.name, tree.foreign.realm])
    assert "was changed successfully" in page.text
    assert limit_of(service, desk.name) == {tree.own.id, tree.foreign.id}
    form = chief.get(path)
    assert f"<bdi>{tree.own.name}</bdi>" in form.text
    chief.fill_in(path, form, accounts=[tree.own.id, ""])
    assert limit_of(service, desk.name) == {tree.own.id}
    assert tree.own.name in chief.get("auth/user/", q=desk.name).text
    with service.models():
        entries = AuditEntry.objects.filter(action="changed the accounts of", name=desk.name).order_by("pk")
        changes = [entry.difference["accounts"] for entry in entries]
    assert changes[0][0] == "everything"
    assert changes[1][1] == tree.own.name
    # The next request of the operator, who is signed in, knows it.
    assert tree.foreign.id not in desk.get("desk/account/").text
    assert f"You see the accounts below {tree.own.name}." in desk.get("desk/account/").text
    chief.fill_in(path, accounts=[""])
    assert limit_of(service, desk.name) == set()
    assert tree.foreign.id in desk.get("desk/account/", q=tree.foreign.id).text


def test_a_form_without_the_field_lifts_no_limit(
    chief: Desk, new_limited: Callable[..., Desk], service: Service, form_of: Callable[[Desk], str], tree: Tree
) -> None:
    desk = new_limited(tree.own)
    assert "was changed successfully" in chief.fill_in(form_of(desk), accounts=[]).text
    assert limit_of(service, desk.name) == {tree.own.id}


def test_a_superuser_has_no_limit(
    chief: Desk, new_limited: Callable[..., Desk], form_of: Callable[[Desk], str], tree: Tree
) -> None:
    desk = new_limited(tree.own)
    assert "Superusers see everything." in chief.fill_in(form_of(desk), is_superuser="on").text


def test_a_group_limits_its_operators(
    chief: Desk, fresh_operator: Operator, service: Service, new_group: Callable[..., Group], tree: Tree
) -> None:
    group = new_group()
    desk = fresh_operator(group.name, "Read only")
    path = f"auth/group/{group.pk}/"
    assert tree.foreign.id in desk.get("desk/account/", q=tree.foreign.id).text
    assert "was changed successfully" in chief.fill_in(f"{path}change/", accounts=tree.own.name).text
    assert tree.own.name in chief.get("auth/group/").text
    page = desk.get("desk/account/").text
    assert (tree.own.id in page, tree.below.id in page, tree.foreign.id in page) == (True, True, False)
    assert "limits what its operators see" in chief.post(f"{path}delete/", post="yes").text
    limit(service, desk, tree.below)
    page = desk.get("desk/account/").text
    assert (tree.own.id in page, tree.below.id in page) == (False, True)
    assert f"{tree.below.name}, within {tree.own.name}" in chief.get("auth/user/", q=desk.name).text


def test_a_limited_operator_creates_operators_within_the_limit(
    new_limited: Callable[..., Desk], service: Service, form_of: Callable[[Desk], str], tree: Tree
) -> None:
    administrator, name = new_limited(tree.own), f"new-{secrets.token_hex(4)}"
    password = secrets.token_urlsafe(16)
    page = administrator.fill_in("auth/user/add/", username=name, password1=password, password2=password)
    assert "was added successfully" in page.text
    assert limit_of(service, name) == {tree.own.id}
    path = form_of(Desk(administrator.url, name))
    for account_ids in ([""], [tree.foreign.id], [tree.own.id, tree.foreign.name]):
        page = administrator.fill_in(path, accounts=account_ids)
        assert "Please correct the error" in page.text, account_ids
        assert tree.foreign.name in account_ids or tree.foreign.name not in page.text
    assert limit_of(service, name) == {tree.own.id}
    assert "was changed successfully" in administrator.fill_in(path, accounts=tree.below.name).text
    assert limit_of(service, name) == {tree.below.id}


def test_a_limited_operator_sees_only_operators_within_the_limit(
    new_limited: Callable[..., Desk],
    fresh_operator: Operator,
    form_of: Callable[[Desk], str],
    new_group: Callable[..., Group],
    tree: Tree,
) -> None:
    administrator, colleague = new_limited(tree.own), new_limited(tree.below, group="Support")
    strangers = [
        fresh_operator("Support"),
        new_limited(tree.foreign, group="Support"),
        new_limited(tree.below, tree.foreign, group="Support"),
        fresh_operator(new_group(tree.foreign).name),
        fresh_operator(),
    ]
    page = administrator.get("auth/user/").text
    assert (administrator.name in page, colleague.name in page) == (True, True)
    for stranger in strangers:
        assert stranger.name not in page
        for path in (form_of(stranger), form_of(stranger).replace("change", "delete")):
            response = administrator.post(path, username="stolen", post="yes")
            assert stranger.name not in response.text
            assert response.url.endswith("/admin/") or response.status_code == 403, path
    assert administrator.get("auth/group/").status_code == 403


def test_a_limited_operator_gives_no_group_of_others(
    new_limited: Callable[..., Desk],
    service: Service,
    form_of: Callable[[Desk], str],
    new_group: Callable[..., Group],
    tree: Tree,
) -> None:
    own, foreign = new_group(tree.below), new_group(tree.foreign)
    administrator, colleague = new_limited(tree.own), new_limited(tree.below, group="Support")
    form = administrator.get(form_of(colleague))
    assert own.name in form.text
    assert foreign.name not in form.text
    assert "Select a valid choice." in administrator.fill_in(form_of(colleague), form, groups=str(foreign.pk)).text
    with service.models():
        support = str(Group.objects.get(name="Support").pk)
    page = administrator.fill_in(form_of(colleague), form, groups=[support, str(own.pk)])
    assert "was changed successfully" in page.text


def test_a_limited_operator_changes_no_limit_of_their_own(
    new_limited: Callable[..., Desk], service: Service, form_of: Callable[[Desk], str], tree: Tree
) -> None:
    administrator = new_limited(tree.own)
    path = form_of(administrator)
    form = administrator.get(path).text
    assert not re.search(r'name="(accounts|groups)"', form)
    page = administrator.fill_in(path, accounts=[""], groups=[], first_name="Ada")
    assert "was changed successfully" in page.text
    assert limit_of(service, administrator.name) == {tree.own.id}
    with service.models():
        assert User.objects.get(username=administrator.name).groups.count() == 1
