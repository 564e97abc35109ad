"""The operators' desk: accounts, mailboxes, messages, migration. How a page is made is told in `accounts.admin`."""

from voicemail.admin import accounts, mailboxes, messages, migrations

__all__ = ["accounts", "mailboxes", "messages", "migrations"]
