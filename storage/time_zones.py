"""IANA's time zones by name. A name that IANA has retired stands for the present one.

IANA keeps most names that it replaces as links (Asia/Calcutta, US/Pacific), which are zones like any other here. Some
it has dropped (US/Pacific-New); Unicode's CLDR, which Babel ships, still says what they mean. What CLDR leaves out as
well, the zones of System V and of solar time, is listed here.
"""

import zoneinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel.core import get_global

INHERIT = "inherit"
"""Kazoo's word for the zone of a mailbox's owner, else of its account."""

_DROPPED = {
    "SystemV/AST4": "America/Puerto_Rico",
    "SystemV/AST4ADT": "America/Halifax",
    "SystemV/EST5": "America/Panama",
    "SystemV/EST5EDT": "America/New_York",
    "SystemV/CST6": "America/Regina",
    "SystemV/CST6CDT": "America/Chicago",
    "SystemV/MST7": "America/Phoenix",
    "SystemV/MST7MDT": "America/Denver",
    "SystemV/PST8": "Pacific/Pitcairn",
    "SystemV/PST8PDT": "America/Los_Angeles",
    "SystemV/YST9": "Pacific/Gambier",
    "SystemV/YST9YDT": "America/Anchorage",
    "SystemV/HST10": "Pacific/Honolulu",
    **{f"{area}/Riyadh{year}": "Asia/Riyadh" for area in ("Asia", "Mideast") for year in (87, 88, 89)},
}
# Some systems have it beside IANA's: whichever zone that machine is in.
_OF_THE_MACHINE = "localtime"


@lru_cache(maxsize=1_000)
def find(name: str) -> ZoneInfo | None:
    """Return the time zone of a name, retired or not; None if no zone has or had it."""
    names = list_names()
    present_name = name if name in names else _DROPPED.get(name) or get_global("zone_aliases").get(name)
    return ZoneInfo(present_name) if present_name in names else None


@lru_cache(maxsize=1)
def list_names() -> frozenset[str]:
    """Return the names of all zones, those that IANA keeps as links included."""
    return frozenset(zoneinfo.available_timezones() - {_OF_THE_MACHINE})
