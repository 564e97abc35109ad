"""The settings with which nobody should be served."""

import re

from config import settings  # not django.conf: its SECRET_KEY raises if it is empty
from config.tracing.faults import tracing_faults

_UNSAFE_WORDS = (
    "insecure",
    "development",
    "changeme",
    "change-me",
    "change_me",
    "secret-key",
    "secretkey",
    "example",
)
_MIN_SECRET_LENGTH = 32
_UI_URL = re.compile(r"https?://(\*\.)?([\w.-]+|\[[0-9A-Fa-f:]+\])(:(\d+|\*))?(/[^\s?#]*)?")


def settings_faults() -> list[str]:
    """Return a sentence for each setting with which nobody should be served, such as a missing or known secret."""
    sentences = []
    if not settings.COUCHDB_URL:
        sentences.append("COUCHDB_URL is missing: set it to http://USER:PASSWORD@HOST:5984.")
    elif not settings.COUCHDB_URL.startswith(("http://", "https://")):
        sentences.append("COUCHDB_URL must be like http://USER:PASSWORD@HOST:5984.")
    if not settings.DEBUG and (fault := _secret_key_fault(settings.SECRET_KEY)):
        sentences.append(
            f"SECRET_KEY {fault}: set it to at least {_MIN_SECRET_LENGTH} random characters, "
            "the same on every instance (or set DEBUG=1 on a developer's machine)."
        )
    return [*sentences, *_web_faults(), *tracing_faults(settings.OTEL_EXPORTER_OTLP_ENDPOINT, settings.SENTRY_DSN)]


def _web_faults() -> list[str]:
    sentences = []
    issuer = settings.OIDC_ISSUER
    if issuer and not re.match(r"https://|http://(localhost|127\.0\.0\.1|\[::1\])[:/]", issuer):
        sentences.append("OIDC_ISSUER must begin with https://.")
    if issuer and not (settings.OIDC_RP_CLIENT_ID and settings.OIDC_GROUPS):
        sentences.append("OIDC_ISSUER takes OIDC_CLIENT_ID and OIDC_GROUPS, too.")
    return sentences + [
        f"MONSTER_UI_URLS must be like https://ui.example.com, not {url!r}."
        for url in settings.MONSTER_UI_URLS
        if not _UI_URL.fullmatch(url)
    ]


def _secret_key_fault(key: str) -> str:
    if not key:
        return "is missing"
    if len(key) < _MIN_SECRET_LENGTH:
        return "is too short"
    if len(set(key)) < 8 or any(word in key.lower() for word in _UNSAFE_WORDS):
        return "is a known example, not a secret"
    return ""
