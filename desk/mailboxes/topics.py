"""The subjects that a mailbox's settings are shown by, in the form and on its page."""

from typing import Any

from django.utils.translation import gettext_lazy

MAIN_FIELDS = ("mailbox", "name", "owner_id", "pin", "notify_email_addresses")
# What is not listed here comes last: a schema from CouchDB may have further properties.
TOPICS: tuple[tuple[Any, tuple[str, ...]], ...] = (
    (gettext_lazy("Further numbers and time zone"), ("aliases", "timezone")),
    (
        gettext_lazy("Notification"),
        (
            "include_message_on_notify",
            "transcribe",
            "include_transcription_on_notify",
            "save_after_notify",
            "delete_after_notify",
        ),
    ),
    (
        gettext_lazy("Callers"),
        (
            "media__unavailable",
            "skip_greeting",
            "skip_instructions",
            "announcement_only",
            "operator_number",
            "media_extension",
            "silence_threshold",
            "silence_hits",
        ),
    ),
    (
        gettext_lazy("Listening"),
        (
            "require_pin",
            "check_if_owner",
            "is_setup",
            "skip_envelope",
            "envelope_type",
            "oldest_message_first",
            "is_voicemail_ff_rw_enabled",
            "seek_duration_ms",
            "after_forward_action",
            "vm_message_forward_type",
        ),
    ),
    (gettext_lazy("Sharing"), ("shared_vmbox", "shared_vmbox_notify_owner_email", "members")),
)
