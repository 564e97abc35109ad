"""Documents as a replication has them: exactly as they are stored, with their revisions, and their attachments apart.

The JSON is Python's own: it keeps integers of any size, which orjson does not, and nothing is mended in it.
"""

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from couch.attachments import ANY_TYPE
from couch.body import Readable, SizedBody
from couch.client import Couch
from couch.database import Document
from couch.errors import MissingDatabase, NotFound, Unreachable


class StoredChanges(NamedTuple):
    """Changed documents, the sequence after them, and how many more changes there are as far as CouchDB says."""

    docs: list[Document]
    """Each once, in its latest state, without design documents. A deleted one has ``_deleted``."""
    last_seq: str
    pending: int


@dataclass(frozen=True)
class NewAttachment:
    """An attachment to store with a document."""

    name: str
    content_type: str
    length: int
    file: Readable


class Replica:
    """A database of CouchDB, for reading and writing documents as a replication does."""

    def __init__(self, server: Couch, name: str) -> None:
        self.name = name
        self._resource = server.resource(name)

    def changes(self, since: str, limit: int) -> StoredChanges:
        """Changes after a sequence (``"0"``: all). Raises MissingDatabase, Rejected for a sequence of others."""
        answer = self._read_json(["_changes"], since=since, limit=limit, include_docs="true")
        docs = [row["doc"] for row in answer["results"] if row.get("doc") and not row["id"].startswith("_design/")]
        return StoredChanges(docs, str(answer["last_seq"]), int(answer.get("pending", len(answer["results"]))))

    def get(self, doc_id: str) -> Document | None:
        """A document; None if there is none, or it is deleted."""
        try:
            document: Document = self._read_json([doc_id])
        except MissingDatabase:
            return None
        return document

    def put_revisions(self, docs: Sequence[Document]) -> list[str]:
        """Store documents without attachments under their own revisions; the ids of those that CouchDB refuses."""
        body = json.dumps({"new_edits": False, "docs": [_with_history(doc) for doc in docs]}).encode()
        try:
            _, _, results = self._resource.post_json(["_bulk_docs"], body=body)
        except NotFound as error:
            raise MissingDatabase(self.name) from error
        return [str(row["id"]) for row in results if row.get("error")]

    def put_revision(self, doc: Document, attachments: Sequence[NewAttachment]) -> None:
        """Store a document with all its attachments under its own revision, in one write. Raises MissingDatabase."""
        self._put(_with_history(doc), attachments, new_edits="false")

    def put_new(self, doc: Document, attachments: Sequence[NewAttachment]) -> None:
        """Store a document that isn't there, or was deleted, as a new one. Raises Conflict, MissingDatabase."""
        self._put({key: value for key, value in doc.items() if key != "_rev"}, attachments)

    def _put(self, doc: Document, attachments: Sequence[NewAttachment], **options: str) -> None:
        body, headers = _multipart(doc, attachments)
        try:
            self._resource.put_json([doc["_id"]], body=body, headers=headers, **options)
        except NotFound as error:
            raise MissingDatabase(self.name) from error

    def _read_json(self, path: list[str], **options: Any) -> Any:
        try:
            _, _, response = self._resource.get(path, headers=ANY_TYPE, **options)
        except NotFound as error:
            raise MissingDatabase(self.name) from error
        try:
            return json.loads(response.read())
        except ValueError as error:
            raise Unreachable("the response is no JSON") from error


class _Parts:
    """The bytes of several files and what stands between them, to be read once."""

    def __init__(self, pieces: Iterator[Readable | bytes]) -> None:
        self._pieces = pieces
        self._current: Readable | None = None

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes; none at the end."""
        while True:
            if self._current is not None:
                if piece := self._current.read(size):
                    return piece
                self._current = None
            following = next(self._pieces, None)
            if following is None:
                return b""
            if isinstance(following, bytes):
                return following
            self._current = following


def _with_history(doc: Document) -> Document:
    """The document with its revision as the whole of its history."""
    generation, _, name = str(doc["_rev"]).partition("-")
    return {**doc, "_revisions": {"start": int(generation), "ids": [name]}}


def _multipart(
    doc: Mapping[str, Any], attachments: Sequence[NewAttachment]
) -> tuple[SizedBody | bytes, dict[str, str]]:
    """The body and the headers of a request that stores a document with its attachments."""
    if not attachments:
        return json.dumps(doc).encode(), {}
    boundary = uuid.uuid4().hex
    entries = {
        attachment.name: {"follows": True, "content_type": attachment.content_type, "length": attachment.length}
        for attachment in attachments
    }
    separator = f"\r\n--{boundary}\r\n\r\n".encode()
    head = (
        f"--{boundary}\r\nContent-Type: application/json\r\n\r\n".encode()
        + json.dumps({**doc, "_attachments": entries}).encode()
        + separator
    )

    def pieces() -> Iterator[Readable | bytes]:
        for index, attachment in enumerate(attachments):
            if index:
                yield separator
            yield attachment.file

    length = sum(attachment.length for attachment in attachments) + len(separator) * (len(attachments) - 1)
    body = SizedBody(head, _Parts(pieces()), length, f"\r\n--{boundary}--".encode())
    return body, {"Content-Type": f'multipart/related;boundary="{boundary}"'}
