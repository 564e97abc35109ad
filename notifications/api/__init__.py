"""The endpoints below ``/v2/notifications`` and ``/v2/accounts/{ACCOUNT_ID}/notifications``."""
