"""What else names what was erased: attempts to send webhooks, mails, jobs, tokens, and what other rooms keep.

Rooms above this one register what they keep (`register`), such as the desk its audit log.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import orjson
from django.db.models import Q, QuerySet
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from accounts import account_index, accounts
from accounts.api_keys import last_use
from accounts.api_keys import store as key_store
from couch.client import couch
from couch.errors import MissingDatabase
from erasure import documents, scan
from erasure.models import Erasure, ErasureItem
from erasure.scan import Tick
from migration.models import MigrationRun
from notifications.models import Mail
from search import index as search_index
from storage import database_names, modbs, view_names
from webhooks.models import Delivery

_CHUNK = 400
_ID = re.compile(r"\d{6}-[A-Za-z0-9._~+@:=-]+|[0-9a-f]{32}", re.ASCII)


@dataclass(frozen=True)
class Erased:
    """What was erased, by ids."""

    account_ids: frozenset[str]
    """The accounts that it was in."""
    whole_account_id: str = ""
    """The account that was erased itself, if one was."""
    message_ids: frozenset[str] = frozenset()
    box_ids: frozenset[str] = frozenset()
    user_ids: frozenset[str] = frozenset()
    media_ids: frozenset[str] = frozenset()
    key_ids: frozenset[str] = frozenset()
    """Of the documents of API keys."""

    @cached_property
    def ids(self) -> frozenset[str]:
        """All ids of erased documents."""
        whole = {self.whole_account_id} if self.whole_account_id else set()
        return self.message_ids | self.box_ids | self.user_ids | self.media_ids | self.key_ids | whole

    def is_named_in(self, text: str) -> bool:
        """Whether a text has the id of anything that was erased."""
        return not self.ids.isdisjoint(_ID.findall(text))


Forget = Callable[[Erased], None]
_registered: dict[str, Forget] = {}


def register(name: str, forget: Forget) -> None:
    """Have a function called with whatever was erased, perhaps more than once, in place of one of the same name."""
    _registered[name] = forget


def erase_traces(erasure: Erasure, tick: Tick) -> None:
    """Erase what names the erased items of an erasure. It may be repeated."""
    erased = _erased(erasure)
    if not erased.ids:
        return
    for account_id in _accounts_with_attempts(erased):
        for name, ids in _find_attempts(account_id, erased, tick):
            documents.erase_from(erasure, name, ids)
    if erased.user_ids:
        _erase_links(erasure, erased.user_ids)
    _delete_rows(erased)
    for account_id in erased.account_ids:
        search_index.forget(account_id, sorted(erased.ids))
    for forget in _registered.values():
        forget(erased)


def _erased(erasure: Erasure) -> Erased:
    items = erasure.items.filter(state=ErasureItem.State.ERASED)

    def ids(*kinds: str) -> frozenset[str]:
        return frozenset(items.filter(kind__in=kinds).values_list("document_id", flat=True))

    return Erased(
        account_ids=frozenset(items.values_list("account_id", flat=True)),
        whole_account_id=next(iter(ids("account")), ""),
        message_ids=ids("message", "moved"),
        box_ids=ids("mailbox"),
        user_ids=ids("user"),
        media_ids=ids("media"),
        key_ids=ids("API key"),
    )


def _accounts_with_attempts(erased: Erased) -> list[str]:
    """The accounts whose hooks may have been sent what was erased: its own, and those above."""
    account_ids = dict.fromkeys(erased.account_ids)
    for account_id, doc in account_index.database().fetch(erased.account_ids).items():
        account_ids |= dict.fromkeys([account_id, *accounts.ancestor_ids(doc)])
    return [account_id for account_id in account_ids if database_names.is_account_id(account_id)]


def _find_attempts(account_id: str, erased: Erased, tick: Tick) -> Iterator[tuple[str, list[str]]]:
    """The attempts of an account's hooks that name something, by database."""
    months = {month for message_id in erased.message_ids if (month := database_names.month_of_message(message_id))}
    is_of_messages = not (erased.box_ids or erased.user_ids or erased.media_ids or erased.whole_account_id)
    for month, modb in modbs.list_existing(account_id):
        if is_of_messages and month < min(months, default=""):
            continue
        ids = []
        try:
            for row in modb.stream_view(*view_names.ATTEMPTS_BY_TIME, page=200, include_docs=True):
                tick(0)
                if row.get("doc") and erased.is_named_in(orjson.dumps(row["doc"]).decode()):
                    ids.append(row["id"])
        except MissingDatabase:
            continue
        if ids:
            yield modb.name, ids


def _erase_links(erasure: Erasure, user_ids: frozenset[str]) -> None:
    """Erase the links for forgotten passwords."""
    tokens = couch().database(database_names.TOKENS)
    ids = [doc["_id"] for doc in scan.scan_documents(tokens) if doc.get("owner_id") in user_ids]
    documents.erase_from(erasure, tokens.name, ids)


def _delete_rows(erased: Erased) -> None:
    """Delete the mails, the deliveries of webhooks, the jobs and the migrations that name what was erased."""
    if erased.whole_account_id:
        last_use.forget_account(erased.whole_account_id)
        Mail.objects.filter(account_id=erased.whole_account_id).delete()
        MigrationRun.objects.filter(account_id=erased.whole_account_id).delete()
    last_use.forget_uses([key_store.key_id_of({"_id": doc_id}) for doc_id in erased.key_ids])
    of_accounts = Mail.objects.filter(account_id__in=erased.account_ids)
    for chunk in _id_chunks(erased.message_ids):
        of_accounts.filter(message_id__in=chunk).delete()
    for chunk in _id_chunks(erased.box_ids):
        of_accounts.filter(mailbox_id__in=chunk).delete()
    _delete_naming(erased, Delivery.objects.all(), "data_json")
    ended = Q(status__in=(TaskResultStatus.SUCCESSFUL, TaskResultStatus.FAILED))
    _delete_naming(erased, DBTaskResult.objects.filter(ended), "args_kwargs", "return_value", "traceback")


def _delete_naming(erased: Erased, rows: "QuerySet[Delivery] | QuerySet[DBTaskResult]", *fields: str) -> None:  # type: ignore[type-arg]
    """Delete those of some rows whose fields name what was erased."""
    named = [
        row["pk"]
        for row in rows.values("pk", *fields).iterator()
        if any(erased.is_named_in(str(row[field])) for field in fields)
    ]
    for chunk in _id_chunks(named):
        rows.model.objects.filter(pk__in=chunk).delete()


def _id_chunks(values: Iterable[object]) -> Iterator[list[object]]:
    remaining = list(values)
    for start in range(0, len(remaining), _CHUNK):
        yield remaining[start : start + _CHUNK]
