"""Addresses of web interfaces: MONSTER_UI_URLS lists those that links in mails may lead to.

An entry is an origin with or without a path, below which an address must be: ``https://ui.example.com/kazoo``. Its
host may begin with ``*.``, for any one below, and its port may be ``*``.
"""

import re
from urllib.parse import unquote

from django.conf import settings

_PORTS = {"http": "80", "https": "443"}
_MAX_LENGTH = 2_000
# No user info, white space or backslash, which browsers and parsers understand in different ways.
_ADDRESS = re.compile(
    r"(?P<scheme>https?)://(?P<host>(?:\*\.)?[\w.-]+|\[[0-9A-Fa-f:]+\])(?::(?P<port>\d{1,5}|\*))?"
    r"(?P<path>/[\w/.~%!$&'()*+,;=:-]*)?(?:[?#].*)?",
    re.ASCII | re.IGNORECASE,
)


def allowed_page(address: str) -> str | None:
    """Return the page of an address, without its query and fragment; None if it is none of MONSTER_UI_URLS.

    A query may make a page redirect the browser, which would take the link's secret along.
    """
    match = _ADDRESS.fullmatch(address) if len(address) <= _MAX_LENGTH else None
    if match is None or "*" in match["host"] or match["port"] == "*":
        return None
    path = match["path"] or "/"
    if any(unquote(segment) in (".", "..") for segment in path.split("/")):
        return None
    if not any(_covers(entry, match) for entry in map(_ADDRESS.fullmatch, settings.MONSTER_UI_URLS) if entry):
        return None
    port = "" if match["port"] is None else f":{match['port']}"
    return f"{match['scheme'].lower()}://{match['host'].lower()}{port}{path}"


def _covers(entry: re.Match[str], address: re.Match[str]) -> bool:
    """Whether an entry of MONSTER_UI_URLS allows an address."""
    scheme, host = address["scheme"].lower(), address["host"].lower()
    allowed_host = entry["host"].lower()
    is_host = host.endswith(allowed_host[1:]) if allowed_host.startswith("*.") else host == allowed_host
    default_port = _PORTS[scheme]
    is_port = entry["port"] == "*" or (entry["port"] or default_port) == (address["port"] or default_port)
    folder = (entry["path"] or "/").rstrip("/") + "/"
    is_below = ((address["path"] or "/").rstrip("/") + "/").startswith(folder)
    return scheme == entry["scheme"].lower() and is_host and is_port and is_below
