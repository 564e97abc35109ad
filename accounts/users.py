"""Users of an account: documents in its database, with only Kazoo's hashes of their passwords.

A user name is unique in its account, upper and lower case being the same, and stored in lower case, as Kazoo's
hashes of user name and password need it.
"""

import uuid
from collections.abc import Callable, Mapping
from typing import Any, TypeGuard

from accounts import accounts
from accounts.auth import credentials
from couch.database import Document
from crossbar.errors import BadIdentifier, Forbidden, ValidationFailed, joined_errors
from crossbar.pages import Page, PageRequest
from storage import (
    database_names,
    document_types,
    documents,
    locks,
    merge_patch,
    private_fields,
    schemas,
    secret_members,
    values,
    view_names,
    word_search,
)
from storage.documents import Guard
from storage.private_fields import Actor

SCHEMA = "users"
NAME_LOCK = "user_name_claim"
_DEFAULT_LEVEL = "user"
_NOT_STORED = frozenset({"id", "password"})


def find(account_id: str, user_id: str) -> Document | None:
    """Return a live user's document, None if there is none."""
    if not database_names.is_account_id(user_id):
        return None
    doc = accounts.database_of(account_id).get(user_id)
    return doc if is_live(doc) else None


def is_live(doc: Document | None) -> TypeGuard[Document]:
    """Whether a document is a user that is not soft-deleted, and has an id that a token may hold."""
    return private_fields.is_live(doc, document_types.USER) and database_names.is_account_id(doc["_id"])


def get(account_id: str, user_id: str) -> Document:
    """Return a live user's document; BadIdentifier if there is none."""
    user = find(account_id, user_id)
    if user is None:
        raise BadIdentifier(user_id)
    return user


def search(account_id: str, text: str, request: PageRequest) -> Page[Document]:
    """Return a page of live users: the one whose id is `text`, or those whose names match.

    A user matches if each word of the text is the start of a word of the user name, given name, family name or e-mail
    address. Raises InvalidStartKey.
    """
    user_id = text.strip().lower()
    if database_names.is_account_id(user_id):
        user = find(account_id, user_id)
        return Page([] if user is None else [user], None)
    database = accounts.database_of(account_id)
    return word_search.search(database, view_names.USERS_BY_WORD, text, request, _searched_names, is_live)


def _searched_names(user: Document) -> list[object]:
    return [user.get(member) for member in ("username", "first_name", "last_name", "email")]


def find_by_name(account_id: str, username: str) -> Document | None:
    """Return the live user with a user name, in upper or lower case; None if there is none."""
    rows = accounts.database_of(account_id).view(
        *view_names.USERS_BY_NAME, key=username.lower(), include_docs=True, limit=1
    )
    doc = rows[0].get("doc") if rows else None
    return doc if is_live(doc) else None


def is_enabled(user: Document) -> bool:
    """Whether the user may sign in; a user that doesn't say so may."""
    return not values.is_false(user.get("enabled"))


def is_admin(user: Document) -> bool:
    """Whether the user administers its account."""
    return user.get("priv_level") == "admin"


def has_password(user: Document) -> bool:
    """Whether the user has a password."""
    return any(user.get(member) for member in credentials.HASHES)


def serialize(user: Document, *, secrets: bool) -> Document:
    """Return a user as the API shows it, with its PINs and the like only if `secrets` may be seen."""
    members = {key: value for key, value in private_fields.public(user).items() if key != "password"}
    return members if secrets else secret_members.remove(members)


def create(account_id: str, members: Mapping[str, Any], actor: Actor | None = None) -> Document:
    """Store a new user and return its document. Without a password it can't sign in until it gets one.

    Raises ValidationFailed: the schema's, or `username` → `unique`.
    """
    database = accounts.database_of(account_id)
    public = _validate_members(account_id, members)
    doc = private_fields.stamp_new(
        {
            **public,
            **_hashes(public, members.get("password"), {}),
            **credentials.new_signature_secret(),
            "_id": uuid.uuid4().hex,
        },
        pvt_type=document_types.USER,
        account_id=account_id,
        db_name=database.name,
        actor=actor,
    )
    return _with_name_locked(account_id, doc["_id"], public.get("username"), lambda: documents.put(database, doc))


def replace(
    account_id: str, user_id: str, members: Mapping[str, Any], actor: Actor | None = None, guard: Guard | None = None
) -> Document:
    """Replace a user's public members and return its document; without a password the old one stays.

    Raises BadIdentifier, ValidationFailed (also for a new user name without a password, since the stored hashes
    are of both), Conflict, whatever the guard raises, and Forbidden for users who would change their own rights
    (`enabled`, `priv_level`), which stay where they name none.
    """
    return _change_user(account_id, user_id, lambda stored: members, actor, guard)


def merge(
    account_id: str, user_id: str, patch: Mapping[str, Any], actor: Actor | None = None, guard: Guard | None = None
) -> Document:
    """Merge a patch into a user's public members, null removing a member; otherwise like `replace`."""

    def patched(stored: Document) -> Document:
        return merge_patch.apply(private_fields.without_private(stored), patch)

    return _change_user(account_id, user_id, patched, actor, guard)


def delete(account_id: str, user_id: str, actor: Actor | None = None, guard: Guard | None = None) -> Document:
    """Soft-delete a user and return its document: its name is free again, its tokens end."""
    if not database_names.is_account_id(user_id):
        raise BadIdentifier(user_id)
    database = accounts.database_of(account_id)
    return documents.soft_delete(database, user_id, document_types.USER, actor=actor, guard=guard)


def restore(account_id: str, user_id: str, actor: Actor | None = None) -> Document:
    """Restore a soft-deleted user and return its document: with its password, but its tokens stay ended.

    A live user stays as it is. Raises BadIdentifier, and ValidationFailed (`username` → `unique`) if another user has
    the name by now.
    """
    if not database_names.is_account_id(user_id):
        raise BadIdentifier(user_id)
    database = accounts.database_of(account_id)
    deleted = database.get(user_id)
    if deleted is None or deleted.get("pvt_type") != document_types.USER:
        raise BadIdentifier(user_id)

    def undelete(stored: Document) -> Document | None:
        if is_live(stored):
            return None
        live = {**documents.undelete(stored), **credentials.new_signature_secret()}
        return private_fields.stamp_update(live, actor=actor)

    def write() -> Document:
        doc = documents.update(database, user_id, undelete)
        if doc is None:
            raise BadIdentifier(user_id)
        return doc

    return _with_name_locked(account_id, user_id, _username(deleted), write)


def ensure_signature_secret(account_id: str, user: Document) -> str:
    """Return the secret that a user's tokens depend on, which is made if there is none; raises BadIdentifier."""
    if not credentials.signature_secret(user):
        user = _change_private(account_id, user["_id"], credentials.with_signature_secret)
    return credentials.signature_secret(user)


def reset_signature_secret(
    account_id: str, user_id: str, actor: Actor | None = None, guard: Guard | None = None
) -> Document:
    """End all tokens of a user, here and in Kazoo; return its document. Raises BadIdentifier."""
    get(account_id, user_id)

    def reset(stored: Document) -> Document:
        return {**stored, **credentials.new_signature_secret()}

    return _change_private(account_id, user_id, reset, actor, guard)


def _change_private(
    account_id: str,
    user_id: str,
    edit: Callable[[Document], Document],
    actor: Actor | None = None,
    guard: Guard | None = None,
) -> Document:
    database = accounts.database_of(account_id)
    return documents.change(database, user_id, document_types.USER, edit, actor=actor, guard=guard)


def _change_user(
    account_id: str,
    user_id: str,
    edit: Callable[[Document], Mapping[str, Any]],
    actor: Actor | None,
    guard: Guard | None,
) -> Document:
    """Change a live user: `edit` returns what a client would send, of the fresh document on each attempt."""
    is_own = actor is not None and (actor.account_id, actor.user_id) == (account_id, user_id)

    def change(stored: Document) -> Document:
        members = {**_rights(stored), **edit(stored)} if is_own else edit(stored)
        public = _validate_members(account_id, members, stored)
        if is_own and _rights(public) != _rights(stored):
            raise Forbidden()
        if public.get("username") not in (_username(stored), username):
            _require_free_name(account_id, public.get("username"), user_id)
        without_hashes = {key: value for key, value in stored.items() if key not in credentials.HASHES}
        hashes = _hashes(public, members.get("password"), stored)
        has_new_password = any(hashes.get(key) != stored.get(key) for key in credentials.HASHES)
        secret = credentials.new_signature_secret() if has_new_password else {}
        return {**private_fields.replace_public(without_hashes, public), **hashes, **secret}

    def store() -> Document:
        database = accounts.database_of(account_id)
        return documents.change(database, user_id, document_types.USER, change, actor=actor, guard=guard)

    stored = get(account_id, user_id)
    if guard is not None:
        guard(stored)
    username = _validate_members(account_id, edit(stored), stored).get("username")
    if username == _username(stored):
        return store()
    return _with_name_locked(account_id, user_id, username, store)


def _rights(user: Document) -> Document:
    """Return the members that decide what a user may do: nobody changes one's own."""
    return {"enabled": is_enabled(user), "priv_level": user.get("priv_level", _DEFAULT_LEVEL)}


def _with_name_locked(account_id: str, user_id: str, username: str | None, write: Callable[[], Document]) -> Document:
    """Return what `write` returns, called while no other user can get the name."""
    if username is None:
        return write()

    def require_free() -> None:
        _require_free_name(account_id, username, user_id)

    with locks.acquire(accounts.database_of(account_id), NAME_LOCK, username, require_free):
        return write()


def _require_free_name(account_id: str, username: str | None, user_id: str) -> None:
    if username is None:
        return
    rows = accounts.database_of(account_id).view(*view_names.USERS_BY_NAME, key=username)
    if any(row["id"] != user_id for row in rows):
        raise ValidationFailed.field("username", "unique", "Username is not unique for this account", value=username)


def _validate_members(account_id: str, members: Mapping[str, Any], stored: Document | None = None) -> Document:
    """Return the public members to store: as the schema has them, the user name in lower case, no password.

    `stored` is the user's document, None for a new user: what it holds already is valid.
    Raises ValidationFailed, which then also says whether another user has the name.
    """
    username = _username(members)
    is_new_name = isinstance(username, str) and (stored is None or username != _username(stored))
    with joined_errors(lambda: _require_free_name(account_id, username, "") if is_new_name else None):
        validated = schemas.validator(SCHEMA).validate(private_fields.without_private(members), stored=stored)
    public = {key: value for key, value in validated.items() if key not in _NOT_STORED}
    if "username" in public:
        public["username"] = _username(public)
    return public


def _hashes(public: Document, password: Any, stored: Document) -> Document:
    """Return the hashes to store: of a new password, else the stored ones, which a new user name rules out."""
    username = public.get("username")
    if password is not None:
        if username is None:
            # Without it there is nothing to hash, and the password would be lost.
            message = "A password needs a user name"
            raise ValidationFailed.field("username", "required", message)
        return credentials.hash_password(str(username), str(password))
    hashes = {key: stored[key] for key in credentials.HASHES if key in stored}
    if username == _username(stored):
        return hashes
    if username is None:
        return {}
    if hashes:
        message = "The password must be provided when updating the user name"
        raise ValidationFailed.field("password", "required", message)
    return hashes


def _username(user: Mapping[str, Any]) -> Any:
    """A user's name in lower case, None if it has none. An old document may hold something else than text."""
    name = user.get("username")
    return name.lower() if isinstance(name, str) else name
