"""The schemas that the project ships: the limits, defaults and choices of the API document."""

from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft4Validator

from couch.client import couch
from crossbar.errors import BadIdentifier, ValidationFailed
from storage import database_names, schemas

SHIPPED = [
    "accounts",
    "api_auth",
    "notify.callback",
    "timezone",
    "user_auth",
    "users",
    "vm_message_metadata",
    "vmboxes",
]
BOX = {"name": "VMBox 0", "mailbox": "3000"}
DEFAULTS = {
    "after_forward_action": "save",
    "aliases": [],
    "announcement_only": False,
    "check_if_owner": True,
    "delete_after_notify": False,
    "envelope_type": "default",
    "include_message_on_notify": True,
    "include_transcription_on_notify": True,
    "is_setup": False,
    "is_voicemail_ff_rw_enabled": False,
    "media": {},
    "media_extension": "mp3",
    "not_configurable": False,
    "notify_email_addresses": [],
    "oldest_message_first": False,
    "require_pin": False,
    "save_after_notify": False,
    "seek_duration_ms": 10000,
    "skip_envelope": False,
    "skip_greeting": False,
    "skip_instructions": False,
    "transcribe": False,
    "vm_message_forward_type": "only_forward",
}
# No default is shown for these.
OTHERS = {
    "flags",
    "mailbox",
    "members",
    "name",
    "notify",
    "operator_number",
    "owner_id",
    "pin",
    "shared_vmbox",
    "shared_vmbox_notify_owner_email",
    "silence_hits",
    "silence_threshold",
    "timezone",
}
SUPPORT = {"announcement_only": "unsupported", "skip_envelope": "beta", "transcribe": "alpha", "pin": "supported"}


def _errors(name: str, data: dict[str, Any]) -> dict[str, list[str]]:
    """The rules that data breaks, by field path."""
    try:
        schemas.validator(name).validate(data)
    except ValidationFailed as failed:
        return {path: sorted(rules) for path, rules in failed.data.items()}
    return {}


@pytest.fixture
def stored(couchdb: str) -> Iterator[dict[str, Any]]:
    """Documents to put into system_schemas, by id, gone afterwards; nothing older is remembered."""
    database = couch().database(database_names.SCHEMAS)
    docs: dict[str, Any] = {}

    class Stored(dict[str, Any]):
        def __setitem__(self, name: str, doc: Any) -> None:
            docs[name] = database.put({"_id": name, **doc})
            _forget()

    yield Stored()
    for name, doc in docs.items():
        database.delete(name, doc["_rev"])
    _forget()


def _forget() -> None:
    schemas._find.cache_clear()
    schemas._compile.cache_clear()


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_schema_is_draft_04_and_has_its_files_name(name: str) -> None:
    schema = schemas.get_shipped(name) or {}
    Draft4Validator.check_schema(schema)
    assert schema["$schema"] == "http://json-schema.org/draft-04/schema#"
    assert schema["_id"] == name


def test_a_box_gets_the_defaults_of_the_api_document(couchdb: str) -> None:
    assert schemas.validator("vmboxes").validate(BOX) == {**BOX, **DEFAULTS}


def test_the_schema_of_a_box_has_every_key_of_the_api_document_and_its_support_level() -> None:
    properties = (schemas.get_shipped("vmboxes") or {})["properties"]
    assert set(properties) == {*DEFAULTS, *OTHERS}
    assert {name: properties[name]["support_level"] for name in SUPPORT} == SUPPORT


@pytest.mark.parametrize(
    ("field", "limits"),
    [("name", (1, 128)), ("mailbox", (1, 30)), ("owner_id", (32, 32)), ("pin", (4, 6))],
)
def test_the_texts_of_a_box_have_their_lengths(couchdb: str, field: str, limits: tuple[int, int]) -> None:
    shortest, longest = limits
    assert _errors("vmboxes", {**BOX, field: "1" * shortest}) == {}
    assert _errors("vmboxes", {**BOX, field: "1" * longest}) == {}
    assert _errors("vmboxes", {**BOX, field: "1" * (shortest - 1)}) == {field: ["minLength"]}
    assert _errors("vmboxes", {**BOX, field: "1" * (longest + 1)}) == {field: ["maxLength"]}


@pytest.mark.parametrize(
    ("fields", "broken"),
    [
        ({"after_forward_action": "delete"}, {"after_forward_action": ["enum"]}),
        ({"envelope_type": "none"}, {"envelope_type": ["enum"]}),
        ({"media_extension": "ogg"}, {"media_extension": ["enum"]}),
        ({"vm_message_forward_type": "any"}, {"vm_message_forward_type": ["enum"]}),
        ({"aliases": ["", "1" * 37]}, {"aliases.0": ["minLength"], "aliases.1": ["maxLength"]}),
        ({"seek_duration_ms": -1, "silence_hits": 0}, {"seek_duration_ms": ["minimum"], "silence_hits": ["minimum"]}),
        ({"silence_threshold": 0}, {"silence_threshold": ["minimum"]}),
        ({"media": {"unavailable": "short"}}, {"media.unavailable": ["minLength"]}),
        ({"operator_number": True}, {"operator_number": ["type"]}),
        ({"members": [{"id": "1" * 32, "type": "device"}]}, {"members.0.type": ["enum"]}),
        ({"members": [{}]}, {"members.0.id": ["required"], "members.0.type": ["required"]}),
        ({"notify": {"callback": {"attempts": "many"}}}, {"notify.callback.attempts": ["type"]}),
        ({"notify": {"callback": {"schedule": ["x"]}}}, {"notify.callback.schedule.0": ["type"]}),
        ({"timezone": "Mars/Olympus"}, {"timezone": ["wrong_format"]}),
        ({"require_pin": "yes"}, {"require_pin": ["type"]}),
    ],
)
def test_a_box_with_a_fault_is_told_which(couchdb: str, fields: dict[str, Any], broken: dict[str, Any]) -> None:
    assert _errors("vmboxes", {**BOX, **fields}) == broken


@pytest.mark.parametrize(
    "fields",
    [
        {"operator_number": 100},
        {"operator_number": "100"},
        {"timezone": "America/Los_Angeles"},
        {"timezone": "inherit"},
        {"members": [{"id": "1" * 32, "type": "group"}], "shared_vmbox": True},
        {"notify": {"callback": {"schedule": ["60", 120], "disabled": "false", "number": "+1555"}}},
        {"some_key": "some_value"},
    ],
)
def test_a_box_without_fault_passes(couchdb: str, fields: dict[str, Any]) -> None:
    assert _errors("vmboxes", {**BOX, **fields}) == {}


@pytest.mark.parametrize(
    ("name", "data", "broken"),
    [
        ("vmboxes", {}, {"name": ["required"], "mailbox": ["required"]}),
        ("vm_message_metadata", {"folder": "inbox", "length": -1}, {"folder": ["enum"], "length": ["minimum"]}),
        ("vm_message_metadata", {"timestamp": 1479859200}, {"timestamp": ["minimum"]}),
        ("accounts", {"realm": "no realm"}, {"name": ["required"], "realm": ["wrong_format"]}),
        (
            "users",
            {"email": "nobody"},
            {"first_name": ["required"], "last_name": ["required"], "email": ["wrong_format"]},
        ),
        ("user_auth", {"method": "plain"}, {"credentials": ["required"], "method": ["enum"]}),
        ("api_auth", {"api_key": "ab"}, {"api_key": ["minLength"]}),
    ],
)
def test_the_other_schemas_tell_faults_too(
    couchdb: str, name: str, data: dict[str, Any], broken: dict[str, Any]
) -> None:
    assert _errors(name, data) == broken


def test_a_stored_schema_goes_before_the_shipped_one(stored: dict[str, Any]) -> None:
    stored["api_auth"] = {"type": "object", "properties": {"api_key": {"type": "string", "maxLength": 3}}, "pvt_x": 1}
    assert _errors("api_auth", {"api_key": "abcd"}) == {"api_key": ["maxLength"]}
    assert "pvt_x" not in schemas.get("api_auth")


def test_a_schema_that_another_refers_to_can_be_stored_alone(stored: dict[str, Any]) -> None:
    stored["notify.callback"] = {"type": "object", "properties": {"number": {"type": "string", "maxLength": 3}}}
    broken = _errors("vmboxes", {**BOX, "notify": {"callback": {"number": "1234"}}})
    assert broken == {"notify.callback.number": ["maxLength"]}


@pytest.mark.parametrize("doc", [{"properties": {"api_key": {"required": True}}}, {"type": "text"}])
def test_a_stored_schema_that_is_no_draft_04_gives_way_to_the_shipped_one(stored: Any, doc: dict[str, Any]) -> None:
    stored["api_auth"] = doc
    assert _errors("api_auth", {}) == {"api_key": ["required"]}


def test_a_deleted_schema_gives_way_to_the_shipped_one(stored: dict[str, Any]) -> None:
    stored["api_auth"] = {"type": "object", "pvt_deleted": True}
    assert _errors("api_auth", {}) == {"api_key": ["required"]}


def test_a_reference_to_a_schema_that_is_nowhere_allows_anything(stored: dict[str, Any]) -> None:
    stored["api_auth"] = {"properties": {"api_key": {"$ref": "nowhere"}, "n": {"type": "integer"}}}
    assert _errors("api_auth", {"api_key": [1], "n": "x"}) == {"n": ["type"]}


@pytest.mark.parametrize("name", ["nothing", "", "_design/x", "../vmboxes", "vmboxes.json", "x" * 200, "é"])
def test_an_unknown_name_is_no_schema(couchdb: str, name: str) -> None:
    with pytest.raises(BadIdentifier):
        schemas.validator(name)
