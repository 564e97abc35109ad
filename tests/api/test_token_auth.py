"""Tokens: how they are sent, what makes them bad or ends them, and that they are Kazoo's."""

import base64
import hashlib
import hmac
import string
import time
from collections.abc import Callable
from typing import Any

import jwt
import orjson
import pytest
from django.conf import settings

from couch.client import couch
from couch.database import Database
from storage import database_names
from tests.support.api_client import Account, Api
from tests.support.kazoo_tokens import KazooTokens, new_key
from tests.support.servers import Running, wait_until


@pytest.fixture
def anonymous(server: Running, account: Account) -> Api:
    """A client without a token."""
    return Api(server.url, account.id)


@pytest.fixture(scope="module")
def kazoo() -> KazooTokens:
    """A Kazoo that shares the CouchDB."""
    return KazooTokens(settings.COUCHDB_URL)


@pytest.fixture
def claims(kazoo: KazooTokens, api: Api, account: Account) -> dict[str, Any]:
    """The claims of a token that Kazoo would issue for the account's administrator."""
    return kazoo.claims(account.id, owner_id=account.user_id)


def status_of(anonymous: Api, token: str) -> int:
    return anonymous.get("", headers={"X-Auth-Token": token}).status_code


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

    @pytest.mark.parametrize(("data", "rule"), [({}, "required"), ({"data": []}, "type")])
    def test_a_token_in_an_envelope_without_its_data_counts(
        self, api: Api, anonymous: Api, data: dict[str, Any], rule: str
    ) -> None:
        answer = anonymous.put("vmboxes", json={**data, "auth_token": api.token})
        assert (answer.status_code, list(answer.json()["data"]["data"])) == (400, [rule])
        assert anonymous.put("vmboxes", json={**data, "auth_token": "bad"}).status_code == 401

    def test_a_delete_needs_no_data_beside_its_token(self, api: Api, anonymous: Api) -> None:
        box = api.new_box()
        assert anonymous.delete(f"vmboxes/{box['id']}", json={"auth_token": api.token}).status_code == 200

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

    @pytest.mark.parametrize("key_id", ["stored", "f" * 32, "../accounts", ""])
    def test_a_token_signed_with_another_key_is_refused(
        self, kazoo: KazooTokens, claims: dict[str, Any], anonymous: Api, key_id: str
    ) -> None:
        stored = kazoo.settings()["system_key"]
        token = jwt.encode(claims, new_key(), "RS256", headers={"kid": stored if key_id == "stored" else key_id})
        assert status_of(anonymous, token) == 401

    def test_an_unsigned_token_is_refused(self, claims: dict[str, Any], anonymous: Api) -> None:
        assert status_of(anonymous, jwt.encode(claims, "", "none")) == 401

    def test_a_token_signed_with_the_public_key_as_a_password_is_refused(
        self, kazoo: KazooTokens, claims: dict[str, Any], anonymous: Api
    ) -> None:
        key_id = kazoo.settings()["system_key"]
        head = {"alg": "HS256", "typ": "JWT", "kid": key_id}
        parts = [encoded(orjson.dumps(part)) for part in (head, claims)]
        digest = hmac.new(kazoo.public_key(key_id).encode(), ".".join(parts).encode(), hashlib.sha256).digest()
        assert status_of(anonymous, ".".join([*parts, encoded(digest)])) == 401

    def test_a_modified_token_is_refused(self, api: Api, anonymous: Api) -> None:
        head, body, signature = str(api.token).split(".")
        modified = body[:10] + ("A" if body[10] != "A" else "B") + body[11:]
        assert anonymous.get("", headers={"X-Auth-Token": f"{head}.{modified}.{signature}"}).status_code == 401

    @pytest.mark.parametrize(
        "change",
        [
            {"exp": int(time.time()) - 1},
            {"exp": "soon"},
            {"iss": "somebody else"},
            {"account_id": "nonsense"},
            {"account_id": None},
            {"account_id": "f" * 32},
            {"owner_id": "f" * 32},
            {"owner_id": ["x"]},
            {"owner_id": None},
            {"device_id": "../x"},
            {"identity_sig": "0" * 43},
            {"identity_sig": ["x"]},
        ],
    )
    def test_a_token_with_a_wrong_claim_is_refused(
        self, kazoo: KazooTokens, claims: dict[str, Any], anonymous: Api, change: dict[str, Any]
    ) -> None:
        assert status_of(anonymous, kazoo.sign({**claims, **change})) == 401

    @pytest.mark.parametrize("missing", ["exp", "iss", "account_id", "owner_id", "identity_sig"])
    def test_a_token_without_a_claim_is_refused(
        self, kazoo: KazooTokens, claims: dict[str, Any], anonymous: Api, missing: str
    ) -> None:
        remaining = {name: value for name, value in claims.items() if name != missing}
        assert status_of(anonymous, kazoo.sign(remaining)) == 401

    def test_a_user_of_another_account_does_not_get_in_with_its_own_signature(
        self, kazoo: KazooTokens, claims: dict[str, Any], new_account: Callable[..., Account], server: Running
    ) -> None:
        other = new_account()
        token = kazoo.sign({**claims, "account_id": other.id})
        assert Api(server.url, other.id, token).get("").status_code == 401

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
        api.delete("/v2/token_auth")
        rows = couch().database(database_names.TOKENS).all_docs(include_docs=True)
        (stored,) = [row["doc"] for row in rows if row["doc"].get("account_id") == api.account_id]
        assert str(api.token) not in str(stored)
        assert stored["exp"] == jwt.decode(str(api.token), options={"verify_signature": False})["exp"]

    def test_a_token_is_revoked_however_its_signature_is_written(self, api: Api, anonymous: Api) -> None:
        head, _, signature = str(api.token).rpartition(".")
        # The last of 342 digits has four bits that mean nothing.
        variant = next(
            f"{head}.{signature[:-1]}{digit}"
            for digit in string.ascii_letters + string.digits + "-_"
            if digit != signature[-1] and decoded(signature[:-1] + digit) == decoded(signature)
        )
        api.delete("/v2/token_auth")
        wait_until(lambda: {api.get("").status_code for _ in range(4)} == {401})
        assert status_of(anonymous, variant) == 401


class TestSharing:
    """Tokens are Kazoo's: what one issues, the other takes."""

    def test_kazoo_takes_the_tokens_of_users_and_api_keys(
        self, kazoo: KazooTokens, api: Api, anonymous: Api, account: Account
    ) -> None:
        claims = kazoo.verify(str(api.token))
        assert (claims["account_id"], claims["owner_id"], claims["method"]) == (
            account.id,
            account.user_id,
            "cb_user_auth",
        )
        token = anonymous.put("/v2/api_auth", {"api_key": account.api_key}).json()["auth_token"]
        claims = kazoo.verify(token)
        assert (claims["account_id"], claims["method"]) == (account.id, "cb_api_auth")
        assert "owner_id" not in claims

    @pytest.mark.parametrize("algorithm", ["RS256", "RS384", "RS512"])
    def test_kazoos_tokens_of_users_are_accepted(
        self, kazoo: KazooTokens, claims: dict[str, Any], anonymous: Api, algorithm: str
    ) -> None:
        assert status_of(anonymous, kazoo.sign(claims, algorithm)) == 200

    def test_kazoos_tokens_of_api_keys_are_accepted(
        self, kazoo: KazooTokens, account: Account, anonymous: Api
    ) -> None:
        assert anonymous.put("/v2/api_auth", {"api_key": account.api_key}).status_code == 201
        assert status_of(anonymous, kazoo.sign(kazoo.claims(account.id))) == 200

    def test_a_device_sees_the_mailboxes_of_its_owner_and_administers_nothing(
        self, kazoo: KazooTokens, api: Api, server: Running, account: Account, db: Database
    ) -> None:
        user = api.put("users", {"first_name": "A", "last_name": "B", "username": "owner"}).json()["data"]
        box = api.new_box("3000", owner_id=user["id"])
        device = {"_id": "d" * 32, "pvt_type": "device", "owner_id": user["id"], "pvt_signature_secret": "a secret"}
        db.put(device)
        phone = Api(server.url, account.id, kazoo.sign(kazoo.claims(account.id, device_id="d" * 32)))
        assert phone.patch(f"vmboxes/{box['id']}", {"name": "Mine"}).status_code == 200
        assert phone.put("vmboxes", {"name": "New", "mailbox": "3001"}).status_code == 403
        db.update("d" * 32, lambda doc: {**doc, "enabled": False})
        wait_until(lambda: {phone.get("").status_code for _ in range(4)} == {401})

    def test_a_user_without_a_secret_gets_one_at_the_first_sign_in(
        self, kazoo: KazooTokens, account: Account, db: Database, log_in: Callable[..., Api]
    ) -> None:
        without = {"pvt_signature_secret": None}
        db.update(account.user_id, lambda doc: {**doc, **without})
        clients = [log_in(account) for _ in range(2)]
        secret = (db.get(account.user_id) or {})["pvt_signature_secret"]
        assert len(str(secret)) == 32
        assert [kazoo.verify(str(client.token))["owner_id"] for client in clients] == [account.user_id] * 2


class TestEnding:
    """A new secret ends tokens, here and in Kazoo."""

    def test_a_secret_that_kazoo_resets_ends_the_tokens(self, api: Api, account: Account, db: Database) -> None:
        assert api.get("").status_code == 200
        db.update(account.user_id, lambda doc: {**doc, "pvt_signature_secret": "another"})
        wait_until(lambda: {api.get("").status_code for _ in range(4)} == {401})

    def test_users_end_their_own_tokens(self, api: Api, account: Account, log_in: Callable[..., Api]) -> None:
        second = log_in(account)
        assert api.put("/v2/auth", {"action": "reset_signature_secret"}).status_code == 201
        wait_until(lambda: {c.get("").status_code for c in (api, second) for _ in range(4)} == {401})
        assert log_in(account).get("").status_code == 200

    def test_administrators_end_the_tokens_of_users_and_keys_below_them(
        self, api: Api, anonymous: Api, account: Account, log_in: Callable[..., Api]
    ) -> None:
        user = {"first_name": "A", "last_name": "B", "username": "below", "password": "secret 1"}
        user_id = api.put("users", user).json()["data"]["id"]
        by_user = log_in(account, "below", "secret 1")
        token = anonymous.put("/v2/api_auth", {"api_key": account.api_key}).json()["auth_token"]
        reset = {"action": "reset_signature_secret"}
        assert by_user.put("auth", reset).status_code == 403
        assert by_user.put(f"users/{account.user_id}/auth", reset).status_code == 403
        assert api.put("auth", reset).status_code == 201
        assert api.put(f"users/{user_id}/auth", reset).status_code == 201
        wait_until(lambda: {status_of(anonymous, t) for t in (token, str(by_user.token)) for _ in range(4)} == {401})
        assert api.get("").status_code == 200
        assert api.put(f"users/{'f' * 32}/auth", reset).status_code == 404

    @pytest.mark.parametrize("data", [{}, {"action": "something"}, {"action": None}, {"action": 7}])
    def test_another_action_is_refused(self, api: Api, data: dict[str, Any]) -> None:
        answer = api.put("/v2/auth", data)
        assert answer.status_code == 400
        assert "action" in answer.json()["data"]
        assert api.get("").status_code == 200


class TestTokenInfo:
    """/v2/auth/tokeninfo and GET /v2/user_auth/{TOKEN}."""

    def test_the_claims_and_the_account_are_told(self, api: Api, anonymous: Api, account: Account) -> None:
        answers = [
            api.get("/v2/auth/tokeninfo"),
            anonymous.get("/v2/auth/tokeninfo", params={"auth_token": str(api.token)}),
            anonymous.post("/v2/auth/tokeninfo", {"token": api.token}),
            anonymous.get(f"/v2/user_auth/{api.token}"),
        ]
        assert {answer.status_code for answer in answers} <= {200, 201}
        for answer in answers:
            data = answer.json()["data"]
            assert (data["account_id"], data["owner_id"], data["account_name"]) == (
                account.id,
                account.user_id,
                account.name,
            )
            assert (data["method"], data["iss"]) == ("cb_user_auth", "kazoo")

    def test_a_bad_token_is_refused(self, api: Api, anonymous: Api) -> None:
        bad = str(api.token)[:-20]
        answers = [
            anonymous.get("/v2/auth/tokeninfo"),
            anonymous.post("/v2/auth/tokeninfo", {"token": bad}),
            anonymous.get(f"/v2/user_auth/{bad}"),
        ]
        assert [answer.status_code for answer in answers] == [401] * 3
        assert anonymous.post("/v2/auth/tokeninfo", {}).status_code == 400

    def test_a_token_in_the_path_reaches_no_log(self, api: Api, anonymous: Api, server: Running) -> None:
        assert anonymous.get(f"/v2/user_auth/{api.token}").status_code == 200
        assert str(api.token).rpartition(".")[2] not in server.logged()


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
