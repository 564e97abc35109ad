"""Which members of documents are secret."""

import pytest

from crossbar.secret_names import is_secret
from storage import secret_members


@pytest.mark.parametrize(
    "name",
    [
        *("pin", "PIN", "pins", "voicemail_pin", "queue-pin", "pin_code", "password", "sip.password", "old_password"),
        *("api_key", "apikey", "pvt_api_key", "auth_token", "token", "client_secret", "credentials"),
        *(
            "hotdeskPin",
            "apiKey",
            "accessToken",
            "api-key",
            "pin2",
            "pin-code",
            "secret_code",
            "private_key",
            "sip_pwd",
        ),
    ],
)
def test_pins_passwords_and_keys_are_secret(name: str) -> None:
    assert is_secret(name, "1234")


@pytest.mark.parametrize(
    "name",
    [
        "require_pin",
        "requirePin",
        "apiKeyring",
        "spin",
        "shipping",
        "tokens_left",
        "pinned",
        "key",
        "start_key",
        "passenger",
        "tokenize",
    ],
)
def test_settings_are_not(name: str) -> None:
    assert not is_secret(name, True)
    assert not is_secret(name, "1234")


def test_they_are_removed_at_any_depth() -> None:
    members = {"pin": "1", "a": {"pin": "2", "require_pin": True, "b": [{"password": "3", "c": 4}, 5]}, "d": 6}
    assert secret_members.remove(members) == {"a": {"require_pin": True, "b": [{"c": 4}, 5]}, "d": 6}
