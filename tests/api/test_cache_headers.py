"""What a token opened is kept by no shared cache, and credentials by none at all."""

import base64
import hashlib
from typing import Any

import pytest

from tests.support.api_client import Account, Api


@pytest.fixture(scope="module")
def account(shared_account: Account) -> Account:
    """One account for all tests, which only read."""
    return shared_account


def directives(response: Any) -> tuple[str | None, set[str]]:
    vary = response.headers.get("Vary", "")
    return response.headers.get("Cache-Control"), {name.strip().lower() for name in vary.split(",")}


def test_what_a_token_opened_is_private_and_revalidated(api: Api, account: Account) -> None:
    box = api.new_box()
    by_query = api.without_token().get("vmboxes", params={"auth_token": api.token})
    digest = hashlib.md5(f"{account.username}:{account.password}".encode()).hexdigest()
    basic = "Basic " + base64.b64encode(f"{account.id}:{digest}".encode()).decode()
    etag = api.get(f"vmboxes/{box['id']}").headers["ETag"]
    responses = [
        api.get("vmboxes"),
        api.head("vmboxes"),
        by_query,
        api.without_token().get("vmboxes", headers={"Authorization": basic}),
        api.without_token().get("vmboxes", headers={"Authorization": f"Bearer {api.token}"}),
        api.get("vmboxes", headers={"Accept": "text/csv"}),
        api.get(f"vmboxes/{box['id']}", headers={"If-None-Match": etag}),
        api.get("vmboxes/unknown"),
        api.get("/v2/token_auth"),
        api.without_token().get("vmboxes"),
    ]
    assert [response.status_code for response in responses] == [200] * 6 + [304, 404, 200, 401]
    for response in responses:
        cache_control, vary = directives(response)
        assert cache_control == "private, no-cache"
        assert {"x-auth-token", "authorization", "accept"} <= vary


def test_credentials_are_kept_nowhere(api: Api, account: Account) -> None:
    digest = hashlib.md5(f"{account.username}:{account.password}".encode()).hexdigest()
    responses = [
        api.without_token().put("/v2/user_auth", {"credentials": digest, "account_realm": account.realm}),
        api.without_token().put("/v2/api_auth", {"api_key": account.api_key}),
        api.without_token().put("/v2/api_auth", {"api_key": "0" * 64}),
        api.get("api_key"),
    ]
    assert [response.status_code for response in responses] == [201, 201, 401, 200]
    assert {directives(response)[0] for response in responses} == {"no-store"}


def test_what_needs_no_token_may_be_cached(api: Api) -> None:
    assert directives(api.without_token().get("/v2/schemas/vmboxes"))[0] is None


def test_audio_and_archives_are_private(api: Api) -> None:
    box = api.new_box()
    files = {"content": ("a.mp3", b"ID3 no real audio", "audio/mpeg")}
    message = api.put(f"vmboxes/{box['id']}/messages", files=files).json()["data"]
    path = f"vmboxes/{box['id']}/messages"
    audio = api.get(f"{path}/{message['media_id']}/raw")
    archive = api.post(f"{path}/raw", {"messages": [message["media_id"]]})
    assert [audio.status_code, archive.status_code] == [200, 200]
    assert [directives(response)[0] for response in (audio, archive)] == ["private, no-cache"] * 2
