"""Calls that write: creating messages, and changing them."""

import secrets
from collections.abc import Callable
from typing import Any

import orjson

from benchmarks.client import Address, Operation, Steps
from benchmarks.data import World
from benchmarks.measuring import Call, Side, Target
from benchmarks.reading import always
from couch.client import Document
from storage import gregorian, modbs

FOLDERS = ("new", "saved")


def create_message(world: World, bare: Address) -> Call:
    """PUT of a message without audio : PUT of its document."""
    tenant = world.workshop
    doc = template(world)
    sent = {key: doc["metadata"][key] for key in ("caller_id_name", "caller_id_number", "length", "folder")}
    request = tenant.api.request("PUT", f"{tenant.box_path()}/messages", orjson.dumps({"data": sent}))
    target, body = tenant.modb(doc["_id"]), orjson.dumps(doc)

    def create(lane: int) -> Operation:
        def steps() -> Steps:
            new_id = doc["_id"][:7] + secrets.token_hex(16)
            named = body.replace(doc["_id"].encode(), new_id.encode())
            yield bare.request("PUT", f"{target}/{new_id}", named)

        return steps

    return Call("create message", Side(tenant.api, always(request)), Side(bare, create))


def change_one(world: World, bare: Address) -> Call:
    """Another folder for a message : GET and PUT of its document."""
    tenant = world.workshop
    of_lane = lanes(lambda: tenant.fill(1, tenant.boxes[:1], spread=0)[0])

    def change(lane: int) -> Operation:
        path, turn = f"{tenant.box_path()}/messages/{of_lane(lane)}", 0

        def steps() -> Steps:
            nonlocal turn
            turn += 1
            yield tenant.api.request("POST", path, orjson.dumps({"data": {"folder": FOLDERS[turn % 2]}}))

        return steps

    def bare_change(lane: int) -> Operation:
        path, turn = f"{tenant.modb(of_lane(lane))}/{of_lane(lane)}", 0

        def steps() -> Steps:
            nonlocal turn
            turn += 1
            found = yield bare.request("GET", path, keep=True)
            yield bare.request("PUT", path, orjson.dumps(_in_folder(orjson.loads(found.body), turn)))

        return steps

    return Call("change folder of 1", Side(tenant.api, change), Side(bare, bare_change))


def change_many(world: World, bare: Address) -> Call:
    """Another folder for many messages : one fetch and one bulk write of their documents."""
    tenant, count = world.workshop, world.size.bulk
    of_lane = lanes(lambda: tenant.fill(count, tenant.boxes[:1], spread=0))

    def change(lane: int) -> Operation:
        ids, turn = of_lane(lane), 0

        def steps() -> Steps:
            nonlocal turn
            turn += 1
            body = orjson.dumps({"data": {"messages": ids, "folder": FOLDERS[turn % 2]}})
            answer = yield tenant.api.request("POST", f"{tenant.box_path()}/messages", body, keep=True)
            assert len(orjson.loads(answer.body)["data"]["succeeded"]) == count

        return steps

    def bare_change(lane: int) -> Operation:
        ids, turn = of_lane(lane), 0
        db = tenant.modb(ids[0])

        def steps() -> Steps:
            nonlocal turn
            turn += 1
            keys = orjson.dumps({"keys": ids})
            found = yield bare.request("POST", f"{db}/_all_docs?include_docs=true", keys, keep=True)
            docs = [_in_folder(row["doc"], turn) for row in orjson.loads(found.body)["rows"]]
            yield bare.request("POST", f"{db}/_bulk_docs", orjson.dumps({"docs": docs}))

        return steps

    targets = (Target("p50", 2, at_most=True),)
    return Call(f"change folder of {count}", Side(tenant.api, change), Side(bare, bare_change), targets, heavy=True)


def lanes(make: Callable[[], Any]) -> Callable[[int], Any]:
    """What each lane works on, made when first asked for: no two lanes get into each other's way."""
    made: dict[int, Any] = {}

    def of_lane(lane: int) -> Any:
        if lane not in made:
            made[lane] = make()
        return made[lane]

    return of_lane


def _in_folder(doc: Document, turn: int) -> Document:
    doc["metadata"]["folder"] = FOLDERS[turn % 2]
    doc["pvt_modified"] = gregorian.now()
    return doc


def template(world: World) -> Document:
    """A message's document as it is stored, but for what CouchDB adds."""
    tenant = world.workshop
    (message_id,) = tenant.fill(1, tenant.boxes[:1], spread=0)
    doc = modbs.ensure(tenant.id, message_id[:6]).get(message_id)
    assert doc is not None
    return {key: value for key, value in doc.items() if key not in ("_rev", "_attachments")}
