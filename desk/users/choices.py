"""The users of an account for somebody who has to choose one: by their names, and never all of many."""

from collections.abc import Mapping
from typing import Any

from accounts import accounts
from couch.client import Document
from storage import view_names

MOST = 200
"""So many users fit into a list to choose from."""


def name_of(user: Mapping[str, Any]) -> str:
    """A user's full name and user name, as far as there are any; else its id."""
    full = " ".join(str(user.get(part) or "") for part in ("first_name", "last_name")).strip()
    login = str(user.get("username") or "")
    return (f"{full} ({login})" if full and login else full or login or str(user["_id"]))[:100]


def some(account_id: str, most: int = MOST) -> list[Document]:
    """The users of an account by user name, the first ones of many."""
    rows = accounts.database_of(account_id).view(*view_names.USERS_BY_NAME, include_docs=True, limit=most)
    return [row["doc"] for row in rows if row.get("doc")]


def of_username(account_id: str, username: str) -> Document | None:
    """The user of that user name, or None."""
    rows = accounts.database_of(account_id).view(
        *view_names.USERS_BY_NAME, key=username.lower(), include_docs=True, limit=1
    )
    return rows[0].get("doc") if rows else None
