"""``/v2/about``: what answers here, for anybody."""

import pytest

from tests.support.api_client import Api
from tests.support.servers import Running


@pytest.fixture
def anybody(server: Running) -> Api:
    """A client without a token."""
    return Api(server.url, "")


@pytest.mark.parametrize("path", ["/v2/about", "/v2/about/"])
def test_it_tells_name_and_version(anybody: Api, path: str) -> None:
    answer = anybody.get(path)
    assert answer.status_code == 200
    body = answer.json()
    assert body["data"] == {"name": "vmboxes", "version": body["version"]}
    assert body["status"] == "success"


def test_a_bad_token_does_not_matter(anybody: Api) -> None:
    assert anybody.get("/v2/about", headers={"X-Auth-Token": "nonsense"}).status_code == 200


def test_it_can_only_be_read(anybody: Api) -> None:
    assert anybody.put("/v2/about", {}).status_code == 405


def test_a_wrong_verb_is_told_before_all_else(anybody: Api) -> None:
    answer = anybody.request("TRACE", "/v2/about", headers={"Accept": "image/png"})
    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]
