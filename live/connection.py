"""One client of the websockets: its messages, its subscriptions, and the events that it gets."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from django.core import signing
from django.db import DatabaseError
from rest_framework.exceptions import APIException
from websockets.asyncio.server import ServerConnection, broadcast
from websockets.exceptions import ConnectionClosed

from accounts.auth import authentication, tokens
from accounts.auth.authentication import Identity
from accounts.auth.permissions import may_act_on
from couch.errors import CouchError
from events.event import Event
from live import messages, tickets
from live.bindings import Binding, parse
from live.changes import FollowedAccounts
from live.messages import AUTHENTICATION_FAILED, NO_SUCH_BINDING, Message, MessageError
from live.tickets import Ticket
from storage import database_names

MAX_BINDINGS = 100
_MAX_UNSENT = 1024 * 1024
_CHECK_SECONDS = 1.0
_TOO_SLOW = _TRY_AGAIN = 1013
_NOT_ALLOWED = 1008


@dataclass(frozen=True)
class Permit:
    """By what right a client listens to an account."""

    identity: Identity
    expires_at: float
    """Seconds since 1970."""
    checked_at: float
    """When the rights were looked at, in monotonic seconds."""
    ticket: Ticket | None = None
    """What the client showed in place of a token."""


class Connection:
    """A client. Its messages are done one after the other; events come whenever they happen."""

    def __init__(self, socket: ServerConnection, followed: FollowedAccounts, register: Callable[[str], None]) -> None:
        self._socket, self._followed, self._register = socket, followed, register
        self._subscriptions: dict[str, dict[str, Binding]] = {}
        """The bindings of each account, by their keys."""
        self._permits: dict[str, Permit] = {}
        """By what right the client listens to each account."""
        self._loop = asyncio.get_running_loop()

    @property
    def account_ids(self) -> list[str]:
        """The accounts that the client listens to."""
        return list(self._subscriptions)

    async def run(self) -> None:
        """Answer messages until the client leaves."""
        with suppress(ConnectionClosed):  # however it leaves
            async for text in self._socket:
                await self._socket.send(await self._answer(text))

    def end(self) -> None:
        """Stop with all subscriptions."""
        for account_id in self.account_ids:
            self._leave(account_id)

    # In any thread.

    def hear(self, account_id: str, event: Event, data: Message, is_visible: Callable[[Identity], bool]) -> None:
        """Send an event of an account to the client, if it wants it and may see it. Waits for CouchDB.

        A client that may no longer listen, or of which that can't be found out, is disconnected.
        """
        bindings = [binding for binding in self._bindings(account_id) if binding.matches(event)]
        if not bindings:
            return
        try:
            identity = self._current_identity(account_id)
            if identity is None:
                self._loop.call_soon_threadsafe(self._close, _NOT_ALLOWED, AUTHENTICATION_FAILED)
                return
            if not is_visible(identity):
                return
        except (CouchError, DatabaseError):
            self._loop.call_soon_threadsafe(self._close, _TRY_AGAIN, "the database can't be reached")
            return
        for binding in bindings:
            self._loop.call_soon_threadsafe(self._send, messages.event_message(data, binding))

    def _bindings(self, account_id: str) -> list[Binding]:
        return list(self._subscriptions.get(account_id, {}).values())

    def _current_identity(self, account_id: str) -> Identity | None:
        """Return who subscribed to an account with its present rights; None if they don't suffice any more."""
        permit = self._permits.get(account_id)
        if permit is None or permit.expires_at <= time.time():
            return None
        now = time.monotonic()
        if now < permit.checked_at + _CHECK_SECONDS:
            return permit.identity
        identity = permit.identity
        try:
            if permit.ticket is not None:
                is_allowed = permit.ticket.is_valid()
            else:
                identity = authentication.reload(identity)
                is_allowed = may_act_on(identity, account_id)
        except APIException:
            return None
        self._permits[account_id] = replace(permit, identity=identity, checked_at=now)
        return identity if is_allowed else None

    # In the server's thread.

    def _send(self, text: str) -> None:
        if self._socket.transport.get_write_buffer_size() > _MAX_UNSENT:
            self._close(_TOO_SLOW, "events come faster than they are read")
        else:
            broadcast([self._socket], text)

    def _close(self, code: int, reason: str) -> None:
        self.end()
        closing = self._loop.create_task(self._socket.close(code, reason))
        _closing.add(closing)  # the loop keeps no task alive
        closing.add_done_callback(_closing.discard)

    async def _answer(self, text: str | bytes) -> str:
        message: Message = {}
        try:
            message = messages.parse_message(text)
            action = messages.text_member(message, "action")
            if action == "ping":
                return messages.reply(message, {"response": "pong"})
            if action == "subscribe":
                return messages.reply(message, await self._subscribe(message))
            if action == "unsubscribe":
                return messages.reply(message, self._unsubscribe(message))
            raise MessageError(f"unknown action {action[:100]!r}: there are subscribe, unsubscribe and ping")
        except MessageError as error:
            return messages.error_reply(message, [str(error)])
        except (CouchError, DatabaseError):
            return messages.error_reply(message, ["the database can't be reached: try again in a moment"])

    async def _subscribe(self, message: Message) -> Message:
        data = _data_of(message)
        permit, account_id = await asyncio.to_thread(_authorize, messages.text_member(message, "auth_token"), data)
        bindings = _bindings_of(data)
        if not bindings:
            raise MessageError("data.binding or data.bindings is missing")
        own = self._subscriptions.get(account_id, {})
        merged = {**own, **{binding.key: binding for binding in bindings}}
        others = sum(len(own) for other_id, own in self._subscriptions.items() if other_id != account_id)
        if others + len(merged) > MAX_BINDINGS:
            raise MessageError(f"a connection has {MAX_BINDINGS} subscriptions at most")
        if account_id not in self._subscriptions:
            await asyncio.to_thread(self._followed.add_listener, account_id)
            self._register(account_id)
        self._permits[account_id] = permit
        self._subscriptions[account_id] = merged
        return {"subscribed": [binding.key for binding in bindings], "subscriptions": self._all_keys()}

    def _unsubscribe(self, message: Message) -> Message:
        """Stop with some bindings, or without any with all of the account."""
        data = _data_of(message)
        account_id = messages.text_member(data, "account_id")
        if not account_id and len(self._subscriptions) == 1:
            (account_id,) = self._subscriptions
        own = self._subscriptions.get(account_id, {})
        keys = [binding.key for binding in _bindings_of(data)] or list(own)
        remaining = {key: binding for key, binding in own.items() if key not in keys}
        if remaining:
            self._subscriptions[account_id] = remaining
        elif own:
            self._leave(account_id)
        return {"unsubscribed": [key for key in keys if key in own], "subscriptions": self._all_keys()}

    def _leave(self, account_id: str) -> None:
        if self._subscriptions.pop(account_id, None) is not None:
            self._permits.pop(account_id, None)
            self._followed.remove_listener(account_id)

    def _all_keys(self) -> list[str]:
        return [key for own in self._subscriptions.values() for key in own]


_closing: set[asyncio.Task[None]] = set()


def _data_of(message: Message) -> Message:
    data = message.get("data", {})
    if not isinstance(data, dict):
        raise MessageError("data is no JSON object")
    return data


def _bindings_of(data: Message) -> list[Binding]:
    """Return the bindings that a message names; `binding` counts before `bindings`. Raises MessageError."""
    texts = data["binding"] if "binding" in data else data.get("bindings", [])
    bindings = []
    for text in texts if isinstance(texts, list) else [texts]:
        binding = parse(text)
        if binding is None:
            raise MessageError(f"{NO_SUCH_BINDING} {str(text)[:100]}")
        bindings.append(binding)
    return bindings


def _authorize(token: str, data: Message) -> tuple[Permit, str]:
    """Return by what right a client listens, and to which account. Raises MessageError, CouchError."""
    permit = _permit_of_ticket(token) if tickets.is_ticket(token) else _permit_of_token(token)
    identity = permit.identity
    account_id = messages.text_member(data, "account_id") or identity.account_id
    if identity.token is None and account_id == identity.account_id == tickets.SYSTEM:
        return permit, account_id
    try:
        is_allowed = database_names.is_account_id(account_id) and may_act_on(identity, account_id)
    except APIException:  # there is no such account
        is_allowed = False
    if not is_allowed or (identity.token is None and account_id != identity.account_id):
        raise MessageError(f"unauthorized for account {account_id[:64]}")
    return permit, account_id


def _permit_of_token(text: str) -> Permit:
    try:
        token = tokens.verify(text)
        return Permit(authentication.identity_of(text, token), token.expires_at, time.monotonic())
    except APIException as error:
        raise MessageError(AUTHENTICATION_FAILED) from error


def _permit_of_ticket(text: str) -> Permit:
    try:
        ticket = tickets.load(text)
    except signing.BadSignature as error:
        raise MessageError(AUTHENTICATION_FAILED) from error
    if not ticket.is_valid():
        raise MessageError(AUTHENTICATION_FAILED)
    identity = Identity(ticket.account_id, None, is_admin=True, is_superduper_admin=False)
    return Permit(identity, tickets.expires_at(), time.monotonic(), ticket)
