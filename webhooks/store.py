"""Webhooks in CouchDB: documents of all accounts in the database `webhooks`, as Kazoo keeps them.

A hook that is disabled because of failures, or because its account is, has a ``pvt_disabled_message``, which the API
shows as ``disable_reason``. Whoever enables it again drops that.
"""

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from django.conf import settings

from accounts import accounts
from accounts.listing import read_page
from couch.client import couch
from couch.database import Database, Document
from couch.errors import MissingDatabase
from crossbar.errors import BadIdentifier, ValidationFailed, joined_errors
from crossbar.filters import Filter
from crossbar.pages import Page, PageRequest
from storage import (
    database_names,
    document_types,
    documents,
    maintenance,
    merge_patch,
    private_fields,
    schemas,
    values,
    view_names,
)
from storage.documents import Guard
from storage.private_fields import Actor
from webhooks import request_rules
from webhooks.sending import queue

TYPE = document_types.WEBHOOK
SCHEMA = "webhooks"
DISABLED_MESSAGE = "pvt_disabled_message"
_READ_ONLY = frozenset({"id", "disable_reason"})


def hooks_database() -> Database:
    """Return the database of all webhooks."""
    return couch().database(database_names.WEBHOOKS)


def get(account_id: str, hook_id: str) -> Document:
    """Return an account's live hook; raises BadIdentifier."""
    hook = find(hook_id)
    if hook is None or hook.get("pvt_account_id") != account_id:
        raise BadIdentifier(hook_id)
    return hook


def find(hook_id: str) -> Document | None:
    """Return a live hook of whichever account; None if there is none."""
    doc = hooks_database().get(hook_id) if database_names.is_account_id(hook_id) else None
    return doc if private_fields.is_live(doc, TYPE) else None


def is_hook_enabled(hook: Mapping[str, Any]) -> bool:
    """Whether anything is sent for a hook."""
    return not values.is_false(hook.get("enabled"))


def public_members(hook: Document) -> Document:
    """Return a hook as the API shows it."""
    members = {key: value for key, value in private_fields.public(hook).items() if key != "disable_reason"}
    reason = hook.get(DISABLED_MESSAGE)
    return members if is_hook_enabled(hook) or not reason else {**members, "disable_reason": reason}


def summary(hook: Document) -> Document:
    """Return what listings show of a hook."""
    members: Document = {key: hook[key] for key in ("name", "hook", "uri", "http_verb") if key in hook}
    reason = hook.get(DISABLED_MESSAGE)
    disabled = {} if is_hook_enabled(hook) or not reason else {"disable_reason": reason}
    return {"id": hook["_id"], **members, "enabled": is_hook_enabled(hook), **disabled}


def list_page(account_id: str, request: PageRequest, filters: Filter | None = None) -> Page[Document]:
    """Return a page of an account's hooks by name, as documents; raises InvalidStartKey."""
    try:
        page = read_page(
            hooks_database(),
            view_names.WEBHOOKS_BY_ACCOUNT,
            request,
            filters or Filter(),
            public_members,
            below=[account_id],
        )
    except MissingDatabase:
        return Page([], None)
    return Page([row["doc"] for row in page.entries], page.next_start_key)


def summaries_by_account(account_ids: Sequence[str]) -> dict[str, list[Document]]:
    """Return the summaries of the hooks of those accounts that have any, read in one request."""
    queries = [{"startkey": [account_id], "endkey": [account_id, {}]} for account_id in account_ids]
    try:
        results = hooks_database().view_all(*view_names.WEBHOOKS_BY_ACCOUNT, queries)
    except MissingDatabase:
        return {}
    summaries = zip(account_ids, results, strict=True)
    return {account_id: [row["value"] for row in rows] for account_id, rows in summaries if rows}


def list_enabled(account_ids: Iterable[str]) -> list[Document]:
    """Return the enabled hooks of accounts, read in one request."""
    keys = list(account_ids)
    try:
        rows = hooks_database().view(*view_names.ENABLED_WEBHOOKS, keys=keys, include_docs=True)
    except MissingDatabase:
        return []
    hooks = [row["doc"] for row in rows if database_names.is_account_id(row["id"]) and row.get("doc")]
    return [hook for hook in hooks if private_fields.is_live(hook, TYPE) and is_hook_enabled(hook)]


def create(account_id: str, members: Mapping[str, Any], actor: Actor | None = None) -> Document:
    """Store a new hook and return its document; raises ValidationFailed."""
    validated = _validate_hook(members)
    _require_room(account_id)
    doc = private_fields.stamp_new(
        {**validated, "_id": uuid.uuid4().hex},
        pvt_type=TYPE,
        account_id=account_id,
        db_name=accounts.database_of(account_id).name,
        actor=actor,
    )
    try:
        return documents.put(hooks_database(), doc)
    except MissingDatabase:
        maintenance.sync_database(database_names.WEBHOOKS)
        return documents.put(hooks_database(), doc)


def replace_members(
    account_id: str, hook_id: str, members: Mapping[str, Any], actor: Actor | None = None, guard: Guard | None = None
) -> Document:
    """Replace a hook's public members; the document as stored.

    Raises BadIdentifier, ValidationFailed, Conflict, and what the guard raises.
    """
    return _change_members(account_id, hook_id, lambda stored: _writable(members), actor, guard)


def merge_members(
    account_id: str, hook_id: str, patch: Mapping[str, Any], actor: Actor | None = None, guard: Guard | None = None
) -> Document:
    """Merge a patch into a hook's public members, null removing a member; otherwise like `replace_members`."""
    return _change_members(
        account_id, hook_id, lambda stored: merge_patch.apply(_writable(stored), _writable(patch)), actor, guard
    )


def delete(account_id: str, hook_id: str, actor: Actor | None = None, guard: Guard | None = None) -> Document:
    """Soft-delete a hook and return its document; raises like `replace_members`."""
    get(account_id, hook_id)
    deleted = documents.soft_delete(hooks_database(), hook_id, TYPE, actor=actor, guard=guard)
    queue.end_all(hook_id)
    return deleted


def disable(hook_id: str, reason: str) -> bool:
    """Disable an enabled hook for a reason that its account is shown; whether it was enabled."""
    disabled = False

    def change(stored: Document) -> Document | None:
        nonlocal disabled
        disabled = private_fields.is_live(stored, TYPE) and is_hook_enabled(stored)
        if not disabled:
            return None
        return private_fields.stamp_update({**stored, "enabled": False, DISABLED_MESSAGE: reason})

    documents.update(hooks_database(), hook_id, change)
    if disabled:
        queue.end_all(hook_id)
    return disabled


def disable_account(account_id: str, reason: str) -> None:
    """Disable the hooks of an account, which was disabled or deleted itself."""
    for hook in list_enabled([account_id]):
        disable(hook["_id"], reason)


def enable_again(account_id: str, actor: Actor | None = None) -> list[Document]:
    """Enable an account's hooks that were disabled for a reason, and return them as stored.

    Those that somebody disabled by hand stay disabled.
    """
    enabled = []
    for hook in list_page(account_id, PageRequest(size=None, descending=False)).entries:
        if is_hook_enabled(hook) or not hook.get(DISABLED_MESSAGE):
            continue
        stored = documents.update(hooks_database(), hook["_id"], lambda doc: _enabled(doc, actor))
        if stored is not None and private_fields.is_live(stored, TYPE):
            enabled.append(stored)
    return enabled


def _enabled(stored: Document, actor: Actor | None) -> Document | None:
    """A hook as it is once enabled again; None if it is deleted, or no longer disabled for a reason."""
    if not private_fields.is_live(stored, TYPE) or is_hook_enabled(stored) or DISABLED_MESSAGE not in stored:
        return None
    members = {key: value for key, value in stored.items() if key != DISABLED_MESSAGE}
    return private_fields.stamp_update({**members, "enabled": True}, actor=actor)


def _change_members(
    account_id: str,
    hook_id: str,
    edit: Callable[[Document], Document],
    actor: Actor | None,
    guard: Guard | None,
) -> Document:
    get(account_id, hook_id)

    def apply(stored: Document) -> Document:
        changed = private_fields.replace_public(stored, _validate_hook(edit(stored), _writable(stored)))
        if is_hook_enabled(changed):
            changed.pop(DISABLED_MESSAGE, None)
        return changed

    changed = documents.change(hooks_database(), hook_id, TYPE, apply, actor=actor, guard=guard)
    if not is_hook_enabled(changed):
        queue.end_all(hook_id)
    return changed


def _validate_hook(members: Mapping[str, Any], stored: Document | None = None) -> Document:
    """Return members ready to store; raises ValidationFailed that names all faulty fields."""
    public = _writable(members)
    with joined_errors(lambda: request_rules.require_sendable(public)):
        validated = schemas.validator(SCHEMA).validate(public, stored=stored)
    request_rules.require_sendable(validated)
    return validated


def _require_room(account_id: str) -> None:
    limit = settings.WEBHOOKS_PER_ACCOUNT
    if not limit or len(list_page(account_id, PageRequest(size=limit, descending=False)).entries) < limit:
        return
    message = f"An account can't have more than {limit} webhooks"
    raise ValidationFailed.field("webhooks", "maxItems", message, target=limit)


def _writable(members: Mapping[str, Any]) -> Document:
    """The members that a client may set."""
    return {key: value for key, value in private_fields.without_private(members).items() if key not in _READ_ONLY}
