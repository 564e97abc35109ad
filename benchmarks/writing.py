"""Calls that write: creating and changing messages."""

import secrets
from collections.abc import Callable
from typing import Any

import orjson

from benchmarks.client import Address, Operation, Steps
from benchmarks.data import Dataset
from benchmarks.measuring import Call, Side, Target
from benchmarks.reading import repeat
from couch.database import Document
from storage import gregorian, modbs

FOLDERS = ("new", "saved")


def create_message(dataset: Dataset, bare: Address) -> Call:
    """PUT of a message without audio; bare: PUT of its document."""
    tenant = dataset.for_changes
    doc = template(dataset)
    payload = {key: doc["metadata"][key] for key in ("caller_id_name", "caller_id_number", "length", "folder")}
    request = tenant.api.request("PUT", f"{tenant.box_path()}/messages", orjson.dumps({"data": payload}))
    target, body = tenant.modb(doc["_id"]), orjson.dumps(doc)

    def create(connection: int) -> Operation:
        def steps() -> Steps:
            new_id = doc["_id"][:7] + secrets.token_hex(16)
            new_body = body.replace(doc["_id"].encode(), new_id.encode())
            yield bare.request("PUT", f"{target}/{new_id}", new_body)

        return steps

    return Call("create message", Side(tenant.api, repeat(request)), Side(bare, create))


def change_folder(dataset: Dataset, bare: Address) -> Call:
    """Another folder for a message; bare: GET and PUT of its document."""
    tenant = dataset.for_changes
    message_id_of = per_connection(lambda: tenant.fill(1, tenant.boxes[:1], spread=0)[0])

    def change(connection: int) -> Operation:
        path, turn = f"{tenant.box_path()}/messages/{message_id_of(connection)}", 0

        def steps() -> Steps:
            nonlocal turn
            turn += 1
            yield tenant.api.request("POST", path, orjson.dumps({"data": {"folder": FOLDERS[turn % 2]}}))

        return steps

    def bare_change(connection: int) -> Operation:
        path, turn = f"{tenant.modb(message_id_of(connection))}/{message_id_of(connection)}", 0

        def steps() -> Steps:
            nonlocal turn
            turn += 1
            response = yield bare.request("GET", path, keep_body=True)
            yield bare.request("PUT", path, orjson.dumps(_with_next_folder(orjson.loads(response.body), turn)))

        return steps

    return Call("change folder of 1", Side(tenant.api, change), Side(bare, bare_change))


def change_folder_of_many(dataset: Dataset, bare: Address) -> Call:
    """Another folder for many messages; bare: one fetch and one bulk write of their documents."""
    tenant, count = dataset.for_changes, dataset.size.bulk
    ids_of = per_connection(lambda: tenant.fill(count, tenant.boxes[:1], spread=0))

    def change(connection: int) -> Operation:
        ids, turn = ids_of(connection), 0

        def steps() -> Steps:
            nonlocal turn
            turn += 1
            body = orjson.dumps({"data": {"messages": ids, "folder": FOLDERS[turn % 2]}})
            response = yield tenant.api.request("POST", f"{tenant.box_path()}/messages", body, keep_body=True)
            assert len(orjson.loads(response.body)["data"]["succeeded"]) == count

        return steps

    def bare_change(connection: int) -> Operation:
        ids, turn = ids_of(connection), 0
        db = tenant.modb(ids[0])

        def steps() -> Steps:
            nonlocal turn
            turn += 1
            keys = orjson.dumps({"keys": ids})
            response = yield bare.request("POST", f"{db}/_all_docs?include_docs=true", keys, keep_body=True)
            docs = [_with_next_folder(row["doc"], turn) for row in orjson.loads(response.body)["rows"]]
            yield bare.request("POST", f"{db}/_bulk_docs", orjson.dumps({"docs": docs}))

        return steps

    targets = (Target("p50", 2, at_most=True),)
    return Call(f"change folder of {count}", Side(tenant.api, change), Side(bare, bare_change), targets, heavy=True)


def per_connection(make: Callable[[], Any]) -> Callable[[int], Any]:
    """A function from a connection to what `make` returned for it. Its own messages keep it out of conflicts."""
    by_connection: dict[int, Any] = {}

    def of_connection(connection: int) -> Any:
        if connection not in by_connection:
            by_connection[connection] = make()
        return by_connection[connection]

    return of_connection


def _with_next_folder(doc: Document, turn: int) -> Document:
    doc["metadata"]["folder"] = FOLDERS[turn % 2]
    doc["pvt_modified"] = gregorian.now()
    return doc


def template(dataset: Dataset) -> Document:
    """A new message's document, without the fields that CouchDB adds."""
    tenant = dataset.for_changes
    (message_id,) = tenant.fill(1, tenant.boxes[:1], spread=0)
    doc = modbs.ensure(tenant.id, message_id[:6]).get(message_id)
    assert doc is not None
    return {key: value for key, value in doc.items() if key not in ("_rev", "_attachments")}
