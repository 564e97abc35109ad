"""How the desk spells what documents hold: times, lengths, mailboxes."""

from collections.abc import Mapping
from typing import Any

from storage import gregorian, values
from voicemail.mailboxes import store as mailbox_store

_TURNING = dict.fromkeys([0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)])


def named_box(box: Mapping[str, Any]) -> str:
    """A mailbox by its number and name, of bounded length and in one direction; by its id when it has neither.

    Titles and messages say more beside the name, which a character that turns the direction would turn, too.
    """
    named = f"{mailbox_store.number(box)} {box.get('name') or ''}"[:1_000].translate(_TURNING)
    return " ".join(named.split())[:100] or str(box["_id"])


def time_text(seconds: object) -> str:
    """A stored time as a date and time of day in UTC; empty when it is none."""
    return _in_utc(seconds, "%Y-%m-%d %H:%M:%S")


def date_text(seconds: object) -> str:
    """A stored time as a date in UTC; empty when it is none."""
    return _in_utc(seconds, "%Y-%m-%d")


def _in_utc(seconds: object, form: str) -> str:
    found = values.as_integer(seconds)
    try:
        return "" if found is None else format(gregorian.to_datetime(found), form)
    except ValueError:
        return ""


def length_text(milliseconds: object) -> str:
    """A stored length in seconds, or minutes and seconds; empty when it is none."""
    found = values.as_integer(milliseconds)
    if found is None:
        return ""
    minutes, seconds = divmod(round(found / 1000), 60)
    return f"{minutes} min {seconds} s" if minutes else f"{found / 1000:.1f} s"


def caller_text(metadata: Mapping[str, Any]) -> str:
    """Who called, of bounded length."""
    return str(metadata.get("caller_id_name") or metadata.get("caller_id_number") or "nobody known")[:80]
