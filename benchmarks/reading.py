"""Calls that read: mailboxes, messages, listings, and signing in."""

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import quote

import orjson

from benchmarks.client import Address, Operation, Request, Steps, send
from benchmarks.data import Dataset, Tenant
from benchmarks.measuring import Call, Side, Target
from storage import database_names, modbs, view_names

CHEAP = (Target("throughput", 0.5, concurrency=8), Target("speed", 0.6, concurrency=1))
LISTING = (Target("p50", 1.5, concurrency=1, at_most=True),)


def rotate(requests: Sequence[Request]) -> Callable[[int], Operation]:
    """Operations of one request each, from the list in turn. Each connection starts with a different one."""

    def of_connection(connection: int) -> Operation:
        turn = connection * 7

        def steps() -> Steps:
            nonlocal turn
            turn += 1
            yield requests[turn % len(requests)]

        return steps

    return of_connection


def repeat(*requests: Request) -> Callable[[int], Operation]:
    """An operation that sends the same requests one after another."""

    def steps() -> Steps:
        for request in requests:
            _ = yield request  # `yield from` a tuple can't receive responses

    return lambda connection: steps


def view_path(db: str, design: str, name: str, /, **options: Any) -> str:
    """The path of a view query. CouchDB sends its rows in one piece, as for the service's own queries."""
    query = "&".join(f"{key}={quote(orjson.dumps(value).decode())}" for key, value in options.items())
    return f"{db}/_design/{design}/_view/{name}?{query}&buffer_response=true"


def log_in(dataset: Dataset, bare: Address) -> Call:
    """Signing in with a password and the account's realm; bare: the views of realms and of credentials."""
    tenant = dataset.for_changes
    realm = view_path(database_names.ACCOUNTS, *view_names.ACCOUNTS_BY_REALM, key=tenant.account["realm"])
    user = view_path(tenant.db, *view_names.USERS_BY_MD5, key=tenant.digest, include_docs=True)
    return Call(
        "log in",
        Side(tenant.api, repeat(tenant.api.request("PUT", "/v2/user_auth", tenant.credentials))),
        Side(bare, repeat(*(bare.request("GET", target) for target in (f"/{realm}", user)))),
    )


def get_box(dataset: Dataset, bare: Address) -> Call:
    """GET of a mailbox; bare: GET of its document."""
    tenant, _ = dataset.many_boxes
    paths = [f"/vmboxes/{box['_id']}" for box in tenant.boxes]
    return Call(
        "get box",
        Side(tenant.api, rotate([tenant.api.request("GET", tenant.path + path) for path in paths])),
        Side(bare, rotate([bare.request("GET", f"{tenant.db}/{box['_id']}") for box in tenant.boxes])),
        CHEAP,
    )


def get_message(dataset: Dataset, bare: Address) -> Call:
    """GET of a message; bare: GET of its document."""
    tenant, ids = dataset.full_box
    sampled_ids = ids[:: max(1, len(ids) // 500)]
    paths = [f"{tenant.box_path()}/messages/{message_id}" for message_id in sampled_ids]
    return Call(
        "get message",
        Side(tenant.api, rotate([tenant.api.request("GET", path) for path in paths])),
        Side(
            bare,
            rotate([bare.request("GET", f"{tenant.modb(message_id)}/{message_id}") for message_id in sampled_ids]),
        ),
        CHEAP,
    )


def list_boxes(dataset: Dataset, bare: Address) -> Call:
    """The listing of all mailboxes; bare: the views of mailboxes and of each month's counts."""
    tenant, ids = dataset.many_boxes
    count = len(tenant.boxes)
    months = sorted({message_id[:6] for message_id in ids})
    counts = [view_path(tenant.modb(month), *view_names.MESSAGE_COUNTS_BY_FOLDER, group_level=2) for month in months]
    listing = view_path(tenant.db, *view_names.MAILBOXES_BY_NAME, limit=count + 1)
    return Call(
        f"list {count} boxes",
        Side(tenant.api, repeat(tenant.api.request("GET", f"{tenant.path}/vmboxes?page_size={count}"))),
        Side(bare, repeat(*(bare.request("GET", target) for target in (listing, *counts)))),
        LISTING,
    )


def list_messages(dataset: Dataset, bare: Address) -> Call:
    """The first page of a mailbox's messages; bare: the view query for it."""
    tenant, ids = dataset.full_box
    return Call(
        f"list 50 of {len(ids)}",
        Side(tenant.api, repeat(tenant.api.request("GET", f"{tenant.box_path()}/messages"))),
        Side(bare, repeat(bare.request("GET", _page_path(tenant, ids[0], 51)))),
        LISTING,
    )


def list_deep_page(dataset: Dataset, bare: Address) -> Call:
    """A page from the middle of a mailbox's messages; bare: the view query for it."""
    tenant, ids = dataset.full_box
    half = len(ids) // 2
    path = f"{tenant.box_path()}/messages"
    first_half = send(tenant.api, tenant.api.request("GET", f"{path}?page_size={half}"))
    start_key = quote(orjson.loads(first_half.body)["next_start_key"])
    page = send(tenant.api, tenant.api.request("GET", f"{path}?start_key={start_key}"))
    first_id = orjson.loads(page.body)["data"][0]["media_id"]
    return Call(
        "list 50 from the midst",
        Side(tenant.api, repeat(tenant.api.request("GET", f"{path}?start_key={start_key}"))),
        Side(bare, repeat(bare.request("GET", _page_path(tenant, first_id, 51)))),
        LISTING,
    )


def list_filtered(dataset: Dataset, bare: Address) -> Call:
    """A page of a caller's messages, one in ten; bare: the view query for all rows that this page takes."""
    tenant, ids = dataset.full_box
    path = f"{tenant.box_path()}/messages?filter_caller_id_number=2025550103"
    return Call(
        "list 50, 1 in 10 filtered",
        Side(tenant.api, repeat(tenant.api.request("GET", path))),
        Side(bare, repeat(bare.request("GET", _page_path(tenant, ids[0], 504)))),
        LISTING,
    )


def _page_path(tenant: Tenant, message_id: str, limit: int) -> str:
    """The path of the query for a page of a mailbox's messages, newest first, starting with a given one."""
    doc = modbs.ensure(tenant.id, message_id[:6]).get(message_id)
    assert doc is not None
    box_id, timestamp = doc["source_id"], doc["metadata"]["timestamp"]
    return view_path(
        tenant.modb(message_id),
        *view_names.MESSAGES_BY_MAILBOX,
        startkey=[box_id, timestamp],
        endkey=[box_id, 0],
        descending=True,
        limit=limit,
    )
