"""Texts without the secrets in them, for logs: tokens, PINs, passwords, credentials and API keys."""

import re
import unicodedata
from typing import Any
from urllib.parse import unquote_plus

from crossbar.secret_names import is_secret

_HIDDEN = "***"
_MAX_DECODINGS = 8
_MAX_TEXT = 10_000
_MAX_READ = 100_000

_SECRETS = "auth_token|token|reset_id|recovery|api_key|credentials|password|pin|pvt_api_key|md5hash"
# A listing's filter may hold a secret, too: filter_pin=1234.
_IN_QUERY = re.compile(rf"((?:^|[?&;\s])(?:filter_[\w.]*?)?(?:{_SECRETS})=)[^&;\s\"'\\]+", re.IGNORECASE)
# Quotes may be escaped: a body quoted in a text is JSON within JSON.
_IN_JSON = re.compile(rf"(\\*[\"'](?:{_SECRETS})\\*[\"']\s*:\s*)(\\*\"[^\"]*\"|'[^']*'|[^\s,}}]+)", re.IGNORECASE)
_IN_HEADER = re.compile(r"((?:Basic|Bearer|X-Auth-Token\s*:?)\s+)[A-Za-z0-9+/=._~-]{8,}", re.IGNORECASE)
_IN_URL = re.compile(r"(://[^/\s:@]*:)[^@/\s]+@")
# A signed token has three parts, of which the first two are JSON in base64.
_SIGNED = re.compile(r"eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*", re.ASCII)
_MEMBER = re.compile(_SECRETS, re.IGNORECASE)
# A word of a text that may be a request's target, or a part of one.
_TARGET = re.compile(r"\S*%[0-9A-Fa-f]{2}\S*|(?<!\S)[\"'(]?/\S+")

# What a parameter's name holds if its value is secret: filter_hotdesk.pin, data[pin], accessToken.
_SECRET_PARAMETER = re.compile(
    r"token|passw|passcode|secret|credential|api[^a-z]?key|md5|sha1|authorization|^key$|reset[^a-z]?id|^recovery$"
    r"|(?:^|[^a-z])(?:pins?|pin[^a-z]?codes?|auth|creds?|pass|passwd|pwd|pw)(?:$|[^a-z])"
)
_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
# Segments of a path after which a secret comes: GET /v2/user_auth/{TOKEN}.
_SECRET_FOLLOWS = frozenset(
    {"user_auth", "api_auth", "token_auth", "auth_token", "token", "api_key", "pin", "password"}
)
_API_KEY = re.compile(r"(?<![0-9A-Za-z])[0-9A-Fa-f]{64}(?![0-9A-Za-z])")
_SUSPECT = re.compile(r"[=%;]|eyJ|_auth|token|api_key|/p(?:in|assword)/|[0-9a-f]{64}", re.IGNORECASE)


def redact(text: str) -> str:
    """Return a text without the values of secrets in it."""
    # Most texts have none. To find that out is quicker than to try an expression everywhere.
    if "=" in text:
        text = _IN_QUERY.sub(rf"\1{_HIDDEN}", text)
    if '"' in text or "'" in text:
        text = _IN_JSON.sub(rf'\1"{_HIDDEN}"', text)
    if " " in text or not text.isprintable():  # which it isn't with any other white space
        text = _IN_HEADER.sub(rf"\1{_HIDDEN}", text)
    if "eyJ" in text:
        text = _SIGNED.sub(_HIDDEN, text)
    if "/" in text or "%" in text:
        text = _TARGET.sub(lambda match: redact_target(match[0]), text)
    return _IN_URL.sub(rf"\1{_HIDDEN}@", text) if "://" in text else text


def redact_target(target: str) -> str:
    """Return a request's target as the client sent it, without secrets, however they are spelled.

    Its parts are decoded only to look at them. To decode it first would divide a value at an escaped ``&``.
    """
    if not _SUSPECT.search(target):
        return target
    path, question_mark, query = target.partition("?")
    parameters = "&".join(map(_redact_parameter, query.split("&")))
    return "/".join(_redact_segments(path.split("/"))) + question_mark + parameters


def redact_value(value: Any) -> Any:
    """Return a value beside the text of a log record without secrets, and long texts cut."""
    if isinstance(value, str):
        return shorten(redact(value[:_MAX_READ]), _MAX_TEXT)
    if isinstance(value, dict):
        return {
            name: _HIDDEN if _is_secret_member(str(name), item) else redact_value(item)
            for name, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [redact_value(item) for item in value]
    return value if value is None or isinstance(value, bool | int | float) else redact_value(str(value))


def _is_secret_member(name: str, value: Any) -> bool:
    return _MEMBER.fullmatch(name) is not None or is_secret(name, value)


def shorten(text: str, length: int) -> str:
    """Return at most `length` characters of a text, and three dots where it was cut."""
    return text if len(text) <= length else text[:length] + "..."


def _redact_segments(segments: list[str]) -> list[str]:
    redacted, previous = [], ""
    for segment in segments:
        follows_name = previous in _SECRET_FOLLOWS and segment
        redacted.append(_HIDDEN if follows_name else ";".join(map(_redact_parameter, segment.split(";"))))
        previous = _decode_escapes(segment).casefold()
    return redacted


def _redact_parameter(parameter: str) -> str:
    name, equals, value = parameter.partition("=")
    if equals and _SECRET_PARAMETER.search(_WORD_START.sub("_", _decode_escapes(name)).casefold()):  # hotdeskPin
        return f"{_redact_text(name)}={_HIDDEN}"
    return f"{_redact_text(name)}{equals}{_redact_text(value)}"


def _redact_text(text: str) -> str:
    """Return a name, value or segment as it is, unless there is a secret within it."""
    decoded = _decode_escapes(text)
    if "%" in decoded or _API_KEY.search(decoded) or _SIGNED.search(decoded):
        return _HIDDEN
    if decoded == text:
        return _HIDDEN if redact(text) != text else text
    return _HIDDEN if redact_target(decoded) != decoded or redact(decoded) != decoded else text


def _decode_escapes(text: str) -> str:
    """Decode a text until nothing is escaped in it; what is escaped too often keeps a percent sign."""
    for _ in range(_MAX_DECODINGS):
        decoded = unquote_plus(text)
        if decoded == text:
            break
        text = decoded
    return unicodedata.normalize("NFKC", text)
