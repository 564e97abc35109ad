"""A backup in a bucket of S3-compatible storage, by ``s3://bucket/prefix``.

Access is configured as boto3 has it, by the environment: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY,
AWS_DEFAULT_REGION, and AWS_ENDPOINT_URL_S3 for storage that isn't Amazon's.
"""

import json
import posixpath
import secrets
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from backup.places import MissingFile, Place, PlaceError

_CONFIG = Config(
    retries={"mode": "standard", "max_attempts": 10},
    max_pool_connections=64,
    # Checksums beyond those of S3 itself are unknown to some storage.
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
)
_LOCK = ".lock"
_RENEW_SECONDS = 60.0
_STALE_SECONDS = 300.0
_MISSING = ("404", "NoSuchKey", "NotFound")
_LOST_RACE = ("412", "PreconditionFailed", "409", "ConditionalRequestConflict")


class Bucket:
    """A prefix in a bucket. An object is there as a whole or not at all."""

    def __init__(self, location: str, stale_seconds: float = _STALE_SECONDS) -> None:
        """Raises PlaceError for a location without a bucket, or without access."""
        self.location = location.rstrip("/")
        self.name, _, prefix = self.location.removeprefix("s3://").partition("/")
        self._prefix = f"{prefix}/" if prefix else ""
        self._stale_seconds = stale_seconds
        self._has_lost_lock = False
        if not self.name:
            raise PlaceError(f"{location} names no bucket: s3://bucket/prefix")
        with self._translating_errors(""):
            self._client: Any = boto3.client("s3", config=_CONFIG)

    def read(self, path: str) -> bytes:
        """A small file. Raises MissingFile."""
        with self._translating_errors(path):
            content: bytes = self._client.get_object(**self._object(path))["Body"].read()
        return content

    def write(self, path: str, content: bytes) -> None:
        """Store a small file, in place of any there is."""
        self._require_lock()
        with self._translating_errors(path):
            self._client.put_object(**self._object(path), Body=content)

    def add(self, path: str, file: Path) -> None:
        """Store a file of this machine, which is gone afterwards."""
        self._require_lock()
        with self._translating_errors(path):
            self._client.upload_file(str(file), self.name, self._prefix + path)
        file.unlink()

    def size(self, path: str) -> int | None:
        """The bytes of a file; None if there is none."""
        try:
            with self._translating_errors(path):
                return int(self._client.head_object(**self._object(path))["ContentLength"])
        except MissingFile:
            return None

    @contextmanager
    def local_file(self, path: str) -> Iterator[Path]:
        """A copy of the file. Raises MissingFile."""
        with tempfile.NamedTemporaryFile(prefix="vmboxes-") as file:
            with self._translating_errors(path):
                self._client.download_fileobj(self.name, self._prefix + path, file)
            file.flush()
            yield Path(file.name)

    @contextmanager
    def temporary_folder(self) -> Iterator[Path]:
        """A folder of this machine (TMPDIR)."""
        with tempfile.TemporaryDirectory(prefix="vmboxes-") as name:
            yield Path(name)

    def delete(self, path: str) -> None:
        """Delete a file if it is there."""
        with self._translating_errors(path):
            self._client.delete_object(**self._object(path))

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold a lock object, which is renewed meanwhile; that of a killed backup is taken over when it is stale."""
        etag = self._take_lock()
        is_ended = threading.Event()

        def renew() -> None:
            current = etag
            while not is_ended.wait(_RENEW_SECONDS):
                try:
                    current = self._put_lock(IfMatch=current)
                except PlaceError:
                    self._has_lost_lock = True
                    return

        thread = threading.Thread(target=renew, name="lock", daemon=True)
        thread.start()
        try:
            yield
        finally:
            is_ended.set()
            thread.join()
            if not self._has_lost_lock:
                self.delete(_LOCK)

    def relative(self, other: Place) -> str:
        """The other place as seen from this one: relative within a bucket."""
        if isinstance(other, Bucket) and other.name == self.name:
            return posixpath.relpath(f"/{other.location}", f"/{self.location}")
        path = getattr(other, "path", None)
        return other.location if path is None else str(path)

    def _take_lock(self) -> str:
        try:
            return self._put_lock(IfNoneMatch="*")
        except _LockTakenError:
            pass
        try:
            with self._translating_errors(_LOCK):
                head = self._client.head_object(**self._object(_LOCK))
        except MissingFile:  # released just now
            return self._put_lock(IfNoneMatch="*")
        now = parsedate_to_datetime(head["ResponseMetadata"]["HTTPHeaders"]["date"])  # by the storage's own clock
        if now - head["LastModified"] < timedelta(seconds=self._stale_seconds):
            raise _LockTakenError(self._taken_sentence())
        return self._put_lock(IfMatch=head["ETag"])

    def _put_lock(self, **condition: str) -> str:
        """Store the lock under a condition; its ETag. Raises _LockTakenError."""
        body = json.dumps({"holder": secrets.token_hex(16)}).encode()
        try:
            return str(self._client.put_object(**self._object(_LOCK), Body=body, **condition)["ETag"])
        except ClientError as error:
            if _code(error) in _LOST_RACE:
                raise _LockTakenError(self._taken_sentence()) from error
            raise PlaceError(f"{self.location} can't be locked: {error}") from error
        except BotoCoreError as error:
            raise PlaceError(f"{self.location} can't be locked: {error}") from error

    def _taken_sentence(self) -> str:
        minutes = round(self._stale_seconds / 60)
        return f"Another backup is writing to {self.location}, or was killed less than {minutes} minutes ago"

    def _require_lock(self) -> None:
        if self._has_lost_lock:
            raise PlaceError(f"Another backup writes to {self.location} now")

    def _object(self, path: str) -> dict[str, str]:
        return {"Bucket": self.name, "Key": self._prefix + path}

    @contextmanager
    def _translating_errors(self, path: str) -> Iterator[None]:
        try:
            yield
        except ClientError as error:
            if _code(error) in _MISSING:
                raise MissingFile(f"{self.location}/{path} is missing") from error
            raise PlaceError(f"{self.location}/{path}: {error}") from error
        except (BotoCoreError, OSError, boto3.exceptions.Boto3Error) as error:
            raise PlaceError(f"{self.location}/{path}: {error}") from error


class _LockTakenError(PlaceError):
    """Another backup holds the lock."""


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code"))
