"""What the API says of CouchDB's errors."""

import pytest

from accounts.api.exception_handler import api_error
from couch.errors import (
    CircuitOpen,
    Conflict,
    CouchError,
    MissingDatabase,
    MissingView,
    NotConnected,
    Rejected,
    TimedOut,
    TooLarge,
    Unreachable,
)
from crossbar.errors import Forbidden


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (MissingDatabase("account/aa/bb/cc"), 404, "bad_identifier"),
        (MissingView("account/aa/bb/cc: users"), 503, "datastore_missing_view"),
        (Conflict("x"), 409, "datastore_conflict"),
        (TooLarge("x"), 413, "request_too_large"),
        (Unreachable("x"), 503, "datastore_unreachable"),
        (NotConnected("x"), 503, "datastore_unreachable"),
        (TimedOut("x"), 503, "datastore_unreachable"),
        (CircuitOpen(3), 503, "datastore_unreachable"),
        (Rejected(400), 500, "unspecified_fault"),
    ],
)
def test_each_of_couchdbs_errors_is_one_of_the_api(error: CouchError, status: int, message: str) -> None:
    translated = api_error(error)
    assert (translated.status_code, translated.message) == (status, message)


def test_a_missing_database_is_named_and_an_outage_says_when_to_come_back() -> None:
    assert api_error(MissingDatabase("account/aa/bb/cc")).data["cause"] == "account/aa/bb/cc"
    assert api_error(Unreachable("x")).headers == {"Retry-After": "5"}
    assert api_error(CircuitOpen(3)).headers == {"Retry-After": "3"}


def test_an_error_of_the_api_stays_as_it_is() -> None:
    error = Forbidden()
    assert api_error(error) is error
