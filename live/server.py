"""The server of the websockets: accepts connections, and hands events to those that listen to their account."""

import asyncio
import logging
import signal
import threading
from collections import defaultdict
from http import HTTPStatus

from django.conf import settings
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from events.event import Event
from live import messages
from live.bindings import ACTIONS
from live.changes import FollowedAccounts
from live.connection import Connection
from live.system import SystemWatch
from live.tickets import SYSTEM
from live.visibility import visible_to

logger = logging.getLogger(__name__)

HEALTH_PATH = "/health/live"
_MAX_MESSAGE = 16 * 1024  # bytes: a token and a hundred bindings
_MAX_QUEUE = 4  # messages of a client that wait to be done
_PING_SECONDS = 30


class Server:
    """Any number of clients, in one thread; what waits for CouchDB is done in others."""

    def __init__(self) -> None:
        self._system = SystemWatch(self._publish, lambda: self._followed.has_listeners(SYSTEM))
        self._followed = FollowedAccounts(self._publish, self._system.hear)
        self._listeners: defaultdict[str, set[Connection]] = defaultdict(set)
        self._open = 0

    async def run(self, host: str, port: int) -> None:
        """Serve until SIGTERM or SIGINT."""
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stopped.set)
        # In a thread that no exit waits for: it waits for CouchDB.
        threading.Thread(target=self._followed.start, daemon=True).start()
        self._system.start()
        # Without compression a connection takes a quarter of the memory, and messages are short.
        async with serve(
            self._talk,
            host,
            port,
            process_request=self._refuse,
            compression=None,
            max_size=_MAX_MESSAGE,
            max_queue=_MAX_QUEUE,
            ping_interval=_PING_SECONDS,
            ping_timeout=_PING_SECONDS,
            server_header=None,
            logger=logging.getLogger("websockets"),
        ) as server:
            address = next(iter(server.sockets)).getsockname()
            print(f"Websockets at ws://{host}:{address[1]}.", flush=True)
            await stopped.wait()
        self._followed.stop()
        self._system.stop()

    def _refuse(self, connection: ServerConnection, request: Request) -> Response | None:
        """Answer what is no websocket, and refuse what are too many."""
        if request.path == HEALTH_PATH:
            return connection.respond(HTTPStatus.OK, "ok\n")
        if self._open >= settings.LIVE_CONNECTIONS:
            logger.warning("A connection was refused: there are %d", self._open)
            return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "too many connections\n")
        return None

    async def _talk(self, socket: ServerConnection) -> None:
        def register(account_id: str) -> None:
            self._listeners[account_id].add(connection)

        connection = Connection(socket, self._followed, register)
        self._open += 1
        try:
            await connection.run()
        finally:
            self._open -= 1
            connection.end()
            for account_id in [key for key, listeners in self._listeners.items() if connection in listeners]:
                self._listeners[account_id].discard(connection)
                if not self._listeners[account_id]:
                    del self._listeners[account_id]

    def _publish(self, account_id: str, events: list[Event]) -> None:
        """Hand events on, in a thread that reads changes."""
        listeners = list(self._listeners.get(account_id, ()))
        for event in events:
            if event.name not in ACTIONS:
                continue
            data, is_visible = messages.event_data(event), visible_to(account_id, event)
            for connection in listeners:
                connection.hear(account_id, event, data, is_visible)
