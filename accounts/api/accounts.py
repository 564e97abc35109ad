"""``/v2/accounts`` and ``/v2/accounts/{ACCOUNT_ID}``, the accounts below it, and its API key."""

from rest_framework.request import Request

from accounts import account_index, accounts, creation, listing
from accounts.auth import credentials
from accounts.auth.permissions import AccountViewSet, AuthenticatedViewSet, require_admin
from couch.client import Document
from crossbar.envelope import Reply
from crossbar.filters import parse_filters
from crossbar.pages import PageRequest


class NewAccountViewSet(AuthenticatedViewSet):
    """``/v2/accounts``: what is created here is below the caller's own account."""

    def create(self, request: Request) -> Reply:
        """A new account."""
        require_admin(self.identity)
        account = creation.create(self.data, parent_id=self.identity.account_id, actor=self.actor)
        return _created(request, account)


class OneAccountViewSet(AccountViewSet):
    """``/v2/accounts/{ACCOUNT_ID}``."""

    def create(self, request: Request, account_id: str) -> Reply:
        """A new account below the one in the path."""
        require_admin(self.identity)
        account = creation.create(self.data, parent_id=self.account_id, actor=self.actor)
        return _created(request, account)

    def retrieve(self, request: Request, account_id: str) -> Reply:
        """The account."""
        return _reply(self.account.document)

    def replace(self, request: Request, account_id: str) -> Reply:
        """The account as sent, in place of what it was."""
        return _reply(accounts.replace(self.account_id, self.data, self.actor, self._guard))

    def merge(self, request: Request, account_id: str) -> Reply:
        """The account with what was sent merged into it."""
        return _reply(accounts.merge(self.account_id, self.data, self.actor, self._guard))

    def destroy(self, request: Request, account_id: str) -> Reply:
        """The account as it was, now deleted."""
        return _reply(accounts.delete(self.account_id, self.actor, self._guard))

    def _guard(self, account: Document) -> None:
        require_admin(self.identity)
        self.check_if_match(account["_rev"])


class BelowViewSet(AccountViewSet):
    """``.../descendants``, however far below, and ``.../children``, right below the account."""

    view = account_index.BY_ANCESTOR

    def list(self, request: Request, account_id: str) -> Reply:
        """The accounts by name, in pages."""
        require_admin(self.identity)
        query = request.query_params
        page = listing.page(
            account_index.database(),
            (account_index.DESIGN, self.view),
            PageRequest.from_query(query, descending=False),
            parse_filters(query),
            accounts.serialize,
            below=[self.account_id],
        )
        return Reply([row["value"] for row in page.rows], extra=page.extra)


class ApiKeyViewSet(AccountViewSet):
    """``/v2/accounts/{ACCOUNT_ID}/api_key``: a credential, for administrators."""

    def retrieve(self, request: Request, account_id: str) -> Reply:
        """The account's API key; empty when it has none."""
        require_admin(self.identity)
        return Reply({"api_key": credentials.api_key(self.account.document)})

    def create(self, request: Request, account_id: str) -> Reply:
        """A new key; the old one, and the tokens it was good for, end."""
        require_admin(self.identity)
        account = accounts.renew_api_key(self.account_id, self.actor)
        return Reply({"api_key": credentials.api_key(account)}, status=201)


def _created(request: Request, account: Document) -> Reply:
    reply = _reply(account, status=201)
    reply.headers["Location"] = request.build_absolute_uri(f"/v2/accounts/{account['_id']}")
    return reply


def _reply(account: Document, status: int = 200) -> Reply:
    return Reply(accounts.serialize(account), status=status, revision=account.get("_rev"))
