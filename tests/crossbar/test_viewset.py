"""What all paths of the API have in common, on a service of a few paths and without storage."""

import codecs
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
CLIENTS_HEADERS = {
    *("Content-Type", "Accept", "Authorization", "X-Auth-Token", "If-None-Match", "If-Match", "If-Modified-Since"),
    *("Range", "Cache-Control", "Depth", "X-Requested-With", "X-HTTP-Method-Override", "X-File-Name", "X-File-Size"),
    *("X-Kazoo-Cluster-ID", "X-Request-ID"),
}
"""What clients of Kazoo send from pages of other origins."""


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


def send(
    service: Client, verb: str, body: bytes | dict[str, Any], kind: str = "application/json", **options: Any
) -> Any:
    content = body if isinstance(body, bytes) else json.dumps({"data": body}).encode()
    return service.generic(verb, options.pop("path", "/v2/things"), content, content_type=kind, **options)


def assert_error(response: Any, status: int, message: str) -> dict[str, Any]:
    """Check that a response is a complete error envelope, and return its data."""
    assert response.status_code == status, response.content
    envelope = response.json()
    assert (envelope["status"], envelope["error"], envelope["message"]) == ("error", str(status), message)
    assert envelope["request_id"] == response.headers["X-Request-ID"]
    assert {"data", "metadata", "revision", "timestamp", "version", "node"} <= set(envelope)
    assert "ETag" not in response.headers
    data: dict[str, Any] = envelope["data"]
    return data


def test_a_document_comes_in_an_envelope(service: Client) -> None:
    response = service.get("/v2/things", headers={"X-Auth-Token": "t"})
    envelope = response.json()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", envelope.pop("timestamp"))
    assert response.headers["ETag"] == '"1-abc"'
    assert envelope.pop("request_id") == response.headers["X-Request-ID"]
    assert envelope.pop("node")
    assert envelope.pop("version")
    assert envelope == {
        "data": THING,
        "status": "success",
        "metadata": {"id": "a"},
        "revision": "1-abc",
        "auth_token": "t",
    }


def test_a_listing_has_its_page_and_a_revision(service: Client) -> None:
    envelope = service.get("/v2/lists/").json()
    assert (envelope["page_size"], envelope["next_start_key"], envelope["metadata"]) == (1, "k", {})
    assert envelope["revision"]


@pytest.mark.parametrize(
    "path", ["/v2/nothing", "/v2", "/v2/", "/nothing", "/v2/things/a/b", "/v2/%00", "/v2//things"]
)
@pytest.mark.parametrize("verb", ["GET", "PUT", "DELETE"])
def test_an_unknown_path_gets_an_error_envelope(service: Client, path: str, verb: str) -> None:
    assert assert_error(service.generic(verb, path), 404, "not_found") == {"message": "not found"}


def test_pages_get_no_envelope(service: Client) -> None:
    assert service.get("/page").content == b"hello"
    assert service.get("/page").headers["X-Request-ID"]


def test_a_verb_that_the_path_lacks_gets_an_error_envelope(service: Client) -> None:
    response = send(service, "PATCH", {})
    assert assert_error(response, 405, "invalid_method") == {"message": "method not allowed"}
    assert "PUT" in response.headers["Allow"]


@pytest.mark.parametrize("path", ["/v2/faulty", "/v2/plain"])
@pytest.mark.parametrize("debug", [False, True])
def test_an_unexpected_error_shows_only_the_request_id(
    service: Client, caplog: pytest.LogCaptureFixture, settings: Settings, path: str, debug: bool
) -> None:
    settings.DEBUG = debug
    response = service.get(path)
    assert_error(response, 500, "unspecified_fault")
    assert b"secret detail" not in response.content
    assert b"Traceback" not in response.content
    assert "secret detail" in caplog.text


def test_another_host_name_gets_an_error_envelope(service: Client) -> None:
    assert_error(service.get("/v2/things", headers={"Host": "elsewhere.example.com"}), 400, "faulty_request")


@pytest.mark.parametrize("query", ["a=1&" * 2_400, "pretty=true&" * 2_400])
def test_too_many_parameters_get_an_error_envelope(service: Client, query: str) -> None:
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
        assert {"Location", "ETag", "Content-Disposition", "Content-Range", "Retry-After", "X-Request-ID"} <= exposed


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
    assert allowed >= CLIENTS_HEADERS
    methods = set(response.headers["Access-Control-Allow-Methods"].split(", "))
    assert methods == {"GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "OPTIONS"}


def test_pages_of_the_service_are_for_its_own_origin(service: Client) -> None:
    response = service.get("/page", headers={"Origin": "https://elsewhere.example.com"})
    assert "Access-Control-Allow-Origin" not in response.headers


def test_head_is_get_without_a_body(service: Client) -> None:
    full, head = service.get("/v2/lists"), service.head("/v2/lists")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["ETag"] == full.headers["ETag"]
    assert head.headers["Content-Length"] == full.headers["Content-Length"]


@pytest.mark.parametrize("identifier", ["abc-1", "A.b_c-9", "x" * 64])
def test_a_sane_request_id_is_kept(service: Client, identifier: str) -> None:
    response = service.get("/v2/nothing", headers={"X-Request-ID": identifier})
    assert response.json()["request_id"] == response.headers["X-Request-ID"] == identifier


@pytest.mark.parametrize("identifier", ["", "x" * 65, "a b", "<b>", "é", "a\n"])
def test_an_insane_request_id_is_replaced(service: Client, identifier: str) -> None:
    response = service.get("/v2/things", headers={"X-Request-ID": identifier})
    assert re.fullmatch("[0-9a-f]{32}", response.headers["X-Request-ID"])


@pytest.mark.parametrize("path", ["/v2/things", "/v2/lists"])
@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', "*", "bare"])
def test_a_client_with_the_current_revision_gets_304(service: Client, path: str, form: str) -> None:
    etag = service.get(path).headers["ETag"]
    condition = etag.strip('"') if form == "bare" else form.format(etag)
    for response in (service.get(path, headers={"If-None-Match": condition}),):
        assert (response.status_code, response.content, response.headers["ETag"]) == (304, b"", etag)
    assert service.get(path, headers={"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize("path", ["/v2/things", "/v2/lists"])
def test_a_client_that_asks_for_another_revision_is_refused(service: Client, path: str) -> None:
    etag = service.get(path).headers["ETag"]
    for condition in (etag, etag.strip('"'), f'"2-x", {etag}', "*"):
        assert service.get(path, headers={"If-Match": condition}).status_code == 200
    for headers in ({"If-Match": '"2-x"'}, {"If-Match": '"2-x"', "If-None-Match": etag}):
        assert_error(service.get(path, headers=headers), 412, "precondition_failed")
        assert service.head(path, headers=headers).status_code == 412
    assert service.get(path, headers={"If-Match": etag, "If-None-Match": etag}).status_code == 304


def test_a_change_to_another_revision_is_refused(service: Client) -> None:
    assert_error(send(service, "POST", {}, headers={"If-Match": '"2-x"'}), 412, "precondition_failed")
    for condition in ('"1-abc"', "1-abc", '"2-x", "1-abc"', "*"):
        assert send(service, "POST", {}, headers={"If-Match": condition}).status_code == 200


def test_pretty_indents_the_json(service: Client) -> None:
    assert b'\n  "' in service.get("/v2/things?pretty=true").content
    assert b"\n" not in service.get("/v2/things").content


def test_the_client_chooses_the_form_of_the_response(service: Client) -> None:
    for response in (
        service.get("/v2/lists", headers={"Accept": "text/csv"}),
        service.get("/v2/lists?accept=text/csv", headers={"Accept": "application/json"}),
        service.get("/v2/lists", headers={"Accept": "application/json;q=0.1, text/csv"}),
    ):
        assert response.headers["Content-Type"].startswith("text/csv")
        assert response.content == codecs.BOM_UTF8 + b"id,name\r\na,Thing\r\n"
        assert response.headers["Content-Disposition"] == "attachment; filename=list.csv"
    assert_error(service.get("/v2/lists", headers={"Accept": "image/png"}), 406, "not_acceptable")
    assert_error(service.get("/v2/lists?accept=image/png"), 406, "not_acceptable")
    assert_error(service.get("/v2/nothing", headers={"Accept": "image/png"}), 404, "not_found")


@pytest.mark.parametrize(
    "kind",
    ["application/json", "", "application/x-www-form-urlencoded", "text/plain;charset=UTF-8", "application/x+json"],
)
def test_json_is_read_whatever_its_content_type(service: Client, kind: str) -> None:
    response = send(service, "PUT", {"name": "b"}, kind)
    assert (response.status_code, response.json()["data"]) == (201, {"name": "b"})
    assert response.headers["Location"] == "/v2/things/a"


@pytest.mark.parametrize("kind", ["multipart/mixed; boundary=b", "audio/mpeg", "application/zip", "text/xml"])
def test_other_content_types_are_not_read_as_json(service: Client, kind: str) -> None:
    assert_error(send(service, "PUT", {"name": "b"}, kind), 415, "unsupported_media_type")
    assert send(service, "DELETE", b"", kind).status_code == 200


def test_a_compressed_body_is_refused(service: Client) -> None:
    assert_error(send(service, "PUT", {}, headers={"Content-Encoding": "gzip"}), 415, "unsupported_media_type")
    assert send(service, "PUT", {}, headers={"Content-Encoding": "identity"}).status_code == 201


def test_a_body_over_the_limit_is_refused(service: Client) -> None:
    response = send(service, "PUT", {"a": "x" * 1_000})
    assert assert_error(response, 413, "request_too_large")["limit"] == 1_000


def test_only_known_callers_learn_what_is_wrong_with_a_body(service: Client) -> None:
    for verb in ("POST", "PUT", "DELETE"):
        assert list(assert_error(send(service, verb, b"{nope"), 400, "validation error")) == ["json"]
        assert_error(send(service, verb, b"{nope", headers={"X-Auth-Token": "bad"}), 401, "invalid_credentials")
    assert list(assert_error(send(service, "POST", b"{}"), 400, "validation error")) == ["data"]
    assert send(service, "POST", b"").json()["data"] == {}


@pytest.mark.parametrize("verb", ["PUT", "put", "Put"])
def test_a_post_stands_for_the_verb_that_it_names(service: Client, verb: str) -> None:
    assert send(service, "POST", {"n": 1}, path=f"/v2/things?verb={verb}").status_code == 201
    assert send(service, "POST", json.dumps({"data": {"n": 1}, "verb": verb}).encode()).status_code == 201


def test_only_a_post_stands_for_another_verb_and_only_for_one_of_the_path(service: Client) -> None:
    assert send(service, "PUT", {}, path="/v2/things?verb=DELETE").status_code == 201
    assert send(service, "POST", {}, path="/v2/things?verb=POST").status_code == 200
    assert_error(send(service, "POST", {}, path="/v2/things?verb=PATCH"), 405, "invalid_method")
    assert_error(send(service, "POST", {}, path="/v2/things?verb=__init__"), 405, "invalid_method")


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_every_error_has_a_message(error: ApiError) -> None:
    assert error.status_code >= 400
    assert error.data["message"]
