"""Names of the views that this project reads: ``database.view(*view_names.USERS_BY_NAME, key="ada")``.

Their functions are in couch_views/. Views that only Kazoo reads are there, too, but not here.
"""

from typing import NamedTuple


class View(NamedTuple):
    """A view, by its design document (without ``_design/``) and its own name."""

    design: str
    name: str


# In the database of all accounts.
ACCOUNTS_BY_NAME = View("accounts", "listing_by_name")
ACCOUNTS_BY_REALM = View("accounts", "listing_by_realm")
ACCOUNTS_BY_API_KEY = View("accounts", "listing_by_api")
ACCOUNTS_BY_ANCESTOR = View("vmboxes_accounts", "by_ancestor")
ACCOUNTS_BY_PARENT = View("vmboxes_accounts", "by_parent")
ACCOUNTS_BY_WORD = View("vmboxes_names", "by_word")
DISABLED_ACCOUNTS_BY_NAME = View("vmboxes_disabled", "by_name")

# In the database of all webhooks.
WEBHOOKS_BY_ACCOUNT = View("vmboxes_webhooks", "by_account")
ENABLED_WEBHOOKS = View("vmboxes_webhooks", "enabled")

# In the database of an account.
DOCUMENTS_BY_OWNER = View("attributes", "owned")
USERS_BY_MD5 = View("users", "creds_by_md5")
USERS_BY_SHA = View("users", "creds_by_sha")
USERS_BY_NAME = View("vmboxes_users", "by_username")
USERS_BY_WORD = View("vmboxes_users", "by_word")
MAILBOXES_BY_NAME = View("vmboxes", "crossbar_listing")
MAILBOXES_BY_NUMBER = View("vmboxes_numbers", "by_number")
MAILBOXES_BY_WORD = View("vmboxes_lists", "by_word")
MAILBOX_LIMITS = View("vmboxes_limits", "by_mailbox")
DELETED_MAILBOXES = View("vmboxes_lists", "removed")
MEDIA_BY_NAME = View("media", "crossbar_listing")
GREETINGS_BY_MEDIA = View("vmboxes_greetings", "by_media")
LEGACY_MESSAGES_BY_MAILBOX = View("vmboxes_legacy", "by_box")
LEGACY_MESSAGES_BY_TIME = View("vmboxes_legacy", "by_timestamp")

# In a MODb.
MESSAGES_BY_MAILBOX = View("mailbox_messages", "listing_by_mailbox")
MESSAGES_BY_TIME = View("mailbox_messages", "listing_by_timestamp")
SILENT_MESSAGES_BY_MAILBOX = View("mailbox_message_lists", "silent_by_mailbox")
SILENT_MESSAGES_BY_TIME = View("mailbox_message_lists", "silent_by_timestamp")
DELETED_MESSAGES_BY_MAILBOX = View("mailbox_message_lists", "removed_by_mailbox")
DELETED_MESSAGES_BY_TIME = View("mailbox_message_lists", "removed_by_timestamp")
MISDATED_MESSAGES = View("mailbox_message_lists", "misdated")
MESSAGE_COUNTS_BY_FOLDER = View("mailbox_message_counts", "by_box_folder")
MESSAGE_COUNTS_BY_DAY = View("mailbox_message_counts", "by_day")
MESSAGES_BY_AGE = View("mailbox_message_counts", "by_age")
ATTEMPTS_BY_WEBHOOK = View("webhooks", "attempts_by_hook_listing")
ATTEMPTS_BY_TIME = View("webhooks", "attempts_by_time_listing")
