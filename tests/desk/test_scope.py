"""Operators who are limited to some accounts and what is below them: what they see, and what they can't do."""

import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from accounts import account_index, accounts
from couch.client import couch
from couch.database import Document
from desk.models import AuditEntry, MailboxRun
from desk.scope import Scope
from erasure.models import Erasure
from migration.models import MigrationRun
from storage import documents, maintenance
from tests.support.api_client import Account
from tests.support.desk_pages import Ids, path_of, routes, store_documents
from tests.support.operators import Desk, limit, new_operator
from tests.support.servers import Running, Service

# Fields of the desk's forms, so that each page would do something.
FIELDS: Mapping[str, str | list[str]] = {
    "enabled": "no",
    "days": "5",
    "name": "Stolen",
    "mailbox": "3999",
    "username": "stolen",
    "password": "a password that nobody had",
    "pin": "2468",
    "operation": "migrate",
    "action": "remove",
    "confirmed": "yes",
    "all": "yes",
    "setting": "name",
    "preview": "yes",
}


# The pages that name no account in their path: each asks for the scope itself, as a test here or beside it shows.
ASKING = {
    *("desk_account_add", "desk_account_health", "desk_account_suggestions"),
    *("desk_account_overview_collect", "desk_account_overview_list"),
    *(f"erasure_erasure_{name}" for name in ("new", "caller", "export", "detail", "progress")),
    *(f"erasure_erasure_{name}" for name in ("confirm", "cancel", "undo", "decide")),
    *(f"migration_migrationrun_{name}" for name in ("run", "progress", "stop", "report")),
}


@dataclass(frozen=True)
class Tree:
    """An account above the operator's, the operator's own, one below it, and one beside it, with its documents."""

    above: Account
    own: Account
    below: Account
    foreign: Account
    foreign_ids: Ids


@pytest.fixture(scope="module")
def tree(service: Service, new_account: Callable[..., Account]) -> Tree:
    above = new_account()
    own, foreign = new_account(parent=above.id), new_account(parent=above.id)
    ids = store_documents(foreign, service)
    run_id = 900_000 + secrets.randbelow(90_000)
    with service.models():
        run = {
            "pk": run_id,
            "account_id": foreign.id,
            "operator": User.objects.create(username=f"operator-{secrets.token_hex(4)}"),
        }
        times = dict.fromkeys(("requested_at", "last_seen_at"), timezone.now())
        MigrationRun.objects.create(**run, account_name=foreign.name, operation="dry_run", state="done", **times)
        MailboxRun.objects.create(**run, title=foreign.name, is_import=False)
    return Tree(above, own, new_account(parent=own.id), foreign, {**ids, "run_id": run_id})


@pytest.fixture(scope="module")
def desk(server: Running, service: Service, tree: Tree) -> Desk:
    """An operator of a reseller, with all permissions of administrators."""
    operator = new_operator(server.url, service, ("Administrators",), ())
    limit(service, operator, tree.own)
    return operator


@pytest.fixture
def new_limited(server: Running, service: Service) -> Callable[..., Desk]:
    """Operators who are limited to some accounts."""

    def create(*account: Account, group: str = "Administrators") -> Desk:
        operator = new_operator(server.url, service, (group,), ())
        limit(service, operator, *account)
        return operator

    return create


def request_page(desk: Desk, method: str, path: str) -> tuple[int, str | None]:
    """Request a page, with the fields of all forms if it is a POST; the status, and where it leads."""
    token = desk.session.cookies.get("csrftoken") or ""
    response = desk.session.request(
        method,
        f"{desk.url}/admin/{path}",
        data=FIELDS if method == "POST" else None,
        headers={"X-CSRFToken": token},
        allow_redirects=False,
        timeout=60,
    )
    return response.status_code, response.headers.get("Location")


def move(account_id: str, ancestor_ids: list[str]) -> None:
    """Move an account in the tree, as Kazoo does."""

    def change(doc: Document) -> Document:
        return {**doc, "pvt_tree": ancestor_ids}

    documents.update(accounts.database_of(account_id), account_id, change)
    account_index.update(account_id, change)


def revisions(account_id: str) -> dict[str, dict[str, str]]:
    """The revisions of all documents of an account, by databases."""
    names = [*maintenance.list_account_databases(account_id)]
    return {
        **{name: {row["id"]: row["value"]["rev"] for row in couch().database(name).all_docs()} for name in names},
        "listed": {account_id: (account_index.database().get(account_id) or {})["_rev"]},
    }


def test_the_pages_without_an_account_in_their_path_are_known_to_ask_for_the_scope() -> None:
    without = {page for page, route in routes().items() if "<str:account_id>" not in route}
    assert {page for page in without if not page.endswith("_changelist")} == ASKING


def test_no_page_opens_or_changes_the_account_of_others(desk: Desk, tree: Tree, service: Service) -> None:
    nowhere: Ids = {**tree.foreign_ids, "account_id": secrets.token_hex(16), "run_id": 999_999}
    before = revisions(tree.foreign.id)
    differing = []
    for page in routes():
        foreign_path, unknown_path = path_of(page, tree.foreign_ids), path_of(page, nowhere)
        if foreign_path == unknown_path:
            continue  # no account in it: what it lists is tested below
        for method in ("GET", "POST"):
            answers = [request_page(desk, method, path) for path in (foreign_path, unknown_path)]
            if answers[0] != answers[1] or answers[0][0] not in (302, 404):
                differing.append((page, method, answers))
    assert not differing
    assert revisions(tree.foreign.id) == before
    with service.models():
        assert not AuditEntry.objects.filter(account_id=tree.foreign.id).exists()
        assert not MigrationRun.objects.filter(account_id=tree.foreign.id).exclude(pk=tree.foreign_ids["run_id"])


def test_no_page_of_an_own_account_opens_or_changes_documents_of_others(desk: Desk, tree: Tree) -> None:
    mixed: Ids = {**tree.foreign_ids, "account_id": tree.own.id}
    before = revisions(tree.foreign.id)
    opened = []
    for page, route in routes().items():
        names = set(re.findall(r"<\w+:(\w+)>", route))
        if "account_id" not in names or names <= {"account_id", "template_id", "kind", "file_format"}:
            continue
        for method in ("GET", "POST"):
            status, _ = request_page(desk, method, path_of(page, mixed))
            if status not in (302, 404, 405):
                opened.append((page, method, status))
    # What was done to a message is shown even if it no longer exists: nothing, that is.
    history = "desk_message_history"
    assert opened == [(history, "GET", 200), (history, "POST", 200)]
    assert "Nothing was done." in desk.get(path_of(history, mixed)).text
    assert revisions(tree.foreign.id) == before


def test_lists_have_the_operators_accounts_alone(desk: Desk, tree: Tree) -> None:
    for path in ("desk/account/", "desk/account/health/", "migration/migrationrun/"):
        page = desk.get(path).text
        assert {account.id in page for account in (tree.own, tree.below)} == {True}, path
        assert {text in page for text in (tree.above.id, tree.above.name, tree.foreign.id)} == {False}, path
    page = desk.get("desk/account/", below=tree.own.id).text
    assert tree.below.id in page
    assert "This doesn&#x27;t exist." in desk.get("desk/account/", below=tree.above.id).text


@pytest.mark.parametrize("path", ["desk/account/", "migration/migrationrun/", "desk/account/suggestions/"])
def test_searches_find_the_operators_accounts_alone(desk: Desk, tree: Tree, path: str) -> None:
    for account, is_visible in ((tree.own, True), (tree.below, True), (tree.above, False), (tree.foreign, False)):
        page = desk.get(path, q=account.name).text
        assert (account.realm in page) == is_visible, account
    assert tree.foreign.realm not in desk.get(path, q=tree.foreign.id).text


def test_nothing_of_others_is_deleted_for_good_or_exported(desk: Desk, tree: Tree, service: Service) -> None:
    with service.models():
        planner = User.objects.get(username=desk.name)
        members = {"operator": planner, "state": "preview"}
        planned = [
            Erasure.objects.create(kind=kind, account_id=account_id, account_ids=ids, document_id="a" * 32, **members)
            for kind, account_id, ids in (
                ("mailbox", tree.foreign.id, None),
                ("caller", "", [tree.own.id, tree.foreign.id]),
                ("caller", "", None),
                ("account", "0" * 32, None),
                ("caller", "", [tree.own.id, "0" * 32]),
            )
        ]
        Erasure.objects.create(
            kind="user",
            account_id=tree.foreign.id,
            document_id="b" * 32,
            operator=User.objects.create(username=f"operator-{secrets.token_hex(4)}"),
        )
    page = desk.get("erasure/erasure/").text
    assert [f"/admin/erasure/erasure/{erasure.pk}/" in page for erasure in planned] == [False] * 3 + [True] * 2
    for erasure in planned[:3]:
        for name in ("", "progress/", "confirm/", "undo/", "decide/", "cancel/"):
            for method in ("GET", "POST"):
                answer = request_page(desk, method, f"erasure/erasure/{erasure.pk}/{name}")
                assert answer == (302, "/admin/"), name
    query = f"kind=account&account={tree.foreign.id}"
    for path in (f"new/?{query}", f"export/?{query}", f"export/?kind=user&account={tree.foreign.id}&id=1"):
        for method in ("GET", "POST"):
            assert request_page(desk, method, f"erasure/erasure/{path}") == (302, "/admin/"), path
    for path in ("caller/", "export/"):
        page = desk.fill_in(f"erasure/erasure/{path}", numbers="4155550100", account=tree.foreign.id).text
        assert "There is no such account" in page
    with service.models():
        for erasure in planned:
            erasure.refresh_from_db()
            assert erasure.state == "preview"
            erasure.delete()


def test_names_of_accounts_above_are_not_shown(desk: Desk, tree: Tree) -> None:
    page = desk.get(f"desk/account/{tree.below.id}/").text
    assert f"/admin/desk/account/{tree.own.id}/" in page
    assert f"You see the accounts below {tree.own.name}." in page
    assert tree.above.name not in page
    assert tree.above.id not in page


def test_health_says_nothing_of_the_system(desk: Desk, tree: Tree) -> None:
    page = desk.get("desk/account/health/").text
    assert 'id="accounts-heading"' in page
    for heading in ("couchdb-heading", "events-heading"):
        assert heading not in page
    assert "CouchDB" not in desk.get("").text
    assert desk.get("desk/job/").status_code == 403
    assert "/admin/desk/job/" not in page


def test_an_account_is_created_below_the_operators_own_only(desk: Desk, tree: Tree) -> None:
    form = desk.get("desk/account/add/")
    assert f'name="parent" value="{tree.own.id}"' in form.text
    for parent in (tree.above.id, tree.foreign.realm, tree.foreign.name):
        assert "There is no such account." in desk.fill_in("desk/account/add/", form, name="New", parent=parent).text
    assert "This field is required." in desk.fill_in("desk/account/add/", form, name="New", parent="").text
    page = desk.fill_in("desk/account/add/", form, name="Newest", parent=tree.below.name)
    account_id = page.url.rstrip("/").rpartition("/")[2]
    assert accounts.get(account_id)["pvt_tree"] == [tree.above.id, tree.own.id, tree.below.id]
    assert account_id in desk.get("desk/account/").text


def test_a_realm_of_others_is_taken_by_nobody_with_a_name(desk: Desk, tree: Tree) -> None:
    page = desk.fill_in(f"desk/account/{tree.own.id}/change/", realm=tree.foreign.realm).text
    assert "Account realm already in use" in page
    assert tree.foreign.name not in page


def test_the_audit_log_has_entries_of_the_operators_accounts_alone(
    operator: Callable[..., Desk], desk: Desk, new_account: Callable[..., Account], tree: Tree
) -> None:
    chief, foreign = operator("Administrators"), new_account(parent=tree.above.id)
    for account in (tree.below, foreign):
        chief.post(f"desk/account/{account.id}/api-key/")
    page = desk.get("desk/auditentry/").text
    assert tree.below.id in page
    assert foreign.id not in page
    assert "0 audit entries" in desk.get("desk/auditentry/", account_id=foreign.id).text
    for path in ("", "desk/auditentry/"):
        assert foreign.name not in desk.get(path).text
    assert "saw the API key of" in desk.get(f"desk/account/{tree.below.id}/history/").text


def test_the_audit_log_names_who_acted_from_above_without_a_way_there(
    desk: Desk, tree: Tree, service: Service
) -> None:
    name = f"chief-{secrets.token_hex(4)}"
    with service.models():
        entry = AuditEntry.objects.create(
            source="api",
            actor_account_id=tree.above.id,
            actor_user_id=tree.above.user_id,
            actor_name=name,
            impersonator=f"{tree.above.id}/{tree.above.user_id}",
            action="changed",
            kind="account",
            account_id=tree.below.id,
            document_id=tree.below.id,
        )
    for path in (
        f"desk/auditentry/?actor={name}",
        f"desk/auditentry/{entry.pk}/change/",
        f"desk/auditentry/export/csv/?document={tree.below.id}",
        f"desk/auditentry/export/json/?document={tree.below.id}",
        f"desk/account/{tree.below.id}/history/",
    ):
        page = desk.get(path).text
        assert (name in page, tree.above.id in page) == (True, False), path


def test_accounts_are_covered_where_they_are_in_the_tree(tree: Tree, new_account: Callable[..., Account]) -> None:
    scope, moving = Scope((frozenset({tree.own.id}),)), new_account(parent=tree.foreign.id)

    def sees(account_id: str) -> set[bool]:
        return {scope.covers(account_id), account_id in (scope.account_ids() or ())}

    assert sees(moving.id) == {False}
    move(moving.id, [tree.above.id, tree.own.id])
    assert sees(moving.id) == {True}
    move(moving.id, [tree.above.id])
    assert sees(moving.id) == {False}
    move(moving.id, [tree.above.id, tree.own.id, tree.below.id])
    assert sees(moving.id) == {True}
    accounts.delete(moving.id)
    assert sees(moving.id) == {False}
    assert sees("0" * 32) == sees("../_users") == sees(tree.above.id) == {False}
    assert sees(tree.own.id) == {True}


def test_several_limits(tree: Tree) -> None:
    own, below, foreign = (frozenset({account.id}) for account in (tree.own, tree.below, tree.foreign))
    for limits, top_ids in (
        ((own | foreign,), own | foreign),
        ((own | below,), own),
        ((below, own), below),
        ((own, below | foreign), below),
        ((own, foreign), frozenset()),
        ((frozenset({"0" * 32}),), frozenset()),
        ((own | {"0" * 32},), own),
    ):
        scope = Scope(limits)
        assert set(scope.top_ids()) == top_ids, limits
        assert (scope.account_ids() or frozenset()) & {tree.own.id, tree.below.id, tree.foreign.id} == {
            account.id for account in (tree.own, tree.below, tree.foreign) if scope.covers(account.id)
        }
    assert Scope().account_ids() is None
    assert Scope().covers(tree.above.id)


def test_a_limit_to_an_account_that_is_gone_shows_nothing(
    new_limited: Callable[..., Desk], new_account: Callable[..., Account]
) -> None:
    account = new_account()
    accounts.delete(account.id)
    page = new_limited(account).get("desk/account/").text
    assert "There are no accounts yet." in page
    assert "You see no accounts." in page
