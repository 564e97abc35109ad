"""The API document is true: whatever is sent, each operation answers as the document says."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.support.api_client import Account, Api
from tests.support.audio import Studio
from tests.support.described_api import (
    CHECKS_OF_ANSWERS,
    DESCRIBED,
    Known,
    Operation,
    Request,
    described,
    needs_token,
    operations,
    sample_bodies,
    sign_in,
    validate,
)
from tests.support.servers import Running, Service

WITH_TOKEN = [each for each in operations() if needs_token(each)]
WITH_BODY = [each for each in operations() if "requestBody" in described(each)]
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

exactly = settings(
    max_examples=8,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def described_server(couchdb: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service of its own, which refuses nobody for asking often."""
    own = Service(couchdb, tmp_path_factory.mktemp("described"), {"SIGN_IN_FAILURES": "0", "REQUEST_LIMIT": "0"})
    own.manage("migrate", "--verbosity", "0")
    running = own.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def home(new_account: Callable[..., Account]) -> Account:
    """The account that all of this happens in."""
    return new_account()


@pytest.fixture
def known(described_server: Running, home: Account, audio: Studio) -> Known:
    """What requests may name, and a client with a token of its own: one of the operations ends it."""
    return Known(sign_in(described_server.url, home), home, audio("mp3"))


def of_each(some: list[Operation]) -> pytest.MarkDecorator:
    """Runs a test for each operation."""
    return pytest.mark.parametrize("operation", some, ids=[each.label for each in some])


def send(api: Api, case: Request, **options: Any) -> requests.Response:
    """The answer to a request for a case's path, which must be one that the document tells."""
    answer = api.request(case.method, case.formatted_path, **options)
    validate(case, answer, CHECKS_OF_ANSWERS)
    return answer


@pytest.mark.parametrize(
    ("operation", "sample"), list(sample_bodies()), ids=lambda one: getattr(one, "label", "sample")
)
def test_the_samples_are_accepted(operation: Operation, sample: Any, known: Known) -> None:
    case = operation.Case(path_parameters=known.ids(operation))
    said = {} if sample is None else {"json": known.said(operation, sample)}
    answer = send(known.api, case, **said)
    assert answer.ok, answer.text


@pytest.mark.parametrize("verb", ["PUT", "POST"])
@pytest.mark.parametrize("kind", ["mp3", "wav", "ogg", "mp4"])
def test_audio_is_accepted_and_given_back(known: Known, audio: Studio, verb: str, kind: str) -> None:
    recording = audio(kind)
    path = "/v2/accounts/{account_id}/vmboxes/{box_id}/messages/{message_id}/raw"
    put, get = (DESCRIBED[path][verb] for verb in ("PUT", "GET"))
    case = put.Case(path_parameters=known.ids(put))
    headers = {"Content-Type": recording.content_type}
    tunnel = {"verb": "PUT"} if verb == "POST" else {}
    assert known.api.request(verb, case.formatted_path, data=recording.content, headers=headers, params=tunnel).ok
    case = get.Case(path_parameters=known.ids(get))
    assert send(known.api, case).content == recording.content
    part = send(known.api, case, headers={"Range": "bytes=0-9"})
    assert (part.status_code, part.content) == (206, recording.content[:10])
    assert send(known.api, case, headers={"Range": "bytes=99999999-"}).status_code == 416
    assert send(known.api, case, headers={"Accept": "image/png"}).status_code == 406


@of_each(WITH_TOKEN)
@pytest.mark.parametrize("kind", BAD_CREDENTIALS)
def test_bad_credentials_are_refused(operation: Operation, described_server: Running, kind: str) -> None:
    anybody = Api(described_server.url, "")
    case = operation.Case(path_parameters=dict.fromkeys(("account_id", "box_id", "message_id", "user_id"), "0" * 32))
    assert send(anybody, case, **BAD_CREDENTIALS[kind]).status_code == 401


@of_each(WITH_BODY)
def test_malformed_bodies_are_answered_as_described(operation: Operation, known: Known) -> None:
    for content, content_type in MALFORMED.values():
        case = operation.Case(path_parameters=known.ids(operation))
        send(known.api, case, data=content, headers={"Content-Type": content_type})


@of_each(operations())
def test_whatever_is_sent_is_answered_as_described(operation: Operation, known: Known) -> None:
    headers = {"X-Auth-Token": str(known.api.token)}

    @exactly
    @given(case=operation.as_strategy())
    def sent(case: Request) -> None:
        for ids in ({}, known.ids(operation)) if case.path_parameters else ({},):
            case.path_parameters.update(ids)
            answer = case.call(known.api.url, known.api.session, headers)
            validate(case, answer, headers=headers, transport_kwargs={"base_url": known.api.url, "headers": headers})

    sent()


def test_what_follows_from_an_answer_is_answered_as_described(described_server: Running, home: Account) -> None:
    headers = {"X-Auth-Token": str(sign_in(described_server.url, home).token)}

    class Machine(DESCRIBED.as_state_machine()):  # type: ignore[misc]
        def get_call_kwargs(self, case: Request) -> dict[str, Any]:
            return {"base_url": described_server.url, "headers": headers}

        def validate_response(self, response: Any, case: Request, *args: Any, **kwargs: Any) -> None:
            validate(case, response, CHECKS_OF_ANSWERS)

        def before_call(self, case: Request) -> None:
            if "account_id" in case.path_parameters:
                case.path_parameters["account_id"] = home.id

    run_state_machine_as_test(Machine, settings=settings(exactly, max_examples=10, stateful_step_count=8))
