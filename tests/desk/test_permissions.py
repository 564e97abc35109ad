"""The permissions of every page, with every group of operators."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.support.api_client import Account
from tests.support.desk_pages import Ids, path_of, routes, store_documents
from tests.support.operators import Desk, new_operator
from tests.support.servers import Running, Service, direct
from voicemail.messages import store as message_store

NOBODY, READ_ONLY, SUPPORT, ADMINISTRATORS = "No group", "Read only", "Support", "Administrators"
RANKS = (NOBODY, READ_ONLY, SUPPORT, ADMINISTRATORS)
# Each page, and the lowest group that may open it.
PAGES = {
    "desk_account_changelist": READ_ONLY,
    "desk_account_detail": READ_ONLY,
    "desk_account_history": READ_ONLY,
    "desk_account_health": READ_ONLY,
    "desk_account_suggestions": READ_ONLY,
    "desk_account_overview_list": READ_ONLY,
    "desk_account_overview_collect": ADMINISTRATORS,
    "desk_account_add": ADMINISTRATORS,
    "desk_account_change": ADMINISTRATORS,
    "desk_account_switch": ADMINISTRATORS,
    "desk_account_create_views": ADMINISTRATORS,
    "desk_account_create_months": ADMINISTRATORS,
    "desk_account_api_key": ADMINISTRATORS,
    "desk_account_renew_api_key": ADMINISTRATORS,
    "desk_account_retention": ADMINISTRATORS,
    "desk_accountuser_changelist": READ_ONLY,
    "desk_accountuser_detail": READ_ONLY,
    "desk_accountuser_history": READ_ONLY,
    "desk_accountuser_add_to": ADMINISTRATORS,
    "desk_accountuser_change": ADMINISTRATORS,
    "desk_accountuser_password": ADMINISTRATORS,
    "desk_accountuser_delete": ADMINISTRATORS,
    "desk_accountuser_restore": ADMINISTRATORS,
    "desk_mailbox_changelist": READ_ONLY,
    "desk_mailbox_detail": READ_ONLY,
    "desk_mailbox_history": READ_ONLY,
    "desk_mailbox_export": READ_ONLY,
    "desk_mailbox_template": SUPPORT,
    "desk_mailbox_import": SUPPORT,
    "desk_mailbox_settings": SUPPORT,
    "desk_mailbox_run": SUPPORT,
    "desk_mailbox_run_progress": SUPPORT,
    "desk_mailbox_run_problems": SUPPORT,
    "desk_mailbox_store_run": SUPPORT,
    "desk_mailbox_stop_run": SUPPORT,
    "desk_mailbox_change": SUPPORT,
    "desk_mailbox_owners": SUPPORT,
    "desk_mailbox_greeting": SUPPORT,
    "desk_mailbox_remove_greeting": SUPPORT,
    "desk_mailbox_add_to": ADMINISTRATORS,
    "desk_mailbox_pin": ADMINISTRATORS,
    "desk_mailbox_delete": ADMINISTRATORS,
    "desk_mailbox_restore": ADMINISTRATORS,
    "desk_message_changelist": READ_ONLY,
    "desk_message_detail": READ_ONLY,
    "desk_message_history": READ_ONLY,
    "desk_message_runs": READ_ONLY,
    "desk_message_run": READ_ONLY,
    "desk_message_run_progress": READ_ONLY,
    "desk_message_run_failures": READ_ONLY,
    "desk_message_stop_run": SUPPORT,
    "desk_message_undo_run": SUPPORT,
    "desk_message_mailboxes": SUPPORT,
    "desk_message_add_to": SUPPORT,
    "desk_message_upload": SUPPORT,
    "desk_message_audio": SUPPORT,
    "desk_media_changelist": READ_ONLY,
    "desk_media_detail": READ_ONLY,
    "desk_media_audio": READ_ONLY,
    "desk_media_history": READ_ONLY,
    "desk_media_add_to": SUPPORT,
    "desk_media_speech": SUPPORT,
    "desk_media_change": SUPPORT,
    "desk_media_upload": SUPPORT,
    "desk_media_delete": SUPPORT,
    "desk_media_restore": SUPPORT,
    "desk_mail_changelist": READ_ONLY,
    "desk_mail_detail": READ_ONLY,
    "desk_mail_templates": READ_ONLY,
    "desk_mail_send_again": SUPPORT,
    "desk_mail_template": ADMINISTRATORS,
    "desk_mail_preview": ADMINISTRATORS,
    "desk_mail_delete_template": ADMINISTRATORS,
    "desk_apikey_changelist": READ_ONLY,
    "desk_apikey_detail": READ_ONLY,
    "desk_apikey_history": READ_ONLY,
    "desk_apikey_add_to": ADMINISTRATORS,
    "desk_apikey_change": ADMINISTRATORS,
    "desk_apikey_delete": ADMINISTRATORS,
    "desk_webhook_changelist": READ_ONLY,
    "desk_webhook_detail": READ_ONLY,
    "desk_webhook_history": READ_ONLY,
    "desk_webhook_attempt": READ_ONLY,
    "desk_webhook_test": SUPPORT,
    "desk_webhook_send_again": SUPPORT,
    "desk_webhook_add_to": ADMINISTRATORS,
    "desk_webhook_change": ADMINISTRATORS,
    "desk_webhook_delete": ADMINISTRATORS,
    "desk_webhook_enable_all": ADMINISTRATORS,
    "erasure_erasure_changelist": ADMINISTRATORS,
    "erasure_erasure_detail": ADMINISTRATORS,
    "erasure_erasure_progress": ADMINISTRATORS,
    "erasure_erasure_new": ADMINISTRATORS,
    "erasure_erasure_caller": ADMINISTRATORS,
    "erasure_erasure_export": ADMINISTRATORS,
    "erasure_erasure_confirm": ADMINISTRATORS,
    "erasure_erasure_cancel": ADMINISTRATORS,
    "erasure_erasure_undo": ADMINISTRATORS,
    "erasure_erasure_decide": ADMINISTRATORS,
    "migration_migrationrun_changelist": READ_ONLY,
    "migration_migrationrun_run": READ_ONLY,
    "migration_migrationrun_progress": READ_ONLY,
    "migration_migrationrun_report": READ_ONLY,
    "migration_migrationrun_account": READ_ONLY,
    "migration_migrationrun_start": ADMINISTRATORS,
    "migration_migrationrun_stop": ADMINISTRATORS,
    "migration_migrationrun_purge": ADMINISTRATORS,
}


@dataclass(frozen=True)
class Scene:
    """An account with a mailbox, a message and a user, and an operator of each group."""

    desks: dict[str, Desk]
    ids: Ids

    def path(self, page: str) -> str:
        """The path of a page, below /admin/."""
        return path_of(page, self.ids)


@pytest.fixture(scope="module")
def scene(server: Running, service: Service, new_account: Callable[..., Account]) -> Scene:
    ids = store_documents(new_account(), service)
    desks = {group: new_operator(server.url, service, (group,), ()) for group in RANKS}
    return Scene(desks, ids)


def posted(desk: Desk, path: str) -> tuple[int, bool]:
    """Post an empty form with a valid CSRF token; the status, and whether the token was refused."""
    token = desk.session.cookies.get("csrftoken") or ""
    response = desk.session.post(f"{desk.url}/admin/{path}", headers={"X-CSRFToken": token}, timeout=60)
    return response.status_code, "CSRF" in response.text


def test_every_page_of_the_desk_is_listed_here() -> None:
    assert set(routes()) == set(PAGES)


@pytest.mark.parametrize("page", sorted(PAGES))
def test_a_page_opens_only_with_its_permission(scene: Scene, page: str) -> None:
    path = scene.path(page)
    for rank, group in enumerate(RANKS):
        status = scene.desks[group].get(path).status_code
        if rank >= RANKS.index(PAGES[page]):
            assert status not in (403, 500, 503), group
        else:
            assert status == 403, group
            assert posted(scene.desks[group], path) == (403, False), group


@pytest.mark.parametrize("page", sorted(PAGES))
def test_a_page_redirects_to_the_log_in_page(scene: Scene, server: Running, page: str) -> None:
    response = direct().get(f"{server.url}/admin/{scene.path(page)}", allow_redirects=False, timeout=60)
    assert response.status_code == 302
    assert response.headers["Location"].startswith("/admin/login/")


@pytest.mark.parametrize("action", ["remove", "deleted", "saved"])
def test_read_only_operators_cannot_change_messages_in_bulk(scene: Scene, action: str) -> None:
    desk, path = scene.desks[READ_ONLY], scene.path("desk_message_changelist")
    token = desk.session.cookies.get("csrftoken") or ""
    message_id = str(scene.ids["message_id"])
    data = {"action": action, "selected": [f"{scene.ids['box_id']} {message_id}"]}
    desk.session.post(f"{desk.url}/admin/{path}", data=data, headers={"X-CSRFToken": token}, timeout=60)
    account_id, box_id = str(scene.ids["account_id"]), str(scene.ids["box_id"])
    _, stored = message_store.get(account_id, box_id, message_id)
    assert stored["metadata"]["folder"] == "new"
