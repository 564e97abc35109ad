"""How long removed messages can be restored, in words: as long as messages are kept."""

from collections.abc import Iterable, Mapping, Sequence

from django.utils.translation import gettext as _

from couch.database import Document
from desk.kit.formats import format_date
from voicemail.messages import batches, retention

_SECONDS_PER_DAY = 86_400


def describe_restoring(account_id: str, selection: Mapping[str, Sequence[str]]) -> str:
    """How long messages, by the ids of their mailboxes, could be restored if they were removed."""
    docs = [
        doc for box_id, ids in selection.items() for _modb, doc in batches.fetch(account_id, box_id, ids).values()
    ]
    days, until = retention.duration_days(account_id), format_restorable_until(account_id, docs)
    if sum(map(len, selection.values())) == 1:
        text = _("Under “Removed”, it can be restored for %(days)s days after it was left.")
        if until:
            text = _("Under “Removed”, it can be restored for %(days)s days after it was left, until %(until)s.")
        return text % {"days": days, "until": until}
    text = _("Under “Removed”, each can be restored for %(days)s days after it was left.")
    if until:
        text = _(
            "Under “Removed”, each can be restored for %(days)s days after it was left, the oldest one until "
            "%(until)s."
        )
    return text % {"days": days, "until": until}


def format_restorable_until(account_id: str, docs: Iterable[Document]) -> str:
    """The date until which the oldest of some messages can be restored; empty if none has a time."""
    ages = [age for age in map(retention.age, docs) if age is not None]
    return format_date(min(ages) + retention.duration_days(account_id) * _SECONDS_PER_DAY) if ages else ""
