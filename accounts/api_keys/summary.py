"""What clients see of API keys."""

from collections.abc import Mapping, Sequence
from typing import Any

from accounts.api_keys import last_use, store
from couch.database import Document


def summarize_keys(keys: Sequence[Document]) -> list[dict[str, Any]]:
    """Return what is shown of keys, with when (Gregorian seconds) and from where each was last used."""
    uses = last_use.find_uses([store.key_id_of(key) for key in keys])
    return [_summarize_key(key, uses.get(store.key_id_of(key))) for key in keys]


def _summarize_key(key: Mapping[str, Any], use: last_use.Use | None) -> dict[str, Any]:
    members = {name: key[name] for name in ("name", "scopes", "expires", "networks", "owner_id") if name in key}
    used = {} if use is None else {"last_used": {"time": use.time, "address": use.address}}
    return {"id": store.key_id_of(key), **members, "created": key.get("pvt_created"), **used}
