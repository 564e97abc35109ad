"""``/.well-known/security.txt``: whom to tell of a security problem."""

from datetime import UTC, datetime, timedelta

import pytest
import requests
from django.test import Client, override_settings

from config.security_txt import contact_address
from tests.support.servers import Running, direct

PATH = "/.well-known/security.txt"


def test_without_a_contact_there_is_none(server: Running) -> None:
    answer: requests.Response = direct().get(f"{server.url}{PATH}", timeout=60)
    assert answer.status_code == 404


def test_contacts_and_policy_are_those_of_the_settings() -> None:
    contacts, policy = ["security@example.com", "https://example.com/report"], "https://example.com/policy"
    with override_settings(SECURITY_CONTACT=contacts, SECURITY_POLICY=policy):
        answer = Client().get(PATH, headers={"Host": "localhost"})
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    fields = [line.partition(": ")[::2] for line in answer.text.splitlines()]
    assert [value for name, value in fields if name == "Contact"] == [
        "mailto:security@example.com",
        "https://example.com/report",
    ]
    assert dict(fields)["Policy"] == "https://example.com/policy"
    expires = datetime.fromisoformat(dict(fields)["Expires"])
    assert datetime.now(UTC) + timedelta(days=80) < expires < datetime.now(UTC) + timedelta(days=365)


@pytest.mark.parametrize(
    ("contact", "address"),
    [
        ("security@example.com", "mailto:security@example.com"),
        ("mailto:security@example.com", "mailto:security@example.com"),
        ("+1-415-555-0100", "tel:+1-415-555-0100"),
        ("https://example.com/report?to=a@b", "https://example.com/report?to=a@b"),
    ],
)
def test_a_contact_is_told_as_an_address(contact: str, address: str) -> None:
    assert contact_address(contact) == address
