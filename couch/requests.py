"""Requests to CouchDB and its answers, as the gateway (`couch`) spells and reads them."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import orjson
from couchdb.http import quote

from couch.errors import CouchError, MissingDatabase, Unreachable, error_for_status
from couch.session import Answer
from couch.wire import CHUNK
from crossbar.caching import cache_short_texts

logger = logging.getLogger(__name__)

Document = dict[str, Any]
Result = TypeVar("Result")

# View options whose values are JSON; the others are plain words and numbers.
_JSON_OPTIONS = frozenset({"key", "keys", "startkey", "endkey"})

# Names of databases and designs come again and again, and few ids need quoting at all.
quoted = cache_short_texts(10_000)(quote)


@dataclass(frozen=True)
class Wish(Generic[Result]):
    """A request that changes nothing, to be sent together with another (`Couch.both`)."""

    method: str
    path: tuple[str, ...]
    """From the name of the database on."""
    granted: Callable[[Any], Result]
    """What its answer's JSON amounts to, or None when CouchDB has no such thing."""
    params: Mapping[str, Any] | None = None
    body: Any = None


class AttachmentStream:
    """An attachment's bytes, or an answer without any (304, 416). Iterate or `read` to the end, or `close`."""

    def __init__(self, answer: Answer) -> None:
        self.status = answer.status
        self.headers = answer.headers
        self._answer = answer

    @property
    def length(self) -> int:
        """How many bytes this answer carries."""
        return int(self.headers.get("content-length", 0))

    def __iter__(self) -> "AttachmentStream":
        return self

    def __next__(self) -> bytes:
        piece = self.read(CHUNK)
        if not piece:
            raise StopIteration
        return piece

    def read(self, size: int = -1) -> bytes:
        """The next bytes, none at the end; Unreachable when CouchDB breaks off."""
        return self._answer.read(size)

    def close(self) -> None:
        """Give up what is unread."""
        self._answer.close()


def doc_path(doc_id: str) -> tuple[str, ...]:
    """A document's path: the slash of ``_design/x`` and ``_local/x`` stays one, any other is escaped."""
    for prefix in ("_design/", "_local/"):
        if doc_id.startswith(prefix):
            return prefix[:-1], doc_id[len(prefix) :]
    return (doc_id,)


def attachment_path(doc_id: str, name: str) -> tuple[str, ...]:
    """An attachment's path: its name may have slashes of its own."""
    return (*doc_path(doc_id), *name.split("/"))


def is_plain(ids: Sequence[str]) -> bool:
    """Whether these are the id of one document that is none of CouchDB's own: an id is a path then, and no other."""
    return len(ids) == 1 and bool(ids[0]) and not ids[0].startswith("_")


def query(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options as query parameters: keys as JSON, None left out."""
    return {
        name: orjson.dumps(value).decode() if name in _JSON_OPTIONS else value
        for name, value in options.items()
        # A key of null is a key; any other option of None is none.
        if value is not None or name in _JSON_OPTIONS
    }


def rows_query(options: Mapping[str, Any]) -> dict[str, Any]:
    """The same for rows, which CouchDB (from 3.1.1 on) is to send when it has all of them.

    Else it sends them as they come, in pieces of 1.5 KB, each of which wakes who reads: 500 rows took 10 ms of CPU
    here in place of 7. And an error after the first row would be no status, but an answer that breaks off.
    """
    return {**query(options), "buffer_response": "true"}


def parsed(content: bytes) -> Any:
    """An answer's JSON; Unreachable when it is none."""
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        logger.warning("CouchDB's answer is no JSON: %s", error)
        raise Unreachable("the answer is no JSON") from error


def documents(found: Any) -> dict[str, Document]:
    """The documents of an answer of ``_all_docs`` by their ids; none where there is no such database."""
    return {row["id"]: row["doc"] for row in (found or {"rows": []})["rows"] if row.get("doc")}


def refusal(status: int, method: str, path: Sequence[str], content: bytes) -> CouchError:
    """CouchDB's refusal as an exception."""
    if status == 404:
        return MissingDatabase(path[0] if path else "")
    return error_for_status(status, method, "/" + "/".join(path), content)
