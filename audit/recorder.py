"""Records what a request to the API changes, whichever function stores it, and what else its caller did.

A recorder observes what its request reads and writes in CouchDB (`couch.observer`), so that no viewset and no store
can forget to record. A record is in the spool before the request is answered: see `audit.spool`.
"""

import logging
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import orjson

from audit import kinds
from audit.differences import HIDDEN, differences
from audit.spool import spool
from couch.observer import Document, observer
from crossbar.redaction import redact_target, shorten

logger = logging.getLogger(__name__)

CREATED, CHANGED, REMOVED, MOVED, RESTORED, DELETED = "created", "changed", "removed", "moved", "restored", "deleted"
_READING_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_MOVED_TO = "pvt_moved_to"
_SHOWN_PRIVATE_FIELDS = frozenset(
    {"pvt_deleted", "pvt_enabled", "pvt_api_key", "source_id", _MOVED_TO, "pvt_moved_from", "pvt_superduper_admin"}
)
_SECRET_PRIVATE_FIELDS = {"pvt_md5_auth": "password", "pvt_signature_secret": "signature_secret"}
"""What they are called in a difference. Only that they changed is shown."""
_UNSHOWN = frozenset({"messages"})
"""3.x's array of a mailbox: messages leave it when somebody reads them."""
_MAX_REQUEST, _MAX_ID, _MAX_NAME = 400, 250, 250
_MAX_RECORD_BYTES = 60_000


@dataclass(frozen=True)
class Caller:
    """Who makes a request: a user of an account, or without `user_id` the account by its API key."""

    account_id: str
    user_id: str = ""
    name: str = ""
    impersonator: str = ""
    """Who acts as that user: ids of account and user, with a slash."""


_NOBODY = Caller("")


class RequestRecorder:
    """Records what one request does."""

    def __init__(self, request_id: str, method: str, path: str, address: Callable[[], str]) -> None:
        self._request_id = request_id
        self._method, self._path, self._address = method, path, address
        self._caller = _NOBODY
        self._known: dict[tuple[str, str], Document] = {}
        """Documents as the request last read or wrote them, by the names of their databases and their ids."""

    def identify(self, caller: Caller) -> None:
        """Note who makes the request."""
        self._caller = caller

    @property
    def address(self) -> str:
        """The client's address."""
        return self._address()[:100]

    # --- what `couch.observer` wants ---

    def note_read(self, database_name: str, docs: Iterable[Document]) -> None:
        """Note documents as they are stored."""
        for doc in docs:
            self._known[database_name, doc["_id"]] = doc

    def note_writes(self, database_name: str, writes: Sequence[tuple[Document, Document]]) -> None:
        """Record the changes of documents; those that are alike in one record."""
        with _logged_errors():
            groups: dict[tuple[Any, ...], _Group] = {}
            for sent, stored in writes:
                key = database_name, sent["_id"]
                before = self._known.get(key)
                self._known[key] = stored
                if kinds.is_recorded(database_name, sent):
                    _add_change(groups, before, sent, stored)
            self._write([group.record(database_name) for group in groups.values()])

    def note_deletion(self, database_name: str, doc_id: str) -> None:
        """Record that a document was deleted for good, without what was in it."""
        with _logged_errors():
            doc = self._known.pop((database_name, doc_id), None)
            if doc is not None and kinds.is_recorded(database_name, doc):
                self._write([_about(database_name, doc) | {"action": DELETED, "difference": {}}])

    # --- what is no change of a document ---

    def record_action(
        self,
        action: str,
        kind: str,
        *,
        account_id: str = "",
        document_id: str = "",
        name: str = "",
        details: Mapping[str, Any] | None = None,
    ) -> None:
        """Record something else that the caller did; `details` hold no secret."""
        record = {"action": action, "kind": kind, "account_id": account_id, "document_id": document_id, "name": name}
        with _logged_errors():
            self._write([record | {"difference": dict(details or {})}])

    def _write(self, records: Sequence[Mapping[str, Any]]) -> None:
        if records:
            common = self._common_members()
            spool().append(b"".join(_encode({"id": secrets.token_hex(16), **common, **record}) for record in records))

    def _common_members(self) -> dict[str, Any]:
        caller = self._caller
        return {
            "time": time.time(),
            "actor_account_id": caller.account_id,
            "actor_user_id": caller.user_id,
            "actor_name": caller.name[:150],
            "impersonator": caller.impersonator,
            "request_id": self._request_id,
            "request": shorten(f"{self._method} {redact_target(self._path)}", _MAX_REQUEST - 3),
            "address": self.address,
        }


@contextmanager
def _logged_errors() -> Iterator[None]:
    """Log an error and go on: what is to be recorded is done already, and its client has to hear of it."""
    try:
        yield
    except Exception:
        logger.exception("A record of the audit could not be made")


_current: ContextVar[RequestRecorder | None] = ContextVar("recorder", default=None)


@contextmanager
def recording(recorder: RequestRecorder, method: str) -> Iterator[None]:
    """Let a recorder hear of what is done within, and of what is stored unless the method is one that only reads."""
    token = _current.set(recorder)
    observer_token = None if method in _READING_METHODS else observer.set(recorder)
    try:
        yield
    finally:
        _current.reset(token)
        if observer_token is not None:
            observer.reset(observer_token)


def current_recorder() -> RequestRecorder | None:
    """The recorder of the request that this thread serves; None outside the API."""
    return _current.get()


@dataclass
class _Group:
    """Documents that one write has changed alike."""

    action: str
    difference: dict[str, Any]
    docs: list[Document] = field(default_factory=list)

    def record(self, database_name: str) -> dict[str, Any]:
        """The record, of one document or of several."""
        record = _about(database_name, self.docs[0]) | {"action": self.action, "difference": self.difference}
        if len(self.docs) == 1:
            return record
        name = f"{len(self.docs)} {kinds.MANY.get(record['kind'], 'documents')}"
        documents = [doc["_id"][:_MAX_ID] for doc in self.docs]
        return {**record, "document_id": "", "name": name, "documents": documents}


def _add_change(
    groups: dict[tuple[Any, ...], _Group], before: Document | None, sent: Document, after: Document
) -> None:
    """Add what happened to a document to the group that it belongs to; nothing if nobody sees it."""
    is_new = "_rev" not in sent
    if before is not None and before.get("_rev") != sent.get("_rev"):
        before = None
    difference: dict[str, Any] = {}
    if after.get("_deleted"):
        action, after = DELETED, before or after
    elif before is None and not is_new:  # a store that hasn't read what it replaces
        action = CHANGED
    else:
        difference = _difference(before or {}, after)
        if not difference and not is_new:
            return
        action = CREATED if is_new else _action(before or {}, after)
    key = action, after.get("pvt_type"), str(after.get("source_id")), _record_json(difference)
    groups.setdefault(key, _Group(action, difference)).docs.append(after)


def _action(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    was_removed, is_removed = (doc.get("pvt_deleted") is True for doc in (before, after))
    if is_removed and not was_removed:
        return MOVED if after.get(_MOVED_TO) else REMOVED
    return RESTORED if was_removed and not is_removed else CHANGED


def _difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    difference = differences(before, after, shown_private_fields=_SHOWN_PRIVATE_FIELDS)
    for member in _UNSHOWN:
        difference.pop(member, None)
    if before:
        for member, shown_name in _SECRET_PRIVATE_FIELDS.items():
            old, new = before.get(member), after.get(member)
            # A secret that wasn't there is made when somebody signs in for the first time.
            if old != new and (old is not None or member != "pvt_signature_secret"):
                difference[shown_name] = [None if side is None else HIDDEN for side in (old, new)]
    if (attachments := _attachment_difference(before, after)) is not None:
        difference["attachments"] = attachments
    return difference


def _attachment_difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Any] | None:
    """The names, types and lengths of attachments before and after, if any was stored or removed; never the content.

    CouchDB says the digest of those that were there before.
    """
    old, new = before.get("_attachments"), after.get("_attachments")
    if old is new:
        return None
    old, new = old or {}, new or {}
    if old.keys() == new.keys() and all("digest" in stub for stub in new.values()):
        return None
    return [_describe_attachments(old), _describe_attachments(new)]


def _describe_attachments(attachments: Mapping[str, Any]) -> str | None:
    texts = []
    for name, stub in attachments.items():
        length = stub.get("length", len(stub.get("data", "")) * 3 // 4)
        texts.append(f"{name} ({stub.get('content_type', '')}, {length} bytes)")
    return ", ".join(texts) or None


def _about(database_name: str, doc: Document) -> dict[str, Any]:
    container_id = doc.get("source_id")
    return {
        "kind": kinds.kind_of(doc),
        "account_id": kinds.account_of(database_name, doc),
        "document_id": doc["_id"][:_MAX_ID],
        "container_id": container_id[:_MAX_ID] if isinstance(container_id, str) else "",
        "name": kinds.name_of(doc)[:_MAX_NAME],
    }


def _encode(record: dict[str, Any]) -> bytes:
    line = _record_json(record)
    if len(line) > _MAX_RECORD_BYTES and record["difference"]:
        kept: dict[str, Any] = {}
        remaining = _MAX_RECORD_BYTES // 2
        for path, change in record["difference"].items():
            remaining -= len(_record_json({path: change}))
            if remaining < 0:
                kept["..."] = [None, f"{len(record['difference']) - len(kept)} more members"]
                break
            kept[path] = change
        line = _record_json({**record, "difference": kept})
    return line + b"\n"


def _record_json(value: Any) -> bytes:
    try:
        return orjson.dumps(value, default=str)
    except TypeError:  # half of a surrogate pair, which a client can spell in JSON
        return orjson.dumps(_without_surrogates(value), default=str)


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {_without_surrogates(key): _without_surrogates(item) for key, item in value.items()}
    return value
