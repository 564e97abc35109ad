"""The API document as a source of requests, and what there is that these may name."""

import hashlib
import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import schemathesis
from hypothesis import strategies
from schemathesis import Case
from schemathesis.checks import CheckFunction, not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi import checks

from openapi.loader import load_document
from tests.support.api_client import Account, Api
from tests.support.audio import Audio

Operation = APIOperation[Any, Any, Any, Any]
Request = Case[Operation]

DOCUMENT = load_document()
DESCRIBED = schemathesis.openapi.from_dict(DOCUMENT)
CHECKS: list[CheckFunction] = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.unsupported_method,
    checks.ignored_auth,
]
CHECKS_OF_ANSWERS = CHECKS[:5]
"""Those that ask nothing more of the service."""

_OF_ACCOUNTS = ("/v2/accounts/{account_id}", "/v2/accounts/{account_id}/api_key")
_numbers = itertools.count(4000)

for _kind in ("audio/mpeg", "video/mp4", "application/octet-stream", "application/base64"):
    schemathesis.openapi.media_type(_kind, strategies.binary(max_size=64))
schemathesis.openapi.format("timezone", strategies.sampled_from(["Europe/Berlin", "America/Los_Angeles", "inherit"]))


@dataclass
class Known:
    """What there is in an account that a request may name, each made when it is first named."""

    api: Api
    account: Account
    recording: Audio
    number: int = field(default_factory=lambda: next(_numbers))

    @cached_property
    def user(self) -> str:
        """A user."""
        return self._made("users", first_name="A", last_name="B", username=f"user{self.number}")

    @cached_property
    def box(self) -> str:
        """A box."""
        return self._made("vmboxes", name="A box", mailbox=f"1-{self.number}")

    @cached_property
    def other_box(self) -> str:
        """Another box."""
        return self._made("vmboxes", name="Another box", mailbox=f"2-{self.number}")

    @cached_property
    def message(self) -> str:
        """A message of the box, with audio."""
        sent = self.recording
        files = [
            ("content", ("m.json", b'{"data": {}}', "application/json")),
            ("content", (sent.name, sent.content, sent.content_type)),
        ]
        found: str = self.api.put(f"vmboxes/{self.box}/messages", files=files).json()["data"]["id"]
        return found

    def _made(self, path: str, **data: str) -> str:
        found: str = self.api.put(path, data).json()["data"]["id"]
        return found

    @cached_property
    def another(self) -> str:
        """An account below, for what would change or delete the one that all of this happens in."""
        return self._made("", name="Another", realm=f"another{self.number}.{self.account.realm}")

    def ids(self, operation: Operation) -> dict[str, str]:
        """Ids for the places of an operation's path."""
        changes_account = operation.path in _OF_ACCOUNTS and operation.method != "get"
        there: dict[str, Callable[[], str]] = {
            "account_id": lambda: self.another if changes_account else self.account.id,
            "box_id": lambda: self.box,
            "message_id": lambda: self.message,
            "user_id": lambda: self.user,
            "name": lambda: "vmboxes",
        }
        return {name: there[name]() for name in re.findall(r"{(\w+)}", operation.path)}

    def said(self, operation: Operation, sample: Any) -> Any:
        """A sample of an operation's body, with what is good here in place of its values."""
        realm = self.account.realm if operation.path == "/v2/user_auth" else f"new{self.number}.{self.account.realm}"
        instead: dict[Any, Callable[[], str]] = {
            sample_data("changeMessage", "move")["source_id"]: lambda: self.other_box,
            sample_data("getArchive")["messages"][0]: lambda: self.message,
            sample_data("createBox")["mailbox"]: lambda: str(self.number),
            sample_data("createBox")["owner_id"]: lambda: self.user,
            sample_data("signInWithApiKey")["api_key"]: lambda: self.account.api_key,
            sample_data("signIn")["credentials"]: lambda: _credentials(self.account),
            sample_data("createAccount")["realm"]: lambda: realm,
            sample_data("createUser")["username"]: lambda: f"ada{self.number}",
        }
        return _replaced(sample, instead)


def sign_in(url: str, account: Account) -> Api:
    """A client with a token of its own."""
    api = Api(url, account.id)
    said = {"credentials": _credentials(account), "account_id": account.id}
    api.token = api.put("/v2/user_auth", said).json()["auth_token"]
    return api


def _credentials(account: Account) -> str:
    return hashlib.md5(f"{account.username}:{account.password}".encode()).hexdigest()


def _replaced(sample: Any, instead: Mapping[Any, Callable[[], str]]) -> Any:
    if isinstance(sample, dict):
        return {key: _replaced(value, instead) for key, value in sample.items()}
    if isinstance(sample, list):
        return [_replaced(value, instead) for value in sample]
    return instead[sample]() if isinstance(sample, str) and sample in instead else sample


def operations() -> list[Operation]:
    """Every operation of the document."""
    operations = [result.ok() for result in DESCRIBED.get_all_operations() if isinstance(result, Ok)]
    assert len(operations) == sum(1 for _ in described_verbs(DOCUMENT))
    return operations


def described_verbs(document: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path, verb in lower case, and operation of all that a document describes."""
    for path, item in document["paths"].items():
        for verb, operation in item.items():
            if verb != "parameters":
                yield path, verb, operation


def sample_bodies() -> Iterator[tuple[Operation, Any]]:
    """Each sample of a JSON body with its operation; None for operations that take no body."""
    for operation in operations():
        content = described(operation).get("requestBody", {}).get("content", {"application/json": {}})
        samples = content.get("application/json", {"examples": {}}).get("examples", {"none": {"value": None}})
        yield from ((operation, sample["value"]) for sample in samples.values())


def sample_data(operation_id: str, name: str = "data") -> Any:
    """The data in a sample of an operation's JSON body."""
    operation = next(each for _, _, each in described_verbs(DOCUMENT) if each["operationId"] == operation_id)
    return operation["requestBody"]["content"]["application/json"]["examples"][name]["value"]["data"]


def validate(case: Request, answer: Any, checks: Sequence[CheckFunction] = CHECKS, **options: Any) -> None:
    """An answer must be one of its operation; of a POST that stands for another verb, of that one.

    Options are those of Case.validate_response.
    """
    query, body = case.query or {}, case.body if isinstance(case.body, dict) else {}
    verb = query.get("verb") or body.get("verb")
    described = DOCUMENT["paths"][case.operation.path]
    if case.method == "POST" and isinstance(verb, str) and verb.lower() in described:
        case = DESCRIBED[case.operation.path][verb.upper()].Case(path_parameters=case.path_parameters)
        checks = CHECKS_OF_ANSWERS
    case.validate_response(answer, checks=list(checks), **options)


def described(operation: Operation) -> dict[str, Any]:
    """What the document says of an operation."""
    found: dict[str, Any] = DOCUMENT["paths"][operation.path][operation.method]
    return found


def needs_token(operation: Operation) -> bool:
    """Whether an operation is for known clients only."""
    return bool(described(operation).get("security", DOCUMENT["security"]))
