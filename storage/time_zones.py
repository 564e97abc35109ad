"""IANA's time zones by name. A name that IANA has retired stands for the present one.

IANA keeps most names that it replaces as links (Asia/Calcutta, US/Pacific), which are zones like any other here. Some
it has dropped (US/Pacific-New); Unicode's CLDR, which Babel ships, still says what they mean.
"""

import zoneinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel.core import get_global

INHERIT = "inherit"
"""Kazoo's word for the zone of a mailbox's owner, else of its account."""


@lru_cache(maxsize=1_000)
def find(name: str) -> ZoneInfo | None:
    """Return the time zone of a name, retired or not; None if no zone has or had it."""
    names = list_names()
    present_name = name if name in names else get_global("zone_aliases").get(name)
    return ZoneInfo(present_name) if present_name in names else None


@lru_cache(maxsize=1)
def list_names() -> frozenset[str]:
    """Return the names of all zones, those that IANA keeps as links included."""
    return frozenset(zoneinfo.available_timezones())
