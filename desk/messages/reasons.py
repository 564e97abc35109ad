"""Why a message was not changed, in words."""

from django.utils.translation import gettext_lazy

from voicemail.messages import batches, restore, retention

_REASONS = {
    batches.NOT_FOUND: gettext_lazy("it is no longer in its mailbox"),
    batches.CONFLICT: gettext_lazy("somebody else changed it at the same moment"),
    batches.MISSING_AUDIO: gettext_lazy("its audio is missing"),
    retention.REASON: gettext_lazy("it is older than messages are kept, and can't be changed"),
    restore.MAILBOX_GONE: gettext_lazy("its mailbox is removed. Restore the mailbox first"),
    restore.MOVED: gettext_lazy("it was moved to another mailbox, and is there"),
}


def describe_reason(reason: str) -> str:
    """The reason that a bulk change gave, as the end of a sentence."""
    return str(_REASONS.get(reason, reason))
