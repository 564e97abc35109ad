"""Documents as a Kazoo writes them, for tests that read what Kazoo left."""

from typing import Any

Document = dict[str, Any]

ACCOUNT_ID = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
ACCOUNT_DB = "account%2F0a%2F1b%2F2c3d4e5f60718293a4b5c6d7e8f9"
BOX_ID = "3a63acc3694ba189947235ae4727941b"
USER_ID = "f1d98a5df729f95cd208ee9430e3b21b"
MESSAGE_ID = "201605-6aadef09f6fcf5fd8bcdfca312e923ba"
TIMESTAMP = 63630058722


def private(pvt_type: str, **fields: Any) -> Document:
    """The private fields of every document."""
    return {
        "pvt_type": pvt_type,
        "pvt_account_id": ACCOUNT_ID,
        "pvt_account_db": ACCOUNT_DB,
        "pvt_created": 63630058700,
        "pvt_modified": 63630058800,
        "pvt_vsn": "1",
        "pvt_node": "kazoo_apps@kazoo.example.com",
        **fields,
    }


def vmbox(**fields: Any) -> Document:
    """A mailbox; a field given as None is left out."""
    box = {
        "_id": BOX_ID,
        "name": "VMBox 0",
        "mailbox": "3000",
        "owner_id": USER_ID,
        "timezone": "America/Los_Angeles",
    }
    return _with(box | private("vmbox"), fields)


def message(metadata: Document | None = None, **fields: Any) -> Document:
    """A message in a MODb; a field, or a field of its metadata, given as None is left out."""
    described = {
        "media_id": MESSAGE_ID,
        "call_id": "79959ZDNmM2I5ZTliMzA0NzA4N2FjNjlmODA5OWVkZjUxZWU",
        "caller_id_name": "userb userb",
        "caller_id_number": "1001",
        "from": "1001@aeac33.sip.2600hz.com",
        "from_user": "1001",
        "from_realm": "aeac33.sip.2600hz.com",
        "to": "1000@aeac33.sip.2600hz.com",
        "to_user": "1000",
        "to_realm": "aeac33.sip.2600hz.com",
        "length": 3140,
        "timestamp": TIMESTAMP,
        "folder": "new",
    }
    doc = {
        "_id": MESSAGE_ID,
        "name": "mailbox 3000 message 2016-05-09 10:4:7",
        "description": "voicemail message with media",
        "source_type": "voicemail",
        "source_id": BOX_ID,
        "media_source": "recording",
        "streamable": True,
        "utc_seconds": TIMESTAMP,
        "metadata": _with(described, metadata or {}),
    }
    return _with(doc | private("mailbox_message", pvt_account_db=f"{ACCOUNT_DB}-201605"), fields)


def legacy_message(**fields: Any) -> Document:
    """An entry of the array that 3.x kept in a mailbox."""
    entry = {
        "timestamp": TIMESTAMP,
        "from": "1001@aeac33.sip.2600hz.com",
        "to": "1000@aeac33.sip.2600hz.com",
        "caller_id_number": "1001",
        "caller_id_name": "userb userb",
        "call_id": "79959ZDNmM2I5ZTliMzA0NzA4N2FjNjlmODA5OWVkZjUxZWU",
        "folder": "new",
        "length": 3140,
        "media_id": "6aadef09f6fcf5fd8bcdfca312e923ba",
    }
    return _with(entry, fields)


def user(**fields: Any) -> Document:
    """A user with the hashes of a password."""
    doc = {"_id": USER_ID, "first_name": "User", "last_name": "B", "username": "UserB", "enabled": True}
    hashes = {"pvt_md5_auth": "0123456789abcdef0123456789abcdef", "pvt_sha1_auth": "0123456789" * 4}
    return _with(doc | private("user", **hashes), fields)


def account(**fields: Any) -> Document:
    """An account's document in the accounts database."""
    doc = {"_id": ACCOUNT_ID, "name": "Big Corp. #2", "realm": "aeac33.sip.2600hz.com", "enabled": True}
    return _with(doc | private("account", pvt_api_key="ab" * 32, pvt_tree=[]), fields)


def _with(doc: Document, fields: Document) -> Document:
    return {key: value for key, value in {**doc, **fields}.items() if value is not None}
