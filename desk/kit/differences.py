"""What differs between two states of a document, with its secrets hidden."""

from collections.abc import Mapping
from typing import Any

from storage import private_fields, secret_members

# Who may see a message's history may not always read its transcription.
# Headers of webhooks hold credentials under any name.
_SECRETS = frozenset({"pvt_md5_auth", "pvt_sha1_auth", "transcription", "custom_request_headers"})
_HIDDEN = "(hidden)"
_MAX_LENGTH = 2_000
_SHOWN_PRIVATE_FIELDS = frozenset({"pvt_deleted", "pvt_enabled", "pvt_api_key", "source_id"})


def differences(before: Mapping[str, Any], after: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """The members that differ, as ``{path: [before, after]}``.

    A missing side is None. Secrets are replaced by a placeholder, and most private fields are left out.
    """
    result: dict[str, Any] = {}
    for key in sorted({*before, *after}):
        old, new = before.get(key), after.get(key)
        path = f"{prefix}{key}"
        if old == new or (private_fields.is_private(key) and key not in _SHOWN_PRIVATE_FIELDS):
            continue
        is_secret = any(secret_members.is_secret(key, side) for side in (old, new) if side is not None)
        if key in _SECRETS or is_secret:
            result[path] = [None if side is None else _HIDDEN for side in (old, new)]
        elif isinstance(old, dict) or isinstance(new, dict):
            # An object that was added or removed as a whole may hold a secret, too.
            old_members, new_members = (side if isinstance(side, dict) else {} for side in (old, new))
            result |= differences(old_members, new_members, f"{path}.")
        else:
            result[path] = [_shorten(old), _shorten(new)]
    return result


def _shorten(value: Any) -> Any:
    return value if len(str(value)) <= _MAX_LENGTH else str(value)[:_MAX_LENGTH] + " ..."
