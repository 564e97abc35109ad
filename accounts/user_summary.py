"""What a listing shows of a user, and which features the user has on."""

from collections.abc import Mapping
from typing import Any

from couch.database import Document
from storage import values

_MEMBERS = ("username", "email", "first_name", "last_name", "priv_level", "enabled", "presence_id", "timezone")
_SWITCH = "_enabled"


def summarize(user: Document) -> Document:
    """Return the summary of a user's document; members that the user lacks are left out."""
    members = {name: user[name] for name in _MEMBERS if name in user}
    flags = user.get("flags")
    return {
        "id": user["_id"],
        "features": list_features(user),
        **members,
        "flags": flags if isinstance(flags, list) else [],
    }


def list_features(user: Mapping[str, Any]) -> list[str]:
    """Return the names of the features that a user's document has on, in alphabetical order.

    A feature is an object that is `enabled` (``call_forward``, those of SmartPBX in ``smartpbx``), or a switch
    (``vm_to_email_enabled`` of ``vm_to_email``). The user has a caller id with a number for calls to the outside.
    """
    features = {name for members in (user, _object(user, "smartpbx")) for name in _enabled_objects(members)}
    features |= {name.removesuffix(_SWITCH) for name in user if name.endswith(_SWITCH) and values.is_true(user[name])}
    if _object(_object(user, "caller_id"), "external").get("number"):
        features.add("caller_id")
    return sorted(features)


def _enabled_objects(members: Mapping[str, Any]) -> set[str]:
    return {name for name in members if values.is_true(_object(members, name).get("enabled"))}


def _object(members: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return a member that is an object; an empty one if it is missing or something else, as in odd old documents."""
    value = members.get(name)
    return value if isinstance(value, dict) else {}
