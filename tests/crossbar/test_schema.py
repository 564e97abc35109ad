"""Validation: casts, defaults and the error bodies that Kazoo's clients read."""

from typing import Any

import pytest

from crossbar.errors import ValidationFailed
from crossbar.schema import SchemaValidator

CALLBACK = {
    "type": "object",
    "properties": {
        "attempts": {"type": "integer", "default": 3},
        "schedule": {"type": "array", "items": {"type": "integer"}},
    },
}
SCHEMA = {
    "type": "object",
    "definitions": {"own": {"type": "object", "properties": {"on": {"type": "boolean", "default": True}}}},
    "required": ["name", "mailbox"],
    "properties": {
        "name": {"type": "string", "minLength": 2, "maxLength": 5},
        "mailbox": {"type": "string"},
        "pin": {"type": "string", "minLength": 4},
        "transcribe": {"type": "boolean", "default": False},
        "seek": {"type": "integer", "minimum": 1, "maximum": 9},
        "format": {"type": "string", "enum": ["mp3", "wav"]},
        "operator": {"oneOf": [{"type": "integer"}, {"type": "string"}]},
        "flags": {"type": "array", "uniqueItems": True, "maxItems": 3},
        "number": {"type": "string", "pattern": "^[0-9]+$"},
        "extra": {"type": "object", "minProperties": 1, "additionalProperties": {"type": "integer"}},
        "strict": {
            "properties": {"known": {"type": "string"}},
            "patternProperties": {"^x-": {}},
            "additionalProperties": False,
        },
        "either": {"anyOf": [{"type": "boolean"}, {"type": "integer"}]},
        "through": {"$ref": "#/properties/again"},
        "own": {"$ref": "#/definitions/own"},
        "notify": {"type": "object", "properties": {"callback": {"$ref": "callback"}}},
        "again": {"$ref": "#/properties/seek"},
    },
}


@pytest.fixture
def validator() -> SchemaValidator:
    return SchemaValidator(SCHEMA, {"callback": CALLBACK}.__getitem__)


def errors(validator: SchemaValidator, **fields: Any) -> dict[str, Any]:
    with pytest.raises(ValidationFailed) as raised:
        validator.validate({"name": "Box", "mailbox": "1", **fields})
    return raised.value.data


def test_defaults_of_referenced_schemas_are_applied_too(validator: SchemaValidator) -> None:
    checked = validator.validate({"name": "Box", "mailbox": "1", "notify": {"callback": {}}})
    assert checked["transcribe"] is False
    assert checked["notify"] == {"callback": {"attempts": 3}}


def test_the_data_itself_is_not_changed(validator: SchemaValidator) -> None:
    data = {"name": "Box", "mailbox": "1", "seek": "5", "other": {"a": [1]}}
    checked = validator.validate(data)
    assert data == {"name": "Box", "mailbox": "1", "seek": "5", "other": {"a": [1]}}
    assert checked["other"] == {"a": [1]}


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        ("transcribe", "true", True),
        ("seek", "7", 7),
        ("through", "7", 7),
        ("either", "false", False),
        ("either", "-7", -7),
        ("extra", {"a": "500"}, {"a": 500}),
        ("operator", "500", "500"),
        ("own", {"on": "false"}, {"on": False}),
        ("own", {}, {"on": True}),
    ],
)
def test_texts_are_cast_as_the_schema_wants(validator: SchemaValidator, field: str, text: str, value: Any) -> None:
    assert validator.validate({"name": "Box", "mailbox": "1", field: text})[field] == value


def test_texts_within_lists_and_references_are_cast(validator: SchemaValidator) -> None:
    checked = validator.validate({"name": "Box", "mailbox": "1", "notify": {"callback": {"schedule": ["60"]}}})
    assert checked["notify"]["callback"]["schedule"] == [60]


def test_yes_is_not_a_boolean(validator: SchemaValidator) -> None:
    assert errors(validator, transcribe="yes") == {
        "transcribe": {
            "type": {"message": "Value did not match type(s): boolean", "target": "boolean", "value": "yes"}
        }
    }


def test_the_error_names_every_failing_field(validator: SchemaValidator) -> None:
    with pytest.raises(ValidationFailed) as raised:
        validator.validate({"name": "B", "seek": 0, "format": "mp5"})
    assert set(raised.value.data) == {"name", "mailbox", "seek", "format"}
    assert raised.value.data["mailbox"] == {
        "required": {
            "message": "Field is required but missing",
            "value": {"name": "B", "seek": 0, "format": "mp5"},
        }
    }


@pytest.mark.parametrize(
    ("field", "value", "rule", "message", "target"),
    [
        ("name", "B", "minLength", "String must be at least 2 characters", 2),
        ("name", "Box 3000", "maxLength", "String must not be more than 5 characters", 5),
        ("seek", 0, "minimum", "Value must be at least 1", 1),
        ("again", 0, "minimum", "Value must be at least 1", 1),
        ("seek", 10, "maximum", "Value must be at most 9", 9),
        ("format", "mp5", "enum", "Value not found in enumerated list of values", ["mp3", "wav"]),
        ("flags", [1, 1], "uniqueItems", "List of items is not unique", True),
        ("flags", [1, 2, 3, 4], "maxItems", "The list must not have more than 3 items", 3),
        ("number", "x", "wrong_format", "Field is not in the correct format", "^[0-9]+$"),
        ("extra", {}, "minProperties", "1 or more members are needed", 1),
        ("operator", [], "type", "Value did not match type(s): integer, string", "integer, string"),
    ],
)
def test_each_rule_has_its_message(
    validator: SchemaValidator, field: str, value: Any, rule: str, message: str, target: Any
) -> None:
    detail = errors(validator, **{field: value})[field][rule]
    assert (detail["message"], detail["target"], detail["value"]) == (message, target, value)


def test_a_length_error_has_the_value_as_its_cause(validator: SchemaValidator) -> None:
    assert errors(validator, pin="12")["pin"]["minLength"]["cause"] == "12"


def test_an_error_in_a_list_has_its_index_in_the_path(validator: SchemaValidator) -> None:
    assert set(errors(validator, notify={"callback": {"schedule": ["x"]}})) == {"notify.callback.schedule.0"}


def test_each_unknown_member_is_an_error_of_its_own(validator: SchemaValidator) -> None:
    unknown = errors(validator, strict={"known": "a", "x-any": 1, "b": 2, "c": 3})
    assert set(unknown) == {"strict.b", "strict.c"}
    assert unknown["strict.b"]["additionalProperties"]["value"] == 2


def test_the_error_for_a_missing_member_shows_the_object(validator: SchemaValidator) -> None:
    with pytest.raises(ValidationFailed) as raised:
        validator.validate({"name": "Box", "seek": "5"})
    assert raised.value.data["mailbox"]["required"]["value"] == {"name": "Box", "seek": "5"}


def test_without_defaults_values_are_only_cast(validator: SchemaValidator) -> None:
    data = {"name": "Box", "mailbox": "1", "seek": "5"}
    assert validator.validate(data, defaults=False) == {"name": "Box", "mailbox": "1", "seek": 5}


@pytest.mark.parametrize(
    ("doc", "restored"),
    [
        ({"extra": [], "flags": [], "unknown": []}, {"extra": {}, "flags": [], "unknown": []}),
        ({"own": [], "strict": []}, {"own": {}, "strict": []}),
        ({"notify": {"callback": []}}, {"notify": {"callback": {}}}),
        ({"notify": {"callback": {"schedule": []}}}, {"notify": {"callback": {"schedule": []}}}),
        ({"choice": []}, {"choice": {}}),
        ({"choice": {"on": []}}, {"choice": {"on": {}}}),
        ({"both": []}, {"both": []}),
        ({"list": [[], {"on": []}]}, {"list": [{}, {"on": {}}]}),
        ({"list": {"0": []}}, {"list": {"0": []}}),
    ],
)
def test_an_empty_array_is_an_object_where_the_schema_has_one(doc: dict[str, Any], restored: dict[str, Any]) -> None:
    switches = {"type": "object", "additionalProperties": {"type": "object"}}
    more = {
        "choice": {"anyOf": [{"type": "string"}, switches]},
        "both": {"type": ["object", "array"]},
        "list": {"type": "array", "items": switches},
    }
    schema = {**SCHEMA, "properties": SCHEMA["properties"] | more}  # type: ignore[operator]
    SchemaValidator(schema, {"callback": CALLBACK}.__getitem__).restore_empty_objects(doc)
    assert doc == restored
