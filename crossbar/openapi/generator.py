"""The document: every path that the URL conf has, described by a table of operations."""

import re
from collections.abc import Mapping
from typing import Any

from drf_spectacular.generators import EndpointEnumerator, SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ComponentRegistry

from crossbar.openapi import bodies, errors
from crossbar.openapi.dialect import Node
from crossbar.openapi.operations import SECURITY_SCHEMES, Table
from crossbar.openapi.parameters import COMPONENTS, HEADERS


class DescribedSchema(AutoSchema):
    """Describes a view's operation by the generator's table: nothing is guessed from code."""

    def get_operation(
        self, path: str, path_regex: str, path_prefix: str, method: str, registry: ComponentRegistry
    ) -> Node | None:
        """The operation; LookupError when the table hasn't got it."""
        table: Table = self.view.operations  # type: ignore[attr-defined]
        if (method, path) not in table:
            raise LookupError(f"{method} {path} is not described")
        return table[method, path].node(method, path)


class _Endpoints(EndpointEnumerator):
    """Paths without the slash that may follow each of them."""

    def get_path_from_regex(self, path_regex: str) -> str:
        return str(super().get_path_from_regex(re.sub(r"/\?\$?$", "", path_regex)))  # type: ignore[no-untyped-call]


class Generator(SchemaGenerator):
    """Makes a document of the URL conf, a table of its operations, and the schemas and parameters these name."""

    endpoint_inspector_cls = _Endpoints

    def __init__(self, table: Table, schemas: Mapping[str, Node], parameters: Mapping[str, Node]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._table = table
        self._schemas = schemas
        self._parameters = parameters

    def create_view(self, callback: Any, method: str, request: Any = None) -> Any:
        """The view, which knows the table."""
        view = super().create_view(callback, method, request)  # type: ignore[no-untyped-call]
        view.operations = self._table
        return view

    def document(self) -> Node:
        """The whole document. LookupError for a path that isn't described."""
        found: Node = self.get_schema(public=True)  # type: ignore[no-untyped-call]
        found["components"] = {
            "schemas": {**self._schemas, **bodies.SCHEMAS, **errors.SCHEMAS},
            "responses": errors.responses(),
            "parameters": {**COMPONENTS, **self._parameters},
            "headers": HEADERS,
            "securitySchemes": SECURITY_SCHEMES,
        }
        return found
