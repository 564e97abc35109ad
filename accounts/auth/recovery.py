"""Forgotten passwords: a link by mail that signs its user in, once, to choose a new one.

A link has a random secret, of which `token_auth` keeps a digest with the user, the time when it ends, and a signature
over the user's password hashes and address: a new password or address ends it, whoever stores that. Who uses the link
deletes that document first, so that of two clients one gets in.

The request for a link takes as long for a user that doesn't exist: whether there is one is looked up by a thread that
outlives it. What the threads haven't sent is lost if the process is killed; the user asks for another link.
"""

import hashlib
import hmac
import logging
import math
import re
import secrets
import time
import uuid
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import cache
from threading import BoundedSemaphore
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from accounts import accounts, users
from accounts.auth import credentials, login, login_throttle, tokens, trail
from accounts.auth.login_throttle import Attempt
from couch.client import couch
from couch.database import Document
from couch.errors import Conflict, CouchError
from crossbar.errors import BadIdentifier, InvalidCredentials, ServerBusy
from storage import database_names, document_types, documents

logger = logging.getLogger(__name__)

_THREADS = 2
_MAX_PENDING = 200
_BUSY_SECONDS = 10
_SECRET_BYTES = 32
_RESET_ID = re.compile(r"[0-9a-f]{64}")
_EMAIL = re.compile(r"[^@\s<>,;]+@[^@\s<>,;]+")
_pending = BoundedSemaphore(_MAX_PENDING)


def request_link(data: Mapping[str, Any], page: str, address: str) -> None:
    """Have a link to a page sent to the user that the validated data names, if there is such a user.

    `address` is the client's. Raises TooManyRequests, ServerBusy while too many links are to be sent, and
    ValidationFailed if the data names no account or a phone number.
    """
    username = str(data.get("username") or "").lower()  # a schema of Kazoo's own may not require it
    account_ids = login_throttle.count_recovery(login.find_accounts(data), username, address)
    trail.record_link_request(account_ids, username)
    if not _pending.acquire(blocking=False):
        raise ServerBusy(_BUSY_SECONDS)
    _threads().submit(copy_context().run, _send_links, account_ids, username, page)


def use_link(reset_id: str, address: str) -> tuple[Document, Document]:
    """Return the enabled account and user that a link is for, and end the link. The user has to choose a password.

    Raises InvalidCredentials, the same for every link that isn't valid, and TooManyRequests after many of them.
    """

    def check(names: Sequence[str]) -> tuple[str, tuple[Document, Document]] | None:
        login_of_link = _redeem(reset_id)
        return None if login_of_link is None else (names[0], login_of_link)

    return login.sign_in(Attempt("recovery", [""], address, reset_id, is_guessable=False), check)


def _redeem(reset_id: str) -> tuple[Document, Document] | None:
    if not _RESET_ID.fullmatch(reset_id):
        return None
    database = couch().database(database_names.TOKENS)
    link = database.get(_recovery_digest(reset_id))
    if link is None or link.get("pvt_type") != tokens.RECOVERY or link["exp"] <= time.time():
        return None
    account_id, user_id = link["account_id"], link["owner_id"]

    def require_valid(user: Document) -> None:
        if not (users.is_enabled(user) and hmac.compare_digest(link["signature"], _sign(reset_id, user))):
            raise InvalidCredentials()

    def require_new_password(user: Document) -> Document:
        return {**user, "require_password_update": True}

    account, user = _find_login(account_id, user_id)
    if account is None or user is None:
        return None
    require_valid(user)
    try:
        # Each writes something else, so that no node of a cluster takes two of them for the same change.
        database.put({"_id": link["_id"], "_rev": link["_rev"], "_deleted": True, "used": uuid.uuid4().hex})
        user_database = accounts.database_of(account_id)
        changed = documents.change(
            user_database, user_id, document_types.USER, require_new_password, guard=require_valid
        )
    except (Conflict, BadIdentifier):
        return None  # somebody else was quicker, or the user has been deleted
    logger.info("Signed in by a link from a mail", extra={"account_id": account_id, "user_id": user_id})
    return account, changed


def _find_login(account_id: str, user_id: str) -> tuple[Document | None, Document | None]:
    """Return an account and its user, None for what is missing or disabled."""
    try:
        account, user = accounts.get(account_id), users.get(account_id, user_id)
    except BadIdentifier:
        return None, None
    return account if accounts.is_enabled(account) else None, user if users.is_enabled(user) else None


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_THREADS, thread_name_prefix="recovery")


def _send_links(account_ids: Sequence[str], username: str, page: str) -> None:
    """Send a link to each account's user of that name. Errors are logged, without addresses."""
    try:
        for account_id in account_ids:
            account, user = _find_recipient(account_id, username)
            if account is None or user is None:
                logger.info(
                    "No link was sent: there is no such user, or no address", extra={"account_id": account_id}
                )
            else:
                _send_link(account, user, page)
    except CouchError as error:
        logger.warning("No link for a forgotten password was sent: CouchDB fails (%s)", error)
    except Exception:
        logger.exception("Unexpected error while a link for a forgotten password is sent")
    finally:
        _pending.release()


def _find_recipient(account_id: str, username: str) -> tuple[Document | None, Document | None]:
    """Return an account and its user of that name, None for what is missing or disabled, or has no address."""
    if not database_names.is_account_id(account_id):  # it stands for an account that there isn't
        return None, None
    user = users.find_by_name(account_id, username)
    if user is None or not _EMAIL.fullmatch(str(user.get("email"))):
        return None, None
    return _find_login(account_id, user["_id"])


def _send_link(account: Document, user: Document, page: str) -> None:
    ids = {"account_id": account["_id"], "user_id": user["_id"]}
    reset_id = _create_link(account["_id"], user)
    try:
        _mail(account, user, f"{page}#/?recovery={reset_id}").send()
    except (OSError, ValueError) as error:  # of the mail server, and for addresses that no mail can have
        # Its text may have the address in it.
        reason = f"{type(error).__name__} {getattr(error, 'smtp_code', None) or getattr(error, 'errno', None) or ''}"
        logger.warning("No link for a forgotten password was sent: %s", reason.strip(), extra=ids)
    else:
        logger.info("Sent a link for a forgotten password", extra=ids)


def _create_link(account_id: str, user: Document) -> str:
    """Store a new link, and return its secret."""
    reset_id = secrets.token_hex(_SECRET_BYTES)  # programs that find links in a text would leave a - at the end out
    tokens.store_expiring(
        {
            "_id": _recovery_digest(reset_id),
            "pvt_type": tokens.RECOVERY,
            "account_id": account_id,
            "owner_id": user["_id"],
            "signature": _sign(reset_id, user),
            "exp": int(time.time()) + settings.RECOVERY_LINK_SECONDS,
        }
    )
    return reset_id


def _mail(account: Document, user: Document, link: str) -> EmailMultiAlternatives:
    account_name = " ".join(str(account.get("name") or account["_id"]).split())
    context = {
        "subject": f"A new password for {account_name}",
        "first_name": user.get("first_name"),
        "username": user["username"],
        "account_name": account_name,
        "minutes": math.ceil(settings.RECOVERY_LINK_SECONDS / 60),
        "link": link,
    }
    mail = EmailMultiAlternatives(
        context["subject"],
        render_to_string("accounts/recovery.txt", context),
        to=[user["email"]],
        headers={"Auto-Submitted": "auto-generated"},
    )
    mail.attach_alternative(render_to_string("accounts/recovery.html", context), "text/html")
    return mail


def _recovery_digest(reset_id: str) -> str:
    return hashlib.sha256(reset_id.encode()).hexdigest()


def _sign(reset_id: str, user: Document) -> str:
    """Return what binds a link to the password and the address that its user has."""
    members = [str(user.get(name)) for name in (*credentials.HASHES, "username", "email")]
    return hmac.new(reset_id.encode(), "\0".join(members).encode(), hashlib.sha256).hexdigest()
