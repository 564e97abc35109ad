"""The apps of Monster UI that an account has: those that the setting MONSTER_UI_APPS names."""

import hashlib
from typing import Any

from django.conf import settings

from crossbar.errors import BadIdentifier

_LANGUAGE = "en-US"
_LABELS = {"voicemails": "Voicemails", "callflows": "Callflows", "voip": "SmartPBX"}


def list_apps() -> list[dict[str, Any]]:
    """Return the apps, in the order of the setting."""
    return [_describe_app(name) for name in settings.MONSTER_UI_APPS]


def get(app_id: str) -> dict[str, Any]:
    """Return an app; raises BadIdentifier."""
    for app in list_apps():
        if app["id"] == app_id:
            return app
    raise BadIdentifier(app_id)


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
