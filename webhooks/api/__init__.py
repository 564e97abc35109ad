"""The endpoints below ``/v2/webhooks`` and ``/v2/accounts/{ACCOUNT_ID}/webhooks``."""
