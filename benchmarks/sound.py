"""Calls that carry audio: hearing it, leaving it, moving it, and all of it in a ZIP."""

import secrets
from typing import Any

import orjson

from benchmarks.client import Address, Operation, Request, Steps
from benchmarks.data import AUDIO, AUDIO_NAME, KB, KIND, Tenant, World, recording
from benchmarks.measuring import Call, Side, Target
from benchmarks.reading import always, rotating
from benchmarks.writing import lanes, template
from couch.client import Document

_BOUNDARY = "f2b1c8a4e0d94b6f"
_MB = 1000 * KB
FLAT = Target("memory MB", 20, at_most=True)
LARGE = (Target("throughput", 0.8), FLAT)


def raw(world: World, bare: Address) -> Call:
    """A recording of 100 KB : GET of the attachment."""
    tenant, ids = world.studio
    api, plain = _downloads(tenant, ids[:200], bare)
    return Call(f"raw {AUDIO // KB} KB", Side(tenant.api, rotating(api)), Side(bare, rotating(plain)))


def raw_large(world: World, bare: Address) -> Call:
    """A recording of 50 MB : GET of the attachment."""
    tenant, ids = world.hall
    api, plain = _downloads(tenant, ids, bare)
    name = f"raw {world.size.large // _MB} MB"
    return Call(name, Side(tenant.api, rotating(api)), Side(bare, rotating(plain)), LARGE, heavy=True)


def upload_large(world: World, bare: Address) -> Call:
    """New audio of 50 MB for a message : GET of its document, and PUT of it together with the audio."""
    tenant, sound = world.workshop, recording(world.size.large)
    of_lane = lanes(lambda: tenant.fill(1, tenant.boxes[:1], spread=0)[0])

    def upload(lane: int) -> Operation:
        path = f"{tenant.box_path()}/messages/{of_lane(lane)}/raw"
        return always(tenant.api.request("PUT", path, sound, KIND))(lane)

    def bare_upload(lane: int) -> Operation:
        path = f"{tenant.modb(of_lane(lane))}/{of_lane(lane)}"

        def steps() -> Steps:
            found = yield bare.request("GET", path, keep=True)
            yield related(bare, path, orjson.loads(found.body), sound)

        return steps

    name = f"upload {world.size.large // _MB} MB"
    return Call(name, Side(tenant.api, upload), Side(bare, bare_upload), LARGE, heavy=True)


def create_with_audio(world: World, bare: Address) -> Call:
    """PUT of a message together with 100 KB of audio : PUT of its document with the audio."""
    tenant, sound, doc = world.workshop, recording(AUDIO), template(world)
    sent = orjson.dumps({"data": {"caller_id_name": "Grace", "caller_id_number": "2025550143", "length": 6_000}})
    body = (
        f"--{_BOUNDARY}\r\nContent-Type: application/json\r\n\r\n".encode()
        + sent
        + f"\r\n--{_BOUNDARY}\r\nContent-Type: {KIND}\r\n\r\n".encode()
        + sound
        + f"\r\n--{_BOUNDARY}--\r\n".encode()
    )
    kind = f"multipart/mixed; boundary={_BOUNDARY}"
    request = tenant.api.request("PUT", f"{tenant.box_path()}/messages", body, kind)

    def create(lane: int) -> Operation:
        def steps() -> Steps:
            new_id = doc["_id"][:7] + secrets.token_hex(16)
            yield related(bare, f"{tenant.modb(new_id)}/{new_id}", {**doc, "_id": new_id}, sound)

        return steps

    return Call(f"create with {AUDIO // KB} KB", Side(tenant.api, always(request)), Side(bare, create))


def move(world: World, bare: Address) -> Call:
    """Moving messages into another box : their fetch, each one's audio read and stored, and one bulk removal."""
    tenant, count = world.workshop, world.size.moved
    of_lane = lanes(lambda: _Moving(tenant, tenant.fill(count, tenant.boxes[:1], audio=AUDIO, spread=0)))
    of_bare_lane = lanes(lambda: _Moving(tenant, tenant.fill(count, tenant.boxes[:1], audio=AUDIO, spread=0)))
    return Call(
        f"move {count}",
        Side(tenant.api, lambda lane: of_lane(lane).by_api),
        Side(bare, lambda lane: lambda: of_bare_lane(lane).by_hand(bare)),
        heavy=True,
    )


class _Moving:
    """Messages that go from one box to the other and back, new ones each time."""

    def __init__(self, tenant: Tenant, ids: list[str]) -> None:
        self.tenant, self.ids, self.here = tenant, ids, 0

    def by_api(self) -> Steps:
        """One request."""
        tenant, there = self.tenant, 1 - self.here
        body = orjson.dumps({"data": {"messages": self.ids, "source_id": tenant.boxes[there]["_id"]}})
        answer = yield tenant.api.request("POST", f"{tenant.box_path(self.here)}/messages", body, keep=True)
        succeeded = orjson.loads(answer.body)["data"]["succeeded"]
        assert len(succeeded) == len(self.ids)
        self.ids, self.here = succeeded, there

    def by_hand(self, bare: Address) -> Steps:
        """What has to be done to the documents."""
        db, there = self.tenant.modb(self.ids[0]), 1 - self.here
        keys = orjson.dumps({"keys": self.ids})
        found = yield bare.request("POST", f"{db}/_all_docs?include_docs=true", keys, keep=True)
        docs: list[Document] = [row["doc"] for row in orjson.loads(found.body)["rows"]]
        new_ids = []
        for doc in docs:
            sound = yield bare.request("GET", f"{db}/{doc['_id']}/{AUDIO_NAME}", keep=True)
            new_ids.append(doc["_id"][:7] + secrets.token_hex(16))
            copied = {key: value for key, value in doc.items() if not key.startswith("_")}
            copied |= {"_id": new_ids[-1], "source_id": self.tenant.boxes[there]["_id"]}
            yield related(bare, f"{db}/{new_ids[-1]}", copied, sound.body)
        removed = [{**doc, "pvt_deleted": True} for doc in docs]
        yield bare.request("POST", f"{db}/_bulk_docs", orjson.dumps({"docs": removed}))
        self.ids, self.here = new_ids, there


def archive(world: World, bare: Address) -> Call:
    """A ZIP of many messages' audio : GET of each attachment."""
    tenant, ids = world.studio
    _, plain = _downloads(tenant, ids, bare)
    body = orjson.dumps({"data": {"messages": ids}})
    zipped = tenant.api.request("POST", f"{tenant.box_path()}/messages/raw", body)
    # What reads all before it sends any would need nearly all its time for the first byte.
    targets = (FLAT, Target("first byte", 0.1, at_most=True))
    return Call(
        f"ZIP of {len(ids)}", Side(tenant.api, always(zipped)), Side(bare, always(*plain)), targets, heavy=True
    )


def related(bare: Address, path: str, doc: Document, sound: bytes) -> Request:
    """PUT of a document together with its audio."""
    entry: dict[str, Any] = {"follows": True, "content_type": KIND, "length": len(sound)}
    body = (
        f"--{_BOUNDARY}\r\nContent-Type: application/json\r\n\r\n".encode()
        + orjson.dumps({**doc, "_attachments": {AUDIO_NAME: entry}})
        + f"\r\n--{_BOUNDARY}\r\n\r\n".encode()
        + sound
        + f"\r\n--{_BOUNDARY}--".encode()
    )
    return bare.request("PUT", path, body, f'multipart/related;boundary="{_BOUNDARY}"')


def _downloads(tenant: Tenant, ids: list[str], bare: Address) -> tuple[list[Request], list[Request]]:
    """The requests for messages' audio: those to the API, and the bare ones."""
    paths = [f"{tenant.box_path()}/messages/{message_id}/raw" for message_id in ids]
    return (
        [tenant.api.request("GET", path) for path in paths],
        [bare.request("GET", f"{tenant.modb(one)}/{one}/{AUDIO_NAME}") for one in ids],
    )
