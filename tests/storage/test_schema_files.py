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
# The API document shows no default for these.
WITHOUT_DEFAULT = {
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


def _broken_rules(name: str, data: dict[str, Any]) -> dict[str, list[str]]:
    """The rules that data breaks, by field path."""
    try:
        schemas.validator(name).validate(data)
    except ValidationFailed as failed:
        return {path: sorted(rules) for path, rules in failed.data.items()}
    return {}


@pytest.fixture
def stored(couchdb: str) -> Iterator[dict[str, Any]]:
    """Documents to put into system_schemas, by id; they are deleted afterwards, and no cache has older ones."""
    database = couch().database(database_names.SCHEMAS)
    docs: dict[str, Any] = {}

    class Stored(dict[str, Any]):
        def __setitem__(self, name: str, doc: Any) -> None:
            docs[name] = database.put({"_id": name, **doc})
            _clear_caches()

    yield Stored()
    for name, doc in docs.items():
        database.delete(name, doc["_rev"])
    _clear_caches()


def _clear_caches() -> None:
    schemas._find_schema.cache_clear()
    schemas._compile.cache_clear()


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_schema_is_draft_04_and_named_like_its_file(name: str) -> None:
    schema = schemas.get_shipped(name) or {}
    Draft4Validator.check_schema(schema)
    assert schema["$schema"] == "http://json-schema.org/draft-04/schema#"
    assert schema["_id"] == name


def test_a_mailbox_gets_the_defaults_of_the_api_document(couchdb: str) -> None:
    assert schemas.validator("vmboxes").validate(BOX) == {**BOX, **DEFAULTS}


def test_the_schema_of_mailboxes_has_every_key_of_the_api_document_and_its_support_level() -> None:
    properties = (schemas.get_shipped("vmboxes") or {})["properties"]
    assert set(properties) == {*DEFAULTS, *WITHOUT_DEFAULT}
    assert {name: properties[name]["support_level"] for name in SUPPORT} == SUPPORT


@pytest.mark.parametrize(
    ("field", "limits"),
    [("name", (1, 128)), ("mailbox", (1, 30)), ("owner_id", (32, 32)), ("pin", (4, 6))],
)
def test_the_texts_of_a_mailbox_have_minimum_and_maximum_lengths(
    couchdb: str, field: str, limits: tuple[int, int]
) -> None:
    shortest, longest = limits
    assert _broken_rules("vmboxes", {**BOX, field: "1" * shortest}) == {}
    assert _broken_rules("vmboxes", {**BOX, field: "1" * longest}) == {}
    assert _broken_rules("vmboxes", {**BOX, field: "1" * (shortest - 1)}) == {field: ["minLength"]}
    assert _broken_rules("vmboxes", {**BOX, field: "1" * (longest + 1)}) == {field: ["maxLength"]}


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
def test_each_fault_of_a_mailbox_is_reported(couchdb: str, fields: dict[str, Any], broken: dict[str, Any]) -> None:
    assert _broken_rules("vmboxes", {**BOX, **fields}) == broken


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
def test_a_mailbox_without_fault_passes(couchdb: str, fields: dict[str, Any]) -> None:
    assert _broken_rules("vmboxes", {**BOX, **fields}) == {}


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
def test_faults_are_reported_by_the_other_schemas_as_well(
    couchdb: str, name: str, data: dict[str, Any], broken: dict[str, Any]
) -> None:
    assert _broken_rules(name, data) == broken


def test_a_stored_schema_overrides_the_shipped_one(stored: dict[str, Any]) -> None:
    stored["api_auth"] = {"type": "object", "properties": {"api_key": {"type": "string", "maxLength": 3}}, "pvt_x": 1}
    assert _broken_rules("api_auth", {"api_key": "abcd"}) == {"api_key": ["maxLength"]}
    assert "pvt_x" not in schemas.get("api_auth")


def test_a_schema_to_which_another_one_refers_can_be_stored_alone(stored: dict[str, Any]) -> None:
    stored["notify.callback"] = {"type": "object", "properties": {"number": {"type": "string", "maxLength": 3}}}
    broken = _broken_rules("vmboxes", {**BOX, "notify": {"callback": {"number": "1234"}}})
    assert broken == {"notify.callback.number": ["maxLength"]}


@pytest.mark.parametrize("doc", [{"properties": {"api_key": {"required": True}}}, {"type": "text"}])
def test_a_stored_schema_that_is_not_draft_04_does_not_override_the_shipped_one(
    stored: Any, doc: dict[str, Any]
) -> None:
    stored["api_auth"] = doc
    assert _broken_rules("api_auth", {}) == {"api_key": ["required"]}


def test_a_deleted_schema_does_not_override_the_shipped_one(stored: dict[str, Any]) -> None:
    stored["api_auth"] = {"type": "object", "pvt_deleted": True}
    assert _broken_rules("api_auth", {}) == {"api_key": ["required"]}


def test_a_reference_to_a_missing_schema_allows_anything(stored: dict[str, Any]) -> None:
    stored["api_auth"] = {"properties": {"api_key": {"$ref": "nowhere"}, "n": {"type": "integer"}}}
    assert _broken_rules("api_auth", {"api_key": [1], "n": "x"}) == {"n": ["type"]}


@pytest.mark.parametrize("name", ["nothing", "", "_design/x", "../vmboxes", "vmboxes.json", "x" * 200, "é"])
def test_there_is_no_schema_of_an_unknown_name(couchdb: str, name: str) -> None:
    with pytest.raises(BadIdentifier):
        schemas.validator(name)
