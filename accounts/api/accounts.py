"""``/v2/accounts`` and ``/v2/accounts/{ACCOUNT_ID}``, the accounts below it, and its API key."""

from rest_framework.request import Request

from accounts import account_index, accounts, creation, listing
from accounts.api.viewset import CHANGES, AccountScopedViewSet, AuthenticatedViewSet, location
from accounts.auth import credentials
from accounts.auth.permissions import IsAdministrator, IsAdministratorOrReadOnly, IsAuthenticated, MayActOnAccount
from couch.database import Document, Row
from crossbar.envelope import EnvelopeResponse
from crossbar.filters import parse_filters
from crossbar.pages import Page, PageRequest
from crossbar.pagination import AscendingPagination
from crossbar.viewset import NO_STORE
from storage import view_names


class AccountsViewSet(AuthenticatedViewSet):
    """``/v2/accounts``, which creates accounts below the caller's own."""

    permission_classes = (IsAuthenticated, IsAdministrator)
    fresh_actions = CHANGES

    def create(self, request: Request) -> EnvelopeResponse:
        """Create an account."""
        account = creation.create(self.data, parent_id=self.identity.account_id, actor=self.actor)
        return _created(request, account)


class AccountViewSet(AccountScopedViewSet):
    """``/v2/accounts/{ACCOUNT_ID}``."""

    permission_classes = (IsAuthenticated, MayActOnAccount, IsAdministratorOrReadOnly)
    fresh_actions = CHANGES

    def create(self, request: Request, account_id: str) -> EnvelopeResponse:
        """Create an account below the one in the path."""
        account = creation.create(self.data, parent_id=self.account_id, actor=self.actor)
        return _created(request, account)

    def retrieve(self, request: Request, account_id: str) -> EnvelopeResponse:
        """Return the account."""
        return _response(self.account.document, secrets=self.identity.is_admin)

    def replace(self, request: Request, account_id: str) -> EnvelopeResponse:
        """Replace the account, and return it."""
        return _response(accounts.replace(self.account_id, self.data, self.actor, self._check_revision))

    def merge(self, request: Request, account_id: str) -> EnvelopeResponse:
        """Merge the data into the account, and return it."""
        return _response(accounts.merge(self.account_id, self.data, self.actor, self._check_revision))

    def destroy(self, request: Request, account_id: str) -> EnvelopeResponse:
        """Soft-delete the account, and return it as it was."""
        return _response(accounts.delete(self.account_id, self.actor, self._check_revision))

    def _check_revision(self, account: Document) -> None:
        self.check_if_match(account["_rev"])


class DescendantsViewSet(AccountScopedViewSet):
    """``.../descendants``, the accounts at any depth below one, and ``.../children``, those right below it."""

    permission_classes = (IsAuthenticated, MayActOnAccount, IsAdministrator)
    csv_name = "descendants"
    pagination_class = AscendingPagination
    view = view_names.ACCOUNTS_BY_ANCESTOR

    def list(self, request: Request, account_id: str) -> EnvelopeResponse:
        """List the accounts by name, in pages."""
        rows = self.paginate_queryset(self._read_page)
        return self.get_paginated_response([row["value"] for row in rows])

    def _read_page(self, page_request: PageRequest) -> Page[Row]:
        return listing.read_page(
            account_index.database(),
            self.view,
            page_request,
            parse_filters(self.request.query_params),
            accounts.serialize,
            below=[self.account_id],
        )


class ApiKeyViewSet(AccountScopedViewSet):
    """``/v2/accounts/{ACCOUNT_ID}/api_key``: a credential, for administrators."""

    permission_classes = (IsAuthenticated, MayActOnAccount, IsAdministrator)
    fresh_actions = frozenset({"retrieve", "create"})
    cache_control = NO_STORE

    def retrieve(self, request: Request, account_id: str) -> EnvelopeResponse:
        """Return the account's API key; empty if it has none."""
        return EnvelopeResponse({"api_key": credentials.api_key(self.account.document)})

    def create(self, request: Request, account_id: str) -> EnvelopeResponse:
        """Renew the key; the old one, and the tokens issued for it, are no longer valid."""
        account = accounts.renew_api_key(self.account_id, self.actor)
        return EnvelopeResponse({"api_key": credentials.api_key(account)}, 201)


def _created(request: Request, account: Document) -> EnvelopeResponse:
    return _response(account, 201, location(request, f"/v2/accounts/{account['_id']}"))


def _response(
    account: Document, status: int = 200, headers: dict[str, str] | None = None, *, secrets: bool = True
) -> EnvelopeResponse:
    # A revision of CouchDB's is a digest of the whole document, its secrets included.
    revision = account.get("_rev") if secrets else None
    return EnvelopeResponse(accounts.serialize(account, secrets=secrets), status, revision=revision, headers=headers)
