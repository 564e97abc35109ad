"""Attempts to send an event to a hook's address: documents of the account's MODb, as Kazoo keeps them.

Their ids begin with the month, as those of messages do. What follows grows with the time: attempts of the same second
are listed in their order.
"""

import secrets
import time as clock
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from couch.client import couch
from couch.database import Document, Row
from couch.errors import MissingDatabase
from crossbar.errors import BadIdentifier
from crossbar.filters import Filter
from crossbar.pages import InvalidStartKey, Page, PageRequest, TimeRange, encode_start_key
from storage import database_names, document_types, gregorian, modbs, private_fields, values, view_names

TYPE = document_types.WEBHOOK_ATTEMPT
SUCCESS, FAILURE = "success", "failure"
_READ_AT_A_TIME = 200


def store_attempt(account_id: str, members: Mapping[str, Any], time: int | None = None) -> Document:
    """Store an attempt in the account's MODb of its month, and return its document.

    Its time is in Gregorian seconds, now by default.
    """
    now = gregorian.now() if time is None else time
    month = gregorian.month_of(now)
    database = modbs.ensure(account_id, month)
    doc = private_fields.stamp_new(
        {**members, "_id": f"{month}-{clock.time_ns():016x}{secrets.token_hex(8)}"},
        pvt_type=TYPE,
        account_id=account_id,
        db_name=database.name,
        now=now,
    )
    return database.put(doc)


def get(account_id: str, attempt_id: str) -> Document:
    """Return an attempt; raises BadIdentifier."""
    month = database_names.month_of_message(attempt_id)
    doc = None
    if month is not None:
        doc = couch().database(database_names.modb(account_id, month)).get(attempt_id)
    if not private_fields.is_live(doc, TYPE):
        raise BadIdentifier(attempt_id)
    return doc


def public_members(attempt: Document) -> Document:
    """Return an attempt as the API shows it, with its time in Gregorian seconds."""
    return {**private_fields.public(attempt), "timestamp": attempt.get("pvt_created")}


def list_page(
    account_id: str,
    time: TimeRange,
    request: PageRequest,
    filters: Filter | None = None,
    *,
    hook_id: str | None = None,
) -> Page[Document]:
    """Return a page of an account's attempts, or of those of one hook, within a time range.

    A page may reach over several months. Raises InvalidStartKey.
    """
    tests = filters or Filter()
    entries: list[Document] = []
    for month, row in _rows(account_id, time, request, hook_id):
        attempt = row.get("doc")
        if not private_fields.is_live(attempt, TYPE) or not tests.matches(public_members(attempt)):
            continue
        if len(entries) == request.size:
            return Page(entries, encode_start_key([month, row["key"], row["id"]]))
        entries.append(attempt)
    return Page(entries, None)


def recent_failures(account_id: str, hook_id: str, seconds: float, limit: int) -> int:
    """Return how many events could not be sent at first try or later within the last seconds; `limit` at most.

    A failing event counts once, however often it is repeated.
    """
    now = gregorian.now()
    time = TimeRange(int(now - seconds), now + 1)
    failed: set[object] = set()
    for _, row in _rows(account_id, time, PageRequest(size=limit), hook_id):
        attempt = row.get("doc") or {}
        if attempt.get("result") == FAILURE:
            failed.add(attempt.get("event_id"))
        if len(failed) >= limit:
            break
    return len(failed)


@dataclass
class HookFailures:
    """The events that could not be sent for a hook, and when the latest one was given up (Gregorian seconds)."""

    event_ids: set[str]
    latest: int


def given_up(account_id: str, seconds: float, limit: int) -> dict[str, HookFailures]:
    """Return by hook which events of an account were given up within the last seconds.

    That is, their latest attempt failed and there won't be another one. Only the latest `limit` attempts count.
    """
    now = gregorian.now()
    time = TimeRange(int(now - seconds), now + 1)
    failures: dict[str, HookFailures] = {}
    latest_attempts: set[tuple[str, str]] = set()
    for _, row in islice(_rows(account_id, time, PageRequest(size=limit), None), limit):
        attempt = row.get("doc") or {}
        hook_id, event_id = str(attempt.get("hook_id")), str(attempt.get("event_id"))
        if (hook_id, event_id) in latest_attempts:
            continue
        latest_attempts.add((hook_id, event_id))
        if attempt.get("result") == FAILURE and "next_try" not in attempt:
            at = values.as_integer(attempt.get("pvt_created")) or now
            failures.setdefault(hook_id, HookFailures(set(), at)).event_ids.add(event_id)
    return failures


def _rows(account_id: str, time: TimeRange, request: PageRequest, hook_id: str | None) -> Iterator[tuple[str, Row]]:
    """Yield the rows of a page's attempts and of those after it, each with its month ``YYYYMM``."""
    view = view_names.ATTEMPTS_BY_TIME if hook_id is None else view_names.ATTEMPTS_BY_WEBHOOK
    below: Sequence[str] = () if hook_id is None else (hook_id,)
    start = _parse_start(request.start_key, below)
    first, last = [_view_key(below, time.first), _view_key(below, time.last)]
    options: dict[str, Any] = {"include_docs": True, "descending": request.descending}
    options |= {"startkey": last, "endkey": first} if request.descending else {"startkey": first, "endkey": last}
    size = _READ_AT_A_TIME if request.size is None else min(request.size + 1, _READ_AT_A_TIME)
    for month, database in modbs.list_existing(account_id, time.first, time.last, newest_first=request.descending):
        at_start = {}
        if start is not None:
            is_before = month > start[0] if request.descending else month < start[0]
            if is_before:
                continue
            if month == start[0]:
                at_start = {"startkey": start[1], "startkey_docid": start[2]}
        try:
            for row in database.stream_view(*view, page=size, **{**options, **at_start}):
                yield month, row
        except MissingDatabase:  # archived since it was listed
            continue


def _view_key(below: Sequence[str], seconds: int) -> Any:
    return [*below, seconds] if below else seconds


def _parse_start(start_key: Any, below: Sequence[str]) -> tuple[str, Any, str] | None:
    """Return the month, view key and document id at which a page starts; raises InvalidStartKey."""
    match start_key:
        case None:
            return None
        case [str(month), key, str(doc_id)] if not below or (isinstance(key, list) and key[:1] == [*below]):
            return month, key, doc_id
    raise InvalidStartKey()
