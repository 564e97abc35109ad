"""What a listing shows of a user: the members that Kazoo's view ``users/crossbar_listing`` has."""

from collections.abc import Mapping
from typing import Any

from couch.client import Document
from storage import values

_MEMBERS = (
    *("username", "email", "first_name", "last_name", "priv_level", "feature_level", "presence_id", "timezone"),
    *("call_recording", "service"),
)


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


def list_features(user: Document) -> list[str]:
    """Return the names of the features that the user's document has on, in the order of Kazoo's view."""
    stored, smartpbx, call_forward = user.get("features"), _object(user, "smartpbx"), _object(user, "call_forward")
    features = [str(feature) for feature in stored] if isinstance(stored, list) else []
    features += [feature for feature in smartpbx if _is_enabled(smartpbx, feature)]
    is_on = {
        "hotdesk": _is_enabled(user, "hotdesk"),
        "call_forward": _is_enabled(user, "call_forward"),
        "call_forward_failover": call_forward.get("failover") and not _is_enabled(user, "call_forward"),
        "caller_id": _object(_object(user, "caller_id"), "external").get("number"),
        "vm_to_email": values.is_true(user.get("vm_to_email_enabled")),
        "music_on_hold": _object(user, "music_on_hold").get("media_id"),
        "do_not_disturb": _is_enabled(user, "do_not_disturb"),
        "ctu": _is_enabled(user, "ctu"),
        "desktop": _is_enabled(user, "desktop"),
    }
    return list(dict.fromkeys([*features, *(feature for feature in is_on if is_on[feature])]))


def _is_enabled(members: Mapping[str, Any], feature: str) -> bool:
    return values.is_true(_object(members, feature).get("enabled"))


def _object(members: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return a member that is an object; an empty one if it is missing or something else, as in odd old documents."""
    value = members.get(name)
    return value if isinstance(value, dict) else {}
