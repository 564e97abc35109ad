"""What an authenticator app shows, by RFC 6238, from the page that an operator scans."""

import base64
import hashlib
import hmac
import re
import time


def secret_on(page: str) -> bytes:
    """The secret that a page shows to people who can't scan it."""
    match = re.search(r"Secret: <code>([A-Z2-7 ]+)</code>", page)
    assert match, page
    return base64.b32decode(match[1].replace(" ", ""))


def code_of(secret: bytes, steps_ahead: int = 0) -> str:
    """The code of now, or of so many half minutes from now."""
    counter = int(time.time()) // 30 + steps_ahead
    digest = hmac.new(secret, counter.to_bytes(8, "big"), hashlib.sha1).digest()
    offset = digest[-1] & 15
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    return f"{number % 1_000_000:06d}"


def recovery_codes_on(page: str) -> list[str]:
    """The recovery codes that a page shows."""
    return re.findall(r"<li><code>([a-z2-7-]{19})</code>", page)
