"""What Monster UI asks at its start, in its order, besides what it asks of mailboxes."""

from collections.abc import Callable, Iterator

import pytest

from couch.client import Database, Document, couch
from storage import database_names
from tests.support.api_client import Account, Api
from tests.support.servers import Running

KAZOOS_VIEW: Document = {
    "_id": "_design/apps_store",
    "language": "javascript",
    "views": {
        "crossbar_listing": {"map": "function (doc) { if (doc.pvt_type === 'app') { emit(doc.name, null); } }"}
    },
}
"""What makes Kazoo's view list documents of apps."""


@pytest.fixture(scope="module")
def account(shared_account: Account) -> Account:
    return shared_account


@pytest.fixture
def anonymous(server: Running) -> Api:
    """A client without a token."""
    return Api(server.url, "")


@pytest.fixture(scope="module")
def master_database(new_account: Callable[..., Account]) -> Database:
    """The database of the master account."""
    new_account(superduper_admin=True)
    master_id = (couch().database(database_names.CONFIG).get("accounts") or {})["default"]["master_account_id"]
    return couch().database(database_names.account_db(master_id))


@pytest.fixture(scope="module")
def stored_apps(master_database: Database) -> Iterator[dict[str, str]]:
    """The ids of apps by their names, as a Kazoo beside has stored them."""
    if master_database.get_design(KAZOOS_VIEW["_id"]) is None:
        master_database.put_design(KAZOOS_VIEW)
    texts = {"label": "Messages", "description": "All messages", "extended_description": "", "features": ["Listen"]}
    common = {"pvt_type": "app", "api_url": "https://kazoo.example.com/v2/", "i18n": {"en-US": texts}}
    docs: list[Document] = [
        {**common, "_id": "a1" * 16, "name": "voicemails"},
        {**common, "_id": "a2" * 16, "name": "voip", "published": False},
        {**common, "_id": "a3" * 16, "name": "accounts"},
    ]
    for doc in docs:
        master_database.put(doc)
    yield {doc["name"]: doc["_id"] for doc in docs}
    for doc in docs:
        stored = master_database.get(doc["_id"]) or {}
        master_database.delete(doc["_id"], stored["_rev"])


@pytest.fixture
def beside_kazoo(server_with: Callable[..., Running], stored_apps: dict[str, str], api: Api) -> Api:
    """A client of a service that lists some apps of which Kazoo has stored documents."""
    return Api(server_with(MONSTER_UI_APPS="voicemails,voip,callflows").url, api.account_id, api.token)


class TestApps:
    """apps_store."""

    def test_an_account_has_the_app_of_voicemails(self, api: Api) -> None:
        (app,) = api.get("apps_store").json()["data"]
        assert app["name"] == "voicemails"
        assert api.get(f"apps_store/{app['id']}").json()["data"] == app

    def test_an_unknown_app_is_not_found(self, api: Api) -> None:
        answer = api.get(f"apps_store/{'f' * 32}")
        assert (answer.status_code, answer.json()["data"]["cause"]) == (404, "f" * 32)

    def test_every_user_of_the_account_may_list_apps(self, api: Api, plain: Api, own_api: Api) -> None:
        assert plain.get("apps_store").json()["data"] == api.get("apps_store").json()["data"]
        assert own_api.get(api.address("apps_store").removeprefix(api.url)).status_code == 403

    def test_an_app_is_shown_as_kazoos_document_says(self, beside_kazoo: Api, stored_apps: dict[str, str]) -> None:
        voicemails, _, _ = beside_kazoo.get("apps_store").json()["data"]
        assert voicemails["id"] == stored_apps["voicemails"]
        assert voicemails["api_url"] == "https://kazoo.example.com/v2/"
        assert voicemails["i18n"]["en-US"]["label"] == "Messages"
        assert (voicemails["allowed_users"], voicemails["price"]) == ("all", 0)
        assert not any(name.startswith(("pvt_", "_")) for name in voicemails)

    def test_an_app_without_a_published_document_is_shown_all_the_same(
        self, beside_kazoo: Api, stored_apps: dict[str, str]
    ) -> None:
        _, voip, callflows = beside_kazoo.get("apps_store").json()["data"]
        assert voip["id"] != stored_apps["voip"]
        for app, name, label in ((voip, "voip", "SmartPBX"), (callflows, "callflows", "Callflows")):
            texts = {"label": label, "description": label, "extended_description": label, "features": []}
            assert database_names.is_account_id(app.pop("id"))
            assert app == {
                "name": name,
                "i18n": {"en-US": texts},
                "tags": [],
                "icon": f"{name}.png",
                "price": 0,
                "users": [],
                "allowed_users": "all",
                "masqueradable": True,
            }

    def test_an_account_hides_apps_and_says_who_may_use_them(
        self, beside_kazoo: Api, stored_apps: dict[str, str], own_api: Api
    ) -> None:
        client = Api(beside_kazoo.url, own_api.account_id, own_api.token)
        voip = client.get("apps_store").json()["data"][1]["id"]
        permission = {"allowed_users": "specific", "users": [{"id": "b" * 32}]}
        database = couch().database(database_names.account_db(client.account_id))
        database.put({"_id": "apps_store", "blacklist": [voip], "apps": {stored_apps["voicemails"]: permission}})
        voicemails, callflows = client.get("apps_store").json()["data"]
        assert {name: voicemails[name] for name in permission} == permission
        assert (callflows["name"], callflows["allowed_users"]) == ("callflows", "all")


class TestMoney:
    """What Kazoo sells."""

    def test_an_account_has_no_balance_and_no_trunks(self, api: Api) -> None:
        assert api.get("ledgers/total").json()["data"] == {"amount": 0}
        limits = api.get("limits").json()["data"]
        assert limits == {
            **dict.fromkeys(("twoway_trunks", "inbound_trunks", "outbound_trunks", "burst_trunks"), 0),
            "allow_prepay": False,
            "allow_postpay": False,
        }


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/v2/whitelabel/ui.example.com",
            "/v2/whitelabel/ui.example.com/logo",
            "/v2/whitelabel/ui.example.com/icon",
        ),
        *("external_numbers", "alerts", "storage", f"cdrs/{'f' * 32}", "websockets"),
    ],
)
def test_what_is_not_served_is_not_found(api: Api, path: str) -> None:
    answer = api.get(path)
    assert (answer.status_code, answer.json()["message"]) == (404, "not_found")
    assert answer.headers["Content-Type"] == "application/json"


def test_recovering_a_password_is_not_found(anonymous: Api) -> None:
    answer = anonymous.put("/v2/user_auth/recovery", {"username": "ada"})
    assert (answer.status_code, answer.json()["message"]) == (404, "not_found")


def test_the_content_type_of_every_answer_is_without_a_charset(api: Api) -> None:
    for path in ("", "users?paginate=false", "apps_store", "limits", "ledgers/total", "vmboxes?paginate=false"):
        assert api.get(path).headers["Content-Type"] == "application/json"
