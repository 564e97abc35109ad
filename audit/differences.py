"""What differs between two states of a document, with its secrets hidden and long values shortened."""

from collections.abc import Collection, Mapping
from typing import Any

from crossbar.redaction import redact
from crossbar.secret_names import is_secret
from storage import private_fields

HIDDEN = "(hidden)"
# Who may see a message's history may not always read its transcription.
# Headers of webhooks hold credentials under any name.
_SECRETS = frozenset({"pvt_md5_auth", "pvt_sha1_auth", "transcription", "custom_request_headers"})
_MAX_LENGTH = 2_000
_SHOWN_PRIVATE_FIELDS = frozenset({"pvt_deleted", "pvt_enabled", "pvt_api_key", "source_id"})


def differences(
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    prefix: str = "",
    shown_private_fields: Collection[str] = _SHOWN_PRIVATE_FIELDS,
) -> dict[str, Any]:
    """The members that differ, as ``{path: [before, after]}``.

    A missing side is None. Secrets are replaced by a placeholder, and most private fields are left out.
    """
    result: dict[str, Any] = {}
    keys = [key for key, value in after.items() if before.get(key) != value]
    keys += [key for key, value in before.items() if key not in after and value is not None]
    for key in sorted(keys):
        if private_fields.is_private(key) and key not in shown_private_fields:
            continue
        old, new = before.get(key), after.get(key)
        path = f"{prefix}{key}"
        if any(_is_hidden(key, side) for side in (old, new) if side is not None):
            result[path] = [None if side is None else HIDDEN for side in (old, new)]
        elif isinstance(old, dict) or isinstance(new, dict):
            # An object that was added or removed as a whole may hold a secret, too.
            old_members, new_members = (side if isinstance(side, dict) else {} for side in (old, new))
            result |= differences(old_members, new_members, f"{path}.", shown_private_fields)
        else:
            result[path] = [_show(old), _show(new)]
    return result


def _is_hidden(key: str, value: Any) -> bool:
    """Whether nobody is shown a member: it is secret, or may be by its name (``secret_for_user_signature``)."""
    return key in _SECRETS or is_secret(key, value) or ("secret" in key.lower() and not isinstance(value, bool))


def _show(value: Any) -> Any:
    """A value without the secrets within it, and not too long."""
    shown = _mask(value)
    return shown if len(str(shown)) <= _MAX_LENGTH else str(shown)[:_MAX_LENGTH] + " ..."


def _mask(value: Any) -> Any:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, list):
        return [_mask(item) for item in value]
    if isinstance(value, Mapping):
        return {key: HIDDEN if _is_hidden(key, item) else _mask(item) for key, item in value.items()}
    return value
