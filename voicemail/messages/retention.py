"""How long messages are kept: the limit, a message's age, and whether it is past its retention.

The rule is Kazoo's: ``message_retention_duration`` days, for the whole system in ``system_config/callflow`` or for an
account in its ``configs_callflow``, and an hour of grace. An older message is shown as deleted (see `folders`) and
can't be changed.
"""

from collections.abc import Mapping
from typing import Any

from accounts import accounts
from couch.database import Document
from crossbar.errors import ValidationFailed
from storage import gregorian, system_config, values
from storage.private_fields import Actor

CATEGORY = "callflow"
_SETTING = ("voicemail", "message_retention_duration")
DEFAULT_DAYS = 93
GRACE_SECONDS = 3_600
_MAX_AHEAD = 86_400  # of a new message, in seconds: clocks differ
REASON = "prior_to_retention_duration"
MESSAGE = "This message is older than the message retention duration: no update is permitted"

_AGES: tuple[tuple[str, ...], ...] = (("utc_seconds",), ("timestamp",), ("metadata", "timestamp"), ("pvt_created",))


def duration_days(account_id: str) -> int:
    """The number of days that an account keeps its messages. A setting that isn't a positive number is ignored."""
    for settings in (system_config.for_account(account_id, CATEGORY), system_config.category(CATEGORY)):
        days = values.as_integer(_member_at(settings, _SETTING))
        if days is not None and days > 0:
            return days
    return DEFAULT_DAYS


def account_days(account_id: str) -> int | None:
    """The number of days in the account's own setting; None if it has none."""
    return values.as_integer(_member_at(system_config.for_account(account_id, CATEGORY), _SETTING))


def set_account_days(account_id: str, days: int | None, actor: Actor | None = None) -> None:
    """Store the number of days in the account's own setting, which Kazoo reads, too; None removes the setting.

    Raises ValidationFailed for less than a day, BadIdentifier for an unknown account.
    """
    if days is not None and days < 1:
        raise ValidationFailed.field(_SETTING[-1], "minimum", "Value must be at least 1", target=1, value=days)
    accounts.get(account_id)
    section_name, setting_name = _SETTING

    def change(doc: Document) -> Document:
        section = doc.get(section_name)
        settings = dict(section) if isinstance(section, dict) else {}
        settings.pop(setting_name, None)
        return {**doc, section_name: settings if days is None else {**settings, setting_name: days}}

    system_config.change_for_account(account_id, CATEGORY, change, actor)


def limit(account_id: str, now: int | None = None) -> int:
    """The time, in Gregorian seconds, before which an account's messages are past their retention."""
    moment = gregorian.now() if now is None else now
    return max(moment - (duration_days(account_id) * 86_400 + GRACE_SECONDS), gregorian.FIRST)


def require_current(account_id: str, seconds: int) -> None:
    """Raise ValidationFailed unless a new message's time is within the retention, and a day ahead at most."""
    now = gregorian.now()
    first, last = limit(account_id, now), now + _MAX_AHEAD
    rules = (("minimum", "least", first, seconds < first), ("maximum", "most", last, seconds > last))
    for rule, word, bound, is_broken in rules:
        if is_broken:
            message = f"Value must be at {word} {bound}"
            raise ValidationFailed.field("timestamp", rule, message, target=bound, value=seconds)


def age(doc: Mapping[str, Any]) -> int | None:
    """When a message was left, in Gregorian seconds: the first of its document's times; None if it has none.

    The views use the same rule (couch_views/shared/message_age.js).
    """
    for path in _AGES:
        seconds = values.as_integer(_member_at(doc, path))
        if seconds is not None:
            return seconds
    return None


def is_past(age: int | None, limit: int) -> bool:
    """Whether a message of an age is past its retention. One of unknown age is not."""
    return age is not None and age < limit


def is_expired(doc: Mapping[str, Any], limit: int) -> bool:
    """Whether a message is past its retention, by its document."""
    return is_past(age(doc), limit)


def _member_at(doc: Mapping[str, Any], path: tuple[str, ...]) -> object:
    value: object = doc
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value
