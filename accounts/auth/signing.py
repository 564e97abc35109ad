"""What signs tokens, where Kazoo keeps it: a private key, and a secret of the server, which all instances share.

`system_config/auth` has the server's secret and the id of the key, `system_auth` the key as an attachment. Where no
Kazoo has been, the first to need them makes them. Of several instances that start at once, the one whose id is stored
first wins, and the others' is never used. A process killed between the two writes leaves an id without a key, which
whoever signs next stores.

A private key is in no log and no response, and in this process's memory alone.
"""

import base64
import hashlib
import hmac
import logging
import re
import secrets
from collections.abc import Mapping
from io import BytesIO
from threading import Lock
from typing import Any, NamedTuple

from cachetools import LRUCache, TTLCache
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from couch.client import couch
from couch.errors import Conflict
from storage import database_names, document_types, gregorian, private_fields, system_config

CATEGORY = "auth"
KEY_ATTACHMENT = "private_key.pem"
_PEM = "application/x-pem-file"
_KEY_BITS = 2048
_MAX_PEM_BYTES = 100_000
_KEY_ID, _SECRET = "system_key", "secret_for_user_signature"
# 32 hex digits in every Kazoo; whatever else an operator may have chosen is an id of a document.
_KEY_ID_FORM = re.compile(r"[A-Za-z0-9][\w.-]{0,199}", re.ASCII)
_MISSING_KEY_SECONDS = 60

logger = logging.getLogger(__name__)


class Settings(NamedTuple):
    """The id of the key that signs tokens, and the server's secret."""

    key_id: str
    server_secret: str


_keys: LRUCache[str, RSAPrivateKey] = LRUCache(100)
# Ids of keys that there are none of: tokens may name any.
_missing_keys: TTLCache[str, bool] = TTLCache(10_000, _MISSING_KEY_SECONDS)
_lock = Lock()


def settings() -> Settings:
    """Return what `system_config/auth` says, at most system_config.CACHE_SECONDS old; it is made if it is missing."""
    section = system_config.category(CATEGORY)
    if _missing_settings(section):
        section = system_config.change_category(CATEGORY, _add_missing)
    return Settings(section[_KEY_ID], section[_SECRET])


def private_key() -> tuple[str, RSAPrivateKey]:
    """Return the id of the key that signs tokens, and the key, which is made if there is none yet.

    Raises RuntimeError if the stored key can't be read.
    """
    key_id = settings().key_id
    key = _cached_key(key_id) or _load_key(key_id)
    if key is None:
        _store_new_key(key_id)
        key = _load_key(key_id)
    if key is None:
        raise RuntimeError(f"the key {key_id} in {database_names.KEYS} can't be read")
    return key_id, key


def public_key(key_id: str) -> RSAPublicKey | None:
    """Return the key that verifies what the private key of this id signed; None if there is none."""
    key = _cached_key(key_id)
    if key is None and _KEY_ID_FORM.fullmatch(key_id) and not _is_missing(key_id):
        key = _load_key(key_id)
        if key is None:
            with _lock:
                _missing_keys[key_id] = True
    return None if key is None else key.public_key()


def identity_signature(identity: str, identity_secret: str) -> str:
    """Return what binds a token to the secret of its user, device or account, and to the server's secret."""
    key = (identity_secret + settings().server_secret).encode()
    digest = hmac.new(key, identity.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _missing_settings(section: Mapping[str, Any]) -> list[str]:
    """The names of the settings that are missing, or that no key and no signature can have."""
    key_id, secret = section.get(_KEY_ID), section.get(_SECRET)
    missing = [] if isinstance(key_id, str) and _KEY_ID_FORM.fullmatch(key_id) else [_KEY_ID]
    return missing if isinstance(secret, str) and secret else [*missing, _SECRET]


def _add_missing(section: dict[str, Any]) -> dict[str, Any] | None:
    made = {_KEY_ID: secrets.token_hex(16), _SECRET: secrets.token_hex(32)}
    missing = {name: made[name] for name in _missing_settings(section)}
    return {**section, **missing} if missing else None


def _cached_key(key_id: str) -> RSAPrivateKey | None:
    with _lock:
        return _keys.get(key_id)


def _is_missing(key_id: str) -> bool:
    with _lock:
        return key_id in _missing_keys


def _load_key(key_id: str) -> RSAPrivateKey | None:
    """Return a key from CouchDB, and cache it; None if there is none, or none that can be read."""
    attachment = couch().database(database_names.KEYS).open_attachment(key_id, KEY_ATTACHMENT)
    if attachment is None:
        return None
    try:
        key = load_pem_private_key(attachment.read(_MAX_PEM_BYTES), password=None)
    except (ValueError, TypeError):  # neither says anything about what it read
        logger.error("The key %s in %s can't be read", key_id, database_names.KEYS)
        return None
    finally:
        attachment.close()
    if not isinstance(key, RSAPrivateKey):
        logger.error("The key %s in %s is no RSA key", key_id, database_names.KEYS)
        return None
    with _lock:
        _keys[key_id] = key
    return key


def _store_new_key(key_id: str) -> None:
    """Store a new key under an id, unless another process was quicker."""
    key = generate_private_key(public_exponent=65537, key_size=_KEY_BITS)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    doc = {"_id": key_id, "pvt_type": document_types.SYSTEM_KEY, "pvt_created": gregorian.now()}
    database = couch().database(database_names.KEYS)
    couch().create(database_names.KEYS)
    try:
        database.put_with_attachment(private_fields.stamp_update(doc), KEY_ATTACHMENT, _PEM, BytesIO(pem), len(pem))
    except Conflict:
        logger.info("Another process stored the key %s", key_id)
