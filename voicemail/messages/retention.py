"""How long messages are kept: the limit, a message's age, and what an older message looks like.

The rule is Kazoo's: ``message_retention_duration`` days, system-wide in ``system_config/callflow`` and
overridden by an account's ``configs_callflow``, plus an hour of grace. A message older than that is shown
as deleted and refuses every change.
"""

from collections.abc import Mapping
from typing import Any

from accounts import accounts
from couch.client import Document
from crossbar.errors import ValidationFailed
from storage import gregorian, system_config, values
from storage.private_fields import Actor

CATEGORY = "callflow"
_SETTING = ("voicemail", "message_retention_duration")
DEFAULT_DAYS = 93
GRACE_SECONDS = 3_600
REASON = "prior_to_retention_duration"
MESSAGE = "This message is older than the message retention duration: no update is permitted"

_AGES: tuple[tuple[str, ...], ...] = (("utc_seconds",), ("timestamp",), ("metadata", "timestamp"), ("pvt_created",))


def duration_days(account_id: str) -> int:
    """For how many days an account keeps its messages; a setting that is no positive number is as good as none."""
    for settings in (system_config.for_account(account_id, CATEGORY), system_config.category(CATEGORY)):
        days = values.as_integer(_member_at(settings, _SETTING))
        if days is not None and days > 0:
            return days
    return DEFAULT_DAYS


def own_days(account_id: str) -> int | None:
    """For how many days an account says itself that it keeps its messages; None when it leaves that to the system."""
    return values.as_integer(_member_at(system_config.for_account(account_id, CATEGORY), _SETTING))


def set_own_days(account_id: str, days: int | None, actor: Actor | None = None) -> None:
    """Say for how many days an account keeps its messages, where Kazoo reads it; None leaves it to the system again.

    ValidationFailed for less than a day. Raises BadIdentifier for an unknown account.
    """
    if days is not None and days < 1:
        raise ValidationFailed.field(_SETTING[-1], "minimum", "Value must be at least 1", target=1, value=days)
    accounts.get(account_id)

    def change(doc: Document) -> Document:
        found = doc.get(_SETTING[0])
        section = found if isinstance(found, dict) else {}
        kept = {key: value for key, value in section.items() if key != _SETTING[1]}
        return {**doc, _SETTING[0]: kept if days is None else {**kept, _SETTING[1]: days}}

    system_config.change_for_account(account_id, CATEGORY, change, actor)


def limit(account_id: str, now: int | None = None) -> int:
    """The time, in Gregorian seconds, before which an account's messages are past their retention."""
    moment = gregorian.now() if now is None else now
    return max(moment - (duration_days(account_id) * 86_400 + GRACE_SECONDS), gregorian.FIRST)


def age(doc: Mapping[str, Any]) -> int | None:
    """When a message document says it was left, in Gregorian seconds; None when it doesn't say at all."""
    for path in _AGES:
        found = values.as_integer(_member_at(doc, path))
        if found is not None:
            return found
    return None


def is_past(age: int | None, limit: int) -> bool:
    """Whether a message of some age is past its retention; one of unknown age is not."""
    return age is not None and age < limit


def is_expired(doc: Mapping[str, Any], limit: int) -> bool:
    """Whether a message document is past its retention."""
    return is_past(age(doc), limit)


def _member_at(doc: Mapping[str, Any], path: tuple[str, ...]) -> object:
    value: object = doc
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value
