"""Signing in: which user, or which account, some credentials belong to.

Nothing here tells an unknown account from a wrong password.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from accounts import account_index, accounts, users
from accounts.auth import credentials, login_throttle
from couch.client import Document, Row, couch
from couch.errors import MissingDatabase
from crossbar.errors import BadIdentifier, InvalidCredentials, ValidationFailed
from storage import database_names, private_fields

# How many accounts of one name are tried: names, unlike realms, need not be unique.
_MOST_NAMESAKES = 20
_VIEWS = {"md5": ("creds_by_md5", credentials.MD5), "sha": ("creds_by_sha", credentials.SHA)}


def by_password(sent: Mapping[str, Any], address: str) -> tuple[Document, Document]:
    """The enabled account and user that a `user_auth` request names (checked by its schema).

    `address` is where the request came from. Raises InvalidCredentials, TooManyRequests after many of them, and
    ValidationFailed for a request that says no account or one by its phone number.
    """
    try:
        candidates = _candidates(sent)
    except MissingDatabase:  # a new system without any account
        candidates = []
    target = ",".join(candidates) or _spelled(sent)
    login_throttle.require_patience(target, address)
    for account_id in candidates:
        account, user = _both(account_id, sent.get("method", "md5"), sent["credentials"])
        if account is not None and user is not None:
            return account, user
    login_throttle.count_failure(target, address)
    raise InvalidCredentials()


def by_api_key(api_key: str) -> Document:
    """The enabled account with this API key; InvalidCredentials."""
    for account_id in account_index.ids_with_api_key(api_key):
        account = _enabled_account(account_id)
        if account is not None and credentials.matches(credentials.api_key(account), api_key):
            return account
    raise InvalidCredentials()


def user_by_md5(account_id: str, digest: str, address: str) -> Document:
    """The enabled user of an account with this md5 of its user name and password; otherwise as `by_password`."""
    if not database_names.is_account_id(account_id):
        raise InvalidCredentials()
    login_throttle.require_patience(account_id, address)
    user = _user_with(account_id, "md5", digest)
    if user is None:
        login_throttle.count_failure(account_id, address)
        raise InvalidCredentials()
    return user


def _candidates(sent: Mapping[str, Any]) -> list[str]:
    if account_id := sent.get("account_id"):
        return [account_id] if database_names.is_account_id(account_id) else []
    if realm := sent.get("account_realm"):
        return account_index.ids_with_realm(realm)
    if name := sent.get("account_name"):
        return account_index.ids_with_name(name)[:_MOST_NAMESAKES]
    if number := sent.get("phone_number"):
        message = "Accounts can't be found by phone number here: use account_name, account_realm or account_id"
        raise ValidationFailed.field("phone_number", "not_supported", message, value=number)
    raise ValidationFailed.field("account_name", "required", "Field is required but missing")


def _spelled(sent: Mapping[str, Any]) -> str:
    """An account that there isn't, as the request named it: guesses at it look like guesses at any other."""
    return private_fields.alphanumeric(
        str(sent.get("account_id") or sent.get("account_realm") or sent.get("account_name"))
    )


def _both(account_id: str, method: str, digest: str) -> tuple[Document | None, Document | None]:
    """The enabled account with an id, and its enabled user with a digest, asked for together."""
    database = accounts.database_of(account_id)
    view, _ = _VIEWS[method]
    rows = database.wish_for_rows("users", view, key=digest.lower(), include_docs=True)
    try:
        found, users_found = couch().both(database.wish_for(account_id), rows)
    except MissingDatabase:
        return None, None
    account = found if accounts.is_live(found) and accounts.is_enabled(found) else None
    return account, _user_among(users_found, method, digest)


def _enabled_account(account_id: str) -> Document | None:
    try:
        account = accounts.get(account_id)
    except BadIdentifier:
        return None
    return account if accounts.is_enabled(account) else None


def _user_with(account_id: str, method: str, digest: str) -> Document | None:
    view, _ = _VIEWS[method]
    try:
        rows = accounts.database_of(account_id).view("users", view, key=digest.lower(), include_docs=True)
    except MissingDatabase:
        return None
    return _user_among(rows, method, digest)


def _user_among(rows: Iterable[Row], method: str, digest: str) -> Document | None:
    _, member = _VIEWS[method]
    wanted = digest.lower()
    for row in rows:
        user = row.get("doc")
        if users.is_live(user) and users.is_enabled(user) and credentials.matches(user.get(member), wanted):
            return user
    return None
