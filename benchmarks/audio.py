"""Calls that transfer audio: download, upload, creating and moving messages, and a ZIP."""

import secrets
from typing import Any

import orjson

from benchmarks.client import Address, Operation, Request, Steps
from benchmarks.data import AUDIO, AUDIO_NAME, CONTENT_TYPE, KB, Dataset, Tenant, random_audio
from benchmarks.measuring import Call, Side, Target
from benchmarks.reading import repeat, rotate
from benchmarks.writing import per_connection, template
from couch.database import Document

_BOUNDARY = "f2b1c8a4e0d94b6f"
_MB = 1000 * KB
FLAT = Target("memory MB", 20, at_most=True)
LARGE = (Target("throughput", 0.8), FLAT)


def download(dataset: Dataset, bare: Address) -> Call:
    """A recording of 100 KB; bare: GET of the attachment."""
    tenant, ids = dataset.recordings
    api, bare_requests = _downloads(tenant, ids[:200], bare)
    return Call(f"raw {AUDIO // KB} KB", Side(tenant.api, rotate(api)), Side(bare, rotate(bare_requests)))


def download_large(dataset: Dataset, bare: Address) -> Call:
    """A recording of 50 MB; bare: GET of the attachment."""
    tenant, ids = dataset.large_recordings
    api, bare_requests = _downloads(tenant, ids, bare)
    name = f"raw {dataset.size.large // _MB} MB"
    return Call(name, Side(tenant.api, rotate(api)), Side(bare, rotate(bare_requests)), LARGE, heavy=True)


def upload_large(dataset: Dataset, bare: Address) -> Call:
    """New audio of 50 MB for a message; bare: GET of its document, and PUT of document and audio."""
    tenant, audio = dataset.for_changes, random_audio(dataset.size.large)
    message_id_of = per_connection(lambda: tenant.fill(1, tenant.boxes[:1], spread=0)[0])

    def upload(connection: int) -> Operation:
        path = f"{tenant.box_path()}/messages/{message_id_of(connection)}/raw"
        return repeat(tenant.api.request("PUT", path, audio, CONTENT_TYPE))(connection)

    def bare_upload(connection: int) -> Operation:
        path = f"{tenant.modb(message_id_of(connection))}/{message_id_of(connection)}"

        def steps() -> Steps:
            response = yield bare.request("GET", path, keep_body=True)
            yield put_related(bare, path, orjson.loads(response.body), audio)

        return steps

    name = f"upload {dataset.size.large // _MB} MB"
    return Call(name, Side(tenant.api, upload), Side(bare, bare_upload), LARGE, heavy=True)


def create_with_audio(dataset: Dataset, bare: Address) -> Call:
    """PUT of a message with 100 KB of audio; bare: PUT of its document and the audio."""
    tenant, audio, doc = dataset.for_changes, random_audio(AUDIO), template(dataset)
    payload = orjson.dumps({"data": {"caller_id_name": "Grace", "caller_id_number": "2025550143", "length": 6_000}})
    body = (
        f"--{_BOUNDARY}\r\nContent-Type: application/json\r\n\r\n".encode()
        + payload
        + f"\r\n--{_BOUNDARY}\r\nContent-Type: {CONTENT_TYPE}\r\n\r\n".encode()
        + audio
        + f"\r\n--{_BOUNDARY}--\r\n".encode()
    )
    content_type = f"multipart/mixed; boundary={_BOUNDARY}"
    request = tenant.api.request("PUT", f"{tenant.box_path()}/messages", body, content_type)

    def create(connection: int) -> Operation:
        def steps() -> Steps:
            new_id = doc["_id"][:7] + secrets.token_hex(16)
            yield put_related(bare, f"{tenant.modb(new_id)}/{new_id}", {**doc, "_id": new_id}, audio)

        return steps

    return Call(f"create with {AUDIO // KB} KB", Side(tenant.api, repeat(request)), Side(bare, create))


def move_messages(dataset: Dataset, bare: Address) -> Call:
    """Moving messages to another mailbox; bare: one fetch, reading and writing of all audio, one bulk removal."""
    tenant, count = dataset.for_changes, dataset.size.moved
    api_messages_of = per_connection(
        lambda: _MovedMessages(tenant, tenant.fill(count, tenant.boxes[:1], audio=AUDIO, spread=0))
    )
    bare_messages_of = per_connection(
        lambda: _MovedMessages(tenant, tenant.fill(count, tenant.boxes[:1], audio=AUDIO, spread=0))
    )
    return Call(
        f"move {count}",
        Side(tenant.api, lambda connection: api_messages_of(connection).move_by_api),
        Side(bare, lambda connection: lambda: bare_messages_of(connection).move_by_couchdb(bare)),
        heavy=True,
    )


class _MovedMessages:
    """Messages that are moved between two mailboxes; each move gives them new ids."""

    def __init__(self, tenant: Tenant, ids: list[str]) -> None:
        self.tenant, self.ids, self.box_number = tenant, ids, 0

    def move_by_api(self) -> Steps:
        """Move the messages by one request to the API."""
        tenant, target_number = self.tenant, 1 - self.box_number
        body = orjson.dumps({"data": {"messages": self.ids, "source_id": tenant.boxes[target_number]["_id"]}})
        response = yield tenant.api.request(
            "POST", f"{tenant.box_path(self.box_number)}/messages", body, keep_body=True
        )
        succeeded = orjson.loads(response.body)["data"]["succeeded"]
        assert len(succeeded) == len(self.ids)
        self.ids, self.box_number = succeeded, target_number

    def move_by_couchdb(self, bare: Address) -> Steps:
        """Move the messages by requests to CouchDB."""
        db, target_number = self.tenant.modb(self.ids[0]), 1 - self.box_number
        keys = orjson.dumps({"keys": self.ids})
        response = yield bare.request("POST", f"{db}/_all_docs?include_docs=true", keys, keep_body=True)
        docs: list[Document] = [row["doc"] for row in orjson.loads(response.body)["rows"]]
        new_ids = []
        for doc in docs:
            audio_response = yield bare.request("GET", f"{db}/{doc['_id']}/{AUDIO_NAME}", keep_body=True)
            new_ids.append(doc["_id"][:7] + secrets.token_hex(16))
            new_doc = {key: value for key, value in doc.items() if not key.startswith("_")}
            new_doc |= {"_id": new_ids[-1], "source_id": self.tenant.boxes[target_number]["_id"]}
            yield put_related(bare, f"{db}/{new_ids[-1]}", new_doc, audio_response.body)
        removed = [{**doc, "pvt_deleted": True} for doc in docs]
        yield bare.request("POST", f"{db}/_bulk_docs", orjson.dumps({"docs": removed}))
        self.ids, self.box_number = new_ids, target_number


def download_zip(dataset: Dataset, bare: Address) -> Call:
    """A ZIP of many messages' audio; bare: GET of each attachment."""
    tenant, ids = dataset.recordings
    _, bare_requests = _downloads(tenant, ids, bare)
    body = orjson.dumps({"data": {"messages": ids}})
    zip_request = tenant.api.request("POST", f"{tenant.box_path()}/messages/raw", body)
    # A service that reads all audio before it sends any needs nearly all of the time for the first byte.
    targets = (FLAT, Target("first byte", 0.1, at_most=True))
    return Call(
        f"ZIP of {len(ids)}",
        Side(tenant.api, repeat(zip_request)),
        Side(bare, repeat(*bare_requests)),
        targets,
        heavy=True,
    )


def put_related(bare: Address, path: str, doc: Document, audio: bytes) -> Request:
    """The PUT of a document and its audio as multipart/related."""
    attachment: dict[str, Any] = {"follows": True, "content_type": CONTENT_TYPE, "length": len(audio)}
    body = (
        f"--{_BOUNDARY}\r\nContent-Type: application/json\r\n\r\n".encode()
        + orjson.dumps({**doc, "_attachments": {AUDIO_NAME: attachment}})
        + f"\r\n--{_BOUNDARY}\r\n\r\n".encode()
        + audio
        + f"\r\n--{_BOUNDARY}--".encode()
    )
    return bare.request("PUT", path, body, f'multipart/related;boundary="{_BOUNDARY}"')


def _downloads(tenant: Tenant, ids: list[str], bare: Address) -> tuple[list[Request], list[Request]]:
    """The requests for the audio of messages: to the API, and to CouchDB."""
    paths = [f"{tenant.box_path()}/messages/{message_id}/raw" for message_id in ids]
    return (
        [tenant.api.request("GET", path) for path in paths],
        [bare.request("GET", f"{tenant.modb(message_id)}/{message_id}/{AUDIO_NAME}") for message_id in ids],
    )
