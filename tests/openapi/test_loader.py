"""Joining YAML files into one OpenAPI document."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from openapi.loader import load_document

Document = dict[str, Any]


class Folder:
    """A folder of files to join."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.write("openapi.yaml", "openapi: 3.1.0\ncomponents: {schemas: {}}")

    def write(self, name: str, text: str) -> None:
        """A file with this text."""
        (self._path / name).write_text(text)

    def load(self) -> Document:
        """The document of all files."""
        return load_document(self._path)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_the_document_has_the_parts_of_all_files(folder: Folder) -> None:
    folder.write("boxes.yaml", "paths: {/boxes: {get: {}}}\ncomponents: {schemas: {Box: {type: object}}}")
    folder.write("users.yaml", "paths: {/users: {get: {}}}\nx-piece: {type: object}")
    assert folder.load() == {
        "openapi": "3.1.0",
        "paths": {"/boxes": {"get": {}}, "/users": {"get": {}}},
        "components": {"schemas": {"Box": {"type": "object"}}},
    }


def test_two_files_that_describe_the_same_are_refused(folder: Folder) -> None:
    folder.write("boxes.yaml", "components: {schemas: {Box: {type: object}}}")
    folder.write("users.yaml", "components: {schemas: {Box: {type: string}}}")
    with pytest.raises(ValueError, match="type is described twice: 'object' and 'string'"):
        folder.load()


def test_a_reference_into_the_document_stays(folder: Folder) -> None:
    path = "/boxes: {get: {responses: {'200': {$ref: '#/components/responses/Box', description: A box}}}}"
    folder.write("boxes.yaml", f"paths: {{{path}}}")
    assert folder.load()["paths"] == yaml.safe_load(path)


def test_a_reference_to_a_piece_is_replaced_by_it_with_what_is_beside(folder: Folder) -> None:
    folder.write("errors.yaml", "x-public: {'400': {description: Bad}}\nx-all: {$ref: '#/x-public', '401': {}}")
    folder.write(
        "boxes.yaml",
        """
        paths: {/boxes: {$ref: '#/x-box'}}
        x-box: {get: {responses: {$ref: errors.yaml#/x-all, '400': {x-more: 1}, '200': {}}}}
        """,
    )
    assert folder.load()["paths"]["/boxes"]["get"]["responses"] == {
        "200": {},
        "400": {"description": "Bad", "x-more": 1},
        "401": {},
    }


def test_a_reference_in_a_list_may_stand_for_several_entries(folder: Folder) -> None:
    folder.write("boxes.yaml", "x-pages: [a, b]\npaths: {/boxes: {parameters: [{$ref: '#/x-pages'}, c, [d]]}}")
    assert folder.load()["paths"]["/boxes"]["parameters"] == ["a", "b", "c", ["d"]]


def test_a_reference_to_nothing_is_refused(folder: Folder) -> None:
    folder.write("boxes.yaml", "paths: {/boxes: {$ref: '#/x-box'}}")
    with pytest.raises(KeyError, match="x-box"):
        folder.load()


def test_a_schema_file_is_put_into_openapis_dialect(folder: Folder) -> None:
    schema = """{
        "$schema": "http://json-schema.org/draft-04/schema#", "_id": "boxes", "type": "object",
        "properties": {"timezone": {"$ref": "timezone", "support_level": "beta"}}
    }"""
    folder.write("boxes.json", schema)
    folder.write("boxes.yaml", "components: {schemas: {boxes: {$ref: boxes.json}}}")
    assert folder.load()["components"]["schemas"]["boxes"] == {
        "type": "object",
        "properties": {"timezone": {"$ref": "#/components/schemas/timezone", "x-support-level": "beta"}},
    }


def test_a_merge_patch_takes_any_member_or_null(folder: Folder) -> None:
    folder.write(
        "boxes.yaml",
        """
        components:
          schemas:
            boxes: {required: [name], properties: {name: {}, notify: {properties: {callback: {}}}}}
            boxes_changes: {description: Changes, x-merge-patch: boxes}
        """,
    )
    name, callback = "#/components/schemas/boxes/properties/name", "boxes/properties/notify/properties/callback"
    null = {"type": "null"}
    notify = {
        "type": "object",
        "properties": {"callback": {"anyOf": [{"$ref": f"#/components/schemas/{callback}"}, null]}},
    }
    assert folder.load()["components"]["schemas"]["boxes_changes"] == {
        "description": "Changes",
        "type": "object",
        "properties": {"name": {"anyOf": [{"$ref": name}, null]}, "notify": {"anyOf": [notify, null]}},
    }


def test_a_path_may_be_described_by_another_one(folder: Folder) -> None:
    folder.write(
        "boxes.yaml",
        """
        paths:
          /boxes: {parameters: [a], get: {operationId: list, summary: List boxes}, put: {operationId: create}}
          /users/boxes: {x-like: /boxes, x-suffix: OfUser, parameters: [b], get: {summary: List a user's boxes}}
        """,
    )
    paths = folder.load()["paths"]
    assert paths["/boxes"]["get"] == {"operationId": "list", "summary": "List boxes"}
    assert paths["/users/boxes"] == {
        "parameters": ["a", "b"],
        "get": {"operationId": "listOfUser", "summary": "List a user's boxes"},
        "put": {"operationId": "createOfUser"},
    }


def test_a_description_of_a_verb_that_the_other_path_lacks_is_refused(folder: Folder) -> None:
    path = "/users/boxes: {x-like: /boxes, x-suffix: OfUser, put: {summary: Create}}"
    folder.write("boxes.yaml", f"paths: {{/boxes: {{get: {{operationId: list}}}}, {path}}}")
    with pytest.raises(ValueError, match="lacks put"):
        folder.load()
