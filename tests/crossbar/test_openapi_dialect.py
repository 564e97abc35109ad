"""Draft-04 schemas in the dialect of OpenAPI 3.1."""

from crossbar.openapi.dialect import changes_of, modern


def test_what_a_schema_says_of_itself_is_left_out() -> None:
    old = {
        "$schema": "http://json-schema.org/draft-04/schema#",
        "_id": "a",
        "id": "a",
        "_rev": "1-a",
        "type": "object",
    }
    assert modern(old) == {"type": "object"}


def test_members_may_have_the_names_of_keywords() -> None:
    old = {"properties": {name: {"type": "string"} for name in ("id", "$ref", "items", "minimum", "_id")}}
    assert modern(old) == old


def test_references_by_name_lead_into_the_document() -> None:
    old = {"properties": {"a": {"$ref": "timezone", "support_level": "beta"}, "b": {"$ref": "#/definitions/c"}}}
    old |= {"definitions": {"c": {"type": "integer"}}}
    assert modern(old) == {
        "properties": {
            "a": {"$ref": "#/components/schemas/timezone", "x-support-level": "beta"},
            "b": {"$ref": "#/$defs/c"},
        },
        "$defs": {"c": {"type": "integer"}},
    }


def test_exclusive_limits_are_numbers() -> None:
    assert modern({"minimum": 1, "exclusiveMinimum": True}) == {"exclusiveMinimum": 1}
    assert modern({"maximum": 1, "exclusiveMaximum": False}) == {"maximum": 1}


def test_lists_of_items_and_dependencies_have_new_names() -> None:
    old = {"items": [{"id": "a", "type": "string"}], "dependencies": {"a": ["b"], "c": {"required": ["d"]}}}
    assert modern(old) == {
        "prefixItems": [{"type": "string"}],
        "dependentRequired": {"a": ["b"]},
        "dependentSchemas": {"c": {"required": ["d"]}},
    }


def test_values_stay_as_they_are() -> None:
    old = {"default": {"id": 1, "$ref": "x"}, "enum": [{"_id": 2}]}
    assert modern(old) == old


def test_a_change_takes_any_member_or_null() -> None:
    schema = {"required": ["a"], "properties": {"a": {"type": "string"}, "b": {"properties": {"c": {}}}}}
    changes = changes_of("x", schema)
    assert "required" not in changes
    assert changes["properties"]["a"] == {
        "anyOf": [{"$ref": "#/components/schemas/x/properties/a"}, {"type": "null"}]
    }
    inner = changes["properties"]["b"]["anyOf"][0]
    assert inner["properties"]["c"]["anyOf"][0] == {"$ref": "#/components/schemas/x/properties/b/properties/c"}
