"""Where made-up systems of 3.x are put: the served CouchDB, or a folder of backups."""

import base64
import gzip
import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from accounts import creation
from couch.client import Database, Document, couch
from couch_views.sync import sync
from migration.samples.systems import Account
from storage import database_names

FORMATS = ("all_docs", "jsonl", "couchbackup")
_BULK_BYTES = 4 * 1024 * 1024
_LINE_BYTES = 16 * 1024 * 1024
_LINE_DOCS = 500


class Unwritten(Exception):
    """CouchDB refused some of the documents; the text says why."""


def into_couchdb(accounts: Iterable[Account], done: Callable[[Account], None]) -> None:
    """Put accounts into the served CouchDB, with its design documents; what is there already stays as it is."""
    creation.prepare_index()
    for account in accounts:
        couch().create(account.database)
        database = couch().database(account.database)
        sync(database, "account")
        for batch in _batches(account.documents(), _BULK_BYTES, 1_000):
            _store(database, batch)
        _store(couch().database(database_names.ACCOUNTS), [account.doc])
        done(account)


def into_folder(
    accounts: Iterable[Account], folder: Path, spelling: str, packed: bool, done: Callable[[Account], None]
) -> None:
    """Write a backup of each account's database, and one of the database of all accounts, in one of FORMATS."""
    folder.mkdir(parents=True, exist_ok=True)
    docs: list[Document] = []
    for account in accounts:
        docs.append(account.doc)
        _write(folder, account.database, account.documents(), spelling, packed)
        done(account)
    _write(folder, database_names.ACCOUNTS, docs, spelling, packed)


def _store(database: Database, docs: list[Document]) -> None:
    encoded = [_encoded(doc) for doc in docs]
    refused = [saved for saved in database.bulk(encoded) if saved.error not in (None, "conflict")]
    if refused:
        raise Unwritten(f"{database.name} takes no {refused[0].id}: {refused[0].error}")


def _write(folder: Path, name: str, docs: Iterable[Document], spelling: str, packed: bool) -> None:
    stem = database_names.encoded(name) + {"all_docs": ".json", "jsonl": ".jsonl", "couchbackup": ".txt"}[spelling]
    with _opened(folder / stem, packed) as file:
        _SPELLED[spelling](file, docs)


@contextmanager
def _opened(path: Path, packed: bool) -> Iterator[Any]:
    if not packed:
        with path.open("wb") as file:
            yield file
        return
    # No time and no name in the header: the same data are the same file.
    with path.with_name(path.name + ".gz").open("wb") as raw, gzip.GzipFile("", "wb", 6, raw, mtime=0) as file:
        yield file


def _write_all_docs(file: io.BufferedWriter, docs: Iterable[Document]) -> None:
    """What ``_all_docs?include_docs=true&attachments=true`` answers."""
    file.write(b'{"total_rows":0,"offset":0,"rows":[')
    for index, doc in enumerate(docs):
        row = {"id": doc["_id"], "key": doc["_id"], "value": {"rev": "1-0"}, "doc": _encoded(doc)}
        file.write((b",\r\n" if index else b"\r\n") + orjson.dumps(row))
    file.write(b"\r\n]}\n")


def _write_lines(file: io.BufferedWriter, docs: Iterable[Document]) -> None:
    for doc in docs:
        file.write(orjson.dumps(_encoded(doc)) + b"\n")


def _write_couchbackup(file: io.BufferedWriter, docs: Iterable[Document]) -> None:
    """A line that says what made the file, then arrays of documents, one a line."""
    file.write(b'{"name":"@cloudant/couchbackup","version":"2.11.0","mode":"full","attachments":true}\n')
    for batch in _batches(docs, _LINE_BYTES, _LINE_DOCS):
        file.write(orjson.dumps([_encoded(doc) for doc in batch]) + b"\n")


_SPELLED = {"all_docs": _write_all_docs, "jsonl": _write_lines, "couchbackup": _write_couchbackup}


def _encoded(doc: Document) -> Document:
    """A document with its attachments in base64, as CouchDB takes and gives them."""
    found = doc.get("_attachments")
    if not isinstance(found, dict):
        return doc
    stubs = {name: {**stub, "data": base64.b64encode(stub["data"]).decode()} for name, stub in found.items()}
    return {**doc, "_attachments": stubs}


def _batches(docs: Iterable[Document], size: int, count: int) -> Iterator[list[Document]]:
    """Documents in batches of so many bytes of audio, or so many documents, at most."""
    batch: list[Document] = []
    held = 0
    for doc in docs:
        weight = sum(len(stub["data"]) for stub in doc.get("_attachments", {}).values())
        if batch and (held + weight > size or len(batch) == count):
            yield batch
            batch, held = [], 0
        batch.append(doc)
        held += weight
    if batch:
        yield batch
