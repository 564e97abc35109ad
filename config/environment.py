"""Reads environment variables, the only source of the service's configuration (docs/configuration.md lists them)."""

import os
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off", ""})
_MAIL_PORTS = {"smtp": 25, "smtp+tls": 587, "smtp+ssl": 465}
_secret_files: list[str] = []


def text(name: str, default: str = "") -> str:
    """A variable's text without surrounding blanks; the default if it is missing or empty."""
    return os.environ.get(name, "").strip() or default


def secret(name: str, default: str = "") -> str:
    """The text of ``NAME``, or of the file that ``NAME_FILE`` names: a secret is safer in a file."""
    if value := text(name):
        return value
    file = text(f"{name}_FILE")
    if not file:
        return default
    if file not in _secret_files:
        _secret_files.append(file)
    try:
        return Path(file).read_text(encoding="utf-8").strip() or default
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise ImproperlyConfigured(f"{name}_FILE: {file} can't be read: {reason}.") from error


def secret_files() -> list[str]:
    """The files that secrets were read from."""
    return list(_secret_files)


def text_list(name: str, default: str = "") -> list[str]:
    """Texts with commas between them."""
    return [item.strip() for item in text(name, default).split(",") if item.strip()]


def pairs(name: str) -> dict[str, str]:
    """Texts by names, as ``NAME=TEXT``, with commas between them."""
    items = {item: item.partition("=") for item in text_list(name)}
    if not all(key.strip() and value.strip() for key, _, value in items.values()):
        _refuse(name, ",".join(items), "like NAME=TEXT, with commas between them")
    return {key.strip(): value.strip() for key, _, value in items.values()}


def flag(name: str, default: bool = False) -> bool:
    """A yes or no, in the usual spellings."""
    value = os.environ.get(name)
    if value is None:
        return default
    word = value.strip().lower()
    if word not in _TRUE | _FALSE:
        _refuse(name, value, "1 or 0")
    return word in _TRUE


def integer(name: str, default: int, minimum: int = 0) -> int:
    """A whole number of at least `minimum`."""
    value = text(name, str(default))
    if not value.isdecimal() or int(value) < minimum:
        _refuse(name, value, f"a whole number of at least {minimum}")
    return int(value)


def seconds(name: str, default: float) -> float:
    """A number of seconds above 0, with or without a fraction."""
    value = text(name, str(default))
    try:
        number = float(value)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        _refuse(name, value, "a number of seconds above 0")
    return number


def choice(name: str, default: str, choices: tuple[str, ...]) -> str:
    """One of some words, in upper case whatever the case of the value."""
    value = text(name, default).upper()
    if value not in choices:
        _refuse(name, value, "one of " + ", ".join(choices))
    return value


def networks(name: str) -> list[IPv4Network | IPv6Network]:
    """Networks as ``10.0.0.0/8,fd00::/8``, or single addresses, with commas between them."""
    items = text_list(name)
    try:
        return [ip_network(item) for item in items]
    except ValueError:
        _refuse(name, ",".join(items), "networks such as 10.0.0.0/8, with commas between them")


def mail_server(name: str) -> dict[str, Any]:
    """Django's settings of the mail server in ``smtp://USER:PASSWORD@HOST:PORT``; without one, mails go nowhere."""
    url = secret(name)
    if not url:
        return {"EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend"}
    try:
        scheme, host = urlsplit(url).scheme, urlsplit(url).hostname
        if scheme not in _MAIL_PORTS or not host or urlsplit(url).query:
            raise ValueError
        config = environ.Env.email_url_config(url)
    except ValueError:  # from None: the address may hold a password
        form = "smtp://USER:PASSWORD@HOST:PORT, or the same with smtp+tls:// (STARTTLS) or smtp+ssl:// (TLS)"
        raise ImproperlyConfigured(f"{name} must be like {form}.") from None
    members = {key: value for key, value in config.items() if value is not None and key.startswith("EMAIL_")}
    return {"EMAIL_PORT": _MAIL_PORTS[scheme], **members}


def _refuse(name: str, value: str, expected: str) -> NoReturn:
    raise ImproperlyConfigured(f"{name} must be {expected}, not {value!r}.")
