"""One delivery: the request, its attempt in the account's MODb, and what follows from the answer."""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from django.conf import settings
from django.utils import timezone

from accounts.auth import cache as auth_cache
from couch.database import Document
from couch.errors import CouchError
from crossbar.errors import BadIdentifier
from storage import gregorian, system_config, values
from webhooks import attempts, store
from webhooks.models import Delivery
from webhooks.sending import payloads, queue, requests, transfer
from webhooks.sending.transfer import Answer, Request

logger = logging.getLogger(__name__)

_REPEATED_STATUSES = frozenset({408, 429})
_WITHOUT_COUCHDB_SECONDS = 5.0
_DEFAULT_RETRIES, _MAX_RETRIES = 2, 4
_FAILURES, _FAILURE_MS = 6, 60_000


def attempt(delivery: Delivery) -> datetime | None:
    """Send a delivery that the caller has claimed, and return when it is due again; None if it is done."""
    try:
        hook = _enabled_hook(delivery)
    except CouchError:
        return queue.postpone(delivery, _WITHOUT_COUCHDB_SECONDS)
    if hook is None:
        queue.finish(delivery)
        return None
    payload = payloads.payload_for(hook, delivery.event_name, delivery.data, gregorian.now())
    request = requests.request_for(hook, delivery.event_id, payload)
    answer = transfer.send(request, settings.WEBHOOK_ALLOWED_NETWORKS)
    is_success = transfer.is_success(answer.status) and not answer.error
    due_at = None
    is_single = delivery.is_by_hand and not delivery.tries  # nobody waits for more than the first answer
    if not is_success and not is_single and _may_be_repeated(answer):
        due_at = queue.repeat_later(delivery, _retries(hook), retry_after(answer.headers))
    else:
        delivery.tries += 1
        queue.finish(delivery)
    _record_attempt(delivery, hook, request, answer, due_at, is_success=is_success)
    return due_at


def _enabled_hook(delivery: Delivery) -> Document | None:
    """Return a delivery's hook; None if it is deleted or disabled, or its account is."""
    hook = store.find(delivery.hook_id)
    if hook is None or not (store.is_hook_enabled(hook) or delivery.is_by_hand):
        return None
    try:
        is_enabled = auth_cache.get_account(delivery.account_id).is_enabled
    except BadIdentifier:
        is_enabled = False
    return hook if is_enabled else None


def _record_attempt(
    delivery: Delivery, hook: Document, request: Request, answer: Answer, due_at: datetime | None, *, is_success: bool
) -> None:
    """Store the attempt, if it is to be kept, and disable a hook that fails too often."""
    try:
        config = system_config.category("webhooks")
        if not is_success or delivery.is_by_hand or values.is_true(config.get("log_successful_attempts")):
            attempts.store_attempt(delivery.account_id, _members(delivery, hook, request, answer, due_at, is_success))
        if not is_success and not delivery.is_by_hand:
            _disable_if_failing(hook, config)
    except (CouchError, BadIdentifier):
        logger.warning("The attempt to send %s could not be stored", delivery, exc_info=True)


def _members(
    delivery: Delivery, hook: Document, request: Request, answer: Answer, due_at: datetime | None, is_success: bool
) -> Document:
    retries = _retries(hook)
    members: Document = {
        "hook_id": delivery.hook_id,
        "hook_event": hook.get("hook"),
        "event_id": delivery.event_id,
        "uri": request.uri,
        "method": request.method.lower(),
        "req_headers": dict(request.headers),
        "req_body": request.body.decode(errors="replace"),
        "try": delivery.tries,
        "retries": retries,
        "retries_left": max(retries - delivery.tries + 1, 0),
        "result": attempts.SUCCESS if is_success else attempts.FAILURE,
        "pvt_event_name": delivery.event_name,
        "pvt_event_data": delivery.data,
    }
    if answer.status is not None:
        members |= {
            "resp_status_code": answer.status,
            "resp_headers": answer.headers,
            "resp_body": answer.body.decode(errors="replace"),
        }
    if not is_success:
        members["reason"] = "bad response code" if answer.status is not None else "kazoo http client error"
    if answer.error:
        members["client_error"] = answer.error
    if due_at is not None:
        members["next_try"] = gregorian.from_datetime(due_at)
    return members


def _disable_if_failing(hook: Document, config: Mapping[str, Any]) -> None:
    limit = values.as_integer(config.get("attempt_failure_count")) or _FAILURES
    milliseconds = values.as_integer(config.get("attempt_failure_expiry_ms")) or _FAILURE_MS
    account_id, hook_id = str(hook["pvt_account_id"]), hook["_id"]
    if attempts.recent_failures(account_id, hook_id, milliseconds / 1_000, limit) >= limit:
        reason = f"{limit} events could not be sent within {milliseconds / 1_000:g} seconds"
        store.disable(hook_id, reason)


def _may_be_repeated(answer: Answer) -> bool:
    if answer.status is None:
        return answer.may_be_repeated
    return answer.status >= 500 or answer.status in _REPEATED_STATUSES


def _retries(hook: Document) -> int:
    retries = values.as_integer(hook.get("retries"))
    return _DEFAULT_RETRIES if retries is None else min(max(retries, 0), _MAX_RETRIES)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that a receiver asks to wait, as a number or until a time; None if it asks for nothing."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max((moment - timezone.now()).total_seconds(), 0.0)
