"""Paths below ``/v2/`` that are about accounts and who uses them; each with or without a slash at its end."""

from typing import Any

from django.urls import include, re_path

from accounts.api.accounts import AccountsViewSet, AccountViewSet, ApiKeyViewSet, DescendantsViewSet
from accounts.api.api_keys import ApiKeysViewSet
from accounts.api.auth import (
    AccountSecretViewSet,
    ApiAuthViewSet,
    OwnSecretViewSet,
    TokenAuthViewSet,
    TokenInfoViewSet,
    UserAuthViewSet,
)
from accounts.api.impersonation import ImpersonationViewSet
from accounts.api.monster_ui import AppsStoreViewSet, LedgersTotalViewSet, LimitsViewSet
from accounts.api.recovery import RecoveryViewSet
from accounts.api.users import UserViewSet
from storage import view_names

_CHANGES: dict[str, Any] = {"get": "retrieve", "post": "replace", "patch": "merge", "delete": "destroy"}
_ACCOUNT = r"^accounts/(?P<account_id>[^/]+)"
_LIST: dict[str, Any] = {"get": "list"}
_KEYS: dict[str, Any] = {"get": "list", "put": "create"}
_GET: dict[str, Any] = {"get": "retrieve"}

urlpatterns = [
    re_path(r"^user_auth/?$", UserAuthViewSet.as_view({"put": "create"})),
    re_path(r"^user_auth/recovery/?$", RecoveryViewSet.as_view({"put": "create", "post": "replace"})),
    re_path(r"^user_auth/(?P<token>[^/]+)/?$", TokenInfoViewSet.as_view({"get": "retrieve"})),
    re_path(r"^api_auth/?$", ApiAuthViewSet.as_view({"put": "create"})),
    re_path(r"^token_auth/?$", TokenAuthViewSet.as_view({"get": "retrieve", "delete": "destroy"})),
    re_path(r"^auth/?$", OwnSecretViewSet.as_view({"put": "create"})),
    re_path(r"^auth/tokeninfo/?$", TokenInfoViewSet.as_view({"get": "retrieve", "post": "create"})),
    re_path(r"^accounts/?$", AccountsViewSet.as_view({"put": "create"})),
    re_path(rf"{_ACCOUNT}/?$", AccountViewSet.as_view({**_CHANGES, "put": "create"})),
    re_path(rf"{_ACCOUNT}/descendants/?$", DescendantsViewSet.as_view(_LIST)),
    re_path(
        rf"{_ACCOUNT}/children/?$",
        DescendantsViewSet.as_view(_LIST, view=view_names.ACCOUNTS_BY_PARENT, csv_name="children"),
    ),
    re_path(rf"{_ACCOUNT}/api_key/?$", ApiKeyViewSet.as_view({"get": "retrieve", "put": "create"})),
    re_path(rf"{_ACCOUNT}/api_keys/?$", ApiKeysViewSet.as_view(_KEYS)),
    re_path(rf"{_ACCOUNT}/api_keys/(?P<key_id>[^/]+)/?$", ApiKeysViewSet.as_view(_CHANGES)),
    re_path(rf"{_ACCOUNT}/users/(?P<user_id>[^/]+)/api_keys/?$", ApiKeysViewSet.as_view(_KEYS)),
    re_path(rf"{_ACCOUNT}/users/(?P<user_id>[^/]+)/api_keys/(?P<key_id>[^/]+)/?$", ApiKeysViewSet.as_view(_CHANGES)),
    re_path(rf"{_ACCOUNT}/auth/?$", AccountSecretViewSet.as_view({"put": "create"})),
    re_path(rf"{_ACCOUNT}/users/(?P<user_id>[^/]+)/auth/?$", AccountSecretViewSet.as_view({"put": "create"})),
    re_path(rf"{_ACCOUNT}/users/(?P<user_id>[^/]+)/user_auth/?$", ImpersonationViewSet.as_view({"put": "create"})),
    re_path(rf"{_ACCOUNT}/users/?$", UserViewSet.as_view({"get": "list", "put": "create"})),
    re_path(rf"{_ACCOUNT}/users/(?P<user_id>[^/]+)/?$", UserViewSet.as_view(_CHANGES)),
    re_path(rf"{_ACCOUNT}/apps_store/?$", AppsStoreViewSet.as_view(_LIST)),
    re_path(rf"{_ACCOUNT}/apps_store/(?P<app_id>[^/]+)/?$", AppsStoreViewSet.as_view(_GET)),
    re_path(rf"{_ACCOUNT}/ledgers/total/?$", LedgersTotalViewSet.as_view(_GET)),
    re_path(rf"{_ACCOUNT}/limits/?$", LimitsViewSet.as_view(_GET)),
    re_path(r"^", include("accounts.api.urls_reference")),
]
