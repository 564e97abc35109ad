"""Operators sign in at an OpenID Connect provider, which runs as a process of its own."""

import secrets
import sys
from collections.abc import Callable, Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from django.contrib.auth.models import Group, User

from desk.models import AccountLimit, AuditEntry, GroupAccess
from tests.support.api_client import Account
from tests.support.operators import PASSWORD, Desk, new_operator
from tests.support.servers import Running, Service, answers, direct, free_port, spawn, wait_until

GROUPS = "idp-support=Support,idp-readers=Read only,idp-branch=Branch,idp-closed=A group that nobody made"


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """An OpenID Connect provider; its url is the issuer's."""
    port, log = free_port(), tmp_path_factory.mktemp("provider") / "provider.log"
    process = spawn([sys.executable, "-m", "oidc_provider_mock", "--port", str(port), "--host", "127.0.0.1"], log)
    running = Running(process, f"http://127.0.0.1:{port}", log)
    wait_until(lambda: process.poll() is not None or answers(f"{running.url}/.well-known/openid-configuration"))
    assert process.poll() is None, running.logged()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def desk_server(server_with: Callable[..., Running], provider: Running) -> Running:
    """The service, whose operators may sign in at the provider."""
    return server_with(
        OIDC_ISSUER=provider.url,
        OIDC_CLIENT_ID="desk",
        OIDC_CLIENT_SECRET="a client's secret",
        OIDC_GROUPS=GROUPS,
        OIDC_NAME="Acme",
    )


def store_person(provider: Running, *groups: str, **claims: object) -> str:
    """Store a person at the provider; the subject."""
    subject = f"ada-{secrets.token_hex(4)}"
    body = {"preferred_username": subject, "email": f"{subject}@example.com", "groups": list(groups), **claims}
    assert direct().put(f"{provider.url}/users/{subject}", json=body).status_code == 204
    return subject


def authorize(desk: Desk, subject: str, **changes: str) -> str:
    """Go to the provider and let it confirm a person; the address that it leads back to."""
    response = desk.session.get(f"{desk.url}/admin/single-sign-on/?next=/admin/sessions/", allow_redirects=False)
    assert response.status_code == 302, response.text
    url = response.headers["Location"]
    query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    response = direct().post(
        url.partition("?")[0], params={**query, **changes}, data={"sub": subject}, allow_redirects=False
    )
    assert response.status_code == 302, response.text
    return response.headers["Location"]


def sign_on(server: Running, subject: str) -> tuple[Desk, requests.Response]:
    """Sign in at the provider with a new browser; the page that follows."""
    desk = Desk(server.url, subject)
    return desk, desk.session.get(authorize(desk, subject))


def groups_of(service: Service, name: str) -> set[str]:
    """The names of an operator's groups."""
    with service.models():
        return set(Group.objects.filter(user__username=name).values_list("name", flat=True))


def refusals(service: Service, name: str) -> list[str]:
    """Why sign-ons under a name were refused, the first one first."""
    with service.models():
        entries = AuditEntry.objects.filter(action="was refused", name=name).order_by("pk")
        return [entry.difference["reason"] for entry in entries]


def test_the_first_sign_on_creates_an_operator_in_the_groups(
    desk_server: Running, provider: Running, service: Service
) -> None:
    subject = store_person(provider, "idp-support", "idp-others", given_name="Ada")
    page = direct().get(f"{desk_server.url}/admin/login/?next=/admin/desk/account/").text
    assert "Sign in with Acme" in page
    assert "/admin/single-sign-on/?next=%2Fadmin%2Fdesk%2Faccount%2F" in page
    desk, page_after = sign_on(desk_server, subject)
    assert page_after.url == f"{desk_server.url}/admin/sessions/"
    assert "single sign-on" in page_after.text
    assert groups_of(service, subject) == {"Support"}
    with service.models():
        user = User.objects.get(username=subject)
        assert (user.first_name, user.is_staff, user.is_superuser) == ("Ada", True, False)
        assert not user.has_usable_password()
        entry = AuditEntry.objects.get(name=subject, action="signed in")
        assert entry.difference["factor"] == "single sign-on"
    assert desk.get("desk/account/").status_code == 200


def test_each_sign_on_brings_the_named_groups_up_to_date(
    desk_server: Running, provider: Running, service: Service
) -> None:
    subject = store_person(provider, "idp-support")
    sign_on(desk_server, subject)
    with service.models():
        own_group = Group.objects.create(name=f"Night shift {secrets.token_hex(4)}")
        User.objects.get(username=subject).groups.add(own_group)
    body = {"preferred_username": subject, "groups": ["idp-readers"]}
    direct().put(f"{provider.url}/users/{subject}", json=body)
    sign_on(desk_server, subject)
    assert groups_of(service, subject) == {"Read only", own_group.name}


def test_groups_bring_their_limits(
    desk_server: Running, provider: Running, service: Service, new_account: Callable[..., Account]
) -> None:
    account, foreign = new_account(), new_account()
    with service.models():
        group = Group.objects.create(name="Branch")
        AccountLimit.objects.create(group=group, account_id=account.id)
    subject = store_person(provider, "idp-support", "idp-branch")
    desk, _ = sign_on(desk_server, subject)
    page = desk.get("desk/account/").text
    assert (account.id in page, foreign.id in page) == (True, False)
    assert f"You see the accounts below {account.name}." in page


def test_a_group_that_the_desk_lacks_lets_nobody_in(
    desk_server: Running, provider: Running, service: Service
) -> None:
    subject = store_person(provider, "idp-support", "idp-closed")
    _, page = sign_on(desk_server, subject)
    assert "You may not use the desk." in page.text
    assert groups_of(service, subject) == set()
    assert "groups that the desk doesn't have: A group that nobody made" in desk_server.logged()


def test_a_person_without_a_named_group_is_refused(desk_server: Running, provider: Running, service: Service) -> None:
    subject = store_person(provider, "idp-others")
    desk, page = sign_on(desk_server, subject)
    assert "You may not use the desk." in page.text
    assert "Log out" not in desk.get("").text
    with service.models():
        assert not User.objects.filter(username=subject).exists()
    assert refusals(service, subject) == ["single sign-on: no group or not active"]


def test_nobody_takes_over_an_operator_of_the_same_name_or_mail_address(
    desk_server: Running, provider: Running, service: Service
) -> None:
    chief = new_operator(desk_server.url, service, (), ())
    with service.models():
        User.objects.filter(username=chief.name).update(email="chief@example.com")
    subject = store_person(provider, "idp-readers", preferred_username=chief.name, email="chief@example.com")
    _, page = sign_on(desk_server, subject)
    assert f"{chief.name}-2" in page.text
    assert groups_of(service, f"{chief.name}-2") == {"Read only"}
    # The superuser goes on signing in with the password.
    desk = Desk(desk_server.url, chief.name)
    assert "Log out" in desk.post("login/", username=chief.name, password=PASSWORD, next="/admin/").text


def test_a_deactivated_operator_is_refused(desk_server: Running, provider: Running, service: Service) -> None:
    subject = store_person(provider, "idp-support")
    desk, _ = sign_on(desk_server, subject)
    with service.models():
        User.objects.filter(username=subject).update(is_active=False)
    assert "Log out" not in desk.get("").text
    assert "You may not use the desk." in sign_on(desk_server, subject)[1].text


@pytest.mark.parametrize(("change", "error"), [("nonce", "Nonce verification failed"), ("client_id", "Token Error")])
def test_an_answer_to_another_question_is_refused(
    desk_server: Running, provider: Running, change: str, error: str
) -> None:
    subject = store_person(provider, "idp-support")
    desk = Desk(desk_server.url, subject)
    page = desk.session.get(authorize(desk, subject, **{change: "another"}))
    assert "Signing in there didn&#x27;t work." in page.text
    assert "Log out" not in desk.get("").text
    assert error in desk_server.logged()


def test_the_answer_to_another_browser_or_an_old_one_is_refused(desk_server: Running, provider: Running) -> None:
    subject = store_person(provider, "idp-support")
    desk, victim = Desk(desk_server.url, subject), Desk(desk_server.url, subject)
    victim.get("single-sign-on/")
    url = authorize(desk, subject)
    assert "Signing in there didn&#x27;t work." in victim.session.get(url).text
    assert "Log out" in desk.session.get(url).text
    assert "Log out" not in Desk(desk_server.url, subject).session.get(url).text


def test_the_way_to_the_provider_has_state_nonce_and_a_challenge(desk_server: Running) -> None:
    response = direct().get(f"{desk_server.url}/admin/single-sign-on/?next=//example.com", allow_redirects=False)
    query = parse_qs(urlsplit(response.headers["Location"]).query)
    assert query["code_challenge_method"] == ["S256"]
    assert len(query["code_challenge"][0]) == 43
    assert all(len(query[name][0]) >= 32 for name in ("state", "nonce"))
    assert query["redirect_uri"] == [f"{desk_server.url}/admin/single-sign-on/callback/"]


def test_a_group_may_require_the_desks_second_factor_of_them(
    desk_server: Running, provider: Running, service: Service
) -> None:
    subject = store_person(provider, "idp-support")
    sign_on(desk_server, subject)
    with service.models():
        group = Group.objects.create(name=f"Strict {secrets.token_hex(4)}")
        GroupAccess.objects.create(group=group, needs_second_factor=True)
        User.objects.get(username=subject).groups.add(group)
    assert "Your group requires a second factor." in sign_on(desk_server, subject)[1].text
    direct().put(f"{provider.url}/users/{subject}", json={"groups": ["idp-support"], "amr": ["pwd", "otp"]})
    assert "this browser" in sign_on(desk_server, subject)[1].text


def test_a_provider_that_is_away_stops_nobody_with_a_password(
    server_with: Callable[..., Running], service: Service
) -> None:
    server = server_with(
        OIDC_ISSUER=f"http://127.0.0.1:{free_port()}", OIDC_CLIENT_ID="desk", OIDC_GROUPS=GROUPS, OIDC_NAME="Nobody"
    )
    name = new_operator(server.url, service, (), ()).name
    page = direct().get(f"{server.url}/admin/single-sign-on/")
    assert "Signing in there didn&#x27;t work." in page.text
    desk = Desk(server.url, name)
    assert "Log out" in desk.post("login/", username=name, password=PASSWORD, next="/admin/").text


def test_without_a_provider_there_is_no_single_sign_on(server: Running) -> None:
    assert direct().get(f"{server.url}/admin/single-sign-on/").status_code == 404
    assert "Sign in with" not in direct().get(f"{server.url}/admin/login/").text
