"""``/v2/accounts/{ACCOUNT_ID}/api_keys`` and ``.../users/{USER_ID}/api_keys``: keys with scopes.

Kazoo has no such paths. Its one key per account is at ``.../api_key``.
"""

from typing import Any

from rest_framework.request import Request

from accounts import users
from accounts.api.viewset import AccountScopedViewSet, location
from accounts.api_keys import store, summary
from accounts.auth.permissions import owns
from couch.database import Document
from crossbar.envelope import EnvelopeResponse
from crossbar.errors import Forbidden
from crossbar.viewset import NO_STORE


class ApiKeysViewSet(AccountScopedViewSet):
    """The keys of an account for its administrators, and those of a user for them and the user itself."""

    fresh_actions = frozenset({"list", "retrieve", "create", "replace", "merge", "destroy"})
    cache_control = NO_STORE

    @property
    def owner_id(self) -> str | None:
        """The id of the user in the path, if there is one."""
        return self.kwargs.get("user_id")

    def check_permissions(self, request: Request) -> None:
        """Raise Forbidden and the like if the caller may not go on, BadIdentifier if there is no user of the path."""
        super().check_permissions(request)
        if not self.identity.is_admin and not owns(self.identity, self.owner_id):
            raise Forbidden()
        if self.owner_id is not None:
            users.get(self.account_id, self.owner_id)

    def list(self, request: Request, **scope: str) -> EnvelopeResponse:
        """List the keys by name: all of the account and its users, or those of a user."""
        return EnvelopeResponse(summary.summarize_keys(store.list_keys(self.account_id, self.owner_id)))

    def create(self, request: Request, **scope: str) -> EnvelopeResponse:
        """Create a key, and return it with its text, which nobody is shown again."""
        key, text = store.create(self.account_id, self.owner_id, self.data, self.actor)
        path = request.path.rstrip("/") + f"/{store.key_id_of(key)}"
        return EnvelopeResponse({**_shown_key(key), "api_key": text}, 201, headers=location(request, path))

    def retrieve(self, request: Request, key_id: str, **scope: str) -> EnvelopeResponse:
        """Return what is known of a key, but not its text."""
        return _key_response(self._get(key_id))

    def replace(self, request: Request, key_id: str, **scope: str) -> EnvelopeResponse:
        """Replace a key's name, scopes, expiry and networks, and return it."""
        self._get(key_id)
        return _key_response(store.replace_key(self.account_id, key_id, self.data, self.actor, self._check_revision))

    def merge(self, request: Request, key_id: str, **scope: str) -> EnvelopeResponse:
        """Merge the data into a key, and return it."""
        self._get(key_id)
        return _key_response(store.merge_key(self.account_id, key_id, self.data, self.actor, self._check_revision))

    def destroy(self, request: Request, key_id: str, **scope: str) -> EnvelopeResponse:
        """Revoke a key, and return it as it was."""
        self._get(key_id)
        return _key_response(store.revoke_key(self.account_id, key_id, self.actor, self._check_revision))

    def _get(self, key_id: str) -> Document:
        return store.get(self.account_id, key_id, self.owner_id)

    def _check_revision(self, key: Document) -> None:
        self.check_if_match(key["_rev"])


def _shown_key(key: Document) -> dict[str, Any]:
    return summary.summarize_keys([key])[0]


def _key_response(key: Document) -> EnvelopeResponse:
    return EnvelopeResponse(_shown_key(key), revision=key["_rev"])
