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
from django.db import DataError, Error, IntegrityError, close_old_connections, transaction

from audit.models import Entry, EntryDocument
from audit.spool import Spool, SpoolFile, adopt_files, spool

logger = logging.getLogger(__name__)

_BATCH = 500
_SECONDS = 0.25
_ADOPT_SECONDS = 30.0
_LOG_SECONDS = 60.0
_COLUMNS = (
    *("actor_account_id", "actor_user_id", "actor_name", "impersonator", "action", "account_id", "kind"),
    *("document_id", "container_id", "name", "difference", "request_id", "request", "address"),
)


class Shipper:
    """A thread that ships what its process has recorded several times a second, and at times what others left."""

    def __init__(self, own_spool: Spool) -> None:
        self._spool = own_spool
        self._is_ending = Event()
        self._thread = Thread(target=self._run, name="audit", daemon=True)
        self._start_lock = Lock()
        self._adopt_at = 0.0
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
        if not self._spool.has_records.is_set():
            return
        self._spool.has_records.clear()
        try:
            while (file := self._spool.take_file()) is not None:
                ship_file(file)
                file.empty()
            if lines := self._spool.take_from_memory():
                self._ship_from_memory(lines)
        except BaseException:
            self._spool.has_records.set()
            raise
        finally:
            close_old_connections()

    def _ship_from_memory(self, lines: list[bytes]) -> None:
        try:
            store(lines)
        except BaseException:
            self._spool.give_back(lines)
            raise


def ship_left_behind(own_spool: Spool) -> None:
    """Ship the records of processes that have ended, and delete their files."""
    for file in adopt_files(own_spool.folder):
        try:
            ship_file(file)
        except BaseException:
            file.close()
            raise
        file.remove()


def ship_file(file: SpoolFile) -> None:
    """Bring all records of a file to the database; raises Django's `Error` if that is away."""
    for lines in file.read_batches(_BATCH):
        store(lines)


def store(lines: Sequence[bytes]) -> None:
    """Store records, those that are stored already once; raises Django's `Error` if the database is away."""
    records = [record for line in lines if (record := _parse(line)) is not None]
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
    if not records:
        return
    documents = [
        EntryDocument(entry_id=record["id"], document_id=document_id)
        for record in records
        for document_id in record.get("documents", ())
    ]
    with transaction.atomic():
        Entry.objects.bulk_create([_entry(record) for record in records], ignore_conflicts=True)
        if documents:
            EntryDocument.objects.bulk_create(documents, batch_size=_BATCH, ignore_conflicts=True)


def _entry(record: dict[str, Any]) -> Entry:
    members = {column: record[column] for column in _COLUMNS if column in record}
    return Entry(
        record_id=record["id"],
        time=datetime.fromtimestamp(record["time"], UTC),
        source=Entry.Source.API,
        document_count=len(record.get("documents", ())) or 1,
        **members,
    )


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
