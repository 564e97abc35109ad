"""Envelopes of requests and responses."""

import json
from typing import Any

import pytest

from crossbar.envelope import Envelope, EnvelopeResponse, parse_envelope
from crossbar.envelope_format import build_envelope, to_json
from crossbar.errors import ValidationFailed


def errors_of(body: bytes) -> dict[str, Any]:
    with pytest.raises(ValidationFailed) as raised:
        parse_envelope(body)
    return raised.value.data


def test_an_envelope_holds_data_token_and_verb() -> None:
    envelope = parse_envelope(b'{"data": {"a": 1}, "auth_token": "t", "verb": "PUT"}')
    assert envelope == Envelope({"a": 1}, {"auth_token": "t", "verb": "PUT"}, has_data=True)
    assert (envelope.auth_token, envelope.verb) == ("t", "PUT")
    odd = parse_envelope(b'{"data": {}, "auth_token": 7, "verb": null, "folder": "new"}')
    assert (odd.data, odd.auth_token, odd.verb, odd.beside["folder"]) == ({}, None, None, "new")


def test_an_empty_body_is_an_empty_envelope() -> None:
    envelope = parse_envelope(b" \r\n")
    assert envelope == Envelope()
    with pytest.raises(ValidationFailed) as raised:
        envelope.stated_data()
    assert set(raised.value.data["data"]) == {"required"}


@pytest.mark.parametrize(
    "body",
    [
        b"{nope",
        b"[]",
        b"null",
        b'"text"',
        b"\xff\xfe",
        b'{"data": {"a": "\xff"}}',
        b'{"data": {"a": "\\ud800"}}',
        b'{"data": {"a": NaN}}',
        b'{"data": {"a": 1e999}}',
        b'{"data": {"a": ' + b"9" * 5_000 + b"}}",
        b'{"data": {"a": 1, "a": 2}}',
        b'{"data": {}, "data": {}}',
        b'{"data": ' + b'{"a":' * 101 + b"1" + b"}" * 101 + b"}",
        b'{"data": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"data": {"a": ' + b"[" * 1_000 + b"]" * 1_000 + b', "a": 1}}',
    ],
)
def test_a_body_that_is_not_a_plain_json_object_is_refused(body: bytes) -> None:
    errors = errors_of(body)
    assert list(errors) == ["json"]
    assert errors["json"]["invalid"]["target"] == "body"
    assert errors["json"]["invalid"]["message"]


def test_the_error_for_missing_data_shows_the_body() -> None:
    assert errors_of(b'{"dat": {}}') == {
        "data": {"required": {"message": "Field is required but missing", "value": {"dat": {}}}}
    }


@pytest.mark.parametrize("data", [[1], "x", 1, None, True])
def test_data_must_be_an_object(data: Any) -> None:
    assert errors_of(json.dumps({"data": data}).encode()) == {
        "data": {"type": {"message": "Value did not match type(s): object", "target": "object", "value": data}}
    }


def test_a_digest_is_the_revision_of_what_is_not_one_document() -> None:
    response = EnvelopeResponse([1])
    assert response.revision == EnvelopeResponse([1]).revision
    assert response.revision != EnvelopeResponse([2]).revision
    assert response.revision != EnvelopeResponse([1], members={"next_start_key": "x"}).revision
    assert EnvelopeResponse({}, revision="3-abc").revision == "3-abc"


def test_every_envelope_has_the_same_members() -> None:
    envelope = build_envelope({}, status="error", request_id="r", auth_token="t", error="404", message="not_found")
    assert set(envelope) == {
        *("data", "status", "error", "message", "metadata", "revision", "request_id", "timestamp", "version"),
        *("node", "auth_token"),
    }


@pytest.mark.parametrize("value", [2**70, "half a pair \ud800"])
def test_json_can_be_written_whatever_is_stored(value: Any) -> None:
    assert json.loads(to_json({"a": value})) == {"a": value}
    assert json.loads(to_json({"a": value}, pretty=True)) == {"a": value}
