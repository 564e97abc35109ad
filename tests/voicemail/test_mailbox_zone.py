"""The time zone of a mailbox: its own, its owner's, its account's, the system's."""

from typing import Any

import pytest

from couch.database import Database
from storage import system_config
from tests.support.api_client import Account
from voicemail.mailboxes import time_zone

OWNER = "a" * 32


def zone_of(account: Account, box: dict[str, Any], **fields: Any) -> str | None:
    zone = time_zone.of_box({"_id": account.id, **fields}, box)
    return None if zone is None else zone.key


def test_a_mailbox_has_its_own_zone(account: Account) -> None:
    assert zone_of(account, {"timezone": "Europe/Berlin"}, timezone="Asia/Tokyo") == "Europe/Berlin"


@pytest.mark.parametrize("own", [None, "", "inherit"])
def test_a_mailbox_without_a_zone_has_its_owners(account: Account, db: Database, own: str | None) -> None:
    db.put({"_id": OWNER, "pvt_type": "user", "timezone": "Africa/Cairo"})
    box = {"timezone": own, "owner_id": OWNER}
    assert zone_of(account, box, timezone="Asia/Tokyo") == "Africa/Cairo"


@pytest.mark.parametrize(
    "owner",
    [
        {"pvt_type": "user"},
        {"pvt_type": "user", "timezone": "inherit"},
        {"pvt_type": "user", "timezone": "Africa/Cairo", "pvt_deleted": True},
    ],
)
def test_without_an_owners_zone_it_has_its_accounts(account: Account, db: Database, owner: dict[str, Any]) -> None:
    db.put({"_id": OWNER, **owner})
    assert zone_of(account, {"owner_id": OWNER}, timezone="Asia/Tokyo") == "Asia/Tokyo"
    assert zone_of(account, {"owner_id": "nobody"}, timezone="Asia/Tokyo") == "Asia/Tokyo"


def test_without_an_accounts_zone_it_has_the_systems(account: Account) -> None:
    assert zone_of(account, {}) == system_config.category("accounts").get("default_timezone")


@pytest.mark.parametrize("unknown", ["Mars/Phobos", "America", "../../etc/passwd", "/etc/passwd", "x\0y"])
def test_an_unknown_zone_is_none(account: Account, unknown: str) -> None:
    assert zone_of(account, {"timezone": unknown}, timezone="Asia/Tokyo") is None
