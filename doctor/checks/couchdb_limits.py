"""Limits of CouchDB's nodes: open databases, descriptors, processes, room on the disk, sizes of uploads."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from couch.client import couch
from couch.errors import NotFound, Rejected, TimedOut, Unreachable
from doctor.checks.files import find_full_disks
from doctor.findings import Finding, error, warning
from doctor.scope import Scope

_DEFAULT_OPEN_DATABASES = 500
_FEW_OPEN_DATABASES = 2_000
_NEARLY = 0.8
_ROOM_FOR_SHARDS = 50
_LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")


def check_nodes(scope: Scope) -> Iterator[Finding]:
    """Yield the limits that each node is near to, or that are too low."""
    for node in _list_nodes():
        try:
            config, system = _read(node, "_config"), _read(node, "_system")
            open_files = _read(node, "_stats", "couchdb", "open_os_files").get("value")
        except TimedOut:
            raise
        except Unreachable:
            continue  # check_cluster says that it is down
        yield from find_open_database_limit(node, config, len(scope.databases))
        yield from find_small_upload_limits(node, config)
        yield from find_lost_writes(node, config)
        yield from find_process_limit(node, system)
        if _is_local():
            yield from find_descriptor_limit(node, open_files, _local_descriptor_limit())


def check_disk(scope: Scope) -> Iterator[Finding]:
    """Yield whether CouchDB's disk is nearly full, if that is this machine's."""
    nodes = _list_nodes()
    if not _is_local() or len(nodes) != 1:
        return
    section = _section(_read(nodes[0], "_config"), "couchdb")
    folders = {str(section.get(name) or "") for name in ("database_dir", "view_index_dir")} - {""}
    advice = "CouchDB needs room to write and as much again to compact: free some, or give it a larger disk."
    yield from find_full_disks([Path(folder) for folder in sorted(folders)], advice)


def find_open_database_limit(node: str, config: Mapping[str, Any], databases: int) -> Iterator[Finding]:
    """Yield whether a node may have fewer database files open than so many accounts' databases ask for."""
    limit = _integer(_section(config, "couchdb").get("max_dbs_open"), _DEFAULT_OPEN_DATABASES)
    if config and limit < _FEW_OPEN_DATABASES and databases > limit // 2:
        yield warning(
            "max_dbs_open_low",
            f"{node} may have {limit:,} database files open, for {databases:,} databases of accounts: requests fail "
            "when all are in use.",
            "Set [couchdb] max_dbs_open = 5000 on each node, with four times as many descriptors (docs/scaling.md).",
        )


def find_small_upload_limits(node: str, config: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield whether a node refuses attachments that the service takes."""
    for section, name in (("couchdb", "max_attachment_size"), ("chttpd", "max_http_request_size")):
        limit = _integer(_section(config, section).get(name), 0)
        if 0 < limit < settings.MAX_UPLOAD_BYTES:
            yield warning(
                "couchdb_upload_limit",
                f"{node} refuses more than {limit:,} bytes ([{section}] {name}), and MAX_UPLOAD_BYTES is "
                f"{settings.MAX_UPLOAD_BYTES:,}.",
                f"Raise {name} above MAX_UPLOAD_BYTES, or lower MAX_UPLOAD_BYTES.",
            )


def find_lost_writes(node: str, config: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield whether a node says that something is stored before it is on the disk."""
    if str(_section(config, "couchdb").get("delayed_commits")).lower() == "true":
        yield error(
            "delayed_commits",
            f"{node} acknowledges messages a second before they are on its disk: a power failure loses them.",
            "Set [couchdb] delayed_commits = false.",
        )


def find_process_limit(node: str, system: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield whether a node's Erlang is near its limit of processes."""
    processes, limit = _integer(system.get("process_count"), 0), _integer(system.get("process_limit"), 0)
    if limit and processes > _NEARLY * limit:
        yield warning(
            "couchdb_processes",
            f"{node} has {processes:,} of at most {limit:,} Erlang processes.",
            "Add a node, or raise the limit: +P in vm.args.",
        )


def find_descriptor_limit(node: str, open_files: object, limit: int | None) -> Iterator[Finding]:
    """Yield whether a node has nearly as many files open as its process may have."""
    files = _integer(open_files, 0)
    if limit is not None and files > _NEARLY * limit:
        yield (error if files > limit - _ROOM_FOR_SHARDS else warning)(
            "couchdb_descriptors",
            f"{node} has {files:,} files open, and may have {limit:,}.",
            "Raise LimitNOFILE in its unit (ulimits in compose.yaml) to at least 65,536 and four times max_dbs_open.",
        )


def _list_nodes() -> list[str]:
    try:
        return couch().nodes()[0]
    except (NotFound, Rejected):
        return []


def _read(node: str, *path: str) -> Mapping[str, Any]:
    answer = couch().read_node(node, *path)
    return answer if isinstance(answer, Mapping) else {}


def _section(config: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = config.get(name)
    return section if isinstance(section, Mapping) else {}


def _integer(value: object, default: int) -> int:
    text = str(value)
    return int(text) if text.isdecimal() else default


def _is_local() -> bool:
    return urlsplit(settings.COUCHDB_URL).hostname in _LOCAL_HOSTS


def _local_descriptor_limit() -> int | None:
    """Return how many files the only CouchDB of this machine may have open; None if that can't be seen."""
    limits = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            command = (folder / "cmdline").read_bytes()
            if b"beam" in command.partition(b"\0")[0] and b"couchdb" in command:
                lines = (folder / "limits").read_text().splitlines()
                limits += [line.split()[3] for line in lines if line.startswith("Max open files")]
    return int(limits[0]) if len(limits) == 1 and limits[0].isdecimal() else None
