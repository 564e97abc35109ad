"""Operators sign in with a second factor: an authenticator app, or a recovery code."""

import secrets
from collections.abc import Callable

import pytest
import requests
from django.contrib.auth.models import Group, User
from django_otp.plugins.otp_totp.models import TOTPDevice

from desk.models import AuditEntry, GroupAccess, RecoveryCode
from tests.support.one_time_codes import code_of, recovery_codes_on, secret_on
from tests.support.operators import PASSWORD, Desk, new_operator
from tests.support.servers import Running, Service

OPEN, CODE = "Log out", "authenticator app shows now"


@pytest.fixture
def guarded(server: Running, service: Service) -> tuple[Desk, bytes, list[str]]:
    """An operator with a second factor: the browser that it was set up with, its secret and recovery codes."""
    desk = new_operator(server.url, service, ("Support",), ())
    secret, codes = set_up(desk)
    with service.models():
        # As if it had been set up long ago, by the same clock: the code of now is good, whichever was used meanwhile.
        TOTPDevice.objects.filter(user__username=desk.name).update(last_t=-1, drift=0)
    return desk, secret, codes


@pytest.fixture
def strict_group(service: Service) -> str:
    """The name of a group that requires a second factor."""
    with service.models():
        group = Group.objects.create(name=f"Strict {secrets.token_hex(4)}")
        GroupAccess.objects.create(group=group, needs_second_factor=True)
        return group.name


def set_up(desk: Desk) -> tuple[bytes, list[str]]:
    """Set a second factor up; its secret and recovery codes.

    The code of now goes on being good for half a minute, so that it doesn't matter when the next one begins.
    """
    secret = secret_on(desk.get("second-factor/").text)
    page = desk.post("second-factor/", password=PASSWORD, code=code_of(secret)).text
    codes = recovery_codes_on(page)
    assert len(codes) == 10, page
    return secret, codes


def wrong_code(secret: bytes) -> str:
    """A code that is none of those of these minutes."""
    return next(code for code in ("000000", "111111") if code not in [code_of(secret, step) for step in range(-2, 4)])


def sign_in(url: str, name: str, *codes: str) -> tuple[Desk, requests.Response]:
    """Sign in with the password and codes, one after another, in a new browser; the page that follows."""
    desk = Desk(url, name)
    response = desk.post("login/", username=name, password=PASSWORD, next="/admin/sessions/")
    for code in codes:
        assert CODE in response.text
        response = desk.post("login/code/", code=code)
    return desk, response


def actions_of(service: Service, name: str) -> list[str]:
    """What the audit log says of an operator's access, the first entry first."""
    with service.models():
        entries = AuditEntry.objects.filter(kind="operator", name=name).order_by("pk")
        return [" ".join(filter(None, (entry.action, entry.difference.get("reason")))) for entry in entries]


def test_signing_in_takes_the_code_of_the_app(guarded: tuple[Desk, bytes, list[str]], service: Service) -> None:
    desk, secret, _ = guarded
    browser, page = sign_in(desk.url, desk.name)
    assert CODE in page.text
    assert OPEN not in browser.get("").text
    browser, page = sign_in(desk.url, desk.name, wrong_code(secret))
    assert "This code is wrong." in page.text
    assert OPEN not in browser.get("").text
    _, page = sign_in(desk.url, desk.name, code_of(secret))
    assert "password and authenticator app" in page.text
    assert actions_of(service, desk.name) == ["set up a second factor", "was refused wrong code", "signed in"]


def test_a_code_is_good_for_once(guarded: tuple[Desk, bytes, list[str]]) -> None:
    desk, secret, codes = guarded
    code = code_of(secret)
    assert OPEN in sign_in(desk.url, desk.name, code)[1].text
    assert "This code is wrong." in sign_in(desk.url, desk.name, code)[1].text
    assert "password and recovery code" in sign_in(desk.url, desk.name, codes[3].upper())[1].text
    assert "This code is wrong." in sign_in(desk.url, desk.name, codes[3])[1].text
    assert "You have 9 recovery codes left." in desk.get("second-factor/").text


def test_recovery_codes_are_stored_as_digests_and_shown_once(
    guarded: tuple[Desk, bytes, list[str]], service: Service
) -> None:
    desk, secret, codes = guarded
    with service.models():
        digests = RecoveryCode.objects.filter(operator__username=desk.name).values_list("digest", flat=True)
        assert not {code.replace("-", "") for code in codes} & set(digests)
        assert {len(digest) for digest in digests} == {64}
    assert recovery_codes_on(desk.get("second-factor/").text) == []
    new_codes = recovery_codes_on(desk.post("second-factor/", renew="1", code=code_of(secret)).text)
    assert len(set(new_codes) - set(codes)) == 10
    assert "This code is wrong." in sign_in(desk.url, desk.name, codes[0])[1].text
    assert OPEN in sign_in(desk.url, desk.name, new_codes[0])[1].text


def test_setting_up_takes_the_password_and_a_right_code(fresh_operator: Callable[..., Desk]) -> None:
    desk = fresh_operator("Support")
    secret = secret_on(desk.get("second-factor/").text)
    page = desk.post("second-factor/", password="wrong", code=code_of(secret)).text
    assert "This password is wrong." in page
    assert secret_on(page) == secret
    page = desk.post("second-factor/", password=PASSWORD, code=wrong_code(secret)).text
    assert "This code is wrong." in page
    assert OPEN in sign_in(desk.url, desk.name)[1].text


def test_wrong_codes_are_throttled_as_wrong_passwords_are(
    server_with: Callable[..., Running], service: Service
) -> None:
    server = server_with(SIGN_IN_FAILURES="3", SIGN_IN_FAILURES_PER_ADDRESS="0")
    desk = new_operator(server.url, service, ("Support",), ())
    secret, codes = set_up(desk)
    browser, _ = sign_in(server.url, desk.name)
    responses = [browser.post("login/code/", code="wrong") for _ in range(4)]
    assert [response.status_code for response in responses] == [200, 200, 200, 429]
    assert int(responses[-1].headers["Retry-After"]) > 0
    assert browser.post("login/code/", code=codes[0]).status_code == 429
    assert browser.post("login/code/", code=code_of(secret)).status_code == 429


def test_a_group_requires_a_second_factor_before_anything_else(
    server: Running, service: Service, strict_group: str
) -> None:
    desk = new_operator(server.url, service, ("Support",), ())
    with service.models():
        User.objects.get(username=desk.name).groups.add(Group.objects.get(name=strict_group))
    assert "Your group requires a second factor." in desk.get("desk/account/").text
    page = desk.session.get(f"{desk.url}/admin/desk/account/", headers={"Sec-Fetch-Dest": "empty"})
    assert "Your group requires a second factor." in page.text
    _, codes = set_up(desk)
    assert "Accounts" in desk.get("desk/account/").text
    assert "Turn it off" not in desk.get("second-factor/").text
    desk.post("second-factor/", turn_off="1", code=codes[0])
    assert CODE in sign_in(server.url, desk.name)[1].text


def test_a_session_without_a_second_factor_ends_when_a_group_requires_one(
    guarded: tuple[Desk, bytes, list[str]], service: Service, strict_group: str, server: Running
) -> None:
    desk, _, _ = guarded
    with service.models():
        user = User.objects.get(username=desk.name)
        user.groups.add(Group.objects.get(name=strict_group))
    assert OPEN in desk.get("").text  # it was set up in this session
    other = Desk(server.url, desk.name)
    with service.models():
        from django.test import Client

        client = Client()
        client.force_login(user)
        other.session.cookies.set("sessionid", client.cookies["sessionid"].value)
    assert 'name="password"' in other.get("desk/account/").text


def test_the_setting_of_a_group_is_changed_at_the_desk(fresh_operator: Callable[..., Desk], service: Service) -> None:
    chief, name = fresh_operator(), f"Night shift {secrets.token_hex(4)}"
    assert "was added successfully" in chief.fill_in("auth/group/add/", name=name, needs_second_factor="on").text
    with service.models():
        group = Group.objects.get(name=name)
        assert GroupAccess.objects.get(group=group).needs_second_factor
    page = chief.get(f"auth/group/{group.pk}/change/").text
    assert "checked" in page.partition('name="needs_second_factor"')[2].partition(">")[0]
    assert actions_of(service, name) == ["changed the sign-in of"]


def test_only_superusers_reset_the_second_factor_of_others(
    guarded: tuple[Desk, bytes, list[str]], fresh_operator: Callable[..., Desk], service: Service
) -> None:
    desk, _, _ = guarded
    with service.models():
        number = User.objects.get(username=desk.name).pk
    path = f"second-factor/{number}/reset/"
    assert fresh_operator("Administrators").get(path).status_code == 403
    chief = fresh_operator()
    assert path in chief.get(f"auth/user/{number}/change/").text
    assert "has no second factor any more" in chief.post(path).text
    assert OPEN in sign_in(desk.url, desk.name)[1].text
    with service.models():
        entry = AuditEntry.objects.get(action="reset the second factor of", name=desk.name)
        assert entry.operator is not None
        assert entry.operator.username == chief.name


def test_a_command_resets_the_second_factor_of_the_last_superuser(
    guarded: tuple[Desk, bytes, list[str]], service: Service
) -> None:
    desk, _, _ = guarded
    service.manage("reset_second_factor", desk.name)
    assert OPEN in sign_in(desk.url, desk.name)[1].text
    assert "reset the second factor of" in actions_of(service, desk.name)
