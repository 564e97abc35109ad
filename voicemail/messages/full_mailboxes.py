"""The mailboxes of an account that take no more messages (`quota`)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from accounts import accounts
from storage import values, view_names
from voicemail.mailboxes import store as mailbox_store
from voicemail.messages import counts, quota
from voicemail.messages.folders import NEW, SAVED


@dataclass(frozen=True)
class FullMailbox:
    """A mailbox with as many messages as it takes, or more."""

    box_id: str
    number: str
    name: str
    count: int
    maximum: int


def list_full(account_id: str) -> list[FullMailbox]:
    """Return an account's full mailboxes. Costs few requests, and hardly any where no mailbox has a limit."""
    database = accounts.database_of(account_id)
    limited = {row["id"]: row["value"] for row in database.view(*view_names.MAILBOX_LIMITS)}
    boxes = limited
    if quota.max_count(account_id, {}) is not None:
        boxes = {row["id"]: row["value"] for row in database.stream_view(*view_names.MAILBOXES_BY_NAME)} | limited
    maximums: dict[str, int] = {}
    for box_id, box in boxes.items():
        maximum = quota.max_count(account_id, {quota.MEMBER: box.get("maximum")})
        if maximum is not None:
            maximums[box_id] = maximum
    folder_counts = counts.per_folder(account_id, maximums, only=(NEW, SAVED))
    full = []
    for box_id, maximum in maximums.items():
        count = _legacy_count(boxes[box_id]) + sum(folder_counts[box_id].values())
        if count >= maximum:
            box = boxes[box_id]
            full.append(FullMailbox(box_id, mailbox_store.number(box), str(box.get("name") or ""), count, maximum))
    return full


def _legacy_count(box: Mapping[str, Any]) -> int:
    """The number of messages in 3.x's format in a row of a view; some versions of Kazoo's leave it out."""
    return values.as_integer(box.get("messages")) or 0
