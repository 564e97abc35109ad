"""The apps of Monster UI that an account has.

A Kazoo keeps an app as a document of its master account's database, and in an account's document ``apps_store`` for
whom the app is switched on. Where there are no such documents, the setting MONSTER_UI_APPS names the apps.
"""

import hashlib
from typing import Any

from django.conf import settings

from accounts import accounts
from couch.database import Document
from couch.errors import MissingView, NotFound
from crossbar.errors import BadIdentifier
from storage import document_types, private_fields
from storage.view_names import View

_APPS = View("apps_store", "crossbar_listing")
"""Kazoo's own view, which is there only where a Kazoo is."""
_SWITCHED_ON = "apps_store"
"""The id of an account's document about its apps."""
_LANGUAGE = "en-US"
_LABELS = {"voicemails": "Voicemails", "callflows": "Callflows", "voip": "SmartPBX"}


def list_apps(account_id: str) -> list[dict[str, Any]]:
    """Return an account's apps: those of Kazoo's documents by name, else those of the setting in its order."""
    documents = _app_documents(account_id)
    if not documents:
        return [_describe_app(name) for name in settings.MONSTER_UI_APPS]
    store = accounts.database_of(account_id).get(_SWITCHED_ON)
    if not private_fields.is_live(store):
        return [_with_setting(document) for document in documents]
    permissions, blacklist = store.get("apps"), store.get("blacklist")
    return [
        {**private_fields.public(document), **_permission(permissions, document["_id"])}
        for document in documents
        if not (isinstance(blacklist, list) and document["_id"] in blacklist)
    ]


def get(account_id: str, app_id: str) -> dict[str, Any]:
    """Return an app of an account; raises BadIdentifier."""
    for app in list_apps(account_id):
        if app["id"] == app_id:
            return app
    raise BadIdentifier(app_id)


def _app_documents(account_id: str) -> list[Document]:
    """Return the documents of apps of the master account and of the account itself, by name."""
    documents: dict[str, Document] = {}
    for owner_id in (accounts.master_account_id(), account_id):
        if owner_id is not None:
            documents |= {doc["_id"]: doc for doc in _apps_in_database(owner_id) if _is_app(doc)}
    return sorted(documents.values(), key=lambda doc: (doc["name"], doc["_id"]))


def _apps_in_database(account_id: str) -> list[Document]:
    try:
        database = accounts.database_of(account_id)
        if database.get_design(f"_design/{_APPS.design}") is None:
            return []
        return [row["doc"] for row in database.view(*_APPS, include_docs=True)]
    except (BadIdentifier, MissingView, NotFound):
        return []


def _is_app(doc: Document | None) -> bool:
    """Whether a document is an app that Monster UI can show: with a name, and a text in some language."""
    if not private_fields.is_live(doc, document_types.APP):
        return False
    texts = doc.get("i18n")
    return isinstance(doc.get("name"), str) and isinstance(texts, dict) and bool(texts)


def _permission(permissions: Any, app_id: str) -> dict[str, Any]:
    """Return for whom an account has switched an app on: ``allowed_users`` and ``users``, nothing if it hasn't."""
    permission = permissions.get(app_id) if isinstance(permissions, dict) else None
    if not isinstance(permission, dict) or not isinstance(permission.get("allowed_users"), str):
        return {}
    users = permission.get("users")
    return {"allowed_users": permission["allowed_users"], "users": users if isinstance(users, list) else []}


def _with_setting(document: Document) -> dict[str, Any]:
    """Return an app of an account that has never chosen: switched on for all if the setting names it."""
    is_on = document["name"] in settings.MONSTER_UI_APPS
    return {**private_fields.public(document), **({"allowed_users": "all", "users": []} if is_on else {})}


def _describe_app(name: str) -> dict[str, Any]:
    """Return an app as Monster UI reads it; its id is the same on every instance."""
    label = _LABELS.get(name, name.capitalize())
    texts = {"label": label, "description": label, "extended_description": label, "features": []}
    return {
        "id": hashlib.md5(f"app:{name}".encode(), usedforsecurity=False).hexdigest(),
        "name": name,
        "i18n": {_LANGUAGE: texts},
        "tags": [],
        "icon": f"{name}.png",
        "price": 0,
        "users": [],
        "allowed_users": "all",
    }
