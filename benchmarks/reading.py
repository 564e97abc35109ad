"""Calls that read: boxes, messages, listings and audio."""

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import quote

import orjson

from benchmarks.client import Address, Operation, Request, Steps, once
from benchmarks.data import Tenant, World
from benchmarks.measuring import Call, Side, Target
from storage import database_names, modbs

CHEAP = (Target("throughput", 0.5, concurrency=8), Target("speed", 0.6, concurrency=1))
LISTING = (Target("p50", 1.5, concurrency=1, at_most=True),)


def rotating(requests: Sequence[Request]) -> Callable[[int], Operation]:
    """One request at a time, each lane beginning with another one."""

    def of_lane(lane: int) -> Operation:
        turn = lane * 7

        def steps() -> Steps:
            nonlocal turn
            turn += 1
            yield requests[turn % len(requests)]

        return steps

    return of_lane


def always(*requests: Request) -> Callable[[int], Operation]:
    """The same requests, one after the other, as one operation."""

    def steps() -> Steps:
        for request in requests:
            _ = yield request  # a tuple that is yielded from takes no answers

    return lambda lane: steps


def view(db: str, design: str, name: str, **options: Any) -> str:
    """The target of a view query, whose rows come at once as those of the service's own do."""
    spelled = "&".join(f"{key}={quote(orjson.dumps(value).decode())}" for key, value in options.items())
    return f"{db}/_design/{design}/_view/{name}?{spelled}&buffer_response=true"


def log_in(world: World, bare: Address) -> Call:
    """Signing in with a password and the account's realm : the view of realms, and the account's of credentials."""
    tenant = world.workshop
    realm = view(database_names.ACCOUNTS, "accounts", "listing_by_realm", key=tenant.account["realm"])
    user = view(tenant.db, "users", "creds_by_md5", key=tenant.digest, include_docs=True)
    return Call(
        "log in",
        Side(tenant.api, always(tenant.api.request("PUT", "/v2/user_auth", tenant.credentials))),
        Side(bare, always(*(bare.request("GET", target) for target in (f"/{realm}", user)))),
    )


def get_box(world: World, bare: Address) -> Call:
    """GET of a box : GET of its document."""
    tenant, _ = world.office
    paths = [f"/vmboxes/{box['_id']}" for box in tenant.boxes]
    return Call(
        "get box",
        Side(tenant.api, rotating([tenant.api.request("GET", tenant.path + path) for path in paths])),
        Side(bare, rotating([bare.request("GET", f"{tenant.db}/{box['_id']}") for box in tenant.boxes])),
        CHEAP,
    )


def get_message(world: World, bare: Address) -> Call:
    """GET of a message : GET of its document."""
    tenant, ids = world.mailbox
    some = ids[:: max(1, len(ids) // 500)]
    paths = [f"{tenant.box_path()}/messages/{message_id}" for message_id in some]
    return Call(
        "get message",
        Side(tenant.api, rotating([tenant.api.request("GET", path) for path in paths])),
        Side(bare, rotating([bare.request("GET", f"{tenant.modb(one)}/{one}") for one in some])),
        CHEAP,
    )


def list_boxes(world: World, bare: Address) -> Call:
    """The listing of all boxes : the view of boxes, and each month's counts by box and folder."""
    tenant, ids = world.office
    count = len(tenant.boxes)
    months = sorted({message_id[:6] for message_id in ids})
    counts = [view(tenant.modb(month), "mailbox_message_counts", "by_box_folder", group_level=2) for month in months]
    listing = view(tenant.db, "vmboxes", "crossbar_listing", limit=count + 1)
    return Call(
        f"list {count} boxes",
        Side(tenant.api, always(tenant.api.request("GET", f"{tenant.path}/vmboxes?page_size={count}"))),
        Side(bare, always(*(bare.request("GET", target) for target in (listing, *counts)))),
        LISTING,
    )


def list_messages(world: World, bare: Address) -> Call:
    """The first page of a box's messages : the one view query for it."""
    tenant, ids = world.mailbox
    return Call(
        f"list 50 of {len(ids)}",
        Side(tenant.api, always(tenant.api.request("GET", f"{tenant.box_path()}/messages"))),
        Side(bare, always(bare.request("GET", _page(tenant, ids[0], 51)))),
        LISTING,
    )


def deep_page(world: World, bare: Address) -> Call:
    """A page from the midst of a box's messages : the one view query for it."""
    tenant, ids = world.mailbox
    half = len(ids) // 2
    path = f"{tenant.box_path()}/messages"
    before = once(tenant.api, tenant.api.request("GET", f"{path}?page_size={half}"))
    start_key = quote(orjson.loads(before.body)["next_start_key"])
    page = once(tenant.api, tenant.api.request("GET", f"{path}?start_key={start_key}"))
    first = orjson.loads(page.body)["data"][0]["media_id"]
    return Call(
        "list 50 from the midst",
        Side(tenant.api, always(tenant.api.request("GET", f"{path}?start_key={start_key}"))),
        Side(bare, always(bare.request("GET", _page(tenant, first, 51)))),
        LISTING,
    )


def filtered(world: World, bare: Address) -> Call:
    """A page of one caller's messages, every tenth : the one view query for as many rows as that takes."""
    tenant, ids = world.mailbox
    path = f"{tenant.box_path()}/messages?filter_caller_id_number=2025550103"
    return Call(
        "list 50, 1 in 10 filtered",
        Side(tenant.api, always(tenant.api.request("GET", path))),
        Side(bare, always(bare.request("GET", _page(tenant, ids[0], 504)))),
        LISTING,
    )


def _page(tenant: Tenant, message_id: str, limit: int) -> str:
    """The query for a page of a box's messages, newest first, that begins with one of them."""
    doc = modbs.ensure(tenant.id, message_id[:6]).get(message_id)
    assert doc is not None
    box_id, left = doc["source_id"], doc["metadata"]["timestamp"]
    return view(
        tenant.modb(message_id),
        "mailbox_messages",
        "listing_by_mailbox",
        startkey=[box_id, left],
        endkey=[box_id, 0],
        descending=True,
        limit=limit,
    )
