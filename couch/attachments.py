"""Attachments: a document stored together with one, and one that is asked for ahead of its reader."""

import uuid
from typing import Any

import orjson

from couch.body import Readable, SizedBody
from couch.errors import NotFound
from couch.session import PendingResponse, Response

ANY_TYPE = {"Accept": "*/*"}


class PendingAttachment:
    """An attachment that was asked for and that nobody reads yet. Open it, or close it."""

    def __init__(self, response: PendingResponse) -> None:
        self._response = response

    def open(self) -> Response | None:
        """Its bytes; None when it or its document is missing. Raises Unreachable."""
        try:
            return self._response.response()
        except NotFound:
            return None

    def close(self) -> None:
        """Give it up, unless it was opened."""
        self._response.close()


def attachment_path(doc_id: str, name: str) -> list[str]:
    """The path of an attachment within its database; its name may have slashes of its own."""
    return [doc_id, *name.split("/")]


def with_attachment(
    doc: dict[str, Any], name: str, content_type: str, file: Readable, length: int
) -> tuple[SizedBody, dict[str, str]]:
    """The body and the headers of a request that stores a document with its one attachment."""
    entry = {"follows": True, "content_type": content_type, "length": length}
    boundary = uuid.uuid4().hex
    head = (
        f"--{boundary}\r\nContent-Type: application/json\r\n\r\n".encode()
        + orjson.dumps({**doc, "_attachments": {name: entry}})
        + f"\r\n--{boundary}\r\n\r\n".encode()
    )
    body = SizedBody(head, file, length, f"\r\n--{boundary}--".encode())
    return body, {"Content-Type": f'multipart/related;boundary="{boundary}"'}
