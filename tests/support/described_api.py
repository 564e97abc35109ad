"""The API document as a source of requests, and real documents for these to name."""

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
from tests.support.mail_server import MailServer

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
"""Those that send no requests of their own."""

_OF_ACCOUNTS = ("/v2/accounts/{account_id}", "/v2/accounts/{account_id}/api_key")
_numbers = itertools.count(4000)

for _kind in ("audio/mpeg", "video/mp4", "application/octet-stream", "application/base64"):
    schemathesis.openapi.media_type(_kind, strategies.binary(max_size=64))
schemathesis.openapi.format("timezone", strategies.sampled_from(["Europe/Berlin", "America/Los_Angeles", "inherit"]))


@dataclass
class RealData:
    """Documents of an account that requests may name. Each is created when it is first asked for."""

    api: Api
    account: Account
    recording: Audio
    mail_server: MailServer
    number: int = field(default_factory=lambda: next(_numbers))

    @cached_property
    def user(self) -> str:
        """The id of a user."""
        return self._create("users", first_name="A", last_name="B", username=f"user{self.number}")

    @cached_property
    def reset_id(self) -> str:
        """The secret of a link that was mailed to a user."""
        username, email = f"forgetful{self.number}", f"forgetful{self.number}.{self.account.username}@example.com"
        self._create("users", first_name="A", last_name="B", username=username, email=email)
        data = {**sample_data("requestRecovery"), "username": username, "account_name": self.account.name}
        assert self.api.put("/v2/user_auth/recovery", data).ok
        return self.mail_server.wait_for(email)[-1].part("plain").partition("recovery=")[2].split()[0]

    @cached_property
    def box(self) -> str:
        """The id of a box."""
        return self._create("vmboxes", name="A box", mailbox=f"1-{self.number}", owner_id=self.user)

    @cached_property
    def other_box(self) -> str:
        """The id of another box."""
        return self._create("vmboxes", name="Another box", mailbox=f"2-{self.number}", owner_id=self.user)

    @cached_property
    def message(self) -> str:
        """The id of a message of the box, with audio."""
        recording = self.recording
        files = [
            ("content", ("m.json", b'{"data": {}}', "application/json")),
            ("content", (recording.name, recording.content, recording.content_type)),
        ]
        message_id: str = self.api.put(f"vmboxes/{self.box}/messages", files=files).json()["data"]["id"]
        return message_id

    @cached_property
    def media(self) -> str:
        """The id of a media with audio."""
        media_id = self._create("media", name="A greeting", prompt_id="vm-enter_id")
        headers = {"Content-Type": self.recording.content_type}
        assert self.api.post(f"media/{media_id}/raw", data=self.recording.content, headers=headers).ok
        return media_id

    @cached_property
    def webhook(self) -> str:
        """The id of a webhook."""
        return self._create("webhooks", name="A hook", uri="https://hooks.example.com/", hook="object")

    @cached_property
    def key(self) -> str:
        """The id of an API key of the user."""
        return self._create(f"users/{self.user}/api_keys", name="A key", scopes=["hear"])

    @cached_property
    def template(self) -> str:
        """The id of a template of the account's own."""
        assert self.api.post("notifications/voicemail_to_email", {"subject": "A subject"}).ok
        return "voicemail_to_email"

    @cached_property
    def mail(self) -> str:
        """The id of a mail of the account."""
        data = {"to": {"email_addresses": ["ada@example.com"]}}
        mail_id: str = self.api.post("notifications/voicemail_full/preview", data).json()["data"]["id"]
        return mail_id

    def _create(self, path: str, **data: str | list[str]) -> str:
        document_id: str = self.api.put(path, data).json()["data"]["id"]
        return document_id

    @cached_property
    def child_account(self) -> str:
        """The id of an account below, for requests that change or delete their account."""
        return self._create("", name="Child", realm=f"child{self.number}.{self.account.realm}")

    @cached_property
    def child_user(self) -> str:
        """The id of a user of the account below."""
        return self._create(
            f"/v2/accounts/{self.child_account}/users", first_name="A", last_name="B", username="child"
        )

    def ids(self, operation: Operation) -> dict[str, str]:
        """Ids for the places of an operation's path."""
        is_impersonation = operation.path.endswith("{user_id}/user_auth")
        changes_account = is_impersonation or (operation.path in _OF_ACCOUNTS and operation.method != "get")
        ids: dict[str, Callable[[], str]] = {
            "account_id": lambda: self.child_account if changes_account else self.account.id,
            "box_id": lambda: self.box,
            "message_id": lambda: self.message,
            "user_id": lambda: self.child_user if is_impersonation else self.user,
            "name": lambda: "vmboxes",
            "media_id": lambda: self.media,
            "value": lambda: "en-us" if "languages" in operation.path else "vm-enter_id",
            "token": lambda: str(self.api.token),
            "hook": lambda: "object",
            "hook_id": lambda: self.webhook,
            "key_id": lambda: self.key,
            "template_id": lambda: self.template,
            "mail_id": lambda: self.mail,
            "app_id": lambda: self.api.get("apps_store").json()["data"][0]["id"],
        }
        if operation.path.endswith("{value}"):
            _ = self.media
        return {name: ids[name]() for name in re.findall(r"{(\w+)}", operation.path)}

    def put_into(self, sample: Any, operation: Operation) -> Any:
        """A sample of an operation's body, with ids and names of this account in place of its own."""
        realm = self.account.realm if operation.path == "/v2/user_auth" else f"new{self.number}.{self.account.realm}"
        replacements: dict[Any, Callable[[], str]] = {
            sample_data("changeMessage", "move")["source_id"]: lambda: self.other_box,
            sample_data("getArchive")["messages"][0]: lambda: self.message,
            sample_data("createBox")["mailbox"]: lambda: str(self.number),
            sample_data("createBox")["owner_id"]: lambda: self.user,
            sample_data("signInWithApiKey")["api_key"]: lambda: self.account.api_key,
            sample_data("signIn")["credentials"]: lambda: _credentials(self.account),
            sample_data("postTokenInfo")["token"]: lambda: str(self.api.token),
            sample_data("recover")["reset_id"]: lambda: self.reset_id,
            sample_data("createAccount")["realm"]: lambda: realm,
            sample_data("createUser")["username"]: lambda: f"ada{self.number}",
        }
        return _replace(sample, replacements)


def sign_in(url: str, account: Account) -> Api:
    """A client with a token of its own."""
    api = Api(url, account.id)
    data = {"credentials": _credentials(account), "account_id": account.id}
    api.token = api.put("/v2/user_auth", data).json()["auth_token"]
    return api


def _credentials(account: Account) -> str:
    return hashlib.md5(f"{account.username}:{account.password}".encode()).hexdigest()


def _replace(sample: Any, replacements: Mapping[Any, Callable[[], str]]) -> Any:
    """A sample with other texts in place of some of its own, which are the keys of `replacements`."""
    if isinstance(sample, dict):
        return {key: _replace(value, replacements) for key, value in sample.items()}
    if isinstance(sample, list):
        return [_replace(value, replacements) for value in sample]
    return replacements[sample]() if isinstance(sample, str) and sample in replacements else sample


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
    description: dict[str, Any] = DOCUMENT["paths"][operation.path][operation.method]
    return description


def needs_token(operation: Operation) -> bool:
    """Whether an operation is for known clients only."""
    return bool(described(operation).get("security", DOCUMENT["security"]))
