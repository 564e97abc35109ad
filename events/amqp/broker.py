"""A connection to RabbitMQ that publishes, with the broker's confirmation that it has what was published.

On py-amqp, which lets many messages wait for their confirmations at once: waiting for one after the other, as pika's
blocking channel does, takes a round trip and a write to the broker's disk for each.
"""

import logging
import ssl
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import unquote, urlsplit

import amqp

from events.amqp.publications import EXCHANGES, Publication

logger = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 10
_CONNECT_SECONDS = 5
_CONFIRM_SECONDS = 15
_PERSISTENT = 2
_LONGEST_KEY = 255
_ERRORS = (amqp.AMQPError, OSError)


class BrokerAway(Exception):
    """The broker doesn't answer, or did not confirm."""


def connect(url: str, *, seconds: float = _CONFIRM_SECONDS) -> Any:
    """Return a connection to the broker of an ``amqp://`` or ``amqps://`` URL, which may be silent for some seconds.

    Raises BrokerAway.
    """
    parts = urlsplit(url)
    is_tls = parts.scheme == "amqps"
    host = f"{parts.hostname or 'localhost'}:{parts.port or (5671 if is_tls else 5672)}"
    connection = amqp.Connection(
        host,
        userid=unquote(parts.username or "guest"),
        password=unquote(parts.password or "guest"),
        login_method="PLAIN",
        virtual_host=unquote(parts.path[1:]) or "/",
        ssl={"context": ssl.create_default_context(), "server_hostname": parts.hostname} if is_tls else False,
        connect_timeout=min(_CONNECT_SECONDS, seconds),
        read_timeout=seconds,
        write_timeout=seconds,
        heartbeat=HEARTBEAT_SECONDS,
        client_properties={"product": "vmboxes"},
    )
    try:
        connection.connect()
        _declare_exchanges(connection)
    except _ERRORS as error:
        raise BrokerAway(f"no broker at {host}: {error}") from error
    return connection


class Broker:
    """Publishes for any number of threads, over one connection, which is made when it is needed."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = threading.Lock()
        self._connection: Any = None
        self._channel: Any = None
        self._unconfirmed: set[int] = set()
        self._is_refused = False
        self._last_tag = 0

    def publish(self, publications: Sequence[Publication]) -> None:
        """Publish messages in their order, and return when the broker has confirmed all. Raises BrokerAway."""
        if not publications:
            return
        with self._lock:
            try:
                self._connect()
                for message in publications:
                    if len(message.routing_key) > _LONGEST_KEY:
                        logger.warning("A routing key is too long for AMQP: %s", message.routing_key)
                    else:
                        self._send(message)
                self._wait_for_confirmations()
            except _ERRORS as error:
                self._close()
                raise BrokerAway(str(error)) from error
            except BrokerAway:
                self._close()
                raise

    def keep_alive(self) -> None:
        """Exchange heartbeats with the broker, by which each notices when the other is gone."""
        with self._lock:
            if self._connection is None:
                return
            try:
                with suppress(TimeoutError):
                    self._connection.drain_events(timeout=0.001)
                self._connection.heartbeat_tick()
            except _ERRORS as error:
                logger.warning("The connection to the broker broke: %s", error)
                self._close()

    def close(self) -> None:
        """End the connection."""
        with self._lock:
            self._close()

    def _connect(self) -> None:
        if self._connection is not None:
            return
        connection = connect(self._url)
        channel = connection.channel()
        channel.confirm_select()
        channel.events["basic_ack"].add(self._confirm)
        channel.events["basic_nack"].add(self._refuse)
        self._connection, self._channel = connection, channel
        self._unconfirmed, self._is_refused, self._last_tag = set(), False, 0

    def _send(self, message: Publication) -> None:
        content = amqp.Message(
            message.body,
            content_type="application/json",
            content_encoding="utf-8",
            delivery_mode=_PERSISTENT,
            message_id=message.message_id,
        )
        self._last_tag += 1
        self._unconfirmed.add(self._last_tag)
        self._channel.basic_publish(content, exchange=message.exchange, routing_key=message.routing_key)

    def _wait_for_confirmations(self) -> None:
        deadline = time.monotonic() + _CONFIRM_SECONDS
        while self._unconfirmed and not self._is_refused:
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                raise BrokerAway("the broker did not confirm in time")
            self._connection.drain_events(timeout=remaining)
        if self._is_refused:
            raise BrokerAway("the broker refused a message")

    def _confirm(self, delivery_tag: int, is_multiple: bool) -> None:
        """Called when the broker has a message, or all up to it."""
        if is_multiple:
            self._unconfirmed = {tag for tag in self._unconfirmed if tag > delivery_tag}
        else:
            self._unconfirmed.discard(delivery_tag)

    def _refuse(self, delivery_tag: int, is_multiple: bool) -> None:
        """Called when the broker could not take a message."""
        self._is_refused = True

    def _close(self) -> None:
        connection, self._connection, self._channel = self._connection, None, None
        if connection is not None:
            with suppress(*_ERRORS):
                connection.collect()


def _declare_exchanges(connection: Any) -> None:
    """Ensure that the exchanges are there. Those that Kazoo declared stay as they are."""
    for exchange, kind in EXCHANGES.items():
        channel = connection.channel()
        try:
            channel.exchange_declare(exchange, kind, passive=True)
        except amqp.NotFound:
            channel = connection.channel()
            channel.exchange_declare(exchange, kind, durable=False, auto_delete=False)
        channel.close()
