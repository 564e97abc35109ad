"""What a user of an account is called on the desk's pages."""

from collections.abc import Mapping
from typing import Any

VIEW_USERS = "desk.view_accountuser"
"""The permission that it takes to see users' names, also as owners of mailboxes."""


def user_title(user: Mapping[str, Any]) -> str:
    """A user's full name and user name, as far as the user has them; otherwise the id."""
    name, username = full_name(user), str(user.get("username") or "")
    return (f"{name} ({username})" if name and username else name or username or str(user["_id"]))[:100]


def full_name(user: Mapping[str, Any]) -> str:
    """A user's given and family name."""
    return " ".join(str(user.get(part) or "") for part in ("first_name", "last_name")).strip()
