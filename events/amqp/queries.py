"""Answers those who ask for a lamp, as a telephone system does when a telephone registers.

All followers take the questions from one queue, so that each is answered once.
"""

import json
import logging
import threading
from contextlib import suppress
from dataclasses import replace
from typing import Any

from couch.errors import CouchError
from events.amqp import lamps
from events.amqp.broker import HEARTBEAT_SECONDS, Broker, BrokerAway, connect
from events.amqp.publications import PRESENCE, TARGETED

logger = logging.getLogger(__name__)

_QUEUE = "vmboxes.mwi_queries"
_PAUSE_SECONDS = 2.0
_MAX_WAITING = 1_000


class LampQueries:
    """Takes questions in a thread of its own, and publishes the answers."""

    def __init__(self, url: str, broker: Broker) -> None:
        self._url, self._broker = url, broker
        self._is_stopped = threading.Event()

    def start(self) -> None:
        """Start the thread."""
        threading.Thread(target=self._run, name="lamp queries", daemon=True).start()

    def stop(self) -> None:
        """End the thread."""
        self._is_stopped.set()

    def _run(self) -> None:
        while not self._is_stopped.is_set():
            try:
                self._listen()
            except BrokerAway as error:
                logger.debug("Lamps can't be asked for: %s", error)
            except Exception as error:
                logger.warning("Lamps can't be asked for: %s", error)
            self._is_stopped.wait(_PAUSE_SECONDS)

    def _listen(self) -> None:
        connection = connect(self._url)
        try:
            channel = connection.channel()
            channel.queue_declare(_QUEUE, durable=False, auto_delete=True, arguments={"x-max-length": _MAX_WAITING})
            channel.queue_bind(_QUEUE, PRESENCE, "mwi_queries.#")
            channel.basic_consume(_QUEUE, no_ack=True, callback=self._answer)
            while not self._is_stopped.is_set():
                with suppress(TimeoutError):
                    connection.drain_events(timeout=HEARTBEAT_SECONDS / 4)
                connection.heartbeat_tick()
        finally:
            connection.collect()

    def _answer(self, message: Any) -> None:
        """Called with each question."""
        try:
            question = json.loads(message.body)
            realm, username = str(question["Realm"]), str(question["Username"])
        except (ValueError, KeyError, TypeError):
            logger.warning("A question for a lamp makes no sense")
            return
        call_id, server_id = question.get("Call-ID"), question.get("Server-ID")
        try:
            for lamp in lamps.lamps_asked_for(realm, username):
                answer = lamp.update(call_id if isinstance(call_id, str) else None)
                answers = [answer]
                if isinstance(server_id, str) and server_id:
                    answers.append(replace(answer, exchange=TARGETED, routing_key=server_id))
                self._broker.publish(answers)
        except (CouchError, BrokerAway) as error:
            logger.warning("A question for the lamp of %s@%s can't be answered: %s", username, realm, error)
