"""``/v2/accounts/{ACCOUNT_ID}/users`` and ``.../users/{USER_ID}``."""

from collections.abc import Sequence
from typing import Any

from rest_framework.request import Request

from accounts import listing, user_summary, users
from accounts.api.viewset import CHANGES, AccountScopedViewSet, location
from accounts.auth.permissions import IsAdministrator, owns
from couch.database import Document
from crossbar.envelope import EnvelopeResponse
from crossbar.errors import Forbidden
from crossbar.filters import parse_filters
from crossbar.pages import Page, PageRequest
from crossbar.pagination import AscendingPagination
from storage import secret_members


class UserViewSet(AccountScopedViewSet):
    """The users of an account: administrators change them, and users themselves."""

    csv_name = "users"
    pagination_class = AscendingPagination
    fresh_actions = CHANGES

    def get_permissions(self) -> Sequence[Any]:
        """Return the permissions that a request needs: only administrators create and delete users."""
        permissions = super().get_permissions()
        return [*permissions, IsAdministrator()] if self.action in ("create", "destroy") else permissions

    def list(self, request: Request, account_id: str) -> EnvelopeResponse:
        """List summaries of the users by user name, in pages."""
        users_of_page = self.paginate_queryset(self._read_page)
        return self.get_paginated_response([self._summarize(user) for user in users_of_page])

    def _summarize(self, user: Document) -> Document:
        summary = user_summary.summarize(user)
        return summary if self._may_see_secrets(user) else secret_members.remove(summary)

    def _read_page(self, page_request: PageRequest) -> Page[Document]:
        filters = parse_filters(self.request.query_params)
        return listing.list_users(self.account_id, page_request, filters, may_see_secrets=self._may_see_secrets)

    def _may_see_secrets(self, user: Document) -> bool:
        """Whether the caller may see a user's PINs and the like: administrators and the user itself."""
        return self.identity.is_admin or owns(self.identity, user["_id"])

    def create(self, request: Request, account_id: str) -> EnvelopeResponse:
        """Create a user."""
        user = users.create(self.account_id, self.data, self.actor)
        return self._response(user, 201, location(request, f"/v2/accounts/{self.account_id}/users/{user['_id']}"))

    def retrieve(self, request: Request, account_id: str, user_id: str) -> EnvelopeResponse:
        """Return a user."""
        return self._response(users.get(self.account_id, user_id))

    def replace(self, request: Request, account_id: str, user_id: str) -> EnvelopeResponse:
        """Replace a user, and return it; the password stays unless there is a new one."""
        return self._response(users.replace(self.account_id, user_id, self.data, self.actor, self._check_change))

    def merge(self, request: Request, account_id: str, user_id: str) -> EnvelopeResponse:
        """Merge the data into a user, and return it."""
        return self._response(users.merge(self.account_id, user_id, self.data, self.actor, self._check_change))

    def destroy(self, request: Request, account_id: str, user_id: str) -> EnvelopeResponse:
        """Soft-delete a user, and return it as it was."""
        return self._response(users.delete(self.account_id, user_id, self.actor, self._check_revision))

    def _check_change(self, user: Document) -> None:
        """Raise Forbidden unless an administrator changes a user, or a user itself."""
        if not self.identity.is_admin and not owns(self.identity, user["_id"]):
            raise Forbidden()
        self._check_revision(user)

    def _check_revision(self, user: Document) -> None:
        self.check_if_match(user["_rev"])

    def _response(self, user: Document, status: int = 200, headers: dict[str, str] | None = None) -> EnvelopeResponse:
        secrets = self._may_see_secrets(user)
        # A revision of CouchDB's is a digest of the whole document, its secrets included.
        revision = user["_rev"] if secrets else None
        return EnvelopeResponse(users.serialize(user, secrets=secrets), status, revision=revision, headers=headers)
