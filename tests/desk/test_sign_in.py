"""Operators sign in, and not after too many wrong passwords."""

from collections.abc import Callable

import pytest

from tests.support.operators import PASSWORD, Desk, new_operator
from tests.support.servers import Running, Service

ALLOWED = 3


@pytest.fixture(scope="module")
def throttled(server_with: Callable[..., Running]) -> Running:
    """The service, which allows an operator few failures, and the address of all tests any number."""
    return server_with(SIGN_IN_FAILURES=str(ALLOWED), SIGN_IN_FAILURES_PER_ADDRESS="0")


def submit(server: Running, name: str, password: str) -> str:
    """Fill in the form for signing in, in a browser of its own; the page that follows."""
    return Desk(server.url, name).post("login/", username=name, password=password, next="/admin/").text


def test_an_operators_name_is_refused_after_too_many_wrong_passwords(throttled: Running, service: Service) -> None:
    name, colleague = (new_operator(throttled.url, service, (), ()).name for _ in range(2))
    for _ in range(ALLOWED):
        assert "correct username and password" in submit(throttled, name, "wrong")
    assert "Try again in" in submit(throttled, name, PASSWORD)
    assert "Try again in" in submit(throttled, name.upper(), PASSWORD)
    assert "Log out" in submit(throttled, colleague, PASSWORD)
    # From where an operator has signed in, the right password is accepted at the limit, too.
    pages = [submit(throttled, colleague, "wrong") for _ in range(ALLOWED + 1)]
    assert "Try again in" in pages[-1]
    assert "Log out" in submit(throttled, colleague, PASSWORD)


def test_a_name_that_no_operator_has_is_refused_like_any_other(throttled: Running) -> None:
    for _ in range(ALLOWED):
        assert "correct username and password" in submit(throttled, "nobody", "wrong")
    assert "Try again in" in submit(throttled, "nobody", "wrong")
