"""Calls to many accounts in turn: each request goes to the next account, which has its own databases."""

import secrets
from typing import Any

import orjson

from benchmarks.client import Address, Operation, Request, Steps
from benchmarks.data import Tenant
from benchmarks.measuring import Call, Side
from benchmarks.reading import rotate, view_path
from storage import view_names

_MESSAGES = 20  # per account


def fill(tenant: Tenant) -> None:
    """Create two mailboxes with some messages of this month."""
    tenant.add_boxes(2)
    tenant.ids = tenant.fill(_MESSAGES, spread=0)


def get_box(tenants: list[Tenant], bare: Address) -> Call:
    """GET of a mailbox; bare: GET of its document."""
    return _call(
        "get box",
        tenants,
        [tenant.api.request("GET", tenant.box_path()) for tenant in tenants],
        [bare.request("GET", f"{tenant.db}/{tenant.boxes[0]['_id']}") for tenant in tenants],
        bare,
    )


def get_message(tenants: list[Tenant], bare: Address) -> Call:
    """GET of a message; bare: GET of its document."""
    return _call(
        "get message",
        tenants,
        [tenant.api.request("GET", f"{tenant.box_path()}/messages/{tenant.ids[0]}") for tenant in tenants],
        [bare.request("GET", f"{tenant.modb(tenant.ids[0])}/{tenant.ids[0]}") for tenant in tenants],
        bare,
    )


def list_boxes_in_turn(tenants: list[Tenant], bare: Address) -> Call:
    """The listing of all mailboxes; bare: the views of mailboxes and of the month's counts."""
    api = [tenant.api.request("GET", f"{tenant.path}/vmboxes") for tenant in tenants]

    def bare_list(connection: int) -> Operation:
        turn = connection * 7

        def steps() -> Steps:
            nonlocal turn
            turn += 1
            tenant = tenants[turn % len(tenants)]
            yield bare.request("GET", view_path(tenant.db, *view_names.MAILBOXES_BY_NAME, limit=51))
            counts = view_path(tenant.modb(tenant.ids[0]), *view_names.MESSAGE_COUNTS_BY_FOLDER, group_level=2)
            yield bare.request("GET", counts)

        return steps

    return Call("list boxes", Side(tenants[0].api, rotate(api)), Side(bare, bare_list))


def list_messages_in_turn(tenants: list[Tenant], bare: Address) -> Call:
    """The messages of a mailbox; bare: the view query for them."""

    def query(tenant: Tenant) -> str:
        box_id = tenant.boxes[0]["_id"]
        options: dict[str, Any] = {"startkey": [box_id, {}], "endkey": [box_id], "descending": True, "limit": 51}
        return view_path(tenant.modb(tenant.ids[0]), *view_names.MESSAGES_BY_MAILBOX, **options)

    return _call(
        "list messages",
        tenants,
        [tenant.api.request("GET", f"{tenant.box_path()}/messages") for tenant in tenants],
        [bare.request("GET", query(tenant)) for tenant in tenants],
        bare,
    )


def log_in(tenants: list[Tenant], bare: Address) -> Call:
    """Signing in with a password and the account's realm; bare: the view query for the credentials."""
    return _call(
        "log in",
        tenants,
        [tenant.api.request("PUT", "/v2/user_auth", tenant.credentials) for tenant in tenants],
        [
            bare.request("GET", view_path(tenant.db, *view_names.USERS_BY_MD5, key=tenant.digest))
            for tenant in tenants
        ],
        bare,
    )


def create_message(tenants: list[Tenant], bare: Address) -> Call:
    """PUT of a message without audio; bare: PUT of a document of that size."""
    payload = orjson.dumps({"data": {"caller_id_name": "Grace", "caller_id_number": "2025550143", "length": 6_000}})
    body = orjson.dumps({"pvt_type": "nothing", "filling": "x" * 1_000})
    turn = 0

    def create(connection: int) -> Operation:
        def steps() -> Steps:
            nonlocal turn
            turn += 1
            tenant = tenants[turn % len(tenants)]
            new_id = tenant.ids[0][:7] + secrets.token_hex(16)
            yield bare.request("PUT", f"{tenant.modb(new_id)}/{new_id}", body)

        return steps

    api = [tenant.api.request("PUT", f"{tenant.box_path()}/messages", payload) for tenant in tenants]
    return Call("create message", Side(tenants[0].api, rotate(api)), Side(bare, create))


def _call(name: str, tenants: list[Tenant], api: list[Request], bare_requests: list[Request], bare: Address) -> Call:
    # A connection serves every account, since each request has its account's token.
    return Call(name, Side(tenants[0].api, rotate(api)), Side(bare, rotate(bare_requests)))
