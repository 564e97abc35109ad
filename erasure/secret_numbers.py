"""A caller's numbers while an erasure needs them: encrypted by the service's secret key."""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from cryptography.fernet import Fernet
from django.conf import settings


class Numbers(NamedTuple):
    """The numbers that are looked for, and how many messages those have that may be the same caller's."""

    numbers: list[str]
    similar: dict[str, int]


def encrypt(numbers: Sequence[str], similar: Mapping[str, int] | None = None) -> str:
    """The numbers as an encrypted text."""
    return _fernet().encrypt(json.dumps([list(numbers), dict(similar or {})]).encode()).decode()


def decrypt(text: str) -> Numbers:
    """The numbers of an encrypted text; none of an empty one."""
    return Numbers(*json.loads(_fernet().decrypt(text.encode()))) if text else Numbers([], {})


def _fernet() -> Fernet:
    key = hashlib.sha256(b"erasure.secret_numbers:" + settings.SECRET_KEY.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(key))
