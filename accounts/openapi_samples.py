"""Samples of accounts, users and sessions for the API document. Nobody's."""

ACCOUNT_ID = "1c9d4ab86d6f4a27b3f8c42e0c61b7d5"
USER_ID = "f1d98a5df729f95cd208ee9430e3b21b"
API_KEY = "7f4c0e7d5b1a49b2a1f0c2d94a8e6b3357d1c0ffee4b6a1d9e8f7c6b5a493827"

CREDENTIALS = {"credentials": "82a2dc91686ec828a67152d45a5c5ef7", "account_realm": "sip.example.com"}
SESSION = {
    "account_id": ACCOUNT_ID,
    "account_name": "Example",
    "language": "en-us",
    "is_master_account": False,
    "is_reseller": False,
    "reseller_id": None,
    "cluster_id": "2d2b7a4b0e7c4b9f9d3a6c1e5f807b12",
    "capabilities": {"voicemail": {"transcription": {"available": False, "default": False}}},
    "ui_config": {},
    "apps": [],
    "owner_id": USER_ID,
}
API_SESSION = {key: value for key, value in SESSION.items() if key != "owner_id"}

NEW_ACCOUNT = {"name": "Example", "realm": "sip.example.com", "timezone": "America/Los_Angeles"}
ACCOUNT = {
    **NEW_ACCOUNT,
    "id": ACCOUNT_ID,
    "language": "en-us",
    "created": 63_883_426_366,
    "enabled": True,
    "superduper_admin": False,
    "is_reseller": False,
}
BELOW = {
    "id": ACCOUNT_ID,
    "name": "Example",
    "realm": "sip.example.com",
    "tree": ["b0e7c4b9f9d3a6c1e5f807b122d2b7a4"],
}

NEW_USER = {
    "first_name": "Ada",
    "last_name": "Example",
    "username": "ada",
    "password": "correct horse battery",
    "email": "ada@example.com",
}
USER = {
    "id": USER_ID,
    "first_name": "Ada",
    "last_name": "Example",
    "username": "ada",
    "email": "ada@example.com",
    "priv_level": "user",
    "enabled": True,
    "require_password_update": False,
    "verified": False,
    "vm_to_email_enabled": True,
}
USER_SUMMARY = {
    "features": [],
    "id": USER_ID,
    "username": "ada",
    "email": "ada@example.com",
    "first_name": "Ada",
    "last_name": "Example",
    "priv_level": "user",
    "enabled": True,
}

SCHEMA = {
    "id": "timezone",
    "description": "An IANA time zone, or inherit: that of the owner, else of the account",
    "type": "string",
    "minLength": 5,
    "maxLength": 32,
    "format": "timezone",
}
