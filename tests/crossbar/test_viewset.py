"""What every path of the API has in common, on a service of one path and without any storage."""

import json
import re
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.http import HttpResponse
from django.test import Client
from django.urls import re_path
from pytest_django.fixtures import Settings
from rest_framework.request import Request

from crossbar.csv_renderer import CsvRenderer
from crossbar.envelope import EnvelopeRenderer, EnvelopeResponse
from crossbar.errors import (
    ApiError,
    BadIdentifier,
    DatastoreConflict,
    DatastoreMissingView,
    DatastoreUnreachable,
    FaultyRequest,
    Forbidden,
    InvalidCredentials,
    InvalidMethod,
    NotAcceptable,
    NotFound,
    PreconditionFailed,
    RangeNotSatisfiable,
    RequestTooLarge,
    TooManyRequests,
    UnspecifiedFault,
    UnsupportedMediaType,
)
from crossbar.viewset import CrossbarViewSet
from tests.support.servers import SECRET_KEY

ERRORS = [
    InvalidCredentials(),
    Forbidden(),
    BadIdentifier("x"),
    NotFound(),
    InvalidMethod(),
    NotAcceptable(),
    DatastoreConflict(),
    PreconditionFailed(),
    RequestTooLarge(1),
    RequestTooLarge(None),
    UnsupportedMediaType(),
    RangeNotSatisfiable(1),
    TooManyRequests(1),
    UnspecifiedFault(),
    DatastoreMissingView(),
    DatastoreUnreachable(),
    FaultyRequest("invalid page size"),
]
THING = {"id": "a", "name": "Thing"}


class Things(CrossbarViewSet):
    renderer_classes = (EnvelopeRenderer, CsvRenderer)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        self.auth_token = request.headers.get("X-Auth-Token")
        if self.auth_token == "bad":
            raise InvalidCredentials()

    def show(self, request: Request) -> EnvelopeResponse:
        return EnvelopeResponse(THING, revision="1-abc", metadata={"id": "a"})

    def replace(self, request: Request) -> EnvelopeResponse:
        self.check_if_match("1-abc")
        return EnvelopeResponse(self.data)

    def create(self, request: Request) -> EnvelopeResponse:
        return EnvelopeResponse(self.data, status=201, headers={"Location": "/v2/things/a"})

    def remove(self, request: Request) -> EnvelopeResponse:
        return EnvelopeResponse(self.envelope.data)


class Lists(CrossbarViewSet):
    renderer_classes = (EnvelopeRenderer, CsvRenderer)

    def show(self, request: Request) -> EnvelopeResponse:
        return EnvelopeResponse([THING], members={"page_size": 1, "next_start_key": "k"})


class Faulty(CrossbarViewSet):
    def show(self, request: Request) -> EnvelopeResponse:
        raise RuntimeError("secret detail")


def plain_failure(request: Request) -> HttpResponse:
    raise RuntimeError("secret detail")


urlpatterns = [
    re_path("^v2/things/?$", Things.as_view({"get": "show", "post": "replace", "put": "create", "delete": "remove"})),
    re_path("^v2/lists/?$", Lists.as_view({"get": "show"})),
    re_path("^v2/faulty$", Faulty.as_view({"get": "show"})),
    re_path("^v2/plain$", plain_failure),
    re_path("^page$", lambda request: HttpResponse("hello")),
]
pytestmark = pytest.mark.urls(__name__)


@pytest.fixture(scope="module", autouse=True)
def secret_key() -> None:
    django_settings.SECRET_KEY = SECRET_KEY


@pytest.fixture(autouse=True)
def small_service(settings: Settings) -> None:
    settings.JSON_BODY_LIMIT = 1_000
    settings.MAX_UPLOAD_BYTES = 10_000


@pytest.fixture
def service() -> Client:
    return Client(raise_request_exception=False)


def sent(
    service: Client, verb: str, body: bytes | dict[str, Any], kind: str = "application/json", **rest: Any
) -> Any:
    content = body if isinstance(body, bytes) else json.dumps({"data": body}).encode()
    return service.generic(verb, rest.pop("path", "/v2/things"), content, content_type=kind, **rest)


def assert_error(answer: Any, status: int, message: str) -> dict[str, Any]:
    """It is an error in an envelope with all that belongs to one; its data."""
    assert answer.status_code == status, answer.content
    envelope = answer.json()
    assert (envelope["status"], envelope["error"], envelope["message"]) == ("error", str(status), message)
    assert envelope["request_id"] == answer.headers["X-Request-ID"]
    assert {"data", "metadata", "revision", "timestamp", "version", "node"} <= set(envelope)
    assert "ETag" not in answer.headers
    data: dict[str, Any] = envelope["data"]
    return data


def test_a_document_is_answered_with_all_that_belongs_to_it(service: Client) -> None:
    answer = service.get("/v2/things", headers={"X-Auth-Token": "t"})
    envelope = answer.json()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", envelope.pop("timestamp"))
    assert answer.headers["ETag"] == '"1-abc"'
    assert envelope.pop("request_id") == answer.headers["X-Request-ID"]
    assert envelope.pop("node")
    assert envelope.pop("version")
    assert envelope == {
        "data": THING,
        "status": "success",
        "metadata": {"id": "a"},
        "revision": "1-abc",
        "auth_token": "t",
    }


def test_a_listing_says_its_page_and_has_a_revision(service: Client) -> None:
    envelope = service.get("/v2/lists/").json()
    assert (envelope["page_size"], envelope["next_start_key"], envelope["metadata"]) == (1, "k", {})
    assert envelope["revision"]


@pytest.mark.parametrize(
    "path", ["/v2/nothing", "/v2", "/v2/", "/nothing", "/v2/things/a/b", "/v2/%00", "/v2//things"]
)
@pytest.mark.parametrize("verb", ["GET", "PUT", "DELETE"])
def test_an_unknown_path_is_answered_in_an_envelope(service: Client, path: str, verb: str) -> None:
    assert assert_error(service.generic(verb, path), 404, "not_found") == {"message": "not found"}


def test_a_page_of_another_part_of_the_service_is_left_alone(service: Client) -> None:
    assert service.get("/page").content == b"hello"
    assert service.get("/page").headers["X-Request-ID"]


def test_a_verb_that_the_path_lacks_is_answered_in_an_envelope(service: Client) -> None:
    answer = sent(service, "PATCH", {})
    assert assert_error(answer, 405, "invalid_method") == {"message": "method not allowed"}
    assert "PUT" in answer.headers["Allow"]


@pytest.mark.parametrize("path", ["/v2/faulty", "/v2/plain"])
@pytest.mark.parametrize("debug", [False, True])
def test_a_fault_of_ours_tells_nothing_but_its_id(
    service: Client, caplog: pytest.LogCaptureFixture, settings: Settings, path: str, debug: bool
) -> None:
    settings.DEBUG = debug
    answer = service.get(path)
    assert_error(answer, 500, "unspecified_fault")
    assert b"secret detail" not in answer.content
    assert b"Traceback" not in answer.content
    assert "secret detail" in caplog.text


def test_a_foreign_host_is_refused_in_an_envelope(service: Client) -> None:
    assert_error(service.get("/v2/things", headers={"Host": "elsewhere.example.com"}), 400, "faulty_request")


@pytest.mark.parametrize("query", ["a=1&" * 1_200, "pretty=true&" * 1_200])
def test_more_parameters_than_anybody_needs_are_refused_in_an_envelope(service: Client, query: str) -> None:
    assert_error(service.get(f"/v2/things?{query}"), 400, "faulty_request")
    assert_error(service.get(f"/v2/nothing?{query}"), 404, "not_found")


@pytest.mark.parametrize("path", ["/v2/things", "/v2/nothing", "/v2/faulty"])
@pytest.mark.parametrize("headers", [{"Origin": "https://elsewhere.example.com"}, {}])
def test_a_page_of_another_origin_may_read_every_response(
    service: Client, path: str, headers: dict[str, str]
) -> None:
    for response in (service.get(path, headers=headers), service.head(path, headers=headers)):
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        exposed = set(response.headers["Access-Control-Expose-Headers"].split(", "))
        assert exposed == {"Location", "ETag", "Content-Disposition", "Content-Range", "X-Request-ID"}


@pytest.mark.parametrize("path", ["/v2/things", "/v2/things/", "/v2/nothing", "/v2"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://elsewhere.example.com", "Access-Control-Request-Method": "PATCH"},
        {"Origin": "https://elsewhere.example.com"},
        {},
    ],
)
def test_a_page_of_another_origin_may_send_what_clients_send(
    service: Client, path: str, headers: dict[str, str]
) -> None:
    response = service.options(path, headers={"X-Auth-Token": "bad", **headers})
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert response.headers["Access-Control-Max-Age"] == "86400"
    allowed = set(response.headers["Access-Control-Allow-Headers"].split(", "))
    assert allowed == {
        *("Content-Type", "Accept", "Authorization", "X-Auth-Token", "If-None-Match", "If-Match", "Range")
    }
    methods = set(response.headers["Access-Control-Allow-Methods"].split(", "))
    assert methods == {"GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "OPTIONS"}


def test_pages_of_the_service_are_for_its_own_origin(service: Client) -> None:
    response = service.get("/page", headers={"Origin": "https://elsewhere.example.com"})
    assert "Access-Control-Allow-Origin" not in response.headers


def test_head_answers_as_get_without_a_body(service: Client) -> None:
    got, head = service.get("/v2/lists"), service.head("/v2/lists")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["ETag"] == got.headers["ETag"]
    assert head.headers["Content-Length"] == got.headers["Content-Length"]


@pytest.mark.parametrize("identifier", ["abc-1", "A.b_c-9", "x" * 64])
def test_a_sane_request_id_is_kept(service: Client, identifier: str) -> None:
    answer = service.get("/v2/nothing", headers={"X-Request-ID": identifier})
    assert answer.json()["request_id"] == answer.headers["X-Request-ID"] == identifier


@pytest.mark.parametrize("identifier", ["", "x" * 65, "a b", "<b>", "é", "a\n"])
def test_another_request_id_is_replaced(service: Client, identifier: str) -> None:
    answer = service.get("/v2/things", headers={"X-Request-ID": identifier})
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["X-Request-ID"])


@pytest.mark.parametrize("path", ["/v2/things", "/v2/lists"])
@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', "*", "bare"])
def test_who_has_it_already_gets_304(service: Client, path: str, form: str) -> None:
    etag = service.get(path).headers["ETag"]
    condition = etag.strip('"') if form == "bare" else form.format(etag)
    for answer in (service.get(path, headers={"If-None-Match": condition}),):
        assert (answer.status_code, answer.content, answer.headers["ETag"]) == (304, b"", etag)
    assert service.get(path, headers={"If-None-Match": '"other"'}).status_code == 200


def test_a_change_of_another_revision_is_refused(service: Client) -> None:
    assert_error(sent(service, "POST", {}, headers={"If-Match": '"2-x"'}), 412, "precondition_failed")
    for condition in ('"1-abc"', "1-abc", '"2-x", "1-abc"', "*"):
        assert sent(service, "POST", {}, headers={"If-Match": condition}).status_code == 200


def test_pretty_indents(service: Client) -> None:
    assert b'\n  "' in service.get("/v2/things?pretty=true").content
    assert b"\n" not in service.get("/v2/things").content


def test_the_form_of_an_answer_is_chosen(service: Client) -> None:
    for answer in (
        service.get("/v2/lists", headers={"Accept": "text/csv"}),
        service.get("/v2/lists?accept=text/csv", headers={"Accept": "application/json"}),
        service.get("/v2/lists", headers={"Accept": "application/json;q=0.1, text/csv"}),
    ):
        assert answer.headers["Content-Type"].startswith("text/csv")
        assert answer.content == b"id,name\r\na,Thing\r\n"
    assert_error(service.get("/v2/lists", headers={"Accept": "image/png"}), 406, "not_acceptable")
    assert_error(service.get("/v2/lists?accept=image/png"), 406, "not_acceptable")
    assert_error(service.get("/v2/nothing", headers={"Accept": "image/png"}), 404, "not_found")


@pytest.mark.parametrize(
    "kind",
    ["application/json", "", "application/x-www-form-urlencoded", "text/plain;charset=UTF-8", "application/x+json"],
)
def test_json_is_read_whatever_a_client_calls_it(service: Client, kind: str) -> None:
    answer = sent(service, "PUT", {"name": "b"}, kind)
    assert (answer.status_code, answer.json()["data"]) == (201, {"name": "b"})
    assert answer.headers["Location"] == "/v2/things/a"


@pytest.mark.parametrize("kind", ["multipart/mixed; boundary=b", "audio/mpeg", "application/zip", "text/xml"])
def test_no_other_type_is_taken_for_json(service: Client, kind: str) -> None:
    assert_error(sent(service, "PUT", {"name": "b"}, kind), 415, "unsupported_media_type")
    assert sent(service, "DELETE", b"", kind).status_code == 200


def test_a_compressed_body_is_refused(service: Client) -> None:
    assert_error(sent(service, "PUT", {}, headers={"Content-Encoding": "gzip"}), 415, "unsupported_media_type")
    assert sent(service, "PUT", {}, headers={"Content-Encoding": "identity"}).status_code == 201


def test_too_large_a_body_is_refused_with_the_limit(service: Client) -> None:
    answer = sent(service, "PUT", {"a": "x" * 1_000})
    assert assert_error(answer, 413, "request_too_large")["limit"] == 1_000


def test_a_bad_body_is_told_once_the_caller_is_known(service: Client) -> None:
    for verb in ("POST", "PUT", "DELETE"):
        assert list(assert_error(sent(service, verb, b"{nope"), 400, "validation error")) == ["json"]
        assert_error(sent(service, verb, b"{nope", headers={"X-Auth-Token": "bad"}), 401, "invalid_credentials")
    assert list(assert_error(sent(service, "POST", b""), 400, "validation error")) == ["data"]


@pytest.mark.parametrize("verb", ["PUT", "put", "Put"])
def test_post_stands_in_for_another_verb(service: Client, verb: str) -> None:
    assert sent(service, "POST", {"n": 1}, path=f"/v2/things?verb={verb}").status_code == 201
    assert sent(service, "POST", json.dumps({"data": {"n": 1}, "verb": verb}).encode()).status_code == 201


def test_only_post_stands_in_and_only_for_what_the_path_has(service: Client) -> None:
    assert sent(service, "PUT", {}, path="/v2/things?verb=DELETE").status_code == 201
    assert sent(service, "POST", {}, path="/v2/things?verb=POST").status_code == 200
    assert_error(sent(service, "POST", {}, path="/v2/things?verb=PATCH"), 405, "invalid_method")
    assert_error(sent(service, "POST", {}, path="/v2/things?verb=__init__"), 405, "invalid_method")


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_every_error_says_something_to_people(error: ApiError) -> None:
    assert error.status_code >= 400
    assert error.data["message"]
