"""From a change to the receiver: what is told, how it is signed, and what is kept of it."""

import base64
import hashlib
import hmac
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from storage import database_names
from tests.support.api_client import Account, Api
from tests.support.audio import Studio
from tests.support.following import Following
from tests.support.kazoo_settings import system_settings
from tests.support.receivers import Received, Receiver, Reply
from tests.support.servers import wait_until

Receivers = Callable[..., Receiver]
NewHook = Callable[..., str]
LeaveMessage = Callable[..., str]


@pytest.fixture
def box_id(api: Api) -> str:
    created: str = api.new_box()["id"]
    return created


def told(receiver: Receiver, count: int = 1) -> list[Received]:
    """The requests that a receiver got, as soon as there are so many."""
    wait_until(lambda: len(receiver.received) >= count)
    return receiver.received


def attempts_of(api: Api, hook_id: str, count: int) -> list[dict[str, Any]]:
    """The attempts of a hook, the newest first, as soon as there are so many."""
    path = f"webhooks/{hook_id}/attempts"
    wait_until(lambda: len(api.get(path).json()["data"]) >= count)
    entries: list[dict[str, Any]] = api.get(path).json()["data"]
    return entries


class TestNotifications:
    """Hooks of voicemail messages."""

    def test_a_new_message_is_told_with_kazoos_members(
        self,
        api: Api,
        account: Account,
        box_id: str,
        receiver: Receivers,
        new_hook: NewHook,
        leave_message: LeaveMessage,
    ) -> None:
        crm = receiver()
        hook_id = new_hook(crm.url("/new"), format="json", custom_data={"type": "voicemail_new", "customer": "42"})
        message_id = leave_message(box_id, caller_id_name="Ada", caller_id_number="1001")
        (request,) = told(crm)
        assert (request.method, request.path) == ("POST", "/new")
        assert [request.headers[name] for name in ("x-hook-id", "x-account-id")] == [hook_id, account.id]
        payload = request.json
        expected = {
            "account_id": account.id,
            "account_db": database_names.encode(database_names.account_db(account.id)),
            "event_name": "voicemail_new",
            "app_name": "callflow",
            "voicemail_box": box_id,
            "voicemail_id": message_id,
            "caller_id_name": "Ada",
            "caller_id_number": "1001",
            "to_realm": account.realm,
            "customer": "42",
            "msg_id": request.event_id,
            "cluster_id": "",
        }
        assert {name: payload[name] for name in expected} == expected
        assert "type" not in payload
        assert isinstance(payload["voicemail_timestamp"], int)
        assert isinstance(payload["voicemail_length"], int)

    def test_each_kind_is_told_to_those_who_want_it(
        self, api: Api, box_id: str, receiver: Receivers, new_hook: NewHook, leave_message: LeaveMessage
    ) -> None:
        everything, deleted = receiver(), receiver()
        new_hook(everything.url(), custom_data={"type": "all"})
        new_hook(deleted.url(), http_verb="get", custom_data={"type": "voicemail_deleted"})
        path = f"vmboxes/{box_id}/messages/{leave_message(box_id)}"
        told(everything, 1)
        assert api.post(path, {"folder": "saved"}).status_code == 200
        told(everything, 2)
        assert api.delete(path).status_code == 200
        names = [request.form["event_name"] for request in told(everything, 3)]
        assert names == ["voicemail_new", "voicemail_saved", "voicemail_deleted"]
        (request,) = told(deleted)
        assert (request.method, request.query["reason"]) == ("GET", "crossbar_action")
        assert request.event_id == everything.received[2].event_id

    def test_v2_is_signed_over_the_timestamp_and_the_data(
        self, box_id: str, receiver: Receivers, new_hook: NewHook, leave_message: LeaveMessage
    ) -> None:
        crm = receiver()
        new_hook(crm.url(), format="json", version="v2", security_settings={"sha256_key": "key"})
        leave_message(box_id, caller_id_name="Jürgen")
        payload = told(crm)[0].json
        assert (payload["action"], payload["name"]) == ("event", "voicemail_new")
        signed = str(payload["timestamp"]).encode() + orjson.dumps(payload["data"], option=orjson.OPT_SORT_KEYS)
        expected = base64.b64encode(hmac.new(b"key", signed, hashlib.sha256).digest()).decode()
        assert (payload["hmac"], payload["data"]["caller_id_name"]) == (expected, "Jürgen")

    def test_a_message_is_told_once_its_audio_is_there(
        self,
        api: Api,
        box_id: str,
        receiver: Receivers,
        new_hook: NewHook,
        leave_message: LeaveMessage,
        telling: Following,
        audio: Studio,
    ) -> None:
        crm = receiver()
        new_hook(crm.url(), format="json", custom_data={"type": "voicemail_new"})
        silent = leave_message(box_id, with_audio=False)
        telling.wait_for(
            lambda events: any(event["document"].get("_id") == silent for event in events), api.account_id
        )
        spoken = leave_message(box_id)
        assert told(crm)[0].json["voicemail_id"] == spoken
        recording = audio("wav")
        path = f"vmboxes/{box_id}/messages/{silent}/raw"
        answer = api.put(path, data=recording.content, headers={"Content-Type": recording.content_type})
        assert answer.status_code == 201, answer.text
        payload = told(crm, 2)[1].json
        assert (payload["voicemail_id"], payload["event_name"]) == (silent, "voicemail_new")
        assert payload["voicemail_length"] == answer.json()["data"]["length"]


class TestDocuments:
    """Hooks of documents."""

    def test_a_mailbox_is_told_when_it_is_created_changed_and_deleted(
        self, api: Api, account: Account, receiver: Receivers, new_hook: NewHook
    ) -> None:
        boxes, edited = receiver(), receiver()
        new_hook(boxes.url(), hook="object", format="json", custom_data={"type": "vmbox", "action": "all"})
        new_hook(edited.url(), hook="object", custom_data={"type": "vmbox", "action": "doc_edited"})
        box_id = api.new_box()["id"]
        told(boxes, 1)
        api.patch(f"vmboxes/{box_id}", {"name": "B"})
        told(boxes, 2)
        api.delete(f"vmboxes/{box_id}")
        payloads = [request.json for request in told(boxes, 3)]
        assert [payload["action"] for payload in payloads] == ["doc_created", "doc_edited", "doc_deleted"]
        assert payloads[0] == {
            "id": box_id,
            "account_id": account.id,
            "action": "doc_created",
            "type": "vmbox",
            "auth_account_id": account.id,
            "auth_user_id": account.user_id,
            "cluster_id": "",
        }
        assert [request.form["action"] for request in told(edited)] == ["doc_edited"]

    def test_accounts_above_are_told_if_they_want_it(
        self,
        api: Api,
        account: Account,
        receiver: Receivers,
        new_hook: NewHook,
        new_account: Callable[..., Account],
        log_in: Callable[..., Api],
    ) -> None:
        own, all_below, stranger = receiver(), receiver(), receiver()
        new_hook(own.url(), hook="object", format="json")
        new_hook(
            all_below.url(), hook="object", format="json", include_subaccounts=True, custom_data={"type": "vmbox"}
        )
        below = log_in(new_account(parent=account.id))
        outside = log_in(new_account())
        members = {"name": "C", "uri": stranger.url(), "hook": "all", "include_subaccounts": True}
        assert outside.put("webhooks", members).status_code == 201
        box_id = below.new_box()["id"]
        (request,) = told(all_below)
        assert (request.json["id"], request.json["account_id"]) == (box_id, below.account_id)
        assert request.headers["x-account-id"] == account.id
        own_box = api.new_box()["id"]
        assert [request.json["id"] for request in told(own)] == [own_box]
        assert {request.form["account_id"] for request in stranger.received} <= {outside.account_id}


class TestAttempts:
    """What is kept of what was sent."""

    def test_a_failure_is_stored_and_repeated_with_the_same_event_id(
        self, api: Api, receiver: Receivers, new_hook: NewHook
    ) -> None:
        crm = receiver(Reply(503, {"X-Why": "busy"}, b"later"), Reply(429), Reply(200))
        hook_id = new_hook(crm.url(), hook="object", format="json", custom_request_headers={"X-Token": "1"})
        api.new_box()
        requests = told(crm, 3)
        assert len({request.event_id for request in requests}) == 1
        second, first = attempts_of(api, hook_id, 2)
        expected = {
            "hook_id": hook_id,
            "hook_event": "object",
            "event_id": requests[0].event_id,
            "uri": crm.url(),
            "method": "post",
            "req_body": requests[0].body.decode(),
            "resp_status_code": 503,
            "resp_body": "later",
            "try": 1,
            "retries": 2,
            "retries_left": 2,
            "result": "failure",
            "reason": "bad response code",
        }
        assert {name: first[name] for name in expected} == expected
        assert (first["req_headers"]["X-Token"], first["resp_headers"]["x-why"]) == ("1", "busy")
        assert (second["try"], second["retries_left"], second["resp_status_code"]) == (2, 1, 429)

    def test_the_pause_that_a_receiver_asks_for_is_kept(
        self, api: Api, receiver: Receivers, new_hook: NewHook
    ) -> None:
        crm = receiver(Reply(503, {"Retry-After": "3600"}), Reply(200))
        hook_id = new_hook(crm.url(), hook="object")
        api.new_box()
        (attempt,) = attempts_of(api, hook_id, 1)
        assert 3_600 <= attempt["next_try"] - attempt["timestamp"] <= 3_605

    @pytest.mark.parametrize("status", [400, 404, 304])
    def test_a_refusal_is_final(self, api: Api, receiver: Receivers, new_hook: NewHook, status: int) -> None:
        crm = receiver(Reply(status, body=b""), Reply(200))
        hook_id = new_hook(crm.url(), hook="object")
        api.new_box()
        (attempt,) = attempts_of(api, hook_id, 1)
        assert (attempt["resp_status_code"], "next_try" in attempt) == (status, False)

    def test_an_address_that_is_not_allowed_gets_no_request(
        self, api: Api, receiver: Receivers, new_hook: NewHook
    ) -> None:
        everywhere = receiver(host="0.0.0.0")
        hook_id = new_hook(everywhere.url("/", "127.0.0.2"), hook="object", custom_data={"type": "vmbox"})
        api.new_box()
        (attempt,) = attempts_of(api, hook_id, 1)
        assert (attempt["result"], attempt["reason"]) == ("failure", "kazoo http client error")
        assert attempt["client_error"] == "127.0.0.2 is no address that webhooks may be sent to"
        assert "next_try" not in attempt
        assert everywhere.received == []

    def test_a_hook_that_fails_too_often_is_disabled_and_its_events_end(
        self, api: Api, receiver: Receivers, new_hook: NewHook
    ) -> None:
        crm = receiver(Reply(500))
        hook_id = new_hook(crm.url(), hook="object", custom_data={"type": "vmbox", "action": "doc_created"})
        for _ in range(6):
            api.new_box()
        path = f"webhooks/{hook_id}"
        wait_until(lambda: not api.get(path).json()["data"]["enabled"])
        assert api.get(path).json()["data"]["disable_reason"] == "6 events could not be sent within 60 seconds"
        assert api.patch("webhooks", {"re-enable": True}).json()["data"][0]["id"] == hook_id
        crm.replies[:] = [Reply(200)]
        box_id = api.new_box()["id"]
        wait_until(lambda: any(request.form["id"] == box_id for request in crm.received))

    def test_successes_are_kept_if_the_operator_wants_that(
        self, api: Api, receiver: Receivers, new_hook: NewHook
    ) -> None:
        crm = receiver()
        hook_id = new_hook(crm.url(), hook="object", format="json", custom_data={"action": "doc_created"})
        path = f"webhooks/{hook_id}/attempts"

        def is_kept() -> bool:  # once the worker has noticed the setting
            api.new_box()
            return bool(api.get(path).json()["data"])

        with system_settings("webhooks", {"log_successful_attempts": True}):
            wait_until(is_kept)
        attempt = api.get(path).json()["data"][-1]
        assert (attempt["result"], attempt["resp_status_code"]) == ("success", 200)
        assert attempt["event_id"] in [request.event_id for request in crm.received]
        assert not {"reason", "next_try"} & set(attempt)
