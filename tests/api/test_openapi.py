"""``/v2/openapi.json``, ``/v2/openapi.yaml`` and ``/v2/docs``: the API described, for anybody, and all of it."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from django.urls import URLPattern, URLResolver, get_resolver
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.support.api_client import Api
from tests.support.servers import Running

VERBS_OF_THE_CONTRACT = {
    "vmboxes": "GET PUT",
    "vmboxes/messages": "GET",
    "vmboxes/{box_id}": "GET POST PATCH DELETE",
    "vmboxes/{box_id}/messages": "GET PUT POST DELETE",
    "vmboxes/{box_id}/messages/raw": "POST",
    "vmboxes/{box_id}/messages/{message_id}": "GET POST DELETE",
    "vmboxes/{box_id}/messages/{message_id}/raw": "GET PUT",
}


@pytest.fixture
def anybody(server: Running) -> Api:
    """A client without a token."""
    return Api(server.url, "")


@pytest.fixture
def document(anybody: Api) -> dict[str, Any]:
    """The document as it is served."""
    found: dict[str, Any] = anybody.get("/v2/openapi.json").json()
    return found


def test_it_is_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []


@pytest.mark.parametrize("path", ["/v2/openapi.json", "/v2/openapi.json/", "/v2/openapi.yaml", "/v2/openapi.yaml/"])
def test_it_is_json_and_yaml_with_or_without_a_slash(anybody: Api, document: dict[str, Any], path: str) -> None:
    answer = anybody.get(path, headers={"X-Auth-Token": "nonsense"})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == f"application/{path.strip('/').rpartition('.')[2]}"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert yaml.safe_load(answer.content) == document


@pytest.mark.parametrize("path", ["/v2/openapi.json", "/v2/openapi.yaml"])
def test_who_has_it_is_not_sent_it_again(anybody: Api, path: str) -> None:
    etags = {anybody.get(path).headers["ETag"] for _ in range(10)}
    assert len(etags) == 1, "every process makes the same document"
    answer = anybody.get(path, headers={"If-None-Match": etags.pop()})
    assert answer.status_code == 304
    assert answer.content == b""
    assert anybody.head(path).status_code == 200


@pytest.mark.parametrize("path", ["/v2/openapi.json", "/v2/openapi.yaml", "/v2/docs"])
def test_it_can_only_be_read(anybody: Api, path: str) -> None:
    answer = anybody.put(path, {})
    assert answer.status_code == 405
    assert answer.json()["message"] == "invalid_method"
    assert "GET" in answer.headers["Allow"]


@pytest.mark.parametrize("path", ["/v2/docs", "/v2/docs/"])
def test_its_page_has_all_of_its_files_here(anybody: Api, path: str) -> None:
    page = anybody.get(path, headers={"Accept": "text/html"})
    assert page.status_code == 200
    assert page.headers["Content-Type"].startswith("text/html")
    files = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(files) == 4
    assert "https://" not in page.text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "/v2/openapi.json" in page.text
    for file in files:
        assert file.startswith("/static/")
        assert anybody.session.get(anybody.url + file, timeout=60).status_code == 200


def test_it_describes_every_path_and_verb_there_is(document: dict[str, Any]) -> None:
    described = {
        (re.sub(r"\{\w+\}", "{}", path), verb.upper())
        for path, operations in document["paths"].items()
        for verb in operations
    }
    assert described == set(_routes())


@pytest.mark.parametrize(("path", "verbs"), VERBS_OF_THE_CONTRACT.items())
def test_it_describes_what_kazoos_clients_use(document: dict[str, Any], path: str, verbs: str) -> None:
    operations = document["paths"][f"/v2/accounts/{{account_id}}/{path}"]
    assert {verb.upper() for verb in operations} == set(verbs.split())


def test_each_operation_tells_its_errors_and_who_may_ask(document: dict[str, Any]) -> None:
    for path, operations in document["paths"].items():
        for verb, operation in operations.items():
            expected = {"400", "500", "503"} | ({"401", "403", "404", "429"} if operation["security"] else set())
            assert expected <= set(operation["responses"]), f"{verb} {path}"
    public = {path for path, each in document["paths"].items() if not any(one["security"] for one in each.values())}
    assert public == {
        "/v2/user_auth",
        "/v2/api_auth",
        "/v2/schemas",
        "/v2/schemas/{name}",
        "/v2/about",
        "/v2/openapi.json",
        "/v2/openapi.yaml",
        "/v2/docs",
    }


def test_its_samples_follow_its_schemas(document: dict[str, Any]) -> None:
    checked = 0
    for schema, sample in _samples(document):
        validator = Draft202012Validator({**schema, "components": document["components"]})
        assert [error.message for error in validator.iter_errors(sample)] == []
        checked += 1
    assert checked > 60


def test_the_schemas_are_the_ones_that_requests_are_checked_against(document: dict[str, Any]) -> None:
    components = document["components"]["schemas"]
    box = components["vmboxes"]
    assert box["required"] == ["mailbox", "name"]
    assert box["properties"]["pin"]["maxLength"] == 6
    assert box["properties"]["timezone"]["$ref"] == "#/components/schemas/timezone"
    assert components["notify.callback"]["properties"]["schedule"]["items"] == {"type": "integer"}
    assert not re.search(r'"\$schema"|"support_level"|"_id"', str(components).replace("'", '"'))


def test_everything_it_refers_to_is_in_it(document: dict[str, Any]) -> None:
    for ref in _refs(document):
        target: Any = document
        for step in ref.removeprefix("#/").split("/"):
            target = target[step]


def _routes(patterns: Any = None, prefix: str = "/") -> Iterator[tuple[str, str]]:
    """Each path of the API in the URL conf, its places empty, with each verb."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        path = prefix + re.sub(r"\(\?P<\w+>[^)]+\)", "{}", str(pattern.pattern).strip("^$"))
        if isinstance(pattern, URLResolver):
            yield from _routes(pattern.url_patterns, path)
        elif isinstance(pattern, URLPattern) and path.startswith("/v2/") and hasattr(pattern.callback, "cls"):
            for verb in getattr(pattern.callback, "actions", ["get"]):
                yield path.removesuffix("/?").replace("\\", ""), verb.upper()


def _samples(node: Any) -> Iterator[tuple[Any, Any]]:
    """Each sample in the document with its schema."""
    if isinstance(node, dict):
        if "schema" in node and "example" in node:
            yield node["schema"], node["example"]
        for one in node.get("examples", {}).values() if "schema" in node else ():
            yield node["schema"], one["value"]
    for child in _children(node):
        yield from _samples(child)


def _refs(node: Any) -> Iterator[str]:
    if isinstance(node, dict) and isinstance(node.get("$ref"), str):
        yield node["$ref"]
    for child in _children(node):
        yield from _refs(child)


def _children(node: Any) -> list[Any]:
    if isinstance(node, dict):
        return list(node.values())
    return node if isinstance(node, list) else []
