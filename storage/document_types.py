"""Types of documents, as their ``pvt_type`` says."""

ACCOUNT = "account"
USER = "user"
MAILBOX = "vmbox"
MESSAGE = "mailbox_message"
MEDIA = "media"
CONFIG = "config"
