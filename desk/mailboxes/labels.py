"""What the settings of a mailbox are called for people, by the names of their fields."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy

from desk.kit.schema_fields import SEPARATOR

LABELS: Mapping[str, Any] = {
    "mailbox": gettext_lazy("Number"),
    "name": gettext_lazy("Name"),
    "owner_id": gettext_lazy("Owner"),
    "pin": gettext_lazy("PIN"),
    "aliases": gettext_lazy("Further numbers"),
    "timezone": gettext_lazy("Time zone"),
    "notify_email_addresses": gettext_lazy("E-mail addresses for new messages"),
    "include_message_on_notify": gettext_lazy("Attach the recording to the e-mail"),
    "include_transcription_on_notify": gettext_lazy("Put the transcription into the e-mail"),
    "transcribe": gettext_lazy("Transcribe messages"),
    "save_after_notify": gettext_lazy("Put messages into saved once the e-mail is sent"),
    "delete_after_notify": gettext_lazy("Put messages into deleted once the e-mail is sent"),
    "media__unavailable": gettext_lazy("Media of the greeting (its id)"),
    "skip_greeting": gettext_lazy("Play no greeting"),
    "skip_instructions": gettext_lazy("Play no instructions after the greeting"),
    "announcement_only": gettext_lazy("Announcement only: take no messages"),
    "operator_number": gettext_lazy("Number of the operator"),
    "media_extension": gettext_lazy("Format of recordings"),
    "silence_threshold": gettext_lazy("Level below which a recording counts as silent"),
    "silence_hits": gettext_lazy("Silent samples that end a recording"),
    "require_pin": gettext_lazy("Ask for the PIN on the owner's telephones, too"),
    "check_if_owner": gettext_lazy("Let the owner in when calling the own number"),
    "is_setup": gettext_lazy("Set up by its owner"),
    "skip_envelope": gettext_lazy("Don't say when and from whom a message came"),
    "envelope_type": gettext_lazy("What is said before a message"),
    "oldest_message_first": gettext_lazy("Play the oldest message first"),
    "is_voicemail_ff_rw_enabled": gettext_lazy("Keys wind messages forward and back"),
    "seek_duration_ms": gettext_lazy("How far a key winds (milliseconds)"),
    "after_forward_action": gettext_lazy("After a message was forwarded"),
    "vm_message_forward_type": gettext_lazy("Introduction to forwarded messages"),
    "shared_vmbox": gettext_lazy("Shared by several members"),
    "shared_vmbox_notify_owner_email": gettext_lazy("E-mail the owner of a shared mailbox, too"),
    "members": gettext_lazy("Members"),
    "flags": gettext_lazy("Marks of other programs"),
    "not_configurable": gettext_lazy("Its user can't configure it"),
    "notify__callback__attempts": gettext_lazy("How often to call"),
    "notify__callback__disabled": gettext_lazy("Switched off"),
    "notify__callback__interval_s": gettext_lazy("Pause between calls (seconds)"),
    "notify__callback__number": gettext_lazy("Number to call"),
    "notify__callback__schedule": gettext_lazy("Pauses between calls, one by one"),
    "notify__callback__timeout_s": gettext_lazy("How long it rings (seconds)"),
}
_OBJECT_LABELS: Mapping[str, Any] = {"notify__callback": gettext_lazy("Calls about new messages")}


def object_title(path: str) -> str:
    """Return what a setting is called that is an object with settings of its own."""
    return (
        str(_OBJECT_LABELS.get(path, ""))
        or ", ".join(key.replace("_", " ") for key in path.split(SEPARATOR)).capitalize()
    )
