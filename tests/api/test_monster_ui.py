"""What Monster UI asks at its start, in its order, besides what it asks of mailboxes."""

from collections.abc import Callable

import pytest

from storage import database_names
from tests.support.api_client import Account, Api
from tests.support.servers import Running


@pytest.fixture(scope="module")
def account(shared_account: Account) -> Account:
    return shared_account


@pytest.fixture
def anonymous(server: Running) -> Api:
    """A client without a token."""
    return Api(server.url, "")


class TestApps:
    """apps_store."""

    def test_an_account_has_the_app_of_voicemails(self, api: Api) -> None:
        (app,) = api.get("apps_store").json()["data"]
        texts = {"label": "Voicemails", "description": "Voicemails", "extended_description": "Voicemails"}
        assert app == {
            "id": app["id"],
            "name": "voicemails",
            "i18n": {"en-US": {**texts, "features": []}},
            "tags": [],
            "icon": "voicemails.png",
            "price": 0,
            "users": [],
            "allowed_users": "all",
        }
        assert database_names.is_account_id(app["id"])
        assert api.get(f"apps_store/{app['id']}").json()["data"] == app

    def test_an_unknown_app_is_not_found(self, api: Api) -> None:
        answer = api.get(f"apps_store/{'f' * 32}")
        assert (answer.status_code, answer.json()["data"]["cause"]) == (404, "f" * 32)

    def test_every_user_of_the_account_may_list_apps(self, api: Api, plain: Api, own_api: Api) -> None:
        assert plain.get("apps_store").json()["data"] == api.get("apps_store").json()["data"]
        assert own_api.get(api.address("apps_store").removeprefix(api.url)).status_code == 403

    def test_the_setting_names_the_apps(self, server_with: Callable[..., Running], api: Api) -> None:
        client = Api(server_with(MONSTER_UI_APPS="voicemails,voip,own").url, api.account_id, api.token)
        apps = client.get("apps_store").json()["data"]
        assert apps[0] == api.get("apps_store").json()["data"][0]
        assert [(app["name"], app["i18n"]["en-US"]["label"]) for app in apps] == [
            ("voicemails", "Voicemails"),
            ("voip", "SmartPBX"),
            ("own", "Own"),
        ]
        assert len({app["id"] for app in apps}) == 3


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
