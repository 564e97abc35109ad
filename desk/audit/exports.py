"""Audit entries as files, as they are filtered: written while they are read."""

import codecs
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import orjson
from django.db.models import QuerySet

from audit.models import EntryDocument
from crossbar.csv_renderer import format_cell
from desk.audit import log
from desk.audit.subjects import fetch_account_names
from desk.mailboxes.csv_export import csv_bytes
from desk.models import AuditEntry

_CHUNK = 500
COLUMNS = (
    *("time", "source", "operator", "actor_account_id", "actor_user_id", "actor_name", "impersonator"),
    *("action", "kind", "account_id", "account_name", "document_id", "documents", "name"),
    *("request_id", "request", "address", "difference"),
)


def stream_csv(operator: Any, entries: "QuerySet[AuditEntry]") -> Iterator[bytes]:
    """Yield the entries that an operator asks for as CSV, with the UTF-8 mark; differences as JSON."""
    yield codecs.BOM_UTF8 + csv_bytes([COLUMNS])
    for rows in _rows(operator, entries):
        yield csv_bytes([[_csv_cell(row[column]) for column in COLUMNS] for row in rows])


def stream_json(operator: Any, entries: "QuerySet[AuditEntry]") -> Iterator[bytes]:
    """Yield the entries that an operator asks for as a JSON array of objects, one a line."""
    separator = b"[\n"
    for rows in _rows(operator, entries):
        yield separator + b",\n".join(map(orjson.dumps, rows))
        separator = b",\n"
    yield b"[]\n" if separator == b"[\n" else b"\n]\n"


def _rows(operator: Any, entries: "QuerySet[AuditEntry]") -> Iterator[list[dict[str, object]]]:
    for chunk in _export_chunks(entries.select_related("operator").iterator(chunk_size=_CHUNK)):
        log.hide_foreign_actors(operator, chunk)
        names = fetch_account_names(chunk)
        documents = _fetch_documents(chunk)
        yield [_cells_of(entry, names, documents) for entry in chunk]


def _export_chunks(entries: Iterator[AuditEntry]) -> Iterator[list[AuditEntry]]:
    while chunk := list(islice(entries, _CHUNK)):
        yield chunk


def _fetch_documents(chunk: Iterable[AuditEntry]) -> dict[int, list[str]]:
    ids = [entry.pk for entry in chunk if entry.document_count > 1]
    documents: dict[int, list[str]] = {}
    rows = EntryDocument.objects.filter(entry_id__in=ids).order_by("pk").values_list("entry_id", "document_id")
    for entry_id, document_id in rows if ids else ():
        documents.setdefault(entry_id, []).append(document_id)
    return documents


def _cells_of(entry: AuditEntry, account_names: dict[str, str], documents: dict[int, list[str]]) -> dict[str, object]:
    row = {column: getattr(entry, column, None) for column in COLUMNS}
    return row | {
        "time": entry.time.isoformat(timespec="milliseconds"),
        "operator": entry.operator.get_username() if entry.operator is not None else "",
        "account_name": account_names.get(entry.account_id, ""),
        "documents": documents.get(entry.pk, []),
    }


def _csv_cell(value: object) -> str:
    return format_cell(" ".join(map(str, value)) if isinstance(value, list) else value)
