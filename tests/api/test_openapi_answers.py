"""The API document is true: every operation answers as the document says, whatever a client sends."""

import re
from collections.abc import Callable
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.support.api_client import Account, Api
from tests.support.audio import Studio
from tests.support.audit_entries import is_recorded
from tests.support.described_api import (
    CHECKS_OF_ANSWERS,
    DESCRIBED,
    Operation,
    RealData,
    Request,
    described,
    needs_token,
    operations,
    sample_bodies,
    sign_in,
    validate,
)
from tests.support.mail_server import MailServer
from tests.support.servers import Running, Service

pytestmark = pytest.mark.long

WITH_TOKEN = [operation for operation in operations() if needs_token(operation)]
OF_USERS = tuple(f"/v2/accounts/{{account_id}}/users/{{user_id}}/{name}" for name in ("vmboxes", "api_keys"))
OF_SYSTEM = "/v2/notifications"
"""Where the account of these tests may do nothing, and nobody should: all accounts share what is there."""
CHANGING_NOTHING = ("getArchive", "postTokenInfo", "previewNotification", "enableWebhooks")
"""Operations that have a body but store nothing that clients see, here at least: no webhook is disabled."""
STORED_ALREADY = ({"enabled": True}, {"folder": "deleted"}, {"notify": {"callback": None}})
"""Data of samples that change nothing of new documents."""
# The boxes and keys of a user, and the templates of the system, are served by the views of the account's: hundreds of
# odd requests to one of the two will do.
DISTINCT = [
    operation
    for operation in operations()
    if not operation.path.startswith(OF_USERS) and not operation.path.startswith(OF_SYSTEM)
]
WITH_BODY = [operation for operation in DISTINCT if "requestBody" in described(operation)]
BAD_CREDENTIALS: dict[str, dict[str, Any]] = {
    "none": {},
    "token": {"headers": {"X-Auth-Token": "nonsense"}},
    "bearer": {"headers": {"Authorization": "Bearer nonsense"}},
    "basic": {"headers": {"Authorization": "Basic bm9uOnNlbnNl"}},
    "query": {"params": {"auth_token": "nonsense"}},
}
MALFORMED: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "application/json"),
    "no JSON": (b'{"data": {', "application/json"),
    "no UTF-8": (b'{"data": {"name": "\xff"}}', "application/json"),
    "no object": (b'["data"]', "application/json"),
    "no data": (b'{"name": "x"}', "application/json"),
    "data of another type": (b'{"data": [1]}', "application/json"),
    "members of other types": (b'{"data": {"name": {}, "messages": 1, "source_id": 2, "length": []}}', "text/json"),
    "a picture": (b"\x89PNG", "image/png"),
    "no parts": (b"--x\r\n", "multipart/mixed; boundary=x"),
}

SETTINGS = settings(
    max_examples=8,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def described_server(server_with: Callable[..., Running], mail_server: MailServer) -> Running:
    """A service with a mail server, and without limits of requests and of sign-ins."""
    return server_with(
        SIGN_IN_FAILURES="0", REQUEST_LIMIT="0", RECOVERY_MAILS_PER_USER="0", EMAIL_URL=mail_server.url
    )


@pytest.fixture(scope="module")
def home(new_account: Callable[..., Account]) -> Account:
    """The account that the requests are for."""
    return new_account()


@pytest.fixture
def real_data(described_server: Running, home: Account, audio: Studio, mail_server: MailServer) -> RealData:
    """Documents of the account, and a client with its own token, as one of the operations ends it."""
    return RealData(sign_in(described_server.url, home), home, audio("mp3"), mail_server)


def for_each(operations: list[Operation]) -> pytest.MarkDecorator:
    """Run a test for each operation."""
    return pytest.mark.parametrize("operation", operations, ids=[operation.label for operation in operations])


def send(api: Api, case: Request, **options: Any) -> requests.Response:
    """The answer to a request for a case's path. It must be one that the document describes."""
    answer = api.request(case.method, case.formatted_path, **options)
    validate(case, answer, CHECKS_OF_ANSWERS)
    return answer


@pytest.mark.parametrize(
    ("operation", "sample"), list(sample_bodies()), ids=lambda value: getattr(value, "label", "sample")
)
def test_the_samples_are_accepted_and_changes_recorded(
    operation: Operation, sample: Any, real_data: RealData, service: Service
) -> None:
    case = operation.Case(path_parameters=real_data.ids(operation))
    body = {} if sample is None else {"json": real_data.put_into(sample, operation)}
    answer = send(real_data.api, case, **body)
    assert answer.ok or (answer.status_code == 403 and operation.path.startswith(OF_SYSTEM)), answer.text
    is_change = operation.method != "get" and not described(operation)["operationId"].startswith(CHANGING_NOTHING)
    if answer.ok and is_change and (sample or {}).get("data") not in STORED_ALREADY:
        assert is_recorded(service, answer), "the audit knows nothing of it"


@pytest.mark.parametrize("verb", ["PUT", "POST"])
@pytest.mark.parametrize("kind", ["mp3", "wav", "ogg", "mp4"])
def test_audio_is_accepted_and_given_back(real_data: RealData, audio: Studio, verb: str, kind: str) -> None:
    recording = audio(kind)
    path = "/v2/accounts/{account_id}/vmboxes/{box_id}/messages/{message_id}/raw"
    put, get = (DESCRIBED[path][verb] for verb in ("PUT", "GET"))
    case = put.Case(path_parameters=real_data.ids(put))
    headers = {"Content-Type": recording.content_type}
    tunnel = {"verb": "PUT"} if verb == "POST" else {}
    assert real_data.api.request(verb, case.formatted_path, data=recording.content, headers=headers, params=tunnel).ok
    case = get.Case(path_parameters=real_data.ids(get))
    assert send(real_data.api, case).content == recording.content
    part = send(real_data.api, case, headers={"Range": "bytes=0-9"})
    assert (part.status_code, part.content) == (206, recording.content[:10])
    assert send(real_data.api, case, headers={"Range": "bytes=99999999-"}).status_code == 416
    assert send(real_data.api, case, headers={"Accept": "image/png"}).status_code == 406


@for_each(WITH_TOKEN)
@pytest.mark.parametrize("kind", BAD_CREDENTIALS)
def test_bad_credentials_are_refused(operation: Operation, described_server: Running, kind: str) -> None:
    anybody = Api(described_server.url, "")
    ids = dict.fromkeys(re.findall(r"{(\w+)}", operation.path), "0" * 32)
    case = operation.Case(path_parameters=ids)
    assert send(anybody, case, **BAD_CREDENTIALS[kind]).status_code == 401


@for_each(WITH_BODY)
def test_malformed_bodies_are_answered_as_described(operation: Operation, real_data: RealData) -> None:
    for content, content_type in MALFORMED.values():
        case = operation.Case(path_parameters=real_data.ids(operation))
        send(real_data.api, case, data=content, headers={"Content-Type": content_type})


@for_each(DISTINCT)
def test_whatever_is_sent_is_answered_as_described(operation: Operation, real_data: RealData) -> None:
    api = real_data.api
    headers = {"X-Auth-Token": str(api.token)}

    @SETTINGS
    @given(case=operation.as_strategy())
    def check(case: Request) -> None:
        for ids in ({}, real_data.ids(operation)) if case.path_parameters else ({},):
            case.path_parameters.update(ids)
            answer = case.call(api.url, api.session, headers)
            validate(case, answer, headers=headers, transport_kwargs={"base_url": api.url, "headers": headers})

    check()


def test_the_links_of_an_answer_are_answered_as_described(described_server: Running, home: Account) -> None:
    headers = {"X-Auth-Token": str(sign_in(described_server.url, home).token)}

    class Machine(DESCRIBED.as_state_machine()):  # type: ignore[misc]
        def get_call_kwargs(self, case: Request) -> dict[str, Any]:
            return {"base_url": described_server.url, "headers": headers}

        def validate_response(self, response: Any, case: Request, *args: Any, **kwargs: Any) -> None:
            validate(case, response, CHECKS_OF_ANSWERS)

        def before_call(self, case: Request) -> None:
            if "account_id" in case.path_parameters:
                case.path_parameters["account_id"] = home.id

    run_state_machine_as_test(Machine, settings=settings(SETTINGS, max_examples=10, stateful_step_count=8))
