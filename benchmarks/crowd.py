"""Calls that go round many accounts, so that each request meets another account, with databases of its own."""

import secrets

import orjson

from benchmarks.client import Address, Operation, Request, Steps
from benchmarks.data import Tenant
from benchmarks.measuring import Call, Side
from benchmarks.reading import rotating, view

_MESSAGES = 20


def fill(tenant: Tenant) -> None:
    """Two boxes with some messages of this month."""
    tenant.add_boxes(2)
    tenant.ids = tenant.fill(_MESSAGES, spread=0)


def get_box(tenants: list[Tenant], bare: Address) -> Call:
    """GET of a box : GET of its document."""
    return _call(
        "get box",
        tenants,
        [each.api.request("GET", each.box_path()) for each in tenants],
        [bare.request("GET", f"{each.db}/{each.boxes[0]['_id']}") for each in tenants],
        bare,
    )


def get_message(tenants: list[Tenant], bare: Address) -> Call:
    """GET of a message : GET of its document."""
    return _call(
        "get message",
        tenants,
        [each.api.request("GET", f"{each.box_path()}/messages/{each.ids[0]}") for each in tenants],
        [bare.request("GET", f"{each.modb(each.ids[0])}/{each.ids[0]}") for each in tenants],
        bare,
    )


def list_boxes(tenants: list[Tenant], bare: Address) -> Call:
    """The listing of all boxes : the view of boxes, and the month's counts by box and folder."""
    api = [each.api.request("GET", f"{each.path}/vmboxes") for each in tenants]

    def by_hand(lane: int) -> Operation:
        turn = lane * 7

        def steps() -> Steps:
            nonlocal turn
            turn += 1
            tenant = tenants[turn % len(tenants)]
            yield bare.request("GET", view(tenant.db, "vmboxes", "crossbar_listing", limit=51))
            counts = view(tenant.modb(tenant.ids[0]), "mailbox_message_counts", "by_box_folder", group_level=2)
            yield bare.request("GET", counts)

        return steps

    return Call("list boxes", Side(tenants[0].api, rotating(api)), Side(bare, by_hand))


def list_messages(tenants: list[Tenant], bare: Address) -> Call:
    """The messages of a box : the one view query for them."""

    def query(tenant: Tenant) -> str:
        box_id = tenant.boxes[0]["_id"]
        ends = {"startkey": [box_id, {}], "endkey": [box_id], "descending": True, "limit": 51}
        return view(tenant.modb(tenant.ids[0]), "mailbox_messages", "listing_by_mailbox", **ends)

    return _call(
        "list messages",
        tenants,
        [each.api.request("GET", f"{each.box_path()}/messages") for each in tenants],
        [bare.request("GET", query(each)) for each in tenants],
        bare,
    )


def log_in(tenants: list[Tenant], bare: Address) -> Call:
    """Signing in with a password and the account's realm : the view of credentials."""
    return _call(
        "log in",
        tenants,
        [each.api.request("PUT", "/v2/user_auth", each.credentials) for each in tenants],
        [bare.request("GET", view(each.db, "users", "creds_by_md5", key=each.digest)) for each in tenants],
        bare,
    )


def create_message(tenants: list[Tenant], bare: Address) -> Call:
    """PUT of a message without audio : PUT of a document of that size."""
    sent = orjson.dumps({"data": {"caller_id_name": "Grace", "caller_id_number": "2025550143", "length": 6_000}})
    body = orjson.dumps({"pvt_type": "nothing", "filling": "x" * 1_000})
    turn = 0

    def create(lane: int) -> Operation:
        def steps() -> Steps:
            nonlocal turn
            turn += 1
            tenant = tenants[turn % len(tenants)]
            new_id = tenant.ids[0][:7] + secrets.token_hex(16)
            yield bare.request("PUT", f"{tenant.modb(new_id)}/{new_id}", body)

        return steps

    api = [each.api.request("PUT", f"{each.box_path()}/messages", sent) for each in tenants]
    return Call("create message", Side(tenants[0].api, rotating(api)), Side(bare, create))


def _call(name: str, tenants: list[Tenant], api: list[Request], plain: list[Request], bare: Address) -> Call:
    # A connection serves every account: the token in a request says whose it is.
    return Call(name, Side(tenants[0].api, rotating(api)), Side(bare, rotating(plain)))
