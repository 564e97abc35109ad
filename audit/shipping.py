"""Brings records from the spools of this machine to Django's database, in batches and each record once.

Django's database is where the desk's entries are, and all instances share it (docs/scaling.md). While it is away,
records wait in their files, and requests don't notice.
"""

import logging
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from threading import Event, Lock, Thread
from typing import Any

import orjson
from django.db import DataError, Error, IntegrityError, close_old_connections, connection, transaction

from audit.models import Entry, EntryDocument
from audit.spool import Spool, SpoolFile, adopt_files, spool

logger = logging.getLogger(__name__)

_BATCH = 500
_SECONDS, _MAX_SECONDS = 0.2, 1.0
_RECORDS_PER_SECOND = 10
"""After so many records the next ones wait for a second: a batch costs as much as some dozens of records."""
_ADOPT_SECONDS = 30.0
_LOG_SECONDS = 60.0
_TEXTS = {
    "actor_account_id": 32,
    "actor_user_id": 32,
    "actor_name": 150,
    "impersonator": 65,
    "action": 40,
    "account_id": 32,
    "kind": 20,
    "document_id": 250,
    "container_id": 250,
    "name": 250,
    "request_id": 64,
    "request": 400,
    "address": 100,
}
"""The columns with texts, and how long these may be."""
_COLUMNS = ("record_id", "time", "source", "document_count", "difference", *_TEXTS)
# Records come by the hundred a second: as instances of a model each would take five times as much.
_INSERT_ENTRY = (
    f"INSERT INTO {Entry._meta.db_table} ({', '.join(_COLUMNS)}) "  # noqa: S608 - constants
    f"VALUES ({', '.join(['%s'] * len(_COLUMNS))}) ON CONFLICT DO NOTHING"
)
_INSERT_DOCUMENT = f"INSERT INTO {EntryDocument._meta.db_table} (entry_id, document_id) VALUES (%s, %s)"  # noqa: S608


class Shipper:
    """A thread that ships what its process has recorded several times a second, and at times what others left."""

    def __init__(self, own_spool: Spool) -> None:
        self._spool = own_spool
        self._is_ending = Event()
        self._thread = Thread(target=self._run, name="audit", daemon=True)
        self._start_lock = Lock()
        self._ship_at = self._adopt_at = 0.0
        self._logged_at = 0.0

    def start(self) -> None:
        """Start shipping; nothing happens if it has been started."""
        with self._start_lock:
            if not self._thread.is_alive() and not self._is_ending.is_set():
                self._thread.start()

    def stop(self) -> None:
        """Ship what there is, and end. What can't be shipped stays for another process."""
        self._is_ending.set()
        if self._thread.is_alive():
            self._thread.join()
        self._spool.close()

    def _run(self) -> None:
        while not self._is_ending.wait(_SECONDS):
            self._ship_all()
        self._ship_all()

    def _ship_all(self) -> None:
        try:
            self._ship_own()
            if time.monotonic() >= self._adopt_at:
                self._adopt_at = time.monotonic() + _ADOPT_SECONDS
                ship_left_behind(self._spool)
        except (Error, OSError) as error:
            if time.monotonic() > self._logged_at + _LOG_SECONDS:
                self._logged_at = time.monotonic()
                logger.warning("Records of the audit wait: %s", " ".join(str(error).split()))
        except Exception:
            logger.exception("Records of the audit could not be stored")

    def _ship_own(self) -> None:
        if not self._spool.has_records.is_set() or (
            time.monotonic() < self._ship_at and not self._is_ending.is_set()
        ):
            return
        self._spool.has_records.clear()
        count = 0
        try:
            while (file := self._spool.take_file()) is not None:
                count += ship_file(file)
                file.empty()
            count += self._ship_from_memory()
        except BaseException:
            self._spool.has_records.set()
            raise
        finally:
            close_old_connections()
            self._ship_at = time.monotonic() + min(count / _RECORDS_PER_SECOND, _MAX_SECONDS)

    def _ship_from_memory(self) -> int:
        lines = self._spool.take_from_memory()
        try:
            store(lines)
        except BaseException:
            self._spool.give_back(lines)
            raise
        return len(lines)


def ship_left_behind(own_spool: Spool) -> None:
    """Ship the records of processes that have ended, and delete their files."""
    for file in adopt_files(own_spool.folder):
        try:
            ship_file(file)
        except BaseException:
            file.close()
            raise
        file.remove()


def ship_file(file: SpoolFile) -> int:
    """Bring all records of a file to the database, and return how many; raises Django's `Error` if that is away."""
    count = 0
    for lines in file.read_batches(_BATCH):
        store(lines)
        count += len(lines)
    return count


def store(lines: Sequence[bytes]) -> None:
    """Store records, those that are stored already once; raises Django's `Error` if the database is away."""
    records = [record for line in lines if (record := _parse(line)) is not None]
    if not records:
        return
    close_old_connections()
    try:
        _store_records(records)
    except (DataError, IntegrityError, ValueError):  # one of them that the database doesn't take holds up no others
        for record in records:
            try:
                _store_records([record])
            except (DataError, IntegrityError, ValueError):
                logger.exception("A record of the audit can't be stored: %s", record.get("id"))


def _store_records(records: Sequence[dict[str, Any]]) -> None:
    documents = {record["id"]: record["documents"] for record in records if record.get("documents")}
    with transaction.atomic(), connection.cursor() as cursor:
        for record_id in Entry.objects.filter(record_id__in=documents).values_list("record_id", flat=True):
            del documents[str(record_id)]  # they are stored with their entry
        cursor.executemany(_INSERT_ENTRY, [_entry_row(record) for record in records])
        rows = Entry.objects.filter(record_id__in=documents).values_list("pk", "record_id") if documents else ()
        pairs = [(pk, document_id) for pk, record_id in rows for document_id in documents[str(record_id)]]
        if pairs:
            cursor.executemany(_INSERT_DOCUMENT, pairs)


def _entry_row(record: dict[str, Any]) -> list[Any]:
    """The values of `_COLUMNS`."""
    return [
        record["id"],
        connection.ops.adapt_datetimefield_value(datetime.fromtimestamp(record["time"], UTC)),
        Entry.Source.API.value,
        len(record.get("documents", ())) or 1,
        connection.ops.adapt_json_value(record.get("difference", {}), None),
        *(record.get(name, "")[:length] for name, length in _TEXTS.items()),
    ]


def _parse(line: bytes) -> dict[str, Any] | None:
    if not line:
        return None
    try:
        # PostgreSQL has no character 0 in its texts.
        record: dict[str, Any] = orjson.loads(line.replace(b"\\u0000", b"\\ufffd"))
    except orjson.JSONDecodeError:
        logger.error("A record of the audit is broken: the machine was switched off, or its disk was full")
        return None
    return record


@cache
def shipper() -> Shipper:
    """The shipper of this process."""
    return Shipper(spool())
