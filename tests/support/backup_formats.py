"""Backups in the formats of the tools that make them."""

import base64
import bz2
import gzip
import hashlib
import io
import json
import lzma
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

Documents = Sequence[dict[str, Any]]


def all_docs(docs: Documents) -> bytes:
    """The answer of ``_all_docs`` as CouchDB writes it, a row per line."""
    rows = [json.dumps({"id": doc["_id"], "key": doc["_id"], "value": {"rev": "1-a"}, "doc": doc}) for doc in docs]
    return ('{"total_rows":9,"offset":0,"rows":[\r\n' + ",\r\n".join(rows) + "\r\n]}\n").encode()


def one_line(docs: Documents) -> bytes:
    """The same on a single line."""
    return json.dumps({"rows": [{"id": doc["_id"], "doc": doc} for doc in docs]}).encode()


def indented(docs: Documents) -> bytes:
    """The same as an editor may have indented it."""
    return json.dumps({"total_rows": 9, "rows": [{"doc": doc} for doc in docs]}, indent=2).encode()


def json_lines(docs: Documents) -> bytes:
    """A document per line."""
    return b"".join(json.dumps(doc).encode() + b"\n" for doc in docs)


def couchbackup(docs: Documents) -> bytes:
    """Arrays of documents, one per line, as @cloudant/couchbackup writes them."""
    halves = (docs[: len(docs) // 2], docs[len(docs) // 2 :])
    header = b'{"name":"@cloudant/couchbackup","version":"2.11.0","mode":"full"}\n'
    return header + b"".join(json.dumps(half).encode() + b"\n" for half in halves)


Format = Callable[[Documents], bytes]
FORMATS: list[Format] = [all_docs, one_line, indented, json_lines, couchbackup]


Archiver = Callable[[dict[str, bytes]], bytes]


def tar(files: dict[str, bytes]) -> bytes:
    """A tar archive of files by their paths, whatever these are."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def tar_gz(files: dict[str, bytes]) -> bytes:
    return gzip.compress(tar(files))


def tar_bz2(files: dict[str, bytes]) -> bytes:
    return bz2.compress(tar(files))


def tar_xz(files: dict[str, bytes]) -> bytes:
    return lzma.compress(tar(files))


def tar_zst(files: dict[str, bytes]) -> bytes:
    compressed: bytes = zstd.compress(tar(files))
    return compressed


def zip_archive(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def archive_in_archive(files: dict[str, bytes]) -> bytes:
    """A zip archive with packed archives in it, one per file."""
    return zip_archive({f"{number}.tar.gz": tar_gz({name: files[name]}) for number, name in enumerate(files)})


ARCHIVERS: list[Archiver] = [tar, tar_gz, tar_bz2, tar_xz, tar_zst, zip_archive, archive_in_archive]


def write_with_files(folder: Path, docs: Iterable[dict[str, Any]], *, with_stubs: bool = True) -> None:
    """Write documents into a folder, with their attachments as files beside them."""
    folder.mkdir(parents=True, exist_ok=True)
    bare_docs = []
    for doc in docs:
        stubs = {}
        for name, fields in doc.get("_attachments", {}).items():
            content = base64.b64decode(fields["data"])
            digest = f"md5-{base64.b64encode(hashlib.md5(content).digest()).decode()}"
            stubs[name] = {"content_type": "audio/mpeg", "stub": True, "length": len(content), "digest": digest}
            (folder / doc["_id"]).mkdir()
            (folder / doc["_id"] / name).write_bytes(content)
        bare = {key: value for key, value in doc.items() if key != "_attachments"}
        bare_docs.append(bare | ({"_attachments": stubs} if stubs and with_stubs else {}))
    (folder / "dump.json").write_bytes(all_docs(bare_docs))


class SlowBytes(io.BytesIO):
    """A file in memory that returns few bytes at a time."""

    def __init__(self, content: bytes, piece_size: int) -> None:
        super().__init__(content)
        self._piece_size = piece_size

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(self._piece_size)


class SlowFile:
    """A file that returns few bytes at a time, after a beginning that it returns as fast as asked for."""

    def __init__(self, file: Any, piece_size: int, beginning: int = 0) -> None:
        self._file, self._piece_size, self._beginning = file, piece_size, beginning
        self._pending = b""
        self._position = 0

    def read(self, size: int = -1, /) -> bytes:
        if size == 0:
            return b""
        if self._position < self._beginning:
            piece = self._file.read(65_536)
        else:
            self._pending = self._pending or self._file.read(65_536)
            piece, self._pending = self._pending[: self._piece_size], self._pending[self._piece_size :]
        self._position += len(piece)
        return bytes(piece)
