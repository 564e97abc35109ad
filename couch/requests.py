"""What CouchDB is asked and what it answers, as JSON: requests that only read, options of views, rows."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Generic, NamedTuple, TypeVar

import couchdb
import orjson
from django.conf import settings
from django.utils.module_loading import import_string

from couch.errors import NotFound, Rejected, Unreachable
from couch.session import PendingResponse

Json = dict[str, Any]
Result = TypeVar("Result")

# View options whose values are JSON, null included.
_KEYS = frozenset({"key", "keys", "startkey", "endkey"})
# CouchDB (from 3.1.1 on) sends the rows when it has all of them. Else it sends them as they come, in pieces of
# 1.5 KB, each of which wakes who reads: 500 rows took 10 ms of CPU in place of 7. And an error after the first row
# would be no status, but a response that breaks off.
BUFFERED = {"buffer_response": "true"}


@cache
def _json_decoder() -> Callable[[str | bytes], Any]:
    decoder: Callable[[str | bytes], Any] = import_string(settings.COUCHDB_DECODE_JSON)
    return decoder


def _decode_json(text: str | bytes) -> Any:
    try:
        return _json_decoder()(text)
    except orjson.JSONDecodeError as error:
        raise Unreachable("the response is no JSON") from error


couchdb.json.use(decode=_decode_json, encode=lambda value: orjson.dumps(value).decode())


@dataclass(frozen=True)
class ReadRequest(Generic[Result]):
    """A request that only reads, to be sent together with others (`Couch.fetch_all`)."""

    method: str
    path: Sequence[str]
    """From the name of the database on."""
    parse: Callable[[Any], Result]
    """What its result is, by the JSON of the response, or by None when CouchDB has no such thing."""
    params: Mapping[str, Any] | None = None
    body: Any = None


class VersionedRows(NamedTuple):
    """Rows of a view, and the sequence that it reflects: as long as that is the same, they are, too.

    A cluster may name one state by several sequences.
    """

    rows: list[Json]
    update_seq: str


@dataclass(frozen=True)
class Saved:
    """How one document of many was stored: its new revision, or CouchDB's word for the error (``conflict``, ...)."""

    id: str
    rev: str | None
    error: str | None = None


def is_reserved(doc_id: str) -> bool:
    """Whether an id is none of a document: it is empty, or one of those that CouchDB keeps for itself."""
    return doc_id[:1] in ("", "_")


def refuse_reserved(doc_id: str) -> None:
    """Raise Rejected for an id that is none of a document."""
    if is_reserved(doc_id):
        raise Rejected(400)


def distinct_ids(ids: Iterable[str]) -> list[str]:
    """Ids of documents, each once and without those that are reserved."""
    return [doc_id for doc_id in dict.fromkeys(ids) if not is_reserved(doc_id)]


def documents_by_id(rows: Iterable[Json]) -> dict[str, Json]:
    """The documents of rows of ``_all_docs``, by their ids."""
    return {row["id"]: row["doc"] for row in rows if row.get("doc")}


def documents_in(answer: Any) -> Iterator[Json]:
    """Yield the documents in an answer: the answer itself, or those of its rows, or of the rows of its results."""
    if not isinstance(answer, dict):
        return
    if "_id" in answer:
        yield answer
        return
    for result in answer.get("results") or (answer,):
        for row in result.get("rows") or () if isinstance(result, dict) else ():
            if isinstance(row, dict) and isinstance(row.get("doc"), dict):
                yield row["doc"]


def given_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """View options without those that are None; a key of null is a key."""
    return {name: value for name, value in options.items() if value is not None or name in _KEYS}


def query_params(options: Mapping[str, Any]) -> dict[str, Any]:
    """View options as parameters of a query."""
    return {
        name: orjson.dumps(value).decode() if name in _KEYS else value
        for name, value in given_options(options).items()
    }


def keep_row(row: Json) -> Json:
    """The row itself: python-couchdb would wrap it in a class of its own."""
    return row


def read_json(pending: PendingResponse) -> Any:
    """The JSON of a response; None when CouchDB has no such thing."""
    try:
        return couchdb.json.decode(pending.response().read())
    except NotFound:
        return None
