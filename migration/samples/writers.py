"""Write made-up systems of 3.x into the served CouchDB, or into a folder of backups."""

import base64
import gzip
import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from accounts import creation
from couch.client import couch
from couch.database import Database, Document
from couch_views.sync import sync
from migration.samples.systems import SampleAccount
from storage import database_names

FORMATS = ("all_docs", "jsonl", "couchbackup")
_MAX_BULK_BYTES = 4 * 1024 * 1024
_MAX_LINE_BYTES = 16 * 1024 * 1024
_MAX_LINE_DOCS = 500


class WriteFailed(Exception):
    """CouchDB refused some of the documents; the text says why."""


def write_to_couchdb(accounts: Iterable[SampleAccount], on_written: Callable[[SampleAccount], None]) -> None:
    """Write accounts into the served CouchDB, with its design documents. Existing documents stay as they are."""
    creation.prepare_index()
    for account in accounts:
        couch().create(account.database)
        database = couch().database(account.database)
        sync(database, "account")
        for batch in _batches(account.documents(), _MAX_BULK_BYTES, 1_000):
            _write_bulk(database, batch)
        _write_bulk(couch().database(database_names.ACCOUNTS), [account.doc])
        on_written(account)


def write_to_folder(
    accounts: Iterable[SampleAccount],
    folder: Path,
    file_format: str,
    compress: bool,
    on_written: Callable[[SampleAccount], None],
) -> None:
    """Write a backup of each account's database, and one of the database ``accounts``, in one of FORMATS."""
    folder.mkdir(parents=True, exist_ok=True)
    docs: list[Document] = []
    for account in accounts:
        docs.append(account.doc)
        _write_file(folder, account.database, account.documents(), file_format, compress)
        on_written(account)
    _write_file(folder, database_names.ACCOUNTS, docs, file_format, compress)


def _write_bulk(database: Database, docs: list[Document]) -> None:
    encoded = [_encode_attachments(doc) for doc in docs]
    refused = [saved for saved in database.put_all(encoded) if saved.error not in (None, "conflict")]
    if refused:
        raise WriteFailed(f"{database.name} takes no {refused[0].id}: {refused[0].error}")


def _write_file(folder: Path, name: str, docs: Iterable[Document], file_format: str, compress: bool) -> None:
    stem = database_names.encode(name) + {"all_docs": ".json", "jsonl": ".jsonl", "couchbackup": ".txt"}[file_format]
    with _open_file(folder / stem, compress) as file:
        _WRITERS[file_format](file, docs)


@contextmanager
def _open_file(path: Path, compress: bool) -> Iterator[Any]:
    if not compress:
        with path.open("wb") as file:
            yield file
        return
    # Without time and name in the header the same data gives the same file.
    with path.with_name(path.name + ".gz").open("wb") as raw, gzip.GzipFile("", "wb", 6, raw, mtime=0) as file:
        yield file


def _write_all_docs(file: io.BufferedWriter, docs: Iterable[Document]) -> None:
    """The answer of ``_all_docs?include_docs=true&attachments=true``."""
    file.write(b'{"total_rows":0,"offset":0,"rows":[')
    for index, doc in enumerate(docs):
        row = {"id": doc["_id"], "key": doc["_id"], "value": {"rev": "1-0"}, "doc": _encode_attachments(doc)}
        file.write((b",\r\n" if index else b"\r\n") + orjson.dumps(row))
    file.write(b"\r\n]}\n")


def _write_lines(file: io.BufferedWriter, docs: Iterable[Document]) -> None:
    for doc in docs:
        file.write(orjson.dumps(_encode_attachments(doc)) + b"\n")


def _write_couchbackup(file: io.BufferedWriter, docs: Iterable[Document]) -> None:
    """A header line, then arrays of documents, one per line."""
    file.write(b'{"name":"@cloudant/couchbackup","version":"2.11.0","mode":"full","attachments":true}\n')
    for batch in _batches(docs, _MAX_LINE_BYTES, _MAX_LINE_DOCS):
        file.write(orjson.dumps([_encode_attachments(doc) for doc in batch]) + b"\n")


_WRITERS = {"all_docs": _write_all_docs, "jsonl": _write_lines, "couchbackup": _write_couchbackup}


def _encode_attachments(doc: Document) -> Document:
    """A document with its attachments in base64, as CouchDB has them in JSON."""
    attachments = doc.get("_attachments")
    if not isinstance(attachments, dict):
        return doc
    stubs = {name: {**stub, "data": base64.b64encode(stub["data"]).decode()} for name, stub in attachments.items()}
    return {**doc, "_attachments": stubs}


def _batches(docs: Iterable[Document], max_bytes: int, max_count: int) -> Iterator[list[Document]]:
    """Documents in batches of at most so many bytes of audio, and so many documents."""
    batch: list[Document] = []
    batch_size = 0
    for doc in docs:
        audio_size = sum(len(stub["data"]) for stub in doc.get("_attachments", {}).values())
        if batch and (batch_size + audio_size > max_bytes or len(batch) == max_count):
            yield batch
            batch, batch_size = [], 0
        batch.append(doc)
        batch_size += audio_size
    if batch:
        yield batch
