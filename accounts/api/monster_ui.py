"""What Monster UI asks of an account at its start, besides users and mailboxes.

Kazoo sells calls: accounts have apps, limits and a balance. Here they have the apps of a setting, and nothing to pay.
"""

from rest_framework.request import Request

from accounts import apps_store
from accounts.api.viewset import AccountScopedViewSet
from crossbar.envelope import EnvelopeResponse


class AppsStoreViewSet(AccountScopedViewSet):
    """``/v2/accounts/{ACCOUNT_ID}/apps_store`` and ``.../apps_store/{APP_ID}``."""

    def list(self, request: Request, account_id: str) -> EnvelopeResponse:
        """List the apps that the account has."""
        return EnvelopeResponse(apps_store.list_apps(account_id))

    def retrieve(self, request: Request, account_id: str, app_id: str) -> EnvelopeResponse:
        """Return an app of the account; raises BadIdentifier."""
        return EnvelopeResponse(apps_store.get(account_id, app_id))


class LedgersTotalViewSet(AccountScopedViewSet):
    """``/v2/accounts/{ACCOUNT_ID}/ledgers/total``."""

    def retrieve(self, request: Request, account_id: str) -> EnvelopeResponse:
        """Return the account's balance, which is nothing."""
        return EnvelopeResponse({"amount": 0})


class LimitsViewSet(AccountScopedViewSet):
    """``/v2/accounts/{ACCOUNT_ID}/limits``."""

    def retrieve(self, request: Request, account_id: str) -> EnvelopeResponse:
        """Return how many calls the account may make: none, as no calls are made here."""
        trunks = dict.fromkeys(("twoway_trunks", "inbound_trunks", "outbound_trunks", "burst_trunks"), 0)
        return EnvelopeResponse({**trunks, "allow_prepay": False, "allow_postpay": False})
