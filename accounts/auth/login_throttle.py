"""Throttling of sign-ins: who failed too often has to wait.

A sign-in is counted before its credentials are checked, and taken off again when they are right: of many at once no
more are checked than one after another. It is counted

* for each account that it may be to, from its address: SIGN_IN_FAILURES within SIGN_IN_FAILURES_SECONDS
* for its address: SIGN_IN_FAILURES_PER_ADDRESS within SIGN_IN_FAILURES_SECONDS
* for each account from all addresses: SIGN_IN_FAILURES_PER_ACCOUNT within SIGN_IN_FAILURES_PER_ACCOUNT_SECONDS

Addresses of IPv6 count by their /64, which is what one customer has. No limit may lock an account's own people out:
from an address from which somebody has signed in to the account before, right credentials are accepted at the limit,
and wrong ones are answered with TooManyRequests, up to _PATIENCE times the first limit. The limit of an account holds
for unknown addresses only. A limit of 0 is none.

Links for forgotten passwords are counted, too, whether there is such a user or not (`count_recovery`).
"""

import hashlib
import hmac
import ipaddress
import math
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from threading import Lock
from typing import TypeVar

from cachetools import TTLCache
from django.conf import settings

from accounts.addresses import parse_address
from accounts.auth.login_counts import Count, DatabaseCounts, MemoryCounts, SignInCounts
from crossbar.errors import InvalidCredentials, TooManyRequests

Result = TypeVar("Result")
Check = Callable[[Sequence[str]], tuple[str, Result] | None]
"""Checks credentials: the name that they are right for, and the result; None if they are wrong for all names."""

_PATIENCE = 5
_LOCK_SECONDS = 5.0  # after which a sign-in no longer waits for another one
_PROCESS_KEY = secrets.token_bytes(32)
# Credentials that were right a moment ago are no guesses and aren't counted: clients send Basic ones each time.
_recent: TTLCache[str, bool] = TTLCache(maxsize=10_000, ttl=60)
_recent_lock = Lock()
_locks = [Lock() for _ in range(64)]


@dataclass(frozen=True)
class Attempt:
    """A sign-in: to which accounts (or operators) it may be, from which address, with which secret."""

    kind: str
    """What the names are of; those of different kinds count apart."""
    names: Sequence[str]
    address: str
    secret: str
    is_guessable: bool = True
    """Whether somebody might guess the secret, which an API key is too long for."""


def sign_in(attempt: Attempt, check: Check[Result]) -> Result:
    """Return the result of a check of credentials, which is called with the names that may be tried.

    Raises InvalidCredentials if they are wrong, TooManyRequests if that happens too often, and whatever the check
    raises, which is not counted.
    """
    limits = (settings.SIGN_IN_FAILURES, settings.SIGN_IN_FAILURES_PER_ADDRESS, settings.SIGN_IN_FAILURES_PER_ACCOUNT)
    if not any(limits):
        if (match := check(attempt.names)) is None:
            raise InvalidCredentials()
        return match[1]
    if _is_recent(attempt) and (match := check(attempt.names)) is not None:
        return match[1]
    with _one_at_a_time(attempt):
        if _is_recent(attempt) and (match := check(attempt.names)) is not None:
            return match[1]  # the same credentials came twice at once
        counted = _CountedAttempt(attempt)
        try:
            match = check(counted.open_names)
        except BaseException:
            counted.uncount()
            raise
        if match is not None:
            counted.succeed(match[0])
            return match[1]
    _forget(attempt)
    raise TooManyRequests(counted.wait) if counted.wait else InvalidCredentials()


def count_recovery(account_ids: Sequence[str], username: str, address: str) -> list[str]:
    """Count a request for a link by mail; return those of the accounts that may send it to their user of that name.

    It counts for its address (SIGN_IN_FAILURES), for each account (SIGN_IN_FAILURES_PER_ACCOUNT), and for the user
    (RECOVERY_MAILS_PER_USER). Raises TooManyRequests if no account may.
    """
    network_key = _key("recovery", "address", network_of(address))
    account_keys = {name: _key("recovery", "account", name) for name in account_ids}
    user_keys = {name: _key("recovery", "user", name, username) for name in account_ids}
    spans = dict.fromkeys([network_key], settings.SIGN_IN_FAILURES_SECONDS)
    lasting_keys = [*account_keys.values(), *user_keys.values()]
    spans |= dict.fromkeys(lasting_keys, settings.SIGN_IN_FAILURES_PER_ACCOUNT_SECONDS)
    counts = _Counts(*_sign_in_counts().add(spans))
    waits = {
        name: max(
            counts.wait(network_key, settings.SIGN_IN_FAILURES),
            counts.wait(account_keys[name], settings.SIGN_IN_FAILURES_PER_ACCOUNT),
            counts.wait(user_keys[name], settings.RECOVERY_MAILS_PER_USER),
        )
        for name in account_ids
    }
    open_ids = [name for name, wait in waits.items() if not wait]
    # What is refused must not fill the limit of an account that others need.
    counts.store.subtract(account_keys[name] for name, wait in waits.items() if wait)
    if not open_ids:
        raise TooManyRequests(min(waits.values()))
    return open_ids


def network_of(address: str) -> str:
    """Return what an address counts as: itself, or the /64 of an IPv6 address; a text that is no address as it is."""
    parsed = parse_address(address)
    if parsed is None:
        return address.strip()[:100]
    return str(ipaddress.ip_network((parsed, 64), strict=False) if parsed.version == 6 else parsed)


@dataclass(frozen=True)
class _Counts:
    """Counts, and the store that they are in."""

    store: DatabaseCounts | MemoryCounts
    counts: Mapping[str, Count]

    def wait(self, key: str, limit: int) -> int:
        """Return the seconds until a span ends that has more sign-ins than a limit, else 0."""
        count = self.counts[key]
        if not limit or count.number <= math.ceil(limit / self.store.counting_processes):
            return 0
        return max(count.ends_at - int(time.time()), 1)


class _CountedAttempt:
    """An attempt that was counted, and the names that may be tried. Raises TooManyRequests if there are none."""

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt
        network = network_of(attempt.address)
        self._network_key = _key("address", network)
        self._pair_keys = {name: _key(attempt.kind, name, network) for name in attempt.names}
        self._name_keys = {name: _key(attempt.kind, name) for name in attempt.names if attempt.is_guessable}
        spans = dict.fromkeys((self._network_key, *self._pair_keys.values()), settings.SIGN_IN_FAILURES_SECONDS)
        spans |= dict.fromkeys(self._name_keys.values(), settings.SIGN_IN_FAILURES_PER_ACCOUNT_SECONDS)
        self._counts = _Counts(*_sign_in_counts().add(spans))
        self._store = self._counts.store
        self.open_names, self.wait = self._find_open_names()
        if not self.open_names:
            # What one address is refused must fill neither the limit of an account from all addresses, nor the table.
            full_keys = {key for key in self._pair_keys.values() if self._counts.wait(key, settings.SIGN_IN_FAILURES)}
            self._store.subtract(self._counts.counts.keys() - full_keys - {self._network_key})
            raise TooManyRequests(self.wait)

    def uncount(self) -> None:
        """Take the attempt off the counts."""
        self._store.subtract(self._counts.counts)

    def succeed(self, name: str) -> None:
        """Take the attempt off the counts, and remember the address for that account."""
        self.uncount()
        self._store.remember(self._pair_keys[name])
        with _recent_lock:
            _recent[_fingerprint(self._attempt)] = True

    def _find_open_names(self) -> tuple[list[str], int]:
        """Return the names that may be tried, and the seconds to wait after wrong credentials: 0 below the limits."""
        limit = settings.SIGN_IN_FAILURES
        pair_waits = {name: self._counts.wait(key, limit) for name, key in self._pair_keys.items()}
        network_wait = self._counts.wait(self._network_key, settings.SIGN_IN_FAILURES_PER_ADDRESS)
        waits = {name: max(wait, network_wait, self._name_wait(name)) for name, wait in pair_waits.items()}
        if not any(waits.values()):
            return list(waits), 0
        known_names = self._known_names()
        open_names = [name for name, wait in waits.items() if not wait or name in known_names]
        return open_names, max(pair_waits[name] for name in open_names) if open_names else min(waits.values())

    def _name_wait(self, name: str) -> int:
        key = self._name_keys.get(name)
        return 0 if key is None else self._counts.wait(key, settings.SIGN_IN_FAILURES_PER_ACCOUNT)

    def _known_names(self) -> set[str]:
        """Return the names for which right credentials are accepted beyond the limits."""
        if not self._attempt.is_guessable:
            limit, known_keys = settings.SIGN_IN_FAILURES_PER_ADDRESS, set(self._pair_keys.values())
        else:
            limit = _PATIENCE * settings.SIGN_IN_FAILURES
            known_keys = self._store.list_known(self._pair_keys.values())
        known_pairs = {name: key for name, key in self._pair_keys.items() if key in known_keys}
        return {name for name, key in known_pairs.items() if not self._counts.wait(key, limit)}


@contextmanager
def _one_at_a_time(attempt: Attempt) -> Iterator[None]:
    """Let sign-ins to the same accounts from the same address wait for each other, for a moment.

    Otherwise right ones, counted until they are checked, would reach the limit when many of them come at once.
    """
    lock = _locks[hash((*attempt.names, attempt.address)) % len(_locks)]
    is_locked = lock.acquire(timeout=_LOCK_SECONDS)
    try:
        yield
    finally:
        if is_locked:
            lock.release()


def _is_recent(attempt: Attempt) -> bool:
    with _recent_lock:
        return _fingerprint(attempt) in _recent


def _forget(attempt: Attempt) -> None:
    with _recent_lock:
        _recent.pop(_fingerprint(attempt), None)


@cache
def _sign_in_counts() -> SignInCounts:
    return SignInCounts()


def _fingerprint(attempt: Attempt) -> str:
    parts = (attempt.kind, *attempt.names, network_of(attempt.address), attempt.secret)
    return hmac.new(_PROCESS_KEY, "\0".join(parts).encode(), hashlib.sha256).hexdigest()


def _key(*parts: str) -> str:
    """Return the key of a count: a digest, since neither names nor addresses are stored."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
