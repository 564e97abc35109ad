"""Operators' sessions: listed, ended, and limited in time."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models import F

from desk.models import AuditEntry, OperatorSession
from operators.sessions import describe_browser
from tests.support.operators import PASSWORD, Desk, new_operator
from tests.support.servers import Running, Service

NEW_PASSWORD = "a password that nobody had"
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
)
OF_SCRIPT = {"Sec-Fetch-Dest": "empty"}


def sign_in(server: Running, name: str) -> Desk:
    """Sign in with another browser."""
    desk = Desk(server.url, name)
    desk.session.headers["User-Agent"] = CHROME
    assert "Log out" in desk.post("login/", username=name, password=PASSWORD, next="/admin/").text
    return desk


def is_signed_in(desk: Desk) -> bool:
    """Whether a browser is still signed in."""
    return "Log out" in desk.get("sessions/").text


def make_older(service: Service, desk: Desk, **ages: timedelta) -> None:
    """Move times of an operator's sessions into the past."""
    with service.models():
        rows = OperatorSession.objects.filter(operator__username=desk.name)
        rows.update(**{name: F(name) - age for name, age in ages.items()})


def rows_of(desk: Desk, path: str = "sessions/") -> list[str]:
    """The numbers of the sessions that a page offers to end."""
    return re.findall(r'name="end" value="(\d+)"', desk.get(path).text)


@pytest.fixture
def two_browsers(server: Running, service: Service) -> tuple[Desk, Desk]:
    """An operator who is signed in with two browsers."""
    desk = new_operator(server.url, service, ("Support",), ())
    return desk, sign_in(server, desk.name)


def test_sessions_are_listed_and_others_ended(two_browsers: tuple[Desk, Desk], service: Service) -> None:
    first, second = two_browsers
    page = first.get("sessions/").text
    assert "Chrome 140 on Windows" in page
    assert page.count("127.0.0.1") == 2
    assert "this browser" in page
    (number,) = rows_of(first)
    assert "Ended 1 session." in first.post("sessions/", end=number).text
    assert not is_signed_in(second)
    assert is_signed_in(first)
    with service.models():
        entry = AuditEntry.objects.filter(action="ended a session of", name=first.name).get()
        assert entry.difference["session"] == "Chrome 140 on Windows, 127.0.0.1"


def test_all_other_sessions_are_ended_at_once(two_browsers: tuple[Desk, Desk], server: Running) -> None:
    first, second = two_browsers
    third = sign_in(server, first.name)
    assert "Ended 2 sessions." in first.post("sessions/", end="all").text
    assert [is_signed_in(desk) for desk in (first, second, third)] == [True, False, False]


def test_nobody_ends_the_sessions_of_others_but_superusers(
    two_browsers: tuple[Desk, Desk], service: Service, server: Running
) -> None:
    first, second = two_browsers
    colleague, chief = (new_operator(server.url, service, groups, ()) for groups in (("Administrators",), ()))
    (number,) = rows_of(first)
    assert "Ended 0 sessions." in colleague.post("sessions/", end=number).text
    with service.models():
        path = f"sessions/{User.objects.get(username=first.name).pk}/"
    assert colleague.get(path).status_code == 403
    assert len(rows_of(chief, path)) == 2
    assert "Ended 2 sessions." in chief.post(path, end="all").text
    assert not is_signed_in(first)
    assert not is_signed_in(second)
    assert is_signed_in(chief)


def test_a_session_without_use_ends_and_is_recorded(two_browsers: tuple[Desk, Desk], service: Service) -> None:
    desk, _ = two_browsers
    make_older(service, desk, used_at=timedelta(minutes=29))
    assert desk.session.get(f"{desk.url}/admin/sessions/state/", headers=OF_SCRIPT).json()["seconds"] <= 60
    make_older(service, desk, used_at=timedelta(minutes=2))
    assert desk.session.get(f"{desk.url}/admin/sessions/state/", headers=OF_SCRIPT).json() == {"seconds": 0}
    assert not is_signed_in(desk)
    with service.models():
        actions = AuditEntry.objects.filter(name=desk.name).values_list("action", flat=True)
        assert actions[0] == "was signed out"


def test_use_keeps_a_session_but_not_beyond_its_lifetime(two_browsers: tuple[Desk, Desk], service: Service) -> None:
    desk, _ = two_browsers
    make_older(service, desk, used_at=timedelta(minutes=29))
    assert is_signed_in(desk)
    state: dict[str, Any] = desk.session.get(f"{desk.url}/admin/sessions/state/", headers=OF_SCRIPT).json()
    assert state["seconds"] > 1700
    make_older(service, desk, started_at=timedelta(hours=12))
    assert not is_signed_in(desk)


def test_typing_keeps_a_session(two_browsers: tuple[Desk, Desk], service: Service) -> None:
    desk, _ = two_browsers
    make_older(service, desk, used_at=timedelta(minutes=29))
    url = f"{desk.url}/admin/sessions/state/"
    token = desk.session.get(url, headers=OF_SCRIPT).json()["token"]
    assert desk.session.post(url, headers={**OF_SCRIPT, "X-CSRFToken": token}).json()["seconds"] > 1700


def test_a_new_password_ends_the_other_sessions(two_browsers: tuple[Desk, Desk]) -> None:
    first, second = two_browsers
    first.post("password_change/", old_password=PASSWORD, new_password1=NEW_PASSWORD, new_password2=NEW_PASSWORD)
    assert is_signed_in(first)
    assert not is_signed_in(second)
    assert rows_of(first) == []


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (CHROME, "Chrome 140 on Windows"),
        (CHROME + " Edg/141.0.0.0", "Edge 141 on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
         "Version/18.0 Mobile/15E148 Safari/604.1", "Safari 18 on iOS"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15) Gecko/2010 Firefox/139.0", "Firefox 139 on macOS"),
        ("curl/8.1", "curl/8.1"),
        ("", "no name"),
    ],
)  # fmt: skip
def test_a_browser_is_named_as_people_call_it(user_agent: str, name: str) -> None:
    assert describe_browser(user_agent) == name
