"""What a client is told when it signs in: who it is, and what is to be had here."""

import hashlib
from typing import Any

from django.conf import settings

from accounts import accounts
from couch.client import Document
from storage import system_config


def told(account: Document, user: Document | None) -> dict[str, Any]:
    """The data that answers a sign-in; `user` is None for an API key."""
    language = (user or {}).get("language") or accounts.language(account)
    told: dict[str, Any] = {
        "account_id": account["_id"],
        "account_name": account.get("name"),
        "language": language,
        "is_master_account": account["_id"] == accounts.master_account_id(),
        "is_reseller": accounts.is_reseller(account),
        "reseller_id": accounts.reseller_id(account),
        "cluster_id": cluster_id(),
        # Nothing here turns speech into text; what Kazoo transcribed is shown.
        "capabilities": {"voicemail": {"transcription": {"available": False, "default": False}}},
        "ui_config": {},
        "apps": [],
    }
    if user is not None:
        told["owner_id"] = user["_id"]
    return told


def cluster_id() -> str:
    """The id of this installation: Kazoo's, where there is one, else one that all instances agree on."""
    found = system_config.category("cluster").get("cluster_id")
    if isinstance(found, str) and found:
        return found
    return hashlib.sha256(f"cluster:{settings.SECRET_KEY}".encode()).hexdigest()[:32]
