"""How accounts' databases use CouchDB's disk: compaction that is behind, and shards that are too large."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from couch.client import couch
from doctor.findings import Finding, warning
from doctor.scope import Scope
from migration.report import format_size

_MIN_FILE = 64 * 1024**2
_WASTE_RATIO = 3
_LARGE_SHARD = 10 * 1024**3
_BATCH = 1_000


def check_sizes(scope: Scope) -> Iterator[Finding]:
    """Yield the databases that are to be compacted, or have too few shards."""
    names = list(scope.databases)
    infos: dict[str, Mapping[str, Any]] = {}
    for start in range(0, len(names), _BATCH):
        scope.show_progress(f"Sizes: {start:,} of {len(names):,} databases")
        infos |= couch().infos(names[start : start + _BATCH])
    yield from find_waste(infos.items())
    yield from find_large_shards(infos.items())


def find_waste(infos: Iterable[tuple[str, Mapping[str, Any]]]) -> Iterator[Finding]:
    """Yield the databases whose files are several times as large as what is in them."""
    wasted = [
        (file - active, f"{name} ({format_size(file)}, of which {format_size(active)} are in use)")
        for name, info in infos
        for file, active in (_sizes(info),)
        if file >= _MIN_FILE and file > _WASTE_RATIO * active and not info.get("compact_running")
    ]
    if wasted:
        wasted.sort(reverse=True)
        yield warning(
            "compaction_behind",
            f"Compaction is behind: {format_size(sum(size for size, _ in wasted))} are free to be given back.",
            "Look whether smoosh runs (_active_tasks, [smoosh] in the configuration); POST /{database}/_compact "
            "starts it for one.",
            tuple(text for _, text in wasted),
        )


def find_large_shards(infos: Iterable[tuple[str, Mapping[str, Any]]]) -> Iterator[Finding]:
    """Yield the databases whose shards are too large to be compacted and moved in reasonable time."""
    large = []
    for name, info in infos:
        cluster = info.get("cluster")
        shards = cluster.get("q") if isinstance(cluster, Mapping) else None
        _, active = _sizes(info)
        if isinstance(shards, int) and shards > 0 and active > _LARGE_SHARD * shards:
            large.append(f"{name} (q={shards}, {format_size(active)})")
    if large:
        yield warning(
            "shards_large",
            "Databases have more than 10 GiB in a shard.",
            "Split them with CouchDB's _reshard, or archive and delete months that nobody needs.",
            tuple(large),
        )


def _sizes(info: Mapping[str, Any]) -> tuple[int, int]:
    """Return the bytes of a database's files, and of what is in use in them."""
    sizes = info.get("sizes")
    values = [sizes.get(key) for key in ("file", "active")] if isinstance(sizes, Mapping) else [0, 0]
    file, active = (value if isinstance(value, int) else 0 for value in values)
    return file, active
