"""Sequences of changes in the form for clients, which is opaque to them."""

from __future__ import annotations

import base64

from .errors import bad_request


def public_seq(seq: int) -> str:
    """A sequence's public form."""
    opaque = base64.urlsafe_b64encode(f"seq{seq}".encode()).decode().rstrip("=")
    return f"{seq}-{opaque}"


def parse_seq(text: str, last: int) -> int:
    """The sequence of a public form, of a plain number or of ``now``.  Raises a 400 ``CouchError``."""
    if text == "now":
        return last
    number = text.strip('"').partition("-")[0]
    if not number.isascii() or not number.isdigit() or len(number) > 18:
        raise bad_request("Malformed sequence supplied in 'since' parameter.")
    return int(number)
