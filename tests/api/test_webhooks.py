"""/v2/accounts/{ACCOUNT_ID}/webhooks: the addresses that an account wants to be told at."""

from collections.abc import Callable
from typing import Any

import pytest

from couch.client import couch
from couch.database import Document
from storage import database_names
from tests.support.api_client import Account, Api
from tests.support.servers import Service
from webhooks import store

HOOK = {"name": "CRM", "uri": "https://crm.example.com/voicemail", "hook": "notifications"}


@pytest.fixture
def hook(api: Api) -> dict[str, Any]:
    """A webhook."""
    answer = api.put("webhooks", HOOK)
    assert answer.status_code == 201, answer.text
    created: dict[str, Any] = answer.json()["data"]
    return created


@pytest.fixture
def disable(service: Service) -> Callable[[str, str], bool]:
    """Disables a webhook for a reason; whether it was enabled."""

    def call(hook_id: str, reason: str) -> bool:
        with service.models():
            return store.disable(hook_id, reason)

    return call


def stored(hook_id: str) -> Document:
    return couch().database(database_names.WEBHOOKS).get(hook_id) or {}


class TestDocuments:
    """Creating, listing, changing and deleting."""

    def test_a_new_webhook_is_stored_as_kazoo_stores_it(
        self, api: Api, account: Account, hook: dict[str, Any]
    ) -> None:
        doc = stored(hook["id"])
        assert (doc["pvt_type"], doc["pvt_account_id"]) == ("webhook", account.id)
        assert doc["pvt_account_db"] == database_names.encode(database_names.account_db(account.id))
        defaults = ("http_verb", "retries", "format", "enabled", "include_internal_legs", "version")
        assert [doc[member] for member in defaults] == ["post", 2, "form-data", True, True, "v1"]
        assert "include_subaccounts" not in doc
        assert api.get(f"webhooks/{hook['id']}").json()["data"] == hook

    def test_webhooks_are_listed_by_name_in_pages(self, api: Api, hook: dict[str, Any]) -> None:
        for name in ("B", "A"):
            api.put("webhooks", {**HOOK, "name": name, "enabled": False})
        api.delete(f"webhooks/{api.put('webhooks', {**HOOK, 'name': 'Gone'}).json()['data']['id']}")
        page = api.get("webhooks?page_size=2").json()
        rest = api.get(f"webhooks?start_key={page['next_start_key']}").json()
        assert [entry["name"] for entry in (*page["data"], *rest["data"])] == ["A", "B", "CRM"]
        members = ("name", "uri", "hook")
        assert rest["data"] == [
            {"id": hook["id"], **{key: HOOK[key] for key in members}, "http_verb": "post", "enabled": True}
        ]
        assert [entry["name"] for entry in api.get("webhooks?filter_enabled=false").json()["data"]] == ["A", "B"]

    def test_a_webhook_is_replaced_merged_and_deleted(self, api: Api, hook: dict[str, Any]) -> None:
        path = f"webhooks/{hook['id']}"
        assert api.patch(path, {"custom_data": {"type": "voicemail_new"}, "retries": 4}).status_code == 200
        assert stored(hook["id"])["custom_data"] == {"type": "voicemail_new"}
        replaced = api.post(path, {**HOOK, "http_verb": "get"}).json()["data"]
        assert ("custom_data" in replaced, replaced["http_verb"], replaced["retries"]) == (False, "get", 2)
        assert api.delete(path).json()["data"]["id"] == hook["id"]
        assert stored(hook["id"])["pvt_deleted"] is True
        assert [api.get(path).status_code, api.delete(path).status_code] == [404, 404]

    def test_another_revision_than_the_one_seen_is_not_changed(self, api: Api, hook: dict[str, Any]) -> None:
        path, stale = f"webhooks/{hook['id']}", {"If-Match": "1-0"}
        assert api.patch(path, {"name": "B"}, headers=stale).status_code == 412
        assert api.delete(path, headers=stale).status_code == 412
        assert api.get(path).json()["data"]["name"] == "CRM"

    @pytest.mark.parametrize("hook_id", ["nothing", "_design%2Fwebhooks", "x" * 300, "0" * 32])
    def test_an_id_of_nothing_is_not_found(self, api: Api, hook_id: str) -> None:
        assert api.get(f"webhooks/{hook_id}").status_code == 404
        assert api.get(f"webhooks/{hook_id}/attempts").status_code == 404


class TestRules:
    """What a webhook may say."""

    @pytest.mark.parametrize("field", ["name", "uri", "hook"])
    def test_required_members_are_named(self, api: Api, field: str) -> None:
        answer = api.put("webhooks", {key: value for key, value in HOOK.items() if key != field})
        assert (answer.status_code, list(answer.json()["data"])) == (400, [field])

    @pytest.mark.parametrize(
        "members",
        [
            {"http_verb": "delete"},
            {"retries": 5},
            {"retries": -1},
            {"format": "xml"},
            {"version": "v3"},
            {"enabled": "perhaps"},
            {"custom_data": {"a": 1}},
            {"custom_data": []},
            {"security_settings": {"sha256_key": 1}},
        ],
    )
    def test_values_outside_the_schema_are_refused(self, api: Api, members: dict[str, Any]) -> None:
        answer = api.put("webhooks", {**HOOK, **members})
        assert answer.status_code == 400
        assert all(field.split(".")[0] in members for field in answer.json()["data"])

    @pytest.mark.parametrize(
        "uri",
        [
            *("crm", "/crm", "//crm.example.com", "http://", "http:///x", "https://:80/", "ftp://crm.example.com"),
            *("file:///etc/passwd", "gopher://crm.example.com", "javascript:alert(1)", "http://crm example.com/"),
            *("http://crm.example.com/\r\nX: y", "http://crm.example.com:99999/", "http://[::1", "http:\\\\crm"),
        ],
    )
    def test_only_http_addresses_are_taken(self, api: Api, hook: dict[str, Any], uri: str) -> None:
        answers = [api.put("webhooks", {**HOOK, "uri": uri}), api.patch(f"webhooks/{hook['id']}", {"uri": uri})]
        assert [(answer.status_code, list(answer.json()["data"])) for answer in answers] == [(400, ["uri"])] * 2
        assert stored(hook["id"])["uri"] == HOOK["uri"]

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("X-A", "b\r\nX-C: d"),
            ("X-A\r\nX-C", "d"),
            ("X-A", "b\nc"),
            ("X A", "b"),
            ("X-A:", "b"),
            ("", "b"),
            ("Host", "internal"),
            ("content-length", "0"),
            ("Transfer-Encoding", "chunked"),
            ("X-Hook-ID", "mine"),
        ],
    )
    def test_headers_that_would_break_or_forge_a_request_are_refused(self, api: Api, name: str, value: str) -> None:
        answer = api.put("webhooks", {**HOOK, "custom_request_headers": {name: value}})
        assert (answer.status_code, list(answer.json()["data"])) == (400, [f"custom_request_headers.{name}"])

    def test_all_errors_are_told_at_once(self, api: Api) -> None:
        answer = api.put("webhooks", {"uri": "crm", "retries": 9, "custom_request_headers": {"Host": "a"}})
        assert set(answer.json()["data"]) == {"name", "hook", "uri", "retries", "custom_request_headers.Host"}

    def test_an_account_has_so_many_webhooks_at_most(
        self, account: Account, server_with: Callable[..., Any], api: Api
    ) -> None:
        limited = Api(server_with(WEBHOOKS_PER_ACCOUNT="2").url, account.id, api.token)
        answers = [limited.put("webhooks", {**HOOK, "name": name}) for name in "ABC"]
        assert [answer.status_code for answer in answers] == [201, 201, 400]
        assert answers[2].json()["data"]["webhooks"]["maxItems"]["target"] == 2


class TestDisabling:
    """Hooks that were disabled for a reason, and are enabled again."""

    def test_the_reason_is_shown_until_the_webhook_is_enabled(
        self, api: Api, hook: dict[str, Any], disable: Callable[[str, str], bool]
    ) -> None:
        path = f"webhooks/{hook['id']}"
        assert disable(hook["id"], "too many failures") is True
        assert disable(hook["id"], "another reason") is False
        shown = api.get(path).json()["data"]
        assert (shown["enabled"], shown["disable_reason"]) == (False, "too many failures")
        assert api.get("webhooks").json()["data"][0]["disable_reason"] == "too many failures"
        renamed = api.patch(path, {"name": "B", "disable_reason": "mine"}).json()["data"]
        assert renamed["disable_reason"] == "too many failures"
        assert "disable_reason" not in stored(hook["id"])
        assert "disable_reason" not in api.patch(path, {"enabled": True}).json()["data"]
        assert "pvt_disabled_message" not in stored(hook["id"])

    def test_re_enabling_leaves_what_was_disabled_by_hand(
        self, api: Api, hook: dict[str, Any], disable: Callable[[str, str], bool]
    ) -> None:
        by_hand = api.put("webhooks", {**HOOK, "enabled": False}).json()["data"]["id"]
        disable(hook["id"], "too many failures")
        answer = api.patch("webhooks", {"re-enable": True})
        assert [entry["id"] for entry in answer.json()["data"]] == [hook["id"]]
        assert [stored(hook_id)["enabled"] for hook_id in (hook["id"], by_hand)] == [True, False]
        assert api.patch("webhooks", {"re-enable": True}).json()["data"] == []

    @pytest.mark.parametrize("data", [{}, {"re-enable": False}, {"re-enable": "maybe"}, {"enabled": True}])
    def test_nothing_else_can_be_changed_of_all_webhooks(self, api: Api, data: dict[str, Any]) -> None:
        answer = api.patch("webhooks", data)
        assert (answer.status_code, list(answer.json()["data"])) == (400, ["re-enable"])


class TestRights:
    """Who may do what."""

    def test_only_administrators_see_webhooks(self, plain: Api, hook: dict[str, Any]) -> None:
        path = f"webhooks/{hook['id']}"
        answers = [plain.get(p) for p in ("webhooks", path, f"{path}/attempts", "webhooks/attempts")]
        answers += [plain.put("webhooks", HOOK), plain.patch(path, {"name": "B"}), plain.delete(path)]
        assert {answer.status_code for answer in answers} == {403}

    def test_accounts_never_see_each_others(
        self,
        hook: dict[str, Any],
        account: Account,
        new_account: Callable[..., Account],
        log_in: Callable[..., Api],
    ) -> None:
        stranger = log_in(new_account())
        assert stranger.get("webhooks").json()["data"] == []
        path = f"webhooks/{hook['id']}"
        answers = [stranger.get(path), stranger.post(path, HOOK), stranger.patch(path, {"name": "B"})]
        answers += [stranger.delete(path), stranger.get(f"{path}/attempts")]
        assert {answer.status_code for answer in answers} == {404}
        assert stranger.get(f"/v2/accounts/{account.id}/webhooks").status_code == 403
        start_key = "WyIwIiwiMCJd"
        assert stranger.get(f"webhooks?start_key={start_key}").status_code == 400

    def test_administrators_above_manage_those_below(
        self, api: Api, account: Account, new_account: Callable[..., Account]
    ) -> None:
        below = new_account(parent=account.id)
        answer = api.put(f"/v2/accounts/{below.id}/webhooks", HOOK)
        assert (answer.status_code, stored(answer.json()["data"]["id"])["pvt_account_id"]) == (201, below.id)
        assert api.get("webhooks").json()["data"] == []
