"""What a body may be, and what an answer is wrapped in."""

import json
from typing import Any

import pytest

from crossbar.envelope import Envelope, Reply, read_envelope
from crossbar.envelope_format import build_envelope, to_json
from crossbar.errors import ValidationFailed


def refused(body: bytes) -> dict[str, Any]:
    with pytest.raises(ValidationFailed) as raised:
        read_envelope(body)
    return raised.value.data


def test_an_envelope_holds_data_token_and_verb() -> None:
    found = read_envelope(b'{"data": {"a": 1}, "auth_token": "t", "verb": "PUT"}')
    assert found == Envelope({"a": 1}, "t", "PUT", has_data=True)
    assert read_envelope(b'{"data": {}, "auth_token": 7, "verb": null}') == Envelope({}, has_data=True)


def test_no_body_is_fine_until_data_is_needed() -> None:
    found = read_envelope(b" \r\n")
    assert found.data == {}
    with pytest.raises(ValidationFailed) as raised:
        found.required()
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
def test_what_is_no_plain_json_object_is_told(body: bytes) -> None:
    found = refused(body)
    assert list(found) == ["json"]
    assert found["json"]["invalid"]["target"] == "body"
    assert found["json"]["invalid"]["message"]


def test_a_body_without_data_is_told_with_the_body() -> None:
    assert refused(b'{"dat": {}}') == {
        "data": {"required": {"message": "Field is required but missing", "value": {"dat": {}}}}
    }


@pytest.mark.parametrize("data", [[1], "x", 1, None, True])
def test_data_of_another_type_is_told(data: Any) -> None:
    found = refused(json.dumps({"data": data}).encode())
    assert found == {
        "data": {"type": {"message": "Value did not match type(s): object", "target": "object", "value": data}}
    }


def test_an_answer_of_no_document_has_its_digest_as_revision() -> None:
    one, same, other = Reply([1]), Reply([1]), Reply([2])
    assert one.revision == same.revision != other.revision
    assert Reply([1], extra={"next_start_key": "x"}).revision != one.revision
    assert Reply({}, revision="3-abc").revision == "3-abc"


def test_every_envelope_has_the_same_members() -> None:
    envelope = build_envelope({}, status="error", request_id="r", auth_token="t", error="404", message="not_found")
    assert set(envelope) == {
        *("data", "status", "error", "message", "metadata", "revision", "request_id", "timestamp", "version"),
        *("node", "auth_token"),
    }


@pytest.mark.parametrize("value", [2**70, "half a pair \ud800"])
def test_what_others_stored_can_always_be_told(value: Any) -> None:
    assert json.loads(to_json({"a": value})) == {"a": value}
    assert json.loads(to_json({"a": value}, pretty=True)) == {"a": value}
