"""One operation of the document: what a table of an app says of it, and what follows from that."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from crossbar.openapi.bodies import nothing
from crossbar.openapi.dialect import Node
from crossbar.openapi.errors import NAMES
from crossbar.openapi.parameters import KNOWN, RANGE, UNCHANGED

SECURITY_SCHEMES: dict[str, Node] = {
    "token": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Auth-Token",
        "description": "A token, as `user_auth` and `api_auth` give it.",
    },
    "bearer": {"type": "http", "scheme": "bearer", "description": "The same token."},
    "auth_token": {"type": "apiKey", "in": "query", "name": "auth_token", "description": "The same token."},
    "basic": {
        "type": "http",
        "scheme": "basic",
        "description": "The account's id as user name, and as password the md5 of `username:password` in hex.",
    },
}
_ALWAYS = frozenset({400, 500, 503})
_WITH_TOKEN = frozenset({401, 403, 404, 429})
_WITH_BODY = frozenset({413, 415})
_PLACE = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Operation:
    """What a path does for a verb.

    `answers` are the successes by status, `parameters` names of the document's parameters or parameters of its
    own. Of the errors only those are told in `errors` that don't follow from the rest.
    """

    name: str
    tag: str
    summary: str
    answers: Mapping[int, Node]
    description: str = ""
    parameters: tuple[str | Node, ...] = ()
    body: Node | None = None
    errors: tuple[int, ...] = ()
    public: bool = False
    #: Whether it answers with JSON in an envelope, as a client may ask for.
    enveloped: bool = True

    def node(self, verb: str, path: str) -> Node:
        """The operation of a path and verb, as the document has it."""
        node: Node = {
            "operationId": self.name,
            "tags": [self.tag],
            "summary": self.summary,
            "parameters": self._parameters(verb, path),
            "responses": self._responses(verb),
            "security": [] if self.public else [{name: []} for name in SECURITY_SCHEMES],
        }
        if self.description:
            node["description"] = self.description
        if self.body is not None:
            node["requestBody"] = self.body
        return node

    def _parameters(self, verb: str, path: str) -> list[Node]:
        names: list[str | Node] = [*_PLACE.findall(path), *self.parameters]
        names += ["verb"] if verb == "POST" else []
        names += ["pretty"] if self.enveloped else []
        names += ["X-Request-ID"]
        return [_ref("parameters", one) if isinstance(one, str) else one for one in names]

    def _responses(self, verb: str) -> Node:
        responses = dict(self.answers)
        if KNOWN in self.parameters:
            responses[304] = nothing("The client has it already.", "ETag")
        for status in self._errors(verb):
            responses[status] = _ref("responses", NAMES[status])
        return {str(status): responses[status] for status in sorted(responses)}

    def _errors(self, verb: str) -> frozenset[int]:
        statuses = _ALWAYS | set(self.errors)
        statuses |= frozenset() if self.public else _WITH_TOKEN
        statuses |= frozenset() if verb == "GET" else _WITH_BODY
        statuses |= frozenset() if verb == "GET" or self.public else {409}
        statuses |= {405} if verb == "POST" else set()
        statuses |= {406} if self.enveloped else set()
        statuses |= {status for name, status in ((UNCHANGED, 412), (RANGE, 416)) if name in self.parameters}
        return frozenset(statuses)


Table = Mapping[tuple[str, str], Operation]
"""Operations by verb and path, such as ``("GET", "/v2/accounts/{account_id}")``."""


def link(operation: str, description: str, **parameters: str) -> Node:
    """What to do next with an answer; parameters are runtime expressions."""
    return {"operationId": operation, "description": description, "parameters": parameters}


def _ref(kind: str, name: str) -> Node:
    return {"$ref": f"#/components/{kind}/{name}"}
