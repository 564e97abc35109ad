"""The apps of Monster UI that an account has: those that the setting MONSTER_UI_APPS names.

An app is shown as Kazoo's document describes it, where there is one: `pvt_type` "app", in the master account's
database. An account's document `apps_store` hides apps from it, and says which users may use one.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

from django.conf import settings

from accounts import accounts
from couch.client import Database, Document
from couch.errors import MissingDatabase, MissingView
from crossbar.errors import BadIdentifier
from storage import private_fields
from storage.document_cache import DocumentCache
from storage.view_names import View

CACHE_SECONDS = 30
_APP = "app"
_APPS_BY_NAME = View("apps_store", "crossbar_listing")
"""Kazoo's view. Where it is missing, there are no documents that it could list."""
_ACCOUNT_DOCUMENT = "apps_store"
_LANGUAGE = "en-US"
_SHOWN = (
    *("name", "i18n", "tags", "icon", "price", "api_url", "source_url", "users", "allowed_users", "masqueradable"),
    *("phase", "extends", "author", "version", "license", "screenshots", "urls"),
)
_LABELS = {"voicemails": "Voicemails", "callflows": "Callflows", "voip": "SmartPBX"}
_stored_apps: DocumentCache[list[Document]] = DocumentCache(10, CACHE_SECONDS)


def list_apps(account_id: str) -> list[Document]:
    """Return the apps that an account has, in the order of the setting."""
    stored = {app.get("name"): app for app in _read_stored_apps()}
    apps = [_describe(name, stored.get(name)) for name in settings.MONSTER_UI_APPS]
    store = accounts.database_of(account_id).get(_ACCOUNT_DOCUMENT) or {}
    hidden, permissions = _list(store, "blacklist"), _object(store, "apps")
    return [app | _permissions(permissions, app["id"]) for app in apps if app["id"] not in hidden]


def get(account_id: str, app_id: str) -> Document:
    """Return an app that an account has; raises BadIdentifier."""
    for app in list_apps(account_id):
        if app["id"] == app_id:
            return app
    raise BadIdentifier(app_id)


def _read_stored_apps() -> list[Document]:
    """Return the documents of apps in the master account's database, at most CACHE_SECONDS old."""
    master_id = accounts.master_account_id()
    if master_id is None:
        return []
    database = accounts.database_of(master_id)
    return _stored_apps.get_or_read(database.name, _APP, lambda: _query_apps(database))


def _query_apps(database: Database) -> list[Document]:
    try:
        rows = database.view(*_APPS_BY_NAME, include_docs=True)
    except (MissingDatabase, MissingView):
        return []
    docs = [row["doc"] for row in rows]
    return [doc for doc in docs if private_fields.is_live(doc, _APP) and doc.get("published") is not False]


def _describe(name: str, stored: Document | None) -> Document:
    """Return an app as the API shows it: as its document says, over what any app says."""
    label = _LABELS.get(name, name.capitalize())
    texts = {"label": label, "description": label, "extended_description": label, "features": []}
    app: Document = {
        "id": hashlib.md5(f"app:{name}".encode(), usedforsecurity=False).hexdigest(),
        "name": name,
        "i18n": {_LANGUAGE: texts},
        "tags": [],
        "icon": f"{name}.png",
        "price": 0,
        "users": [],
        "allowed_users": "all",
        "masqueradable": True,
    }
    if stored is None:
        return app
    shown = {key: stored[key] for key in _SHOWN if key in stored}
    account_id = stored.get("pvt_account_id")
    return {**app, **shown, "id": stored["_id"], **({"account_id": account_id} if account_id else {})}


def _permissions(permissions: Mapping[str, Any], app_id: str) -> Document:
    """Return what an account's document says of who may use an app."""
    app = _object(permissions, app_id)
    return {key: app[key] for key in ("allowed_users", "users") if key in app}


def _object(doc: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    member = doc.get(name)
    return member if isinstance(member, dict) else {}


def _list(doc: Mapping[str, Any], name: str) -> list[Any]:
    member = doc.get(name)
    return member if isinstance(member, list) else []
