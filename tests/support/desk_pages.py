"""Every page of the desk, and an account with a document of each kind for their paths."""

import re
from collections.abc import Mapping

from django.apps.registry import apps
from django.contrib import admin
from django.urls import reverse

from accounts import accounts
from accounts.api_keys import store as api_keys
from desk.kit.pages import DocumentAdmin
from media import store as media_store
from notifications import by_hand
from notifications.store import Place
from tests.support.api_client import Account
from tests.support.servers import Service
from voicemail.mailboxes import store as mailbox_store
from voicemail.messages import store as message_store
from webhooks import attempts as webhook_attempts
from webhooks import store as webhook_store

Ids = dict[str, str | int]
_PREVIEW = {"to": {"email_addresses": ["ada@example.com"]}}


def routes() -> dict[str, str]:
    """The path of every page of the desk, by name."""
    model_admins = [
        admin.site.get_model_admin(model) for model in apps.get_models() if admin.site.is_registered(model)
    ]
    return {
        f"{model_admin.opts.app_label}_{model_admin.opts.model_name}_{route.name}": route.path
        for model_admin in model_admins
        if isinstance(model_admin, DocumentAdmin)
        for route in model_admin.routes()
    }


def path_of(page: str, ids: Mapping[str, str | int]) -> str:
    """The path of a page, below /admin/. An id that isn't known is a 1."""
    names = re.findall(r"<\w+:(\w+)>", routes()[page])
    path = reverse(f"admin:{page}", kwargs={name: ids.get(name, 1) for name in names}).removeprefix("/admin/")
    return f"{path}?account={ids['account_id']}" if page.endswith("_changelist") else path


def store_documents(account: Account, service: Service) -> Ids:
    """Store a mailbox with a message, media, a webhook and a mail; the ids that paths take."""
    box = mailbox_store.create(account.id, {"name": "One", "mailbox": "3000"})
    message = message_store.create(accounts.get(account.id), box, {"caller_id_number": "1001"})
    with service.models():
        mail = by_hand.send_preview(Place(account.id), "voicemail_full", _PREVIEW)
    hook = webhook_store.create(account.id, {"name": "A", "uri": "https://127.0.0.2/", "hook": "all"})
    return {
        "account_id": account.id,
        "box_id": box["_id"],
        "message_id": message["_id"],
        "user_id": account.user_id,
        "media_id": media_store.create(account.id, {"name": "Away"})["_id"],
        "kind": "unavailable",
        "hook_id": hook["_id"],
        "key_id": api_keys.key_id_of(api_keys.create(account.id, None, {"name": "A", "scopes": ["hear"]})[0]),
        "attempt_id": webhook_attempts.store_attempt(account.id, {"hook_id": "0" * 32})["_id"],
        "mail_id": mail.event_id,
        "template_id": "voicemail_full",
        "run_id": 999_999,
        "erasure_id": 999_999,
        "name": "storage",
        "file_format": "csv",
    }
