"""``/v2/accounts/{ACCOUNT_ID}/users`` and ``.../users/{USER_ID}``."""

from typing import Any

from rest_framework.request import Request

from accounts import accounts, listing, users
from accounts.auth.permissions import AccountViewSet, owns, require_admin
from couch.client import Document
from crossbar.envelope import Reply
from crossbar.errors import Forbidden
from crossbar.filters import parse_filters
from crossbar.pages import PageRequest

_SUMMARY = ("id", "username", "email", "first_name", "last_name", "priv_level", "timezone", "enabled", "flags")


class UserViewSet(AccountViewSet):
    """The users of an account: an administrator's to change, but for each user's own."""

    def list(self, request: Request, account_id: str) -> Reply:
        """Summaries of the users, by user name, in pages."""
        query = request.query_params
        page = listing.page(
            accounts.database_of(self.account_id),
            (users.DESIGN, users.VIEW),
            PageRequest.from_query(query, descending=False),
            parse_filters(query),
            users.serialize,
        )
        return Reply([_summary(row["doc"]) for row in page.rows], extra=page.extra)

    def create(self, request: Request, account_id: str) -> Reply:
        """A new user."""
        require_admin(self.identity)
        user = users.create(self.account_id, self.data, self.actor)
        location = request.build_absolute_uri(f"/v2/accounts/{self.account_id}/users/{user['_id']}")
        return _reply(user, status=201, headers={"Location": location})

    def retrieve(self, request: Request, account_id: str, user_id: str) -> Reply:
        """One user."""
        return _reply(users.get(self.account_id, user_id))

    def replace(self, request: Request, account_id: str, user_id: str) -> Reply:
        """The user as sent, in place of what it was; the password stays unless another was sent."""
        return _reply(users.replace(self.account_id, user_id, self.data, self.actor, self._guard))

    def merge(self, request: Request, account_id: str, user_id: str) -> Reply:
        """The user with what was sent merged into it."""
        return _reply(users.merge(self.account_id, user_id, self.data, self.actor, self._guard))

    def destroy(self, request: Request, account_id: str, user_id: str) -> Reply:
        """The user as it was, now deleted."""
        require_admin(self.identity)
        return _reply(users.delete(self.account_id, user_id, self.actor, self._guard_revision))

    def _guard(self, user: Document) -> None:
        """Lets administrators change anybody, and users themselves, but for what they may do."""
        if not self.identity.is_admin:
            level = self.data.get("priv_level")
            if not owns(self.identity, user["_id"]) or level not in (None, user.get("priv_level", "user")):
                raise Forbidden()
        self._guard_revision(user)

    def _guard_revision(self, user: Document) -> None:
        self.check_if_match(user["_rev"])


def _reply(user: Document, status: int = 200, headers: dict[str, str] | None = None) -> Reply:
    return Reply(users.serialize(user), status=status, revision=user["_rev"], headers=headers)


def _summary(user: Document) -> dict[str, Any]:
    members = users.serialize(user)
    return {"features": [], **{key: members[key] for key in _SUMMARY if key in members}}
