"""What of voicemail Django knows: what permissions are about, and the migrations that operators start."""

from voicemail.models.desk import Mailbox, Message
from voicemail.models.runs import MigrationRow, MigrationRun

__all__ = ["Mailbox", "Message", "MigrationRow", "MigrationRun"]
