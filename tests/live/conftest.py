"""A websocket server beside the tests' service, and clients of it."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

from tests.support.api_client import Api
from tests.support.servers import Running

SECONDS = 60  # after which what should have come counts as lost


class Client:
    """A client of the websockets."""

    def __init__(self, socket: ClientConnection, token: str | None) -> None:
        self.socket, self._token = socket, token

    def ask(self, action: str, **data: Any) -> dict[str, Any]:
        """Send a message with the client's token, and return the reply."""
        self.send({"action": action, "auth_token": self._token, "request_id": f"of {action}", "data": data})
        return self.next()

    def send(self, message: Any) -> None:
        """Send a message; a text as it is."""
        self.socket.send(message if isinstance(message, str) else json.dumps(message))

    def subscribe(self, *bindings: str, **data: Any) -> None:
        """Subscribe to bindings, which must be allowed."""
        reply = self.ask("subscribe", bindings=list(bindings), **data)
        assert reply["status"] == "success", reply

    def next(self) -> dict[str, Any]:
        """Return the next message of the server."""
        message: dict[str, Any] = json.loads(self.socket.recv(timeout=SECONDS))
        return message

    def next_event_of(self, document_id: str) -> dict[str, Any]:
        """Return the next event of a document."""
        while (message := self.next())["action"] != "event" or message["data"]["id"] != document_id:
            pass
        return message

    def ids_until(self, document_id: str) -> list[str]:
        """Return the ids of documents that are told of, up to one of them."""
        ids: list[str] = []
        while document_id not in ids:
            ids.append(self.next()["data"]["id"])
        return ids


@pytest.fixture
def connect_as(live: Running) -> Iterator[Callable[[Api], Client]]:
    """Connects clients with the tokens of API clients."""
    with ExitStack() as stack:
        yield lambda api: Client(stack.enter_context(connect(live.url, proxy=None)), api.token)


@pytest.fixture
def client(connect_as: Callable[[Api], Client], api: Api) -> Client:
    """A client with the token of an administrator."""
    return connect_as(api)
