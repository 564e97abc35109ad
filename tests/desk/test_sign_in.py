"""Operators sign in, and not after too many wrong passwords; the audit log has all of it."""

from collections.abc import Callable
from typing import Any

import pytest
import requests
from django.contrib.auth.models import User

from desk.models import AuditEntry
from tests.support.operators import PASSWORD, Desk, new_operator
from tests.support.servers import Running, Service

ALLOWED = 3
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture(scope="module")
def throttled(server_with: Callable[..., Running]) -> Running:
    """The service, which allows an operator few failures, and the address of all tests any number."""
    return server_with(SIGN_IN_FAILURES=str(ALLOWED), SIGN_IN_FAILURES_PER_ADDRESS="0")


def submit(server: Running, name: str, password: str) -> requests.Response:
    """Fill in the form for signing in, in a browser of its own; the page that follows."""
    desk = Desk(server.url, name)
    desk.session.headers["User-Agent"] = FIREFOX
    return desk.post("login/", username=name, password=password, next="/admin/")


def entries_of(service: Service, name: str) -> list[tuple[str | None, str, dict[str, Any]]]:
    """What the audit log says about signing in under a name: operator, action and details, the first one first."""
    with service.models():
        entries = AuditEntry.objects.filter(kind="operator", name=name).order_by("pk").select_related("operator")
        return [
            (entry.operator.username if entry.operator else None, entry.action, entry.difference) for entry in entries
        ]


def test_an_operators_name_is_refused_after_too_many_wrong_passwords(throttled: Running, service: Service) -> None:
    name, colleague = (new_operator(throttled.url, service, (), ()).name for _ in range(2))
    for _ in range(ALLOWED):
        response = submit(throttled, name, "wrong")
        assert "correct username and password" in response.text
        assert response.status_code == 200
    for response in (submit(throttled, name, PASSWORD), submit(throttled, name.upper(), PASSWORD)):
        assert response.status_code == 429
        assert 1 <= int(response.headers["Retry-After"]) <= 300
        assert "Try again in" in response.text
        assert "(UTC)" in response.text
    assert "Log out" in submit(throttled, colleague, PASSWORD).text
    # From where an operator has signed in, the right password is accepted at the limit, too.
    pages = [submit(throttled, colleague, "wrong").text for _ in range(ALLOWED + 1)]
    assert "Try again in" in pages[-1]
    assert "Log out" in submit(throttled, colleague, PASSWORD).text


def test_a_name_that_no_operator_has_is_refused_like_any_other(throttled: Running, service: Service) -> None:
    for _ in range(ALLOWED):
        assert "correct username and password" in submit(throttled, "nobody", "wrong").text
    assert [submit(throttled, "nobody", "wrong").status_code for _ in range(3)] == [429] * 3
    entries = entries_of(service, "nobody")
    assert [(operator, action) for operator, action, _ in entries] == [(None, "was refused")] * (ALLOWED + 1)
    assert entries[0][2]["reason"] == "wrong name or password"
    assert entries[-1][2]["reason"] == "too many wrong passwords"


def test_sign_ins_refusals_and_sign_outs_are_recorded(server: Running, service: Service) -> None:
    name = new_operator(server.url, service, ("Support",), ()).name
    submit(server, name, "wrong")
    desk = Desk(server.url, name)
    desk.session.headers["User-Agent"] = FIREFOX
    desk.post("login/", username=name, password=PASSWORD, next="/admin/")
    assert desk.send("logout/").status_code == 200
    entries = entries_of(service, name)
    assert [(operator, action) for operator, action, _ in entries] == [
        (name, "was refused"),
        (name, "signed in"),
        (name, "signed out"),
    ]
    assert all((details["address"], details["browser"]) == ("127.0.0.1", FIREFOX) for *_, details in entries)
    assert entries[1][2]["factor"] == "password"


def test_who_is_no_staff_is_refused_and_recorded(server: Running, service: Service) -> None:
    name = new_operator(server.url, service, ("Support",), ()).name
    with service.models():
        User.objects.filter(username=name).update(is_staff=False)
    assert "correct username and password" in submit(server, name, PASSWORD).text
    assert entries_of(service, name)[-1][1:] == (
        "was refused",
        {"address": "127.0.0.1", "browser": FIREFOX, "reason": "not active or no staff"},
    )


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("short-word1", "at least 12 characters"),
        ("password1234", "too common"),
        ("918273645546", "entirely numeric"),
        ("{name}", "too similar to the username"),
        (PASSWORD, "the present password"),
    ],
)
def test_a_new_password_that_breaks_a_rule_is_refused(
    fresh_operator: Callable[..., Desk], password: str, reason: str
) -> None:
    desk = fresh_operator("Support")
    new_password = password.format(name=desk.name)
    page = desk.post(
        "password_change/", old_password=PASSWORD, new_password1=new_password, new_password2=new_password
    )
    assert reason in page.text
