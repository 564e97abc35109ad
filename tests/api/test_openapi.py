"""``/v2/openapi.json``, ``/v2/openapi.yaml`` and ``/v2/docs``: a complete description of the API, for anybody."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from django.urls import URLPattern, URLResolver, get_resolver
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from crossbar import errors
from crossbar.errors import ApiError
from crossbar.pages import DEFAULT_SIZE, MAX_RANGE
from crossbar.version import VERSION
from tests.support.api_client import Api
from tests.support.described_api import described_verbs
from tests.support.servers import PROJECT, Running
from voicemail.messages import folders

ERRORS = [
    member
    for member in vars(errors).values()
    if isinstance(member, type) and issubclass(member, ApiError) and member is not ApiError
]
WITHOUT_OPERATION = ("/v2/accounts/{}/messages",)
"""It is answered by 404: Kazoo's documentation prints it by mistake."""
VERBS_OF_THE_CONTRACT = {
    "vmboxes": "GET PUT",
    "vmboxes/messages": "GET",
    "vmboxes/{box_id}": "GET POST PATCH DELETE",
    "vmboxes/{box_id}/messages": "GET PUT POST DELETE",
    "vmboxes/{box_id}/messages/raw": "POST",
    "vmboxes/{box_id}/messages/{message_id}": "GET POST DELETE",
    "vmboxes/{box_id}/messages/{message_id}/raw": "GET PUT",
}


@pytest.fixture(scope="module")
def anonymous(server: Running) -> Api:
    """A client without a token."""
    return Api(server.url, "")


@pytest.fixture(scope="module")
def document(anonymous: Api) -> dict[str, Any]:
    """The document as it is served."""
    document: dict[str, Any] = anonymous.get("/v2/openapi.json").json()
    return document


def test_it_is_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []


@pytest.mark.parametrize("path", ["/v2/openapi.json", "/v2/openapi.json/", "/v2/openapi.yaml", "/v2/openapi.yaml/"])
def test_it_is_json_and_yaml_with_or_without_a_slash(anonymous: Api, document: dict[str, Any], path: str) -> None:
    answer = anonymous.get(path, headers={"X-Auth-Token": "nonsense"})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == f"application/{path.strip('/').rpartition('.')[2]}"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert yaml.safe_load(answer.content) == document


@pytest.mark.parametrize("path", ["/v2/openapi.json", "/v2/openapi.yaml"])
def test_a_client_that_has_the_document_does_not_get_it_again(anonymous: Api, path: str) -> None:
    etags = {anonymous.get(path).headers["ETag"] for _ in range(10)}
    assert len(etags) == 1, "every process must make the same document"
    answer = anonymous.get(path, headers={"If-None-Match": etags.pop()})
    assert answer.status_code == 304
    assert answer.content == b""
    assert anonymous.head(path).status_code == 200


@pytest.mark.parametrize("path", ["/v2/openapi.json", "/v2/openapi.yaml", "/v2/docs"])
def test_it_can_only_be_read(anonymous: Api, path: str) -> None:
    answer = anonymous.put(path, {})
    assert answer.status_code == 405
    assert answer.json()["message"] == "invalid_method"
    assert "GET" in answer.headers["Allow"]


@pytest.mark.parametrize("path", ["/v2/docs", "/v2/docs/"])
def test_all_files_of_the_page_come_from_this_service(anonymous: Api, path: str) -> None:
    page = anonymous.get(path, headers={"Accept": "text/html"})
    assert page.status_code == 200
    assert page.headers["Content-Type"].startswith("text/html")
    files = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(files) == 5
    assert "https://" not in page.text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "/v2/openapi.json" in page.text
    for file in files:
        assert file.startswith("/static/")
        assert anonymous.session.get(anonymous.url + file, timeout=60).status_code == 200


def test_it_describes_exactly_the_paths_and_verbs_of_the_url_configuration(document: dict[str, Any]) -> None:
    described = {(re.sub(r"\{\w+\}", "{}", path), verb.upper()) for path, verb, _ in described_verbs(document)}
    assert described == set(_routes())


@pytest.mark.parametrize(("path", "verbs"), VERBS_OF_THE_CONTRACT.items())
@pytest.mark.parametrize("below", ["", "users/{user_id}/"])
def test_it_describes_what_kazoos_clients_use(document: dict[str, Any], below: str, path: str, verbs: str) -> None:
    full_path = f"/v2/accounts/{{account_id}}/{below}{path}"
    assert {verb.upper() for each, verb, _ in described_verbs(document) if each == full_path} == set(verbs.split())


def test_every_operation_has_its_errors_and_says_who_may_use_it(document: dict[str, Any]) -> None:
    public = set()
    for path, verb, operation in described_verbs(document):
        expected = {"400", "500", "503"}
        if operation.get("security", document["security"]):
            expected |= {"401", "403", "404", "429"}
        else:
            public.add(path)
        expected |= {"405"} if verb == "post" else set()
        expected |= {"408", "413", "415"} if verb != "get" else set()
        assert expected <= set(operation["responses"]), f"{verb} {path}"
    assert public == {
        "/v2/user_auth",
        "/v2/user_auth/recovery",
        "/v2/user_auth/{token}",
        "/v2/auth/tokeninfo",
        "/v2/api_auth",
        "/v2/schemas",
        "/v2/schemas/{name}",
        "/v2/about",
        "/v2/webhooks",
        "/v2/webhooks/samples",
        "/v2/webhooks/samples/{hook}",
        "/v2/openapi.json",
        "/v2/openapi.yaml",
        "/v2/docs",
    }


def test_conditions_and_their_answers_go_together(document: dict[str, Any]) -> None:
    for path, verb, operation in described_verbs(document):
        parameters = {each["$ref"].rpartition("/")[2] for each in operation.get("parameters", ())}
        for name, status in (("If-None-Match", "304"), ("If-Match", "412"), ("Range", "206"), ("Range", "416")):
            assert (name in parameters) == (status in operation["responses"]), f"{verb} {path} {name}"


def test_a_page_of_another_origin_may_use_every_path(anonymous: Api, document: dict[str, Any]) -> None:
    headers = "x-auth-token, x-kazoo-cluster-id, content-type, x-requested-with"
    for path, verb, _ in described_verbs(document):
        preflight = {"Origin": "https://ui.example.com", "Access-Control-Request-Method": verb.upper()}
        answer = anonymous.options(
            re.sub(r"{\w+}", "0" * 32, path), headers={**preflight, "Access-Control-Request-Headers": headers}
        )
        assert answer.status_code == 200, path
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert verb.upper() in answer.headers["Access-Control-Allow-Methods"].split(", ")
        allowed = answer.headers["Access-Control-Allow-Headers"].lower().split(", ")
        assert set(headers.split(", ")) <= set(allowed), path


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.message)
def test_it_describes_every_error(document: dict[str, Any], error: type[ApiError]) -> None:
    responses = document["components"]["responses"].values()
    samples = [
        sample
        for response in responses
        for _, sample in _samples(response)
        if sample["error"] == str(error.status_code)
    ]
    assert error.message in [sample["message"] for sample in samples]


def test_its_limits_are_those_in_force(document: dict[str, Any]) -> None:
    parameters = document["components"]["parameters"]
    assert document["info"]["version"] == VERSION
    assert parameters["page_size"]["schema"]["default"] == DEFAULT_SIZE
    assert f"at most {MAX_RANGE} " in parameters["created_from"]["description"]
    assert document["components"]["schemas"]["Folder"]["enum"] == list(folders.FOLDERS)


def test_no_comma_cuts_a_text_in_two(document: dict[str, Any]) -> None:
    """In YAML, ``{description: a, b}`` has a member `b` without a value."""
    assert list(_empty_members(document)) == []


def test_its_samples_follow_its_schemas(document: dict[str, Any]) -> None:
    checked = 0
    for schema, sample in _samples(document):
        validator = Draft202012Validator({**schema, "components": document["components"]})
        assert [error.message for error in validator.iter_errors(sample)] == []
        checked += 1
    assert checked > 60


def test_its_schemas_are_those_that_requests_are_checked_against(document: dict[str, Any]) -> None:
    components = document["components"]["schemas"]
    assert {path.stem for path in PROJECT.glob("*/schemas/*.json")} <= set(components)
    box = components["vmboxes"]
    assert box["required"] == ["mailbox", "name"]
    assert box["properties"]["pin"]["maxLength"] == 6
    assert box["properties"]["timezone"]["$ref"] == "#/components/schemas/timezone"
    assert components["notify.callback"]["properties"]["schedule"]["items"] == {"type": "integer"}


def test_everything_it_refers_to_is_in_it(document: dict[str, Any]) -> None:
    for ref in _refs(document):
        target: Any = document
        for step in ref.removeprefix("#/").split("/"):
            target = target[step]


def _routes(patterns: Any = None, prefix: str = "/") -> Iterator[tuple[str, str]]:
    """Every path of the API in the URL configuration, without the names of its ids, with every verb."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        path = prefix + re.sub(r"\(\?P<\w+>[^)]+\)", "{}", str(pattern.pattern).strip("^$"))
        if isinstance(pattern, URLResolver):
            yield from _routes(pattern.url_patterns, path)
        elif isinstance(pattern, URLPattern) and path.startswith("/v2/"):
            path = path.removesuffix("/?").replace("\\", "")
            if path not in WITHOUT_OPERATION:
                yield from ((path, verb.upper()) for verb in pattern.callback.actions)  # type: ignore[attr-defined]


def _samples(node: Any) -> Iterator[tuple[Any, Any]]:
    """Each sample in the document with its schema."""
    if isinstance(node, dict):
        if "schema" in node and "example" in node:
            yield node["schema"], node["example"]
        for sample in node.get("examples", {}).values() if "schema" in node else ():
            yield node["schema"], sample["value"]
    for child in _children(node):
        yield from _samples(child)


def _empty_members(node: Any) -> Iterator[str]:
    """Names of members without a value, except in samples."""
    for name, member in node.items() if isinstance(node, dict) else ():
        if member is None:
            yield name
        elif name not in ("example", "examples"):
            yield from _empty_members(member)
    for entry in node if isinstance(node, list) else ():
        yield from _empty_members(entry)


def _refs(node: Any) -> Iterator[str]:
    if isinstance(node, dict) and isinstance(node.get("$ref"), str):
        yield node["$ref"]
    for child in _children(node):
        yield from _refs(child)


def _children(node: Any) -> list[Any]:
    if isinstance(node, dict):
        return list(node.values())
    return node if isinstance(node, list) else []
