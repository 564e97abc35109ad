"""Apps of Monster UI, where a Kazoo keeps documents about them."""

import secrets
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from accounts import accounts, apps_store
from couch.client import couch
from couch.database import Database
from storage import database_names
from tests.support.api_client import Account
from tests.support.kazoo_documents import private

pytestmark = pytest.mark.alone  # one of the tests changes the master account's apps

DESIGN: dict[str, Any] = {
    "_id": "_design/apps_store",
    "language": "javascript",
    "views": {
        "crossbar_listing": {
            "map": "function(doc) { if (doc.pvt_type != 'app' || doc.pvt_deleted) return; emit(doc._id, null); }"
        }
    },
}


def app(name: str, **members: Any) -> dict[str, Any]:
    """A document as Kazoo's command for installing an app leaves it."""
    return {
        "_id": secrets.token_hex(16),
        "name": name,
        "i18n": {"en-US": {"label": name.capitalize(), "description": "", "features": []}},
        "tags": ["admin"],
        "icon": f"{name}_app.png",
        "api_url": "https://kazoo.example.com:8443/v2/",
        "price": 0,
        **private("app"),
        **members,
    }


@pytest.fixture
def add_apps() -> Iterator[Callable[..., None]]:
    """Stores documents of apps in an account's database, for the length of a test."""
    written: list[tuple[Database, dict[str, Any]]] = []

    def add(account_id: str, *documents: dict[str, Any]) -> None:
        database = couch().database(database_names.account_db(account_id))
        written.extend((database, database.put(document)) for document in documents)
        if database.get_design(DESIGN["_id"]) is None:
            database.put_design(DESIGN)

    yield add
    for database, document in written:
        database.delete(document["_id"], document["_rev"])


def test_apps_are_switched_on_as_the_account_has_chosen(account: Account, add_apps: Callable[..., None]) -> None:
    voicemails, voip, callflows, hidden = (app(name) for name in ("voicemails", "voip", "callflows", "hidden"))
    chosen = {
        voicemails["_id"]: {"allowed_users": "all", "users": []},
        voip["_id"]: {"allowed_users": "specific", "users": [{"id": account.user_id}]},
        hidden["_id"]: {"allowed_users": "all", "users": []},
    }
    store = {"_id": "apps_store", "apps": chosen, "blacklist": [hidden["_id"]], **private("apps_store")}
    add_apps(account.id, voicemails, voip, callflows, hidden, store)

    listed = apps_store.list_apps(account.id)
    assert [(entry["name"], entry.get("allowed_users"), entry.get("users")) for entry in listed] == [
        ("callflows", None, None),
        ("voicemails", "all", []),
        ("voip", "specific", [{"id": account.user_id}]),
    ]
    assert listed[1] == {
        "id": voicemails["_id"],
        "name": "voicemails",
        "i18n": voicemails["i18n"],
        "tags": ["admin"],
        "icon": "voicemails_app.png",
        "api_url": "https://kazoo.example.com:8443/v2/",
        "price": 0,
        "allowed_users": "all",
        "users": [],
    }
    assert apps_store.get(account.id, voip["_id"]) == listed[2]


def test_the_master_account_has_the_apps_of_every_account(
    account: Account, new_account: Callable[..., Account], add_apps: Callable[..., None]
) -> None:
    new_account(superduper_admin=True)
    master_id = accounts.master_account_id()
    assert master_id is not None
    voicemails, voip = app("voicemails"), app("voip")
    add_apps(master_id, voicemails, voip)
    # The account has chosen nothing: what the setting names is on.
    assert [(entry["id"], entry.get("allowed_users")) for entry in apps_store.list_apps(account.id)] == [
        (voicemails["_id"], "all"),
        (voip["_id"], None),
    ]


def test_documents_that_nobody_could_show_are_left_out(account: Account, add_apps: Callable[..., None]) -> None:
    store = {"_id": "apps_store", "apps": ["?"], "blacklist": "none", **private("apps_store")}
    good = app("good")
    add_apps(account.id, store, good, app("no texts", i18n=None), {**app("nameless"), "name": 7})
    assert [(entry["id"], entry.get("allowed_users")) for entry in apps_store.list_apps(account.id)] == [
        (good["_id"], None)
    ]


def test_a_view_without_apps_leaves_it_to_the_setting(account: Account, add_apps: Callable[..., None]) -> None:
    add_apps(account.id)
    assert [entry["name"] for entry in apps_store.list_apps(account.id)] == ["voicemails"]
