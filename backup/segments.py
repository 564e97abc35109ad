"""Segments: documents as JSON lines, packed with zstd.

A line is a document as CouchDB has it, with its revision. In place of what CouchDB says of an attachment, it has
``content_type``, ``length``, ``sha256``, and, if the recording is in an earlier backup, that one's id as ``backup``.
"""

import hashlib
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from backup.layout import DamagedBackup, File
from backup.places import MissingFile, Place

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

Document = dict[str, Any]
SUFFIX = ".jsonl.zst"


def write_lines(place: Place, path: str, lines: Iterable[bytes], folder: Path) -> File:
    """Store JSON lines as a packed file, by way of a folder for temporary files."""
    temporary = folder / path.replace("/", "_")
    count = 0
    with zstd.open(temporary, "wb") as packed:
        for line in lines:
            packed.write(line + b"\n")
            count += 1
    content_size = temporary.stat().st_size
    with temporary.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    place.add(path, temporary)
    return File(path, sha256, count, content_size)


def encode_line(doc: Document) -> bytes:
    """A document as a line."""
    return json.dumps(doc, separators=(",", ":")).encode()


def read_lines(place: Place, file: File) -> list[bytes]:
    """The lines of a packed file, once it has proved to be what was written. Raises DamagedBackup."""
    try:
        content = place.read(file.path)
    except MissingFile as error:
        raise DamagedBackup(f"{file.path} in {place.location} is missing") from error
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise DamagedBackup(f"{file.path} in {place.location} was changed or is damaged")
    return zstd.decompress(content).splitlines() if content else []


def read_documents(place: Place, segment: File) -> list[Document]:
    """The documents of a segment. Raises DamagedBackup."""
    return [json.loads(line) for line in read_lines(place, segment)]
