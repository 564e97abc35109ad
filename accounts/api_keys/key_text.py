"""The text of an API key: ``vmb_``, the account's id, the key's id and a secret, by which its document is found."""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field

_PREFIX = "vmb_"
_PATTERN = re.compile(r"vmb_([0-9a-f]{32})_([0-9a-f]{32})_([0-9a-f]{64})", re.ASCII)


@dataclass(frozen=True)
class KeyText:
    """The parts of a key."""

    account_id: str
    key_id: str
    secret: str = field(repr=False)

    def __str__(self) -> str:
        return f"{_PREFIX}{self.account_id}_{self.key_id}_{self.secret}"

    def is_of(self, digest: str) -> bool:
        """Whether the secret is the one with that digest."""
        return hmac.compare_digest(digest_of(self.secret), digest)


def looks_like_key(text: object) -> bool:
    """Whether a text is meant to be such a key, valid or not: no other credential begins like it."""
    return isinstance(text, str) and text.startswith(_PREFIX)


def parse(text: str) -> KeyText | None:
    """Return the parts of a key; None for any other text."""
    match = _PATTERN.fullmatch(text)
    return None if match is None else KeyText(*match.groups())


def new_secret() -> str:
    """Return 256 random bits in hex."""
    return secrets.token_hex(32)


def digest_of(secret: str) -> str:
    """Return what is stored of a secret: its SHA-256, without a salt, as there are too many secrets to try."""
    return hashlib.sha256(secret.encode()).hexdigest()
