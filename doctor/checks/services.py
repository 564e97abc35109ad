"""What is asked besides CouchDB: Django's database, the mail server, the message broker, Redis."""

import socket
from collections.abc import Iterator
from smtplib import SMTPAuthenticationError, SMTPException
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import get_connection
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from limits.errors import StorageError
from limits.storage import storage_from_string
from redis import RedisError

from doctor.findings import Finding, count, error
from doctor.scope import Scope
from events.amqp import broker
from events.amqp.broker import BrokerAway

_SECONDS = 3.0


class TablesAway(Exception):
    """The server of Django's database doesn't answer."""


def require_tables() -> None:
    """Raise TablesAway if nobody listens where Django's database should be: its driver would wait for minutes."""
    database = settings.DATABASES["default"]
    host, port = str(database.get("HOST") or ""), database.get("PORT")
    if not host or host.startswith("/"):
        return
    default_port = 3306 if "mysql" in database["ENGINE"] else 5432
    try:
        socket.create_connection((host, int(port or default_port)), timeout=_SECONDS).close()
    except OSError as failure:
        raise TablesAway(f"{host}: {failure}") from failure


def check_tables(scope: Scope) -> Iterator[Finding]:
    """Yield whether Django's tables are those of this version."""
    executor = MigrationExecutor(connection)
    unapplied = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if unapplied:
        changes = count(len(unapplied), "change is", "changes are")
        yield error(
            "tables_outdated",
            f"Django's tables are not those of this version: {changes} missing.",
            "Run ./manage.py migrate before the service starts.",
            tuple(str(migration) for migration, _ in unapplied),
        )


def check_mail_server(scope: Scope) -> Iterator[Finding]:
    """Yield whether the mail server lets the service in."""
    if not settings.EMAIL_URL:
        return
    host = urlsplit(settings.EMAIL_URL).hostname
    mail = get_connection(timeout=_SECONDS)
    try:
        mail.open()
        mail.close()
    except SMTPAuthenticationError as failure:
        yield error(
            "mail_credentials",
            f"The mail server {host} refuses the user or password: {_one_line(failure)}.",
            "Correct them in EMAIL_URL; special characters are percent-encoded.",
        )
    except (OSError, SMTPException) as failure:
        yield error(
            "mail_server_away",
            f"The mail server {host} doesn't answer: {_one_line(failure)}.",
            "Start it, or correct EMAIL_URL: its scheme says how it encrypts, its port where it listens.",
        )


def check_broker(scope: Scope) -> Iterator[Finding]:
    """Yield whether the message broker lets the service in."""
    if not settings.AMQP_URL:
        return
    try:
        broker.connect(settings.AMQP_URL, seconds=_SECONDS).collect()
    except BrokerAway as failure:
        yield error(
            "broker_away",
            f"The message broker doesn't take the connection: {_one_line(failure)}.",
            "Start it, or correct AMQP_URL. Events wait for it, and are told later.",
        )


def check_redis(scope: Scope) -> Iterator[Finding]:
    """Yield whether the Redis that counts requests answers."""
    if not settings.RATE_LIMIT_STORAGE:
        return
    options = {"socket_timeout": _SECONDS, "socket_connect_timeout": _SECONDS}
    try:
        is_up = storage_from_string(settings.RATE_LIMIT_STORAGE, **options).check()
    except (StorageError, RedisError, OSError, ValueError):
        is_up = False
    if not is_up:
        yield error(
            "redis_away",
            f"The Redis at {urlsplit(settings.RATE_LIMIT_STORAGE).hostname} doesn't answer: workers count alone.",
            "Start it, or correct RATE_LIMIT_STORAGE.",
        )


def _one_line(failure: Exception) -> str:
    return " ".join(str(failure).split()).rstrip(".")
