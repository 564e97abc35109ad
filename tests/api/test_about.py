"""``/v2/about``: what answers here, for anybody."""

import pytest

from tests.support.api_client import Api
from tests.support.servers import Running


@pytest.fixture
def anonymous(server: Running) -> Api:
    """A client without a token."""
    return Api(server.url, "")


@pytest.mark.parametrize("path", ["/v2/about", "/v2/about/"])
def test_name_and_version_are_returned(anonymous: Api, path: str) -> None:
    answer = anonymous.get(path)
    assert answer.status_code == 200
    body = answer.json()
    assert body["data"] == {"name": "vmboxes", "version": body["version"]}
    assert body["status"] == "success"


def test_a_bad_token_is_ignored(anonymous: Api) -> None:
    assert anonymous.get("/v2/about", headers={"X-Auth-Token": "nonsense"}).status_code == 200


def test_other_verbs_are_refused(anonymous: Api) -> None:
    assert anonymous.put("/v2/about", {}).status_code == 405


def test_a_wrong_verb_is_reported_before_any_other_error(anonymous: Api) -> None:
    answer = anonymous.request("TRACE", "/v2/about", headers={"Accept": "image/png"})
    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]
