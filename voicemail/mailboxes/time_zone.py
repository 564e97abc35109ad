"""The time zone of a mailbox: people read the times of its messages in it."""

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from accounts.auth import cache as auth_cache
from crossbar.errors import BadIdentifier
from storage import database_names, system_config, time_zones


def of_box(account: Mapping[str, Any], box: Mapping[str, Any]) -> ZoneInfo | None:
    """The zone of a mailbox: its own, else its owner's, its account's or the system's; None if it is not known."""
    name = _zone_name(box) or _owner_zone_name(account["_id"], box) or _zone_name(account)
    name = name or _zone_name({"timezone": system_config.category("accounts").get("default_timezone")})
    return time_zones.find(name) if name else None


def _owner_zone_name(account_id: str, box: Mapping[str, Any]) -> str | None:
    owner_id = box.get("owner_id")
    if not isinstance(owner_id, str) or not database_names.is_account_id(owner_id):
        return None
    try:
        return _zone_name({"timezone": auth_cache.get_user(account_id, owner_id).timezone})
    except BadIdentifier:
        return None


def _zone_name(doc: Mapping[str, Any]) -> str | None:
    name = doc.get("timezone")
    return name if isinstance(name, str) and name and name != time_zones.INHERIT else None
