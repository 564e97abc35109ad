"""What operators have sent: an event that was attempted before, once more, or a sample."""

import json
import uuid
from typing import Any

from crossbar.errors import ValidationFailed
from webhooks import attempts, hooks, store
from webhooks.models import Delivery
from webhooks.sending import queue, requests, sender

TEST = "test"


def send_again(account_id: str, attempt_id: str) -> Delivery:
    """Send the event of an attempt again, with the same event id, to where its hook's requests go now.

    Raises BadIdentifier if the attempt or its hook is gone, and ValidationFailed for an attempt of Kazoo's, which
    doesn't say what its event was.
    """
    attempt = attempts.get(account_id, attempt_id)
    name, data = attempt.get("pvt_event_name"), attempt.get("pvt_event_data")
    if not isinstance(name, str) or not isinstance(data, dict):
        raise ValidationFailed.field("attempt", "forbidden", "The attempt doesn't say what its event was")
    return _send(account_id, str(attempt.get("hook_id")), str(attempt.get("event_id")), name, data)


def send_test(account_id: str, hook_id: str) -> Delivery:
    """Send a sample of what a hook's requests hold, marked as a test; raises BadIdentifier."""
    hook = store.get(account_id, hook_id)
    sample = hooks.sample_for(hook)
    return _send(account_id, hook_id, uuid.uuid4().hex, TEST, {**sample, "account_id": account_id, TEST: True})


def _send(account_id: str, hook_id: str, event_id: str, name: str, data: dict[str, Any]) -> Delivery:
    hook = store.get(account_id, hook_id)
    delivery = Delivery(
        hook_id=hook_id,
        account_id=account_id,
        event_id=event_id,
        event_name=name,
        data_json=json.dumps(data),
        host=requests.host_of(hook),
    )
    queue.send_now(delivery)
    sender.schedule()
    return delivery
