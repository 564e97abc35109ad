"""The operators' desk: accounts, mailboxes, messages, users, migration. How a page is made: see `accounts.admin`."""

from voicemail.admin import accounts, mailboxes, messages, migrations, users

__all__ = ["accounts", "mailboxes", "messages", "migrations", "users"]
