"""The endpoints below ``/v2/accounts/{ACCOUNT_ID}/media``."""
