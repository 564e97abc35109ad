"""The operators' desk: accounts, mailboxes and messages. How a page is made is told in `accounts.admin`."""

from voicemail.admin import accounts, mailboxes, messages

__all__ = ["accounts", "mailboxes", "messages"]
