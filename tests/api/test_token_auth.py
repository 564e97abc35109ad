"""Tokens: how they are sent, what makes them bad, and /v2/token_auth, which shows and revokes one."""

import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest

from couch.client import Database, couch
from storage import database_names
from tests.support.api_client import Account, Api
from tests.support.servers import SECRET_KEY, Running, Service, wait_until


@pytest.fixture
def anybody(server: Running, account: Account) -> Api:
    """A client without a token."""
    return Api(server.url, account.id)


def claims_of(api: Api) -> dict[str, Any]:
    assert api.token is not None
    claims: dict[str, Any] = jwt.decode(api.token, SECRET_KEY, algorithms=["HS256"])
    return claims


def signed(claims: dict[str, Any], key: str = SECRET_KEY, algorithm: str = "HS256") -> str:
    return jwt.encode(claims, key, algorithm=algorithm)


class TestSending:
    """The ways a token may be sent."""

    def test_in_its_own_header(self, api: Api, anybody: Api) -> None:
        assert anybody.get("", headers={"X-Auth-Token": str(api.token)}).status_code == 200

    def test_as_a_bearer(self, api: Api, anybody: Api) -> None:
        assert anybody.get("", headers={"Authorization": f"Bearer {api.token}"}).status_code == 200

    def test_in_the_query(self, api: Api, anybody: Api) -> None:
        assert anybody.get("", params={"auth_token": str(api.token)}).status_code == 200

    def test_in_the_envelope(self, api: Api, anybody: Api) -> None:
        body = {"data": {"name": "A", "mailbox": "3000"}, "auth_token": api.token}
        assert anybody.put("vmboxes", json=body).status_code == 201

    def test_the_answer_holds_it(self, api: Api) -> None:
        assert api.get("").json()["auth_token"] == api.token

    def test_without_any_nothing_is_answered(self, anybody: Api) -> None:
        answer = anybody.get("")
        assert answer.status_code == 401
        body = answer.json()
        assert (body["message"], body["error"]) == ("invalid_credentials", "401")
        assert body["data"] == {"message": "invalid credentials"}


class TestBadTokens:
    """What isn't a good token."""

    @pytest.mark.parametrize("token", ["nonsense", "a.b.c", "e30.e30.", "\u00e9", "x" * 6000])
    def test_nonsense(self, anybody: Api, token: str) -> None:
        assert anybody.get("", params={"auth_token": token}).status_code == 401

    def test_one_signed_with_another_key(self, api: Api, anybody: Api) -> None:
        token = signed(claims_of(api), "another key that is long enough to sign")
        assert anybody.get("", headers={"X-Auth-Token": token}).status_code == 401

    def test_one_that_is_not_signed(self, api: Api, anybody: Api) -> None:
        token = signed(claims_of(api), "", "none")
        assert anybody.get("", headers={"X-Auth-Token": token}).status_code == 401

    def test_one_that_was_changed(self, api: Api, anybody: Api) -> None:
        head, body, signature = str(api.token).split(".")
        changed = body[:10] + ("A" if body[10] != "A" else "B") + body[11:]
        assert anybody.get("", headers={"X-Auth-Token": f"{head}.{changed}.{signature}"}).status_code == 401

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
    def test_one_with_a_claim_that_is_wrong(self, api: Api, anybody: Api, change: dict[str, Any]) -> None:
        token = signed({**claims_of(api), **change})
        assert anybody.get("", headers={"X-Auth-Token": token}).status_code == 401

    @pytest.mark.parametrize("missing", ["exp", "iss", "iat", "jti", "account_id"])
    def test_one_that_lacks_a_claim(self, api: Api, anybody: Api, missing: str) -> None:
        token = signed({name: value for name, value in claims_of(api).items() if name != missing})
        assert anybody.get("", headers={"X-Auth-Token": token}).status_code == 401

    def test_one_of_a_user_that_was_disabled_deleted_or_changed_its_password(
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

    def test_one_of_an_account_that_was_disabled(self, api: Api, account: Account, db: Database) -> None:
        assert api.get("").status_code == 200
        db.update(account.id, lambda doc: {**doc, "pvt_enabled": False})
        wait_until(lambda: {api.get("").status_code for _ in range(4)} == {401})


class TestShowing:
    """GET /v2/token_auth."""

    def test_it_tells_whose_the_token_is(self, api: Api, account: Account) -> None:
        answer = api.get("/v2/token_auth")
        assert answer.status_code == 200
        data = answer.json()["data"]
        assert (data["account_id"], data["owner_id"]) == (account.id, account.user_id)
        assert data["account_name"] == account.name
        assert answer.json()["auth_token"] == api.token

    def test_it_refuses_a_bad_token(self, anybody: Api) -> None:
        assert anybody.get("/v2/token_auth", headers={"X-Auth-Token": "bad"}).status_code == 401


class TestRevoking:
    """DELETE /v2/token_auth."""

    def test_the_token_is_bad_from_then_on(self, api: Api) -> None:
        answer = api.delete("/v2/token_auth")
        assert answer.status_code == 200
        wait_until(lambda: {api.get("").status_code for _ in range(4)} == {401})

    def test_another_token_of_the_same_user_stays_good(
        self, api: Api, account: Account, log_in: Callable[..., Api]
    ) -> None:
        other = log_in(account)
        api.delete("/v2/token_auth")
        wait_until(lambda: {api.get("").status_code for _ in range(4)} == {401})
        assert other.get("").status_code == 200

    def test_another_instance_that_knew_the_token_refuses_it_too(
        self, api: Api, account: Account, service: Service
    ) -> None:
        instance = service.start()
        try:
            elsewhere = Api(instance.url, account.id, api.token)
            assert elsewhere.get("").status_code == 200
            api.delete("/v2/token_auth")
            wait_until(lambda: {elsewhere.get("").status_code for _ in range(4)} == {401})
        finally:
            instance.stop()

    def test_what_is_stored_is_no_token(self, api: Api) -> None:
        claims = claims_of(api)
        api.delete("/v2/token_auth")
        stored = couch().database(database_names.TOKENS).get(claims["jti"])
        assert stored is not None
        assert str(api.token) not in str(stored)
        assert stored["exp"] == claims["exp"]
