"""Payloads of both versions, their signature, and the requests that carry them."""

import base64
import hashlib
import hmac
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson
import pytest

from events.event import Event
from webhooks import event_data, hooks
from webhooks.sending import payloads, requests

DATA = {
    "voicemail_id": "202611-1",
    "caller_id_name": "Jürgen & Söhne",
    "voicemail_length": 3140,
    "b": {"a": [1, True]},
}
NOW = 63_961_142_647


def hook(**members: Any) -> dict[str, Any]:
    return {"_id": "a" * 32, "pvt_account_id": "b" * 32, "uri": "https://crm.example.com/x?y=1#z", **members}


def test_v1_is_the_data_with_the_custom_data_but_its_filters() -> None:
    custom = {"type": "voicemail_new", "action": "all", "customer": "42", "caller_id_name": "hidden"}
    payload = payloads.payload_for(hook(custom_data=custom), "voicemail_new", DATA, NOW)
    assert payload == {**DATA, "customer": "42", "caller_id_name": "hidden"}


def test_v2_is_signed_as_receivers_check_it() -> None:
    payload = payloads.payload_for(
        hook(version="v2", security_settings={"sha256_key": "Schlüssel"}, custom_data={"z": "1"}),
        "doc_edited",
        DATA,
        NOW,
    )
    assert {key: payload[key] for key in ("action", "name", "data", "timestamp")} == {
        "action": "event",
        "name": "doc_edited",
        "data": {**DATA, "z": "1"},
        "timestamp": NOW,
    }
    canonical = orjson.dumps(payload["data"], option=orjson.OPT_SORT_KEYS)
    expected = hmac.new("Schlüssel".encode(), str(NOW).encode() + canonical, hashlib.sha256).digest()
    assert base64.b64decode(payload["hmac"]) == expected


@pytest.mark.parametrize("settings", [None, {}, {"sha256_key": ""}, {"sha256_key": 3}, []])
def test_v2_without_a_key_is_not_signed(settings: Any) -> None:
    payload = payloads.payload_for(hook(version="v2", security_settings=settings), "doc_edited", DATA, NOW)
    assert set(payload) == {"action", "name", "data", "timestamp"}


def test_json_and_forms_carry_the_same() -> None:
    as_json = requests.request_for(hook(format="json"), "e1", DATA)
    assert (as_json.method, as_json.headers["Content-Type"]) == ("POST", "application/json")
    assert orjson.loads(as_json.body) == DATA
    as_form = requests.request_for(hook(http_verb="put"), "e1", DATA)
    assert (as_form.method, as_form.headers["Content-Type"]) == ("PUT", "application/x-www-form-urlencoded")
    fields = parse_qsl(as_form.body.decode())
    assert fields == [
        ("voicemail_id", "202611-1"),
        ("caller_id_name", "Jürgen & Söhne"),
        ("voicemail_length", "3140"),
        ("b[a][]", "1"),
        ("b[a][]", "true"),
    ]


def test_a_get_has_the_payload_in_its_query() -> None:
    request = requests.request_for(hook(http_verb="get"), "e1", DATA)
    assert (request.method, request.body) == ("GET", b"")
    query = parse_qsl(urlsplit(request.uri).query)
    assert query[0] == ("y", "1")
    assert dict(query)["caller_id_name"] == "Jürgen & Söhne"
    assert "#" not in request.uri


def test_requests_say_whose_they_are() -> None:
    request = requests.request_for(
        hook(custom_request_headers={"Authorization": "Bearer x", "user-agent": "CRM"}), "e1", {}
    )
    headers = {name.lower(): value for name, value in request.headers.items()}
    assert [headers[f"x-{name}-id"] for name in ("hook", "account", "event")] == ["a" * 32, "b" * 32, "e1"]
    assert (headers["authorization"], headers["user-agent"]) == ("Bearer x", "CRM")


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "internal"},
        {"Content-Length": "3"},
        {"X-Hook-ID": "mine"},
        {"X-A": "1\r\nX-B: 2"},
        {"X A": "1"},
        {"X-A": 1},
        [],
    ],
)
def test_headers_of_old_documents_that_no_request_may_have_are_left_out(headers: Any) -> None:
    request = requests.request_for(hook(custom_request_headers=headers), "e1", {})
    assert set(request.headers) == {"User-Agent", "X-Hook-ID", "X-Account-ID", "X-Event-ID", "Content-Type"}
    assert request.headers["X-Hook-ID"] == "a" * 32


@pytest.mark.parametrize("uri", ["", "http://[::1", 3, None, "http://crm.example.com:x/"])
def test_odd_addresses_of_old_documents_have_a_host_all_the_same(uri: Any) -> None:
    assert isinstance(requests.host_of(hook(uri=uri)), str)


@pytest.mark.parametrize("name", [*hooks.NOTIFICATION_TYPES, *hooks.OBJECT_ACTIONS])
def test_samples_have_the_members_of_what_is_sent(couchdb: str, name: str) -> None:
    samples = hooks.get_samples(hooks.ALL)
    document = {"_id": "202611-1", "pvt_type": "mailbox_message", "metadata": {}}
    event = Event("e" * 32, name, "account/aa/bb/cc-202611", "a" * 32, document)
    data = event_data.data_of(event)
    assert set(samples[name]) == set(data)
    assert {member: type(value) for member, value in samples[name].items() if data[member] is not None} == {
        member: type(value) for member, value in data.items() if value is not None
    }
