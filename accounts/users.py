"""Users of an account: documents in its database, whose passwords are kept only as Kazoo's hashes.

A user name is unique in its account, upper and lower case being the same, and stored in lower case: so the
hashes of the user name and password are Kazoo's.
"""

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from accounts import accounts
from accounts.auth import credentials
from couch.client import Document
from crossbar.errors import BadIdentifier, ValidationFailed
from storage import database_names, locks, merge_patch, private_fields, schemas, word_search
from storage.private_fields import Actor

TYPE = "user"
SCHEMA = "users"
CLAIM = "user_name_claim"
DESIGN, VIEW, WORDS = "vmboxes_users", "by_username", "by_word"
_NOT_STORED = frozenset({"id", "password"})

Guard = Callable[[Document], None]
"""Looks at the stored user before each attempt to change it, and raises if this caller must not."""


def find(account_id: str, user_id: str) -> Document | None:
    """A live user's document, or None."""
    return live(accounts.database_of(account_id).get(user_id)) if database_names.is_account_id(user_id) else None


def live(doc: Document | None) -> Document | None:
    """The document, if it is a live user's."""
    is_user = doc is not None and doc.get("pvt_type") == TYPE and database_names.is_account_id(doc["_id"])
    return doc if is_user and private_fields.is_live(doc) else None


def get(account_id: str, user_id: str) -> Document:
    """A live user's document; BadIdentifier when there is none."""
    user = find(account_id, user_id)
    if user is None:
        raise BadIdentifier(user_id)
    return user


def search(account_id: str, text: str, most: int = 100) -> list[Document]:
    """Live users of whose names (user name, given and family name, e-mail) each word begins one; or that of an id.

    By user name, `most` at most.
    """
    wanted = text.strip().lower()
    if database_names.is_account_id(wanted):
        found = find(account_id, wanted)
        return [] if found is None else [found]
    database = accounts.database_of(account_id)
    docs = database.fetch(sorted(word_search.ids(database, DESIGN, WORDS, text))[:most])
    return sorted(docs.values(), key=lambda doc: str(doc.get("username") or ""))


def is_enabled(user: Document) -> bool:
    """Whether the user may sign in; one that says nothing may."""
    return user.get("enabled") not in (False, "false")


def is_admin(user: Document) -> bool:
    """Whether the user administers its account."""
    return user.get("priv_level") == "admin"


def shown(user: Document) -> Document:
    """A user as the API shows it."""
    return {
        **{key: value for key, value in private_fields.public(user).items() if key not in _NOT_STORED},
        "id": user["_id"],
    }


def create(account_id: str, sent: Mapping[str, Any], actor: Actor | None = None) -> Document:
    """Store a new user. Without a password it can't sign in until it gets one.

    Raises ValidationFailed: the schema's, or `username` → `unique`.
    """
    database = accounts.database_of(account_id)
    public = _checked(sent)
    doc = private_fields.stamp_new(
        {**public, **_new_hashes(public, sent.get("password"), {}), "_id": uuid.uuid4().hex},
        pvt_type=TYPE,
        account_id=account_id,
        db_name=database.name,
        actor=actor,
    )
    return _with_name(account_id, doc["_id"], public.get("username"), lambda: database.put(doc))


def replace(
    account_id: str, user_id: str, sent: Mapping[str, Any], actor: Actor | None = None, guard: Guard | None = None
) -> Document:
    """Put what was sent in place of a user's public members; without a password the old one stays.

    Raises BadIdentifier, ValidationFailed (also for a new user name without a password, since the stored hashes
    are of both), Conflict, and whatever the guard does.
    """
    return _change(account_id, user_id, lambda stored: dict(sent), actor, guard)


def merge(
    account_id: str, user_id: str, sent: Mapping[str, Any], actor: Actor | None = None, guard: Guard | None = None
) -> Document:
    """Merge what was sent into a user, null removing a member; otherwise as `replace`."""
    return _change(
        account_id,
        user_id,
        lambda stored: merge_patch.merged(private_fields.without_private(stored), sent),
        actor,
        guard,
    )


def delete(account_id: str, user_id: str, actor: Actor | None = None, guard: Guard | None = None) -> Document:
    """Soft-delete a user: its name is free again, its tokens end."""

    def change(stored: Document) -> Document:
        _require_live(stored, guard)
        return private_fields.stamp_update({**stored, "pvt_deleted": True}, actor=actor)

    return _update(account_id, user_id, change)


def _change(
    account_id: str,
    user_id: str,
    make: Callable[[Document], Document],
    actor: Actor | None,
    guard: Guard | None,
) -> Document:
    """Change a live user: `make` turns the stored document, a fresh one if need be, into what a client would send."""

    def change(stored: Document) -> Document:
        _require_live(stored, guard)
        sent = make(stored)
        public = _checked(sent)
        if public.get("username") not in (_name(stored), username):
            _require_free(account_id, public.get("username"), user_id)
        kept = {key: value for key, value in stored.items() if key not in credentials.HASHES}
        hashes = _new_hashes(public, sent.get("password"), stored)
        return private_fields.stamp_update({**private_fields.merge_private(kept, public), **hashes}, actor=actor)

    stored = get(account_id, user_id)
    if guard is not None:
        guard(stored)
    username = _checked(make(stored)).get("username")
    if username == _name(stored):
        return _update(account_id, user_id, change)
    return _with_name(account_id, user_id, username, lambda: _update(account_id, user_id, change))


def _with_name(account_id: str, user_id: str, username: str | None, write: Callable[[], Document]) -> Document:
    """What `write` returns, called while no other user can get the name."""
    if username is None:
        return write()
    database = accounts.database_of(account_id)
    with locks.held(database, CLAIM, username, lambda: _require_free(account_id, username, user_id)):
        return write()


def _update(account_id: str, user_id: str, change: Callable[[Document], Document]) -> Document:
    if not database_names.is_account_id(user_id):
        raise BadIdentifier(user_id)
    changed = accounts.database_of(account_id).update(user_id, change)
    if changed is None:
        raise BadIdentifier(user_id)
    return changed


def _require_live(stored: Document, guard: Guard | None) -> None:
    if stored.get("pvt_type") != TYPE or not private_fields.is_live(stored):
        raise BadIdentifier(stored["_id"])
    if guard is not None:
        guard(stored)


def _require_free(account_id: str, username: str | None, user_id: str) -> None:
    if username is None:
        return
    taken = accounts.database_of(account_id).view(DESIGN, VIEW, key=username)
    if any(row["id"] != user_id for row in taken):
        raise ValidationFailed.field("username", "unique", "Username is not unique for this account", value=username)


def _checked(sent: Mapping[str, Any]) -> Document:
    """The public members to store: by the schema, the user name in lower case, no password."""
    whole = schemas.validator(SCHEMA).validate(private_fields.without_private(sent))
    public = {key: value for key, value in whole.items() if key not in _NOT_STORED}
    if isinstance(public.get("username"), str):
        public["username"] = public["username"].lower()
    return public


def _new_hashes(public: Document, password: Any, stored: Document) -> Document:
    """The hashes to store: of a new password, or the old ones while the user name is the same."""
    username = public.get("username")
    if username is None:
        return {}
    if password is not None:
        return credentials.hashes(username, str(password))
    old = {key: stored[key] for key in credentials.HASHES if key in stored}
    if old and username != _name(stored):
        message = "The password must be provided when updating the user name"
        raise ValidationFailed.field("password", "required", message)
    return old


def _name(stored: Document) -> str | None:
    name = stored.get("username")
    return name.lower() if isinstance(name, str) else None
