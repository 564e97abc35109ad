"""Users of an account: documents of the account's database, their credentials as Kazoo's hashes only."""

import uuid
from collections.abc import Mapping
from typing import Any

from accounts import claims, credentials, databases, private, schemas
from accounts.couch import Database, Document, couch
from accounts.private import Actor
from crossbar.errors import BadIdentifier, ValidationFailed

TYPE = "user"
_CREDENTIALS = ("pvt_md5_auth", "pvt_sha1_auth")


def get(account_id: str, user_id: str) -> Document:
    """A user's document; BadIdentifier when there is none, or it is deleted."""
    doc = None if user_id.startswith("_") else _database(account_id).get(user_id)
    if doc is None or doc.get("pvt_type") != TYPE or not private.is_live(doc):
        raise BadIdentifier(user_id)
    return doc


def listing(account_id: str) -> list[Document]:
    """All users of an account, by name."""
    rows = _database(account_id).stream_view("vmboxes_users", "by_name", include_docs=True)
    return [row["doc"] for row in rows if row.get("doc")]


def create(account_id: str, sent: Mapping[str, Any], actor: Actor | None = None) -> Document:
    """A new user; ValidationFailed, also for a user name that another one has."""
    database = _database(account_id)
    checked, password = _checked(sent)
    user_id = uuid.uuid4().hex
    doc = private.stamp_new(
        {**checked, "_id": user_id}, pvt_type=TYPE, account_id=account_id, db_name=database.name, actor=actor
    )
    username = checked.get("username")
    if not username:
        return database.put(doc)
    if password:
        doc |= credentials.stored(username, password)
    with claims.held(database, "username", username):
        _require_free(database, username)
        return database.put(doc)


def change(
    account_id: str, user_id: str, sent: Mapping[str, Any], *, merge: bool, actor: Actor | None = None
) -> Document:
    """Replace a user's public members, or merge into them (null removes).

    ValidationFailed; a user name changes only together with the password, whose hash it is part of.
    """
    database = _database(account_id)
    before = get(account_id, user_id)

    def apply(stored: Document) -> Document:
        if not private.is_live(stored):
            raise BadIdentifier(user_id)
        wanted = {**private.without_private(stored), **sent} if merge else dict(sent)
        checked, password = _checked({key: value for key, value in wanted.items() if value is not None})
        doc = private.merge_private(stored, checked)
        return private.stamp_update(_with_credentials(doc, stored, password), actor=actor)

    username = sent.get("username")
    if not isinstance(username, str) or username.lower() == before.get("username"):
        changed = database.update(user_id, apply)
    else:
        with claims.held(database, "username", username.lower()):
            _require_free(database, username.lower(), user_id)
            changed = database.update(user_id, apply)
    if changed is None:
        raise BadIdentifier(user_id)
    return changed


def remove(account_id: str, user_id: str, actor: Actor | None = None) -> Document:
    """Soft-delete a user."""
    get(account_id, user_id)
    removed = _database(account_id).update(
        user_id, lambda doc: private.stamp_update({**doc, "pvt_deleted": True}, actor=actor)
    )
    if removed is None:
        raise BadIdentifier(user_id)
    return removed


def by_credentials(account_id: str, method: str, value: str) -> Document | None:
    """The enabled user whose hash this is; None when there is none."""
    rows = _database(account_id).view("users", credentials.VIEWS[method], key=value.lower(), include_docs=True, limit=1)
    doc: Document | None = rows[0].get("doc") if rows else None
    return doc if doc is not None and is_enabled(doc) else None


def is_enabled(doc: Mapping[str, Any]) -> bool:
    """Whether a user may log in."""
    return doc.get("enabled") is not False and private.is_live(doc)


def shown(doc: Mapping[str, Any]) -> Document:
    """A user as the API shows it: no password, no hash of one."""
    public = private.public(doc)
    public.pop("password", None)
    return public


def _checked(sent: Mapping[str, Any]) -> tuple[Document, str | None]:
    """What was sent, checked, and the password apart from it."""
    members = private.without_private(sent)
    members.pop("id", None)
    checked = schemas.validator("users").validate(members)
    password = checked.pop("password", None)
    if "username" in checked:
        checked["username"] = checked["username"].lower()
    elif password:
        raise ValidationFailed.field("username", "required", "Field is required but missing")
    return checked, password


def _with_credentials(doc: Document, stored: Mapping[str, Any], password: str | None) -> Document:
    username = doc.get("username")
    if username and password:
        return {**doc, **credentials.stored(username, password)}
    if username == stored.get("username"):
        return doc
    if username:
        message = "The user name cannot be changed without resetting the password"
        raise ValidationFailed.field("password", "required", message)
    return {key: value for key, value in doc.items() if key not in _CREDENTIALS}


def _require_free(database: Database, username: str, own_id: str | None = None) -> None:
    rows = database.view("vmboxes_users", "by_username", key=username)
    if any(row["id"] != own_id for row in rows):
        raise ValidationFailed.field("username", "unique", "User name already in use", value=username)


def _database(account_id: str) -> Database:
    return couch().database(databases.account_db(account_id))
