"""Settings with which nobody should be served, and risky ones."""

from collections.abc import Iterator
from ipaddress import ip_network
from urllib.parse import SplitResult, unquote, urlsplit

from django.conf import settings
from django.utils.module_loading import import_string

from doctor.findings import Finding, error, note, warning
from doctor.scope import Scope

_DOCS = "docs/configuration.md describes it."
_KNOWN_PASSWORDS = frozenset({"admin", "secret", "password", "changeme", "couchdb", "guest", "test", "12345678"})
_MIN_PASSWORD = 8
_LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1", "[::1]"})
_LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


def check_faults(scope: Scope) -> Iterator[Finding]:
    """Yield the settings with which the service refuses to start."""
    for sentence in import_string(settings.SETTINGS_FAULTS)():
        problem, _, advice = sentence.partition(": ")
        advice = advice[:1].upper() + advice[1:] or f"Correct it. {_DOCS}"
        yield error("setting_unsafe", problem.rstrip(".") + ".", advice)


def check_hosts(scope: Scope) -> Iterator[Finding]:
    """Yield what lets pages be served to, or read by, more than intended."""
    if settings.DEBUG:
        yield warning(
            "debug_on",
            "DEBUG is on: errors show the service's inside to whoever causes them.",
            "Unset DEBUG everywhere but on a developer's machine.",
        )
    if "*" in settings.ALLOWED_HOSTS:
        yield warning(
            "any_host_allowed",
            "ALLOWED_HOSTS allows any host name.",
            "Name the hosts that the service is reached by, such as voicemail.example.com.",
        )
    is_public = any(host.strip("[]") not in _LOCAL_HOSTS for host in settings.ALLOWED_HOSTS)
    if is_public and not settings.SESSION_COOKIE_SECURE and not settings.DEBUG:
        yield warning(
            "cookies_unprotected",
            "Operators' sessions are sent without encryption where somebody uses http://.",
            "Put a proxy with TLS in front, and set BEHIND_TLS_PROXY=1.",
        )
    for network in settings.WEBHOOK_ALLOWED_NETWORKS:
        if any(network.version == loopback.version and network.overlaps(loopback) for loopback in _LOOPBACK):
            yield warning(
                "webhooks_to_this_machine",
                f"WEBHOOK_ALLOWED_NETWORKS has {network}: whoever makes a webhook reaches what listens here.",
                "Name only the networks that receivers of webhooks are in.",
            )


def check_limits(scope: Scope) -> Iterator[Finding]:
    """Yield limits that are switched off."""
    if not settings.SIGN_IN_FAILURES:
        yield warning(
            "sign_ins_unlimited",
            "SIGN_IN_FAILURES is 0: passwords may be guessed without limit.",
            "Unset it; the default allows 20 failures in 5 minutes.",
        )
    if not settings.REQUEST_LIMIT:
        yield note(
            "requests_unlimited",
            "REQUEST_LIMIT is 0: one account's client can slow down all others.",
            "Unset it, or set it to what an account may need in REQUEST_LIMIT_SECONDS.",
        )


def check_mail(scope: Scope) -> Iterator[Finding]:
    """Yield what keeps mails from being sent or trusted."""
    if not settings.EMAIL_URL:
        yield note(
            "no_mail_server",
            "EMAIL_URL names no mail server: nobody gets a link for a forgotten password.",
            "Set it to smtp+tls://USER:PASSWORD@HOST:587 if users should.",
        )
        return
    if settings.DEFAULT_FROM_EMAIL.endswith("@localhost"):
        yield warning(
            "mail_sender_is_local",
            f"Mails are sent as {settings.DEFAULT_FROM_EMAIL}, which most mail servers refuse.",
            "Set EMAIL_FROM to an address of a domain of yours.",
        )
    server = urlsplit(settings.EMAIL_URL)
    if server.scheme == "smtp" and server.password and not _is_local(server):
        yield warning(
            "mail_password_unencrypted",
            f"The password for the mail server {server.hostname} is sent without encryption.",
            "Use smtp+tls:// (STARTTLS) or smtp+ssl:// in EMAIL_URL.",
        )


def check_passwords(scope: Scope) -> Iterator[Finding]:
    """Yield passwords of CouchDB, the broker and Redis that anybody could guess."""
    couchdb = urlsplit(settings.COUCHDB_URL)
    if settings.COUCHDB_URL and not couchdb.username:
        yield error(
            "couchdb_without_user",
            "COUCHDB_URL names no user: either CouchDB refuses all, or it is open to anybody.",
            "Set it to http://USER:PASSWORD@HOST:5984 with an administrator of CouchDB.",
        )
    elif _is_guessable(couchdb):
        yield warning(
            "couchdb_password_weak",
            "The password in COUCHDB_URL is short or well known.",
            "Give CouchDB's administrator a random one of 20 characters or more, and put it into COUCHDB_URL.",
        )
    broker = urlsplit(settings.AMQP_URL)
    if settings.AMQP_URL and not _is_local(broker) and (not broker.password or _is_guessable(broker)):
        yield warning(
            "broker_password_weak",
            f"The password for the message broker {broker.hostname} is short or well known.",
            "Give the broker's user a random one, and put it into AMQP_URL.",
        )
    redis = urlsplit(settings.RATE_LIMIT_STORAGE)
    if settings.RATE_LIMIT_STORAGE and not redis.password and not _is_local(redis):
        yield warning(
            "redis_without_password",
            f"RATE_LIMIT_STORAGE has no password: anybody who reaches {redis.hostname} may change the counts.",
            "Set requirepass there, and put it into RATE_LIMIT_STORAGE.",
        )


def _is_guessable(url: SplitResult) -> bool:
    password = unquote(url.password or "")
    return len(password) < _MIN_PASSWORD or password.lower() in _KNOWN_PASSWORDS or password == url.username


def _is_local(url: SplitResult) -> bool:
    return (url.hostname or "localhost") in _LOCAL_HOSTS
