"""This machine's clock against CouchDB's: by their clocks months, retention, tokens and locks go."""

from collections.abc import Iterator
from datetime import UTC, datetime

from couch.client import couch
from doctor.findings import Finding, count, error, warning
from doctor.scope import Scope

_NOTICEABLE, _TOO_MUCH = 3, 60  # seconds
_ADVICE = "Keep NTP running on both machines (timedatectl set-ntp true)."


def check_clock(scope: Scope) -> Iterator[Finding]:
    """Yield by how much this machine's clock and CouchDB's differ."""
    asked_at = datetime.now(UTC)
    couchdb_time = couch().clock()
    answered_at = datetime.now(UTC)
    if couchdb_time is not None:
        yield from compare_clocks(asked_at, answered_at, couchdb_time)


def compare_clocks(asked_at: datetime, answered_at: datetime, couchdb_time: datetime) -> Iterator[Finding]:
    """Yield the difference that the time of the answer, in whole seconds, leaves no doubt of."""
    ahead = (asked_at - couchdb_time).total_seconds() - 1
    behind = (couchdb_time - answered_at).total_seconds()
    difference = int(max(ahead, behind))
    if difference < _NOTICEABLE:
        return
    seconds = count(difference, "second", "seconds")
    problem = f"This machine's clock is {seconds} {'ahead of' if ahead > behind else 'behind'} CouchDB's."
    yield (error if difference >= _TOO_MUCH else warning)("clocks_differ", problem, _ADVICE)
