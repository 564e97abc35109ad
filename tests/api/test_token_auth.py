"""Tokens: how they are sent, what makes them bad, and /v2/token_auth, which shows and revokes one."""

import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest

from couch.client import Database, couch
from storage import database_names
from tests.support.api_client import Account, Api
from tests.support.servers import SECRET_KEY, Running, wait_until


@pytest.fixture
def anonymous(server: Running, account: Account) -> Api:
    """A client without a token."""
    return Api(server.url, account.id)


def claims_of(api: Api) -> dict[str, Any]:
    assert api.token is not None
    claims: dict[str, Any] = jwt.decode(api.token, SECRET_KEY, algorithms=["HS256"])
    return claims


def sign(claims: dict[str, Any], key: str = SECRET_KEY, algorithm: str = "HS256") -> str:
    return jwt.encode(claims, key, algorithm=algorithm)


class TestSending:
    """The ways a token may be sent."""

    def test_a_token_is_accepted_in_its_own_header(self, api: Api, anonymous: Api) -> None:
        assert anonymous.get("", headers={"X-Auth-Token": str(api.token)}).status_code == 200

    def test_a_token_is_accepted_as_a_bearer(self, api: Api, anonymous: Api) -> None:
        assert anonymous.get("", headers={"Authorization": f"Bearer {api.token}"}).status_code == 200

    def test_a_token_is_accepted_in_the_query(self, api: Api, anonymous: Api) -> None:
        assert anonymous.get("", params={"auth_token": str(api.token)}).status_code == 200

    def test_a_token_is_accepted_in_the_envelope(self, api: Api, anonymous: Api) -> None:
        body = {"data": {"name": "A", "mailbox": "3000"}, "auth_token": api.token}
        assert anonymous.put("vmboxes", json=body).status_code == 201

    def test_the_response_contains_the_token(self, api: Api) -> None:
        assert api.get("").json()["auth_token"] == api.token

    def test_a_request_without_a_token_is_refused(self, anonymous: Api) -> None:
        answer = anonymous.get("")
        assert answer.status_code == 401
        body = answer.json()
        assert (body["message"], body["error"]) == ("invalid_credentials", "401")
        assert body["data"] == {"message": "invalid credentials"}


class TestBadTokens:
    """What isn't a good token."""

    @pytest.mark.parametrize("token", ["nonsense", "a.b.c", "e30.e30.", "\u00e9", "x" * 6000])
    def test_a_malformed_token_is_refused(self, anonymous: Api, token: str) -> None:
        assert anonymous.get("", params={"auth_token": token}).status_code == 401

    def test_a_token_signed_with_another_key_is_refused(self, api: Api, anonymous: Api) -> None:
        token = sign(claims_of(api), "another key that is long enough to sign")
        assert anonymous.get("", headers={"X-Auth-Token": token}).status_code == 401

    def test_an_unsigned_token_is_refused(self, api: Api, anonymous: Api) -> None:
        token = sign(claims_of(api), "", "none")
        assert anonymous.get("", headers={"X-Auth-Token": token}).status_code == 401

    def test_a_modified_token_is_refused(self, api: Api, anonymous: Api) -> None:
        head, body, signature = str(api.token).split(".")
        modified = body[:10] + ("A" if body[10] != "A" else "B") + body[11:]
        assert anonymous.get("", headers={"X-Auth-Token": f"{head}.{modified}.{signature}"}).status_code == 401

    @pytest.mark.parametrize(
        "change",
        [
            {"exp": int(time.time()) - 1},
            {"iss": "somebody else"},
            {"account_id": "nonsense"},
            {"account_id": None},
            {"account_id": "f" * 32},
            {"owner_id": "f" * 32},
            {"owner_id": ["x"]},
            {"jti": "../accounts"},
            {"jti": 1},
            {"cred": "0" * 32},
        ],
    )
    def test_a_token_with_a_wrong_claim_is_refused(self, api: Api, anonymous: Api, change: dict[str, Any]) -> None:
        token = sign({**claims_of(api), **change})
        assert anonymous.get("", headers={"X-Auth-Token": token}).status_code == 401

    @pytest.mark.parametrize("missing", ["exp", "iss", "iat", "jti", "account_id"])
    def test_a_token_without_a_claim_is_refused(self, api: Api, anonymous: Api, missing: str) -> None:
        token = sign({name: value for name, value in claims_of(api).items() if name != missing})
        assert anonymous.get("", headers={"X-Auth-Token": token}).status_code == 401

    def test_tokens_end_when_the_user_is_disabled_deleted_or_gets_a_new_password(
        self, api: Api, account: Account, log_in: Callable[..., Api]
    ) -> None:
        clients = {}
        for name in ("disabled", "deleted", "changed"):
            user = {"first_name": "A", "last_name": "B", "username": name, "password": "secret 1"}
            user_id = api.put("users", user).json()["data"]["id"]
            clients[user_id] = log_in(account, name, "secret 1")
            assert clients[user_id].get("").status_code == 200
        disabled, deleted, changed = clients
        api.patch(f"users/{disabled}", {"enabled": False})
        api.delete(f"users/{deleted}")
        api.patch(f"users/{changed}", {"password": "secret 2"})
        wait_until(lambda: {client.get("").status_code for client in clients.values() for _ in range(4)} == {401})
        log_in(account, "changed", "secret 2")

    def test_tokens_end_when_the_account_is_disabled(self, api: Api, account: Account, db: Database) -> None:
        assert api.get("").status_code == 200
        db.update(account.id, lambda doc: {**doc, "pvt_enabled": False})
        wait_until(lambda: {api.get("").status_code for _ in range(4)} == {401})


class TestShowing:
    """GET /v2/token_auth."""

    def test_the_tokens_owner_is_returned(self, api: Api, account: Account) -> None:
        answer = api.get("/v2/token_auth")
        assert answer.status_code == 200
        data = answer.json()["data"]
        assert (data["account_id"], data["owner_id"]) == (account.id, account.user_id)
        assert data["account_name"] == account.name
        assert answer.json()["auth_token"] == api.token

    def test_a_malformed_token_is_refused(self, anonymous: Api) -> None:
        assert anonymous.get("/v2/token_auth", headers={"X-Auth-Token": "bad"}).status_code == 401


class TestRevoking:
    """DELETE /v2/token_auth."""

    def test_a_revoked_token_is_refused(self, api: Api) -> None:
        answer = api.delete("/v2/token_auth")
        assert answer.status_code == 200
        wait_until(lambda: {api.get("").status_code for _ in range(4)} == {401})

    def test_another_token_of_the_same_user_stays_valid(
        self, api: Api, account: Account, log_in: Callable[..., Api]
    ) -> None:
        second = log_in(account)
        api.delete("/v2/token_auth")
        wait_until(lambda: {api.get("").status_code for _ in range(4)} == {401})
        assert second.get("").status_code == 200

    def test_another_instance_that_cached_the_token_refuses_it(
        self, api: Api, account: Account, server_with: Callable[..., Running]
    ) -> None:
        instance = server_with(WEB_CONCURRENCY="1")
        second = Api(instance.url, account.id, api.token)
        assert second.get("").status_code == 200
        api.delete("/v2/token_auth")
        wait_until(lambda: {second.get("").status_code for _ in range(4)} == {401})

    def test_the_revocation_does_not_contain_the_token(self, api: Api) -> None:
        claims = claims_of(api)
        api.delete("/v2/token_auth")
        stored = couch().database(database_names.TOKENS).get(claims["jti"])
        assert stored is not None
        assert str(api.token) not in str(stored)
        assert stored["exp"] == claims["exp"]
