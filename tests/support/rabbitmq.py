"""A RabbitMQ of the tests' own, and a receiver of all that is published."""

import json
import os
import shutil
import socket
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import amqp

from events.amqp.publications import EXCHANGES, TARGETED
from tests.support.servers import Running, free_port, spawn, wait_until

_DEBIANS = "/usr/lib/rabbitmq/bin/rabbitmq-server"


class RabbitMQ:
    """A broker with a data folder of its own; its url is what AMQP_URL takes."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.url = f"amqp://guest:guest@127.0.0.1:{self.port}/%2F"
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "RABBITMQ_NODENAME": f"vmboxes{self.port}@localhost",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_MNESIA_BASE": str(folder / "data"),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_CONFIG_FILE": str(folder / "none"),
            "RABBITMQ_CONF_ENV_FILE": str(folder / "none"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1",
        }
        self.running = self.start()

    def start(self) -> Running:
        """Start it, and wait until it takes connections."""
        program = os.environ.get("RABBITMQ_SERVER") or shutil.which(_DEBIANS) or shutil.which("rabbitmq-server")
        assert program, "no rabbitmq-server here: scripts/rabbitmq installs one"
        log = self.folder / "rabbitmq.log"
        self.running = Running(spawn([program], log, self._environment), self.url, log)
        wait_until(lambda: self.running.process.poll() is not None or self._takes_connections(), 120)
        assert self.running.process.poll() is None, self.running.logged()
        return self.running

    def _takes_connections(self) -> bool:
        try:
            connection = amqp.Connection(f"127.0.0.1:{self.port}", connect_timeout=5)
            connection.connect()
        except (OSError, amqp.AMQPError):
            return False
        connection.close()
        return True


class Receiver:
    """Receives all that is published, in a queue that outlives the broker, into `messages`."""

    def __init__(self, broker: RabbitMQ) -> None:
        self.broker = broker
        self.messages: list[dict[str, Any]] = []
        """Payloads, with the exchange and the routing key as ``exchange`` and ``key``."""
        self._is_stopped = False
        self._connect()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Receive nothing more."""
        self._is_stopped = True
        self._thread.join()

    def named(self, name: str, **members: Any) -> list[dict[str, Any]]:
        """The payloads of events with a name, and with members such as ``Voicemail_ID="..."``."""
        wanted = {key.replace("_", "-"): value for key, value in members.items()}
        return [
            message
            for message in list(self.messages)
            if message["Event-Name"] == name and wanted.items() <= message.items()
        ]

    def wait_for(self, name: str, count: int = 1, **members: Any) -> list[dict[str, Any]]:
        """`named`, as soon as there are as many."""
        wait_until(lambda: len(self.named(name, **members)) >= count)
        return self.named(name, **members)

    def ask(self, key: str, question: dict[str, Any]) -> None:
        """Publish a question on the exchange ``presence``."""
        connection = amqp.Connection(f"127.0.0.1:{self.broker.port}")
        connection.connect()
        connection.channel().basic_publish(
            amqp.Message(json.dumps(question), content_type="application/json"), "presence", key
        )
        connection.close()

    def _connect(self) -> None:
        self._connection = amqp.Connection(f"127.0.0.1:{self.broker.port}", connect_timeout=5)
        self._connection.connect()
        channel = self._connection.channel()
        channel.queue_declare("everything", durable=True, auto_delete=False)
        for exchange, kind in EXCHANGES.items():
            channel.exchange_declare(exchange, kind, durable=True, auto_delete=False)
            channel.queue_bind("everything", exchange, "everything" if exchange == TARGETED else "#")
        channel.basic_consume("everything", callback=self._receive)

    def _receive(self, message: Any) -> None:
        info = message.delivery_info
        assert message.content_type == "application/json"
        payload = {**json.loads(message.body), "exchange": info["exchange"], "key": info["routing_key"]}
        self.messages.append(payload)
        message.channel.basic_ack(message.delivery_tag)

    def _run(self) -> None:
        while not self._is_stopped:
            try:
                with suppress(socket.timeout):
                    self._connection.drain_events(timeout=0.2)
            except (OSError, amqp.AMQPError):
                wait_until(self._reconnects, 120)

    def _reconnects(self) -> bool:
        try:
            self._connect()
        except (OSError, amqp.AMQPError):
            return self._is_stopped
        return True
