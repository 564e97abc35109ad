"""Sign-in: which account and user some credentials belong to, and what the client gets to know.

Errors are the same for an unknown account and a wrong password. Only a caller with the right password or API key
learns that an account is disabled.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from django.conf import settings

from accounts import account_index, accounts, users
from accounts.auth import credentials, login_throttle, tokens, trail
from accounts.auth.login_throttle import Attempt, Check
from couch.client import couch
from couch.database import Document, Row
from couch.errors import MissingDatabase
from crossbar.errors import BadIdentifier, InvalidCredentials, Locked, TooManyRequests, ValidationFailed
from storage import database_names, private_fields, system_config, view_names

# How many accounts of the same name are tried: names, unlike realms, need not be unique.
_MAX_NAMESAKES = 20
USER_AUTH, API_AUTH = "cb_user_auth", "cb_api_auth"
"""How the owner of a token signed in, as Kazoo calls it."""
_NO_ACCOUNT = "0" * 32
_REASONS = {InvalidCredentials: "wrong credentials", Locked: "the account is disabled"}
Result = TypeVar("Result")
_VIEWS = {
    "md5": (view_names.USERS_BY_MD5, credentials.MD5),
    "sha": (view_names.USERS_BY_SHA, credentials.SHA),
}


def authenticate_user(data: Mapping[str, Any], address: str) -> tuple[Document, Document]:
    """Return the enabled account and user that the validated data of a `user_auth` request names.

    `address` is the client's. Raises InvalidCredentials, TooManyRequests after many failures, Locked for the right
    credentials of a disabled account, and ValidationFailed if the data names no account or a phone number.
    """
    method, digest = data.get("method", "md5"), data["credentials"]

    def check(names: Sequence[str]) -> tuple[str, tuple[Document, Document]] | None:
        is_disabled = False
        for name in names:
            account, user = _fetch_login(name, method, digest)
            if account is None or user is None:
                continue
            if accounts.is_enabled(account):
                return name, (account, user)
            is_disabled = True
        if is_disabled:
            raise Locked("account")
        return None

    return sign_in(Attempt("account", find_accounts(data), address, f"{method}:{digest}"), check)


def authenticate_account(api_key: str, address: str) -> Document:
    """Return the account with this API key; raises InvalidCredentials if there is none, Locked if it is disabled.

    `address` is the client's. Raises TooManyRequests for wrong keys after many of them.
    """

    def check(names: Sequence[str]) -> tuple[str, Document] | None:
        for account_id in account_index.ids_with_api_key(api_key):
            account = _find_account(account_id)
            if account is None or not credentials.matches(credentials.api_key(account), api_key):
                continue
            if not accounts.is_enabled(account):
                raise Locked("account")
            return names[0], account
        return None

    return sign_in(Attempt("api_key", [""], address, api_key, is_guessable=False), check)


def authenticate_user_by_md5(account_id: str, digest: str, address: str) -> Document:
    """Return an account's enabled user with this MD5 of user name and password; raises like `authenticate_user`."""

    def check(names: Sequence[str]) -> tuple[str, Document] | None:
        _, user = _fetch_login(names[0], "md5", digest)
        return None if user is None else (names[0], user)

    return sign_in(Attempt("account", [account_id], address, f"md5:{digest}"), check)


def sign_in(attempt: Attempt, check: Check[Result]) -> Result:
    """Return the result of a check of credentials as `login_throttle.sign_in` does, and record a refusal."""
    try:
        return login_throttle.sign_in(attempt, check)
    except (InvalidCredentials, Locked, TooManyRequests) as error:
        is_throttled = isinstance(error, TooManyRequests)
        reason = "too many attempts" if is_throttled else _REASONS[type(error)]
        trail.record_refusal([name for name in attempt.names if name], reason, is_throttled=is_throttled)
        raise


def issue_token(
    account: Document, user: Document | None, method: str, more_claims: Mapping[str, str] | None = None
) -> str:
    """Return a new token of a user, or of the account itself; `method` says how the client signed in."""
    account_id = account["_id"]
    if user is None:
        return tokens.issue(account_id, None, method, accounts.ensure_signature_secret(account), more_claims)
    secret = users.ensure_signature_secret(account_id, user)
    return tokens.issue(account_id, user["_id"], method, secret, more_claims)


def find_accounts(data: Mapping[str, Any]) -> list[str]:
    """Return the ids of the accounts that the data of a sign-in names, else one key that stands for what it names.

    With that, attempts on an account that doesn't exist are throttled like on any other. Raises ValidationFailed if
    the data names no account or a phone number.
    """
    try:
        account_ids = _find_account_ids(data)
    except MissingDatabase:  # a new system without any account
        account_ids = []
    unknown = str(data.get("account_id") or _realm(data) or data.get("account_name"))
    return account_ids or [private_fields.alphanumeric(unknown)]


def login_response(account: Document, user: Document | None) -> dict[str, Any]:
    """Return the data of the response to a sign-in; `user` is None for an API key."""
    data: dict[str, Any] = {
        "account_id": account["_id"],
        "account_name": account.get("name"),
        "language": (user or {}).get("language") or accounts.language(account),
        "is_master_account": account["_id"] == accounts.master_account_id(),
        "is_reseller": accounts.is_reseller(account),
        "reseller_id": accounts.reseller_id(account),
        "cluster_id": cluster_id(),
        # This service transcribes nothing. Transcriptions that Kazoo made are shown.
        "capabilities": {"voicemail": {"transcription": {"available": False, "default": False}}},
        "ui_config": {},
        "apps": [],
    }
    return data if user is None else {**data, "owner_id": user["_id"]}


def cluster_id() -> str:
    """Return the id of this installation: Kazoo's, else one that all instances derive from SECRET_KEY."""
    stored = system_config.category("cluster").get("cluster_id")
    if isinstance(stored, str) and stored:
        return stored
    return hashlib.sha256(f"cluster:{settings.SECRET_KEY}".encode()).hexdigest()[:32]


def _find_account_ids(data: Mapping[str, Any]) -> list[str]:
    if account_id := data.get("account_id"):
        return [account_id] if database_names.is_account_id(account_id) else []
    if realm := _realm(data):
        return account_index.ids_with_realm(realm)
    if name := data.get("account_name"):
        return account_index.ids_with_name(name)[:_MAX_NAMESAKES]
    if number := data.get("phone_number"):
        message = "Accounts can't be found by phone number here: use account_name, account_realm or account_id"
        raise ValidationFailed.field("phone_number", "not_supported", message, value=number)
    raise ValidationFailed.field("account_name", "required", "Field is required but missing")


def _realm(data: Mapping[str, Any]) -> str | None:
    """Return the realm that the data names; the official PHP SDK calls it ``realm``."""
    # A schema of Kazoo's own, which counts where it is stored, knows nothing of `realm`.
    realms = (data.get(name) for name in ("account_realm", "realm"))
    return next((realm for realm in realms if isinstance(realm, str) and realm), None)


def _fetch_login(account_id: str, method: str, digest: str) -> tuple[Document | None, Document | None]:
    """Fetch an account, disabled or not, and its enabled user with a digest in one go; None for what is missing.

    For an account that doesn't exist as much is read elsewhere, so that nobody can tell by the time it takes.
    """
    is_known = database_names.is_account_id(account_id)
    database = accounts.database_of(account_id) if is_known else account_index.database()
    view = _VIEWS[method][0] if is_known else view_names.ACCOUNTS_BY_API_KEY
    rows_request = database.view_request(*view, key=digest.lower(), include_docs=True)
    try:
        account_request = database.get_request(account_id if is_known else _NO_ACCOUNT)
        account, rows = couch().fetch_both(account_request, rows_request)
    except MissingDatabase:
        return None, None
    user = _first_enabled_user(rows, method, digest)
    return account if accounts.is_live(account) else None, user


def _find_account(account_id: str) -> Document | None:
    try:
        return accounts.get(account_id)
    except BadIdentifier:
        return None


def _first_enabled_user(rows: Iterable[Row], method: str, digest: str) -> Document | None:
    """Return the first enabled user of a view's rows whose stored hash is the digest."""
    _, member = _VIEWS[method]
    for row in rows:
        user = row.get("doc")
        if users.is_live(user) and users.is_enabled(user) and credentials.matches(user.get(member), digest):
            return user
    return None
