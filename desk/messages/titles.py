"""What messages and their callers are called on the desk's pages."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from desk.kit.formats import format_time
from desk.kit.times import zone_label
from voicemail.messages import batches, metadata, retention


def caller_title(message: Mapping[str, Any]) -> str:
    """The name or number of the caller in a message's metadata, shortened."""
    return str(message.get("caller_id_name") or message.get("caller_id_number") or _("an unknown caller"))[:80]


def message_titles(account_id: str, ids: Sequence[str]) -> dict[str, str]:
    """Descriptions of messages by time, caller and id; by the id alone if the message does not exist."""
    titles = {message_id: (_("The message %(message_id)s") % {"message_id": message_id}) for message_id in ids}
    for modb, batch in batches.by_month(account_id, ids, batches.Outcome()):
        for message_id, doc in modb.fetch(batch).items():
            left_at = format_time(retention.age(doc))
            time = f"{left_at} {zone_label()}" if left_at else _("an unknown time")
            caller = caller_title(metadata.of(doc))
            titles[message_id] = _("The message of %(time)s from %(caller)s (%(message_id)s)") % {
                "time": time,
                "caller": caller,
                "message_id": message_id,
            }
    return titles
