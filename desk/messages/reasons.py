"""Why a message was not changed, in words."""

from voicemail.messages import batches, restore, retention

_REASONS = {
    batches.NOT_FOUND: "it is no longer in its mailbox",
    batches.CONFLICT: "somebody else changed it at the same moment",
    batches.MISSING_AUDIO: "its audio is missing",
    retention.REASON: "it is older than messages are kept, and can't be changed",
    restore.MAILBOX_GONE: "its mailbox is removed. Restore the mailbox first",
    restore.MOVED: "it was moved to another mailbox, and is there",
}


def describe_reason(reason: str) -> str:
    """The reason that a bulk change gave, as the end of a sentence."""
    return _REASONS.get(reason, reason)
