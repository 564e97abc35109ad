"""Time zones by the names of today and of old."""

from datetime import UTC, datetime

import pytest

from crossbar.errors import ValidationFailed
from storage import schemas, time_zones


@pytest.mark.parametrize("name", ["Europe/Berlin", "America/Argentina/ComodRivadavia", "Etc/UTC"])
def test_a_zone_of_today_is_its_own(name: str) -> None:
    zone = time_zones.find(name)
    assert zone is not None
    assert zone.key == name


def is_valid(name: str) -> bool:
    """Whether a mailbox may have a time zone of that name."""
    box = {"name": "Box", "mailbox": "3000", "timezone": name}
    try:
        return bool(schemas.validator("vmboxes").validate(box)["timezone"] == name)
    except ValidationFailed:
        return False


@pytest.mark.parametrize(
    ("retired", "offset_of"),
    [
        ("Asia/Calcutta", "Asia/Kolkata"),
        ("US/Pacific", "America/Los_Angeles"),
        ("Europe/Kiev", "Europe/Kyiv"),
        ("America/Buenos_Aires", "America/Argentina/Buenos_Aires"),
        ("US/Pacific-New", "America/Los_Angeles"),
        ("Canada/East-Saskatchewan", "America/Regina"),
        ("SystemV/PST8PDT", "America/Los_Angeles"),
        ("SystemV/EST5", "America/Panama"),
        ("Mideast/Riyadh89", "Asia/Riyadh"),
    ],
)
def test_a_retired_name_stands_for_the_present_one(couchdb: str, retired: str, offset_of: str) -> None:
    zone, present = time_zones.find(retired), time_zones.find(offset_of)
    assert zone is not None
    assert present is not None
    for month in range(1, 13):
        moment = datetime(2026, month, 1, tzinfo=UTC)
        assert moment.astimezone(zone).utcoffset() == moment.astimezone(present).utcoffset()
    assert is_valid(retired)


@pytest.mark.parametrize(
    "name", ["", "Mars/Phobos", "America", "../../etc/passwd", "/etc/passwd", "x\0y", "localtime"]
)
def test_there_is_no_other_zone(name: str) -> None:
    assert time_zones.find(name) is None


def test_the_zone_of_the_owner_is_no_zone_of_its_own_but_a_valid_value(couchdb: str) -> None:
    assert time_zones.find("inherit") is None
    assert is_valid("inherit")
    assert not is_valid("Mars/Olympus")
