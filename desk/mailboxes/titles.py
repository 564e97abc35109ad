"""What a mailbox is called on the desk's pages."""

from collections.abc import Mapping
from typing import Any

from voicemail.mailboxes import store as mailbox_store

_DIRECTION_CONTROLS = dict.fromkeys([0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)])


def mailbox_title(box: Mapping[str, Any]) -> str:
    """A mailbox's number and name, shortened; its id if it has neither.

    Characters that change the writing direction are removed: they would also turn the text around the title.
    """
    title = f"{mailbox_store.number(box)} {box.get('name') or ''}"[:1_000].translate(_DIRECTION_CONTROLS)
    return " ".join(title.split())[:100] or str(box["_id"])
