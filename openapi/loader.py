"""Joins the YAML files of this folder into one OpenAPI document.

Each file has the `tags`, `paths` and `components` of its subject. Other top-level keys, `x-...`, are pieces that a
`$ref` names and that the document doesn't show. In these files,

* `$ref: '#/components/...'` stays as it is: it leads into the joined document;
* any other `$ref`, such as `errors.yaml#/x-reading` or `'#/x-box'`, is replaced by the piece that it names, and what
  stands beside it is added, member by member; as an entry of a list it may stand for several entries;
* a `$ref` to a JSON file is replaced by the schema in it, the very one that requests are checked against;
* `x-like: PATH` describes a path by another one: it has all its operations, with their ids ended by `x-suffix`, and
  what stands beside takes the place of what the other path says;
* `x-merge-patch: NAME` describes a PATCH of documents with the schema NAME: any of its members, or null.
"""

import copy
import re
from pathlib import Path
from typing import Any

import orjson
import yaml

Node = dict[str, Any]
"""An object of the document."""

FOLDER = Path(__file__).parent
_SCHEMAS = "#/components/schemas/"


def load_document(folder: Path = FOLDER) -> Node:
    """The whole document, read anew. ValueError if two files describe the same thing."""
    files = _Files()
    document: Node = {}
    for path in sorted(folder.glob("*.yaml"), key=lambda path: (path.name != "openapi.yaml", path.name)):
        document = _join(document, files.resolve_file(path))
    paths = document.get("paths", {})
    for path, item in paths.items():
        if "x-like" in item:
            model_path = item.pop("x-like")
            paths[path] = _path_like(paths[model_path], item, _places(model_path) - _places(path))
    schemas = document["components"]["schemas"]
    for schema in schemas.values():
        if name := schema.pop("x-merge-patch", None):
            schema |= _merge_patch(schemas[name], _SCHEMAS + name)
    return document


class _Files:
    """The files that references lead to, each parsed once."""

    def __init__(self) -> None:
        self._parsed: dict[Path, Any] = {}

    def resolve_file(self, path: Path) -> Node:
        """What a file adds to the document."""
        parts = {name: part for name, part in self._parse(path).items() if not name.startswith("x-")}
        return {name: self._resolve(part, path) for name, part in parts.items()}

    def _parse(self, path: Path) -> Any:
        if path not in self._parsed:
            content = path.read_bytes()
            is_schema = path.suffix == ".json"
            self._parsed[path] = _from_draft4(orjson.loads(content)) if is_schema else yaml.safe_load(content)
        return self._parsed[path]

    def _resolve(self, node: Any, path: Path) -> Any:
        if isinstance(node, list):
            return self._resolve_entries(node, path)
        if not isinstance(node, dict):
            return node
        reference = node.get("$ref")
        if reference is None or reference.startswith("#/components/"):
            return {name: self._resolve(member, path) for name, member in node.items()}
        members = {name: self._resolve(member, path) for name, member in node.items() if name != "$ref"}
        piece = self._resolve_reference(reference, path)
        return _join(members, piece) if members else piece

    def _resolve_entries(self, entries: list[Any], path: Path) -> list[Any]:
        resolved = []
        for entry in entries:
            value = self._resolve(entry, path)
            # An entry that is a reference may lead to a list.
            resolved += value if isinstance(value, list) and isinstance(entry, dict) else [value]
        return resolved

    def _resolve_reference(self, reference: str, path: Path) -> Any:
        file, _, pointer = reference.partition("#/")
        path = (path.parent / file).resolve() if file else path
        node = self._parse(path)
        for name in pointer.split("/") if pointer else ():
            node = node[name]
        return self._resolve(node, path)


def _join(first: Node, second: Node) -> Node:
    """Both objects in one, and so on for objects in them. ValueError if both have another member of one name."""
    joined = dict(first)
    for name, member in second.items():
        if name not in joined:
            joined[name] = member
        elif isinstance(joined[name], dict) and isinstance(member, dict):
            joined[name] = _join(joined[name], member)
        else:
            raise ValueError(f"{name} is described twice: {joined[name]!r} and {member!r}")
    return joined


def _places(path: str) -> set[str]:
    """The names in braces of a path."""
    return set(re.findall(r"{(\w+)}", path))


def _path_like(model: Node, own: Node, missing_places: set[str]) -> Node:
    """A path item with the operations of another one, some of whose places it lacks; `own` has what differs."""
    suffix = own.pop("x-suffix")
    left_out = [{"$ref": f"#/components/parameters/{name}"} for name in missing_places]
    parameters = [entry for entry in model.get("parameters", []) if entry not in left_out]
    item: Node = {"parameters": [*parameters, *own.pop("parameters", [])]}
    for verb, operation in model.items():
        if verb != "parameters":
            twin = {**operation, "operationId": operation["operationId"] + suffix, **own.pop(verb, {})}
            item[verb] = copy.deepcopy(twin)
    if own:
        raise ValueError(f"the other path lacks {', '.join(own)}")
    return item


def _from_draft4(node: Any) -> Any:
    """A draft-04 schema in OpenAPI's dialect, as far as the schemas of this project need it."""
    if isinstance(node, list):
        return [_from_draft4(entry) for entry in node]
    if not isinstance(node, dict):
        return node
    schema = {name: _from_draft4(member) for name, member in node.items() if name not in ("$schema", "_id")}
    if "$ref" in schema:  # Kazoo's schemas refer to each other by name
        schema["$ref"] = _SCHEMAS + schema["$ref"]
    if "support_level" in schema:
        schema["x-support-level"] = schema.pop("support_level")
    return schema


def _merge_patch(schema: Node, pointer: str) -> Node:
    """The schema of a JSON merge patch of documents with a schema, which `pointer` leads to."""
    members = {}
    for name, member in schema["properties"].items():
        member_pointer = f"{pointer}/properties/{name}"
        value = _merge_patch(member, member_pointer) if "properties" in member else {"$ref": member_pointer}
        members[name] = {"anyOf": [value, {"type": "null"}]}
    return {"type": "object", "properties": members}
