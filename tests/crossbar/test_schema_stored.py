"""Validation of a change to a stored document: what it holds already can't fail the change."""

from typing import Any

import pytest

from crossbar.errors import ValidationFailed
from crossbar.schema import SchemaValidator

CALLBACK = {"type": "object", "required": ["number"], "properties": {"number": {"type": "string", "minLength": 3}}}
SCHEMA = {
    "type": "object",
    "required": ["name"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string", "minLength": 2},
        "pin": {"type": "string", "minLength": 4},
        "format": {"enum": ["mp3", "wav"]},
        "realm": {"type": "string", "pattern": "^[a-z.]+$"},
        "media": {"type": "object", "properties": {"unavailable": {"type": "string", "minLength": 32}}},
        "notify": {"type": "object", "properties": {"callback": {"$ref": "callback"}}},
        "aliases": {"type": "array", "uniqueItems": True, "maxItems": 3, "items": {"type": "string", "minLength": 2}},
        "flags": {"type": "array", "items": {"type": "string"}},
        "members": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["id"],
                "properties": {"id": {"type": "string"}, "type": {"enum": ["user", "group"]}},
            },
        },
        "either": {
            "anyOf": [
                {"type": "object", "required": ["a"], "properties": {"b": {"type": "integer"}}},
                {"type": "string"},
            ]
        },
    },
}


def failing(stored: dict[str, Any], sent: dict[str, Any]) -> set[str]:
    """The paths of a change's errors."""
    try:
        SchemaValidator(SCHEMA, {"callback": CALLBACK}.__getitem__).validate(sent, stored=stored)
    except ValidationFailed as error:
        return set(error.data)
    return set()


@pytest.mark.parametrize(
    "old",
    [
        {"pin": 1234},
        {"pin": "123"},
        {"pin": None},
        {"format": "ogg"},
        {"realm": "UPPER CASE"},
        {"media": []},
        {"media": {"unavailable": "short"}},
        {"notify": {"callback": {}}},
        {"notify": {"callback": {"number": 1}}},
        {"aliases": [1, "1"]},
        {"aliases": ["10", "10"]},
        {"aliases": ["10", "11", "12", "13"]},
        {"aliases": {}},
        {"members": [{"id": 1, "type": "device"}, {}, "text", None]},
        {"either": {"b": "text"}},
        {"either": 1},
        {"of_old": 1},
        {"name": 7},
        {"name": None},
    ],
)
def test_a_stored_fault_fails_no_change_of_something_else(old: dict[str, Any]) -> None:
    stored = {"name": "Box", **old}
    assert failing({}, stored), "it must be a fault where it is new"
    assert failing(stored, stored) == set()
    changed = {**stored, "pin": "654321"} if "pin" not in old else {**stored, "name": "New"}
    assert failing(stored, changed) == set()


@pytest.mark.parametrize(
    ("stored", "sent", "paths"),
    [
        ({"pin": "123"}, {"pin": "12"}, {"pin"}),
        ({"pin": 1}, {"pin": True}, {"pin"}),
        ({"pin": True}, {"pin": 1}, {"pin"}),
        ({"pin": 1.0}, {"pin": 1}, set()),
        ({"format": "ogg"}, {"format": "aac"}, {"format"}),
        ({"media": []}, {"media": {"unavailable": "short"}}, {"media.unavailable"}),
        ({"media": {"unavailable": "short"}}, {"media": []}, {"media"}),
        ({"notify": {"callback": {}}}, {"notify": {"callback": {"number": "1"}}}, {"notify.callback.number"}),
        ({"notify": {}}, {"notify": {"callback": {}}}, {"notify.callback.number"}),
        ({"notify": 1}, {"notify": {"callback": {}}}, {"notify.callback.number"}),
        ({"of_old": 1}, {"of_old": 2}, {"of_old"}),
        ({"of_old": 1}, {"of_old": 1, "of_today": 1}, {"of_today"}),
    ],
)
def test_a_new_bad_value_fails_where_an_old_one_was(
    stored: dict[str, Any], sent: dict[str, Any], paths: set[str]
) -> None:
    assert failing({"name": "Box", **stored}, {"name": "Box", **sent}) == paths


def test_an_empty_list_of_a_php_client_is_the_empty_object_that_is_stored() -> None:
    validator = SchemaValidator(SCHEMA, {"callback": CALLBACK}.__getitem__)
    sent = {"name": "Box", "media": [], "notify": {"callback": []}}
    stored = {"name": "Box", "media": {}, "notify": {"callback": {}}}
    assert validator.validate(sent, stored=stored) == stored
    assert failing({"name": "Box", "aliases": []}, {"name": "Box", "aliases": {}}) == {"aliases"}


def test_a_required_member_that_was_never_there_may_be_missing_but_not_be_removed() -> None:
    assert failing({"pin": "1234"}, {"pin": "4321"}) == set()
    assert failing({"name": None}, {"pin": "4321"}) == set()
    assert failing({"name": "Box"}, {"pin": "4321"}) == {"name"}
    assert failing({"name": 7}, {"pin": "4321"}) == {"name"}


@pytest.mark.parametrize(
    ("stored", "sent", "paths"),
    [
        (["1", "20"], ["20", "30", "1"], set()),
        (["1", "20"], ["1"], set()),
        (["1"], ["1", "2"], {"aliases.1"}),
        (["1", "2"], ["2", "3"], {"aliases.1"}),
        ([1], [1, 2], {"aliases.1"}),
        (["1"], ["1", "1"], {"aliases", "aliases.1"}),
        (["20", "20"], ["20", "20", "30"], set()),
        (["20", "20"], ["20", "20", "20"], {"aliases"}),
        (["20", "20"], ["30", "30"], {"aliases"}),
        (["10", "11", "12", "13", "14"], ["10", "11", "12", "99"], set()),
        (["10", "11", "12", "13"], ["10", "11", "12", "13", "14"], {"aliases"}),
        ("10", ["1"], {"aliases.0"}),
    ],
)
def test_a_list_is_compared_entry_by_entry(stored: Any, sent: Any, paths: set[str]) -> None:
    assert failing({"name": "Box", "aliases": stored}, {"name": "Box", "aliases": sent}) == paths


def test_an_object_in_a_list_may_be_changed_beside_its_old_fault() -> None:
    stored = {"name": "Box", "members": [{"id": 1, "type": "user"}, {"type": "user"}]}
    changed = {"name": "Box", "members": [{"id": 1, "type": "group"}, {"type": "group"}]}
    assert failing(stored, changed) == set()
    changed["members"] = [{"id": 2, "type": "group"}, {"type": "device"}]
    assert failing(stored, changed) == {"members.0.id", "members.1.type"}


def test_an_alternative_may_be_changed_beside_its_old_fault() -> None:
    assert failing({"name": "Box", "either": {"c": 1}}, {"name": "Box", "either": {"c": 2}}) == set()
    assert failing({"name": "Box", "either": {"c": 1}}, {"name": "Box", "either": {"b": "x"}}) == {"either"}


def test_thousands_of_bad_entries_are_compared_in_one_pass() -> None:
    numbers = list(range(3_000))
    stored = {"name": "Box", "flags": numbers}
    assert failing(stored, {"name": "Box", "flags": [*numbers[1:], True]}) == {"flags.2999"}
