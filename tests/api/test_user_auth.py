"""PUT /v2/user_auth: a token for the hash of a user name and password."""

import base64
import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings

from couch.client import couch
from couch.database import Database
from storage import database_names, private_fields
from tests.support.api_client import Account, Api
from tests.support.kazoo_tokens import KazooTokens
from tests.support.servers import Running

INVALID = {"message": "invalid credentials"}


@pytest.fixture
def anonymous(server: Running) -> Api:
    """A client without a token."""
    return Api(server.url, "")


def md5(username: str, password: str) -> str:
    return hashlib.md5(f"{username.lower()}:{password}".encode()).hexdigest()


def sha(username: str, password: str) -> str:
    return hashlib.sha1(f"{username.lower()}:{password}".encode()).hexdigest()


def credentials(account: Account, **fields: Any) -> dict[str, Any]:
    return {"credentials": md5(account.username, account.password), **fields}


def disable(account: Account, db: Database) -> None:
    """Disable an account as Kazoo does for its parent."""
    for database in (db, couch().database(database_names.ACCOUNTS)):
        database.update(account.id, lambda doc: {**doc, "pvt_enabled": False})


class TestFindingTheAccount:
    """By id, realm or name."""

    def test_sign_in_with_the_realm(self, anonymous: Api, account: Account) -> None:
        answer = anonymous.put("/v2/user_auth", credentials(account, account_realm=account.realm))
        assert answer.status_code == 201
        assert answer.json()["data"]["account_id"] == account.id

    def test_sign_in_with_the_realm_in_capitals(self, anonymous: Api, account: Account) -> None:
        data = credentials(account, account_realm=account.realm.upper())
        assert anonymous.put("/v2/user_auth", data).status_code == 201

    def test_sign_in_with_the_realm_as_the_php_sdk_calls_it(self, anonymous: Api, account: Account) -> None:
        answer = anonymous.put("/v2/user_auth", credentials(account, realm=account.realm))
        assert answer.status_code == 201
        assert answer.json()["data"]["account_id"] == account.id
        wrong = anonymous.put("/v2/user_auth", credentials(account, realm=f"not-{account.realm}"))
        assert (wrong.status_code, wrong.json()["data"]) == (401, INVALID)

    def test_a_realm_that_is_no_text_is_refused(self, anonymous: Api, account: Account) -> None:
        answer = anonymous.put("/v2/user_auth", credentials(account, realm=[account.realm]))
        assert answer.status_code == 400
        assert answer.json()["data"]["realm"].keys() == {"type"}

    def test_sign_in_with_the_accounts_id(self, anonymous: Api, account: Account) -> None:
        assert anonymous.put("/v2/user_auth", credentials(account, account_id=account.id)).status_code == 201

    def test_only_letters_and_digits_of_the_accounts_name_count(self, anonymous: Api, account: Account) -> None:
        name = "  " + account.name.upper().replace(" ", "--") + "!"
        answer = anonymous.put("/v2/user_auth", credentials(account, account_name=name))
        assert answer.status_code == 201
        assert answer.json()["data"]["account_name"] == account.name

    def test_sign_in_with_a_name_that_is_not_ascii(
        self, anonymous: Api, api: Api, account: Account, log_in: Callable[..., Api]
    ) -> None:
        name = f"Télé Ωmega {account.id[:8]}"
        assert api.patch("", {"name": name}).status_code == 200
        assert anonymous.put("/v2/user_auth", credentials(account, account_name=name)).status_code == 201

    def test_accounts_of_one_name_are_distinguished_by_the_credentials(
        self, anonymous: Api, new_account: Callable[..., Account], log_in: Callable[..., Api]
    ) -> None:
        first, second = new_account(), new_account()
        assert log_in(second).patch("", {"name": first.name}).status_code == 200
        for account in (first, second):
            answer = anonymous.put("/v2/user_auth", credentials(account, account_name=first.name))
            assert answer.json()["data"]["account_id"] == account.id

    def test_a_phone_number_is_refused_with_a_reason(self, anonymous: Api, account: Account) -> None:
        answer = anonymous.put("/v2/user_auth", credentials(account, phone_number="+15551234567"))
        assert answer.status_code == 400
        assert answer.json()["data"]["phone_number"].keys() == {"not_supported"}

    def test_a_sign_in_that_names_no_account_is_refused(self, anonymous: Api, account: Account) -> None:
        answer = anonymous.put("/v2/user_auth", credentials(account))
        assert answer.status_code == 400
        assert answer.json()["data"]["account_name"]["required"]["message"] == "Field is required but missing"


class TestAnswer:
    """What a successful sign-in tells."""

    def test_the_response_identifies_the_user_and_has_a_token(self, anonymous: Api, account: Account) -> None:
        answer = anonymous.put("/v2/user_auth", credentials(account, account_realm=account.realm))
        body = answer.json()
        expected = {
            "account_id": account.id,
            "owner_id": account.user_id,
            "account_name": account.name,
            "language": "en-us",
            "is_master_account": False,
            "is_reseller": False,
            "capabilities": {"voicemail": {"transcription": {"available": False, "default": False}}},
            "ui_config": {},
            "apps": [],
        }
        assert body["status"] == "success"
        assert body["data"].items() >= expected.items()
        assert body["data"].keys() == expected.keys() | {"reseller_id", "cluster_id"}
        assert len(body["data"]["cluster_id"]) == 32
        assert Api(anonymous.url, account.id, body["auth_token"]).get("").status_code == 200

    def test_the_token_names_its_user_and_expires(self, anonymous: Api, account: Account) -> None:
        body = anonymous.put("/v2/user_auth", credentials(account, account_realm=account.realm)).json()
        claims = KazooTokens(settings.COUCHDB_URL).verify(body["auth_token"])
        assert claims["iss"] == "kazoo"
        assert (claims["account_id"], claims["owner_id"]) == (account.id, account.user_id)
        assert claims["method"] == "cb_user_auth"
        assert claims["exp"] - claims["iat"] == 3600
        assert database_names.is_account_id(claims["jti"])
        assert account.password not in str(claims)
        assert md5(account.username, account.password) not in str(claims)

    def test_the_users_language_overrides_the_accounts(self, anonymous: Api, api: Api, account: Account) -> None:
        api.patch(f"users/{account.user_id}", {"language": "de-de"})
        body = anonymous.put("/v2/user_auth", credentials(account, account_realm=account.realm)).json()
        assert body["data"]["language"] == "de-de"

    def test_a_trailing_slash_makes_no_difference(self, anonymous: Api, account: Account) -> None:
        assert anonymous.put("/v2/user_auth/", credentials(account, account_realm=account.realm)).status_code == 201


class TestCredentials:
    """Which hashes are good."""

    def test_sha1_hashes_are_accepted(self, anonymous: Api, account: Account) -> None:
        digest = sha(account.username, account.password)
        data = {"credentials": digest, "method": "sha", "account_realm": account.realm}
        assert anonymous.put("/v2/user_auth", data).status_code == 201

    def test_a_hash_by_the_other_method_is_refused(self, anonymous: Api, account: Account) -> None:
        data = credentials(account, method="sha", account_realm=account.realm)
        assert anonymous.put("/v2/user_auth", data).status_code == 401

    def test_an_unknown_method_is_refused(self, anonymous: Api, account: Account) -> None:
        answer = anonymous.put("/v2/user_auth", credentials(account, method="crc", account_realm=account.realm))
        assert answer.status_code == 400
        assert answer.json()["data"]["method"]["enum"]["target"] == ["md5", "sha"]

    def test_missing_credentials_are_refused(self, anonymous: Api, account: Account) -> None:
        answer = anonymous.put("/v2/user_auth", {"account_realm": account.realm})
        assert answer.status_code == 400
        assert "required" in answer.json()["data"]["credentials"]

    def test_a_request_without_a_body_is_refused(self, anonymous: Api) -> None:
        assert anonymous.put("/v2/user_auth").status_code == 400

    def test_wrong_credentials_and_an_unknown_account_get_the_same_response(
        self, anonymous: Api, account: Account
    ) -> None:
        wrong = {"credentials": md5(account.username, "wrong")}
        answers = [
            anonymous.put("/v2/user_auth", {**wrong, "account_realm": account.realm}),
            anonymous.put("/v2/user_auth", {**wrong, "account_realm": "nobody.example.com"}),
            anonymous.put("/v2/user_auth", {**wrong, "account_name": "Nobody at all"}),
            anonymous.put("/v2/user_auth", {**wrong, "account_id": "f" * 32}),
            anonymous.put("/v2/user_auth", {**wrong, "account_id": "no id, but as long as one is.  .."}),
        ]
        assert [answer.status_code for answer in answers[:4]] == [401] * 4
        assert all(answer.json()["data"] == INVALID for answer in answers[:4])
        assert {answer.json()["message"] for answer in answers[:4]} == {"invalid_credentials"}
        assert answers[4].status_code in (400, 401)

    def test_a_user_that_kazoo_stored_can_sign_in(self, anonymous: Api, account: Account, db: Database) -> None:
        user = {
            "_id": "ab" * 16,
            "username": "kazoo-user",
            "pvt_type": "user",
            "pvt_account_id": account.id,
            "pvt_md5_auth": md5("kazoo-user", "its password"),
            "pvt_sha1_auth": sha("kazoo-user", "its password"),
        }
        db.put(user)
        data = {"credentials": user["pvt_md5_auth"], "account_realm": account.realm}
        answer = anonymous.put("/v2/user_auth", data)
        assert answer.status_code == 201
        assert answer.json()["data"]["owner_id"] == user["_id"]

    def test_a_disabled_user_cannot_sign_in(
        self, anonymous: Api, api: Api, account: Account, log_in: Callable[..., Api]
    ) -> None:
        user = {"first_name": "A", "last_name": "B", "username": "gone", "password": "secret 1"}
        user_id = api.put("users", user).json()["data"]["id"]
        log_in(account, "gone", "secret 1")
        assert api.patch(f"users/{user_id}", {"enabled": False}).status_code == 200
        data = {"credentials": md5("gone", "secret 1"), "account_realm": account.realm}
        answer = anonymous.put("/v2/user_auth", data)
        assert (answer.status_code, answer.json()["data"]) == (401, INVALID)

    def test_only_right_credentials_tell_that_an_account_is_disabled(
        self, anonymous: Api, account: Account, db: Database
    ) -> None:
        disable(account, db)
        for method, digest in (("md5", md5), ("sha", sha)):
            data = {"account_realm": account.realm, "method": method}
            right = anonymous.put(
                "/v2/user_auth", {**data, "credentials": digest(account.username, account.password)}
            )
            assert (right.status_code, right.json()["error"], right.json()["message"]) == (423, "423", "locked")
            assert right.json()["data"] == {"account": {"disabled": {"message": "The account is disabled"}}}
            assert "auth_token" not in right.json()
            wrong = anonymous.put("/v2/user_auth", {**data, "credentials": digest(account.username, "wrong")})
            assert (wrong.status_code, wrong.json()["data"]) == (401, INVALID)

    def test_a_disabled_account_does_not_lock_another_one_of_its_name(
        self, anonymous: Api, new_account: Callable[..., Account], log_in: Callable[..., Api]
    ) -> None:
        disabled, enabled = new_account(), new_account()
        assert log_in(enabled).patch("", {"name": disabled.name}).status_code == 200
        disable(disabled, couch().database(database_names.account_db(disabled.id)))
        answer = anonymous.put("/v2/user_auth", credentials(enabled, account_name=disabled.name))
        assert answer.json()["data"]["account_id"] == enabled.id
        answer = anonymous.put("/v2/user_auth", credentials(disabled, account_name=disabled.name))
        assert answer.status_code == 423

    def test_users_of_a_deleted_account_cannot_sign_in(self, anonymous: Api, account: Account, db: Database) -> None:
        db.update(account.id, lambda doc: {**doc, "pvt_deleted": True})
        assert not private_fields.is_live(db.get(account.id))
        for identifier in ({"account_realm": account.realm}, {"account_id": account.id}):
            answer = anonymous.put("/v2/user_auth", credentials(account, **identifier))
            assert (answer.status_code, answer.json()["data"]) == (401, INVALID)

    def test_basic_credentials_are_accepted_for_any_request(self, server: Running, account: Account) -> None:
        login = f"{account.id}:{md5(account.username, account.password)}"
        client = Api(server.url, account.id)
        header = {"Authorization": "Basic " + base64.b64encode(login.encode()).decode()}
        assert client.get("", headers=header).json()["data"]["id"] == account.id

    @pytest.mark.parametrize(
        "login", ["{id}:" + "0" * 32, "{id}:", "{id}", "nonsense:" + "0" * 32, "_users:" + "0" * 32, "é:é", ":"]
    )
    def test_bad_basic_credentials_are_refused(self, server: Running, account: Account, login: str) -> None:
        encoded = base64.b64encode(login.format(id=account.id).encode()).decode()
        client = Api(server.url, account.id)
        for value in (encoded, encoded[:-1] + "*"):
            assert client.get("", headers={"Authorization": f"Basic {value}"}).status_code == 401
