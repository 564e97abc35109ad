"""Tokens by Kazoo's rules, from what CouchDB holds, with none of the service's own code."""

import base64
import hashlib
import hmac
import time
from typing import Any
from urllib.parse import quote

import jwt
import requests
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from tests.support.servers import direct


class KazooTokens:
    """What a Kazoo would do that shares a CouchDB, given its URL with an administrator's credentials."""

    def __init__(self, couchdb_url: str) -> None:
        self._url = couchdb_url.rstrip("/")
        self._session: requests.Session = direct()

    def document(self, database: str, doc_id: str) -> dict[str, Any]:
        """A document of a database."""
        answer = self._session.get(f"{self._url}/{quote(database, safe='')}/{doc_id}")
        assert answer.status_code == 200, answer.text
        document: dict[str, Any] = answer.json()
        return document

    def change(self, database: str, doc_id: str, **members: Any) -> None:
        """Change members of a document."""
        changed = {**self.document(database, doc_id), **members}
        answer = self._session.put(f"{self._url}/{quote(database, safe='')}/{doc_id}", json=changed)
        assert answer.status_code in (201, 202), answer.text

    def install(self, pem: str = "") -> None:
        """Store a key, a new one by default, and a secret, as a Kazoo does at its first start."""
        key_id, pem = "0123456789abcdef" * 2, pem or new_key()
        for database in ("system_config", "system_auth"):
            assert self._session.put(f"{self._url}/{database}").status_code in (201, 202, 412)
        attachment = {
            "content_type": "application/x-pem-file",
            "data": base64.b64encode(pem.encode()).decode(),
        }
        key = {"pvt_type": "system_key", "_attachments": {"private_key.pem": attachment}}
        config = {"pvt_type": "config", "default": {"system_key": key_id, "secret_for_user_signature": "kazoo's own"}}
        for path, document in ((f"system_auth/{key_id}", key), ("system_config/auth", config)):
            assert self._session.put(f"{self._url}/{path}", json=document).status_code in (201, 202)

    def settings(self) -> dict[str, str]:
        """The key's id and the server's secret."""
        section: dict[str, str] = self.document("system_config", "auth")["default"]
        return section

    def private_key(self, key_id: str) -> str:
        """A private key."""
        assert self.document("system_auth", key_id)["pvt_type"] == "system_key"
        answer = self._session.get(f"{self._url}/system_auth/{key_id}/private_key.pem")
        assert answer.headers["Content-Type"] == "application/x-pem-file"
        return answer.text

    def public_key(self, key_id: str) -> str:
        """The public key of a private one."""
        key = load_pem_private_key(self.private_key(key_id).encode(), password=None).public_key()
        return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    def sign(self, claims: dict[str, Any], algorithm: str = "RS256") -> str:
        """A token with these claims."""
        key_id = self.settings()["system_key"]
        return jwt.encode(claims, self.private_key(key_id), algorithm=algorithm, headers={"kid": key_id})

    def claims(self, account_id: str, *, owner_id: str | None = None, device_id: str | None = None) -> dict[str, Any]:
        """The claims of a token for a user, a device or an account's API key."""
        identity = owner_id or device_id or account_id
        database = f"account/{account_id[:2]}/{account_id[2:4]}/{account_id[4:]}"
        secret = self.document(database, identity)["pvt_signature_secret"]
        key = secret + self.settings()["secret_for_user_signature"]
        digest = hmac.new(key.encode(), identity.encode(), hashlib.sha256).digest()
        ids = {"owner_id": owner_id, "device_id": device_id}
        return {
            "iss": "kazoo",
            "account_id": account_id,
            "method": "cb_user_auth" if owner_id else "cb_api_auth",
            "exp": int(time.time()) + 3600,
            "identity_sig": base64.urlsafe_b64encode(digest).decode().rstrip("="),
            **{name: value for name, value in ids.items() if value is not None},
        }

    def decode(self, token: str, public_key: str) -> dict[str, Any]:
        """The claims of a token that a key has signed."""
        claims: dict[str, Any] = jwt.decode(token, public_key, algorithms=["RS256", "RS384", "RS512"], issuer="kazoo")
        return claims

    def verify(self, token: str) -> dict[str, Any]:
        """The claims of a token, if a Kazoo would take it."""
        header = jwt.get_unverified_header(token)
        assert header["kid"] == self.settings()["system_key"]
        public_key = self.public_key(header["kid"])
        claims = self.decode(token, public_key)
        expected = self.claims(claims["account_id"], owner_id=claims.get("owner_id"))
        assert claims["identity_sig"] == expected["identity_sig"]
        return claims


def new_key() -> str:
    """A new private key in PEM."""
    key = generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
