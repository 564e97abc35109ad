"""What a version will do to an installation before it serves, and whether it can run there."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.db import connection, migrations, models
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.operations.base import Operation
from django.db.migrations.recorder import MigrationRecorder

from couch.client import couch
from couch.errors import MissingDatabase
from couch.parallel import in_parallel
from crossbar.version import VERSION
from doctor.checks.versions import check_libraries, check_python
from doctor.findings import Finding
from doctor.scope import Scope
from storage import maintenance

_BATCH = 100


@dataclass(frozen=True)
class TableChange:
    """One migration of Django's tables."""

    name: str
    """Such as ``desk.0010_language``."""
    steps: tuple[str, ...]
    """What it does, in Django's words."""
    is_understood_before: bool
    """Whether the version before can go on writing these tables: while it still serves, or after going back."""


@dataclass
class DesignChange:
    """A change of one design document in all databases that need it."""

    change: str
    """Such as ``update _design/vmboxes: by_folder``."""
    databases: int = 0
    documents: int = 0
    """How many documents CouchDB reads for the new index."""
    size: int = 0
    """Bytes of these databases' documents, attachments included."""


@dataclass(frozen=True)
class UpgradePlan:
    """What there is to do before this version serves."""

    version: str
    is_new: bool
    """Whether there are no tables at all: this is a new installation."""
    table_changes: tuple[TableChange, ...]
    newer_migrations: tuple[str, ...]
    """Migrations that a newer version applied, and that this version doesn't know."""
    design_changes: tuple[DesignChange, ...]
    findings: tuple[Finding, ...]
    """What is wrong with Python and the libraries that this version runs with."""

    @property
    def is_needed(self) -> bool:
        """Whether anything has to be done."""
        return bool(self.table_changes or self.design_changes)


def plan_upgrade(show_progress: Callable[[str], None] = lambda text: None) -> UpgradePlan:
    """Compare this version with the tables and databases that its settings lead to. Nothing is changed.

    Raises django.db.DatabaseError if Django's database is away, and couch.errors.CouchError if CouchDB is.
    """
    return UpgradePlan(
        VERSION,
        not MigrationRecorder(connection).applied_migrations(),
        tuple(_table_changes()),
        tuple(_newer_migrations()),
        tuple(_design_changes(show_progress)),
        (*check_python(Scope()), *check_libraries(Scope())),
    )


def is_understood_before(operation: Operation) -> bool:
    """Whether a program that doesn't know of an operation can read and write its table afterwards.

    A new column is in its way unless it may be empty or the database fills it: an INSERT that doesn't name it fails.
    """
    if isinstance(operation, migrations.AddField):
        return bool(operation.field.null or operation.field.db_default is not models.NOT_PROVIDED)
    if isinstance(operation, migrations.SeparateDatabaseAndState):
        return all(is_understood_before(step) for step in operation.database_operations)
    additions = (migrations.CreateModel, migrations.AlterModelOptions, migrations.AddIndex, migrations.RemoveIndex)
    return isinstance(operation, (*additions, migrations.RunPython))


def _table_changes() -> Iterator[TableChange]:
    executor = MigrationExecutor(connection)
    for migration, _ in executor.migration_plan(executor.loader.graph.leaf_nodes()):
        name = f"{migration.app_label}.{migration.name}"
        steps = tuple(operation.describe() for operation in migration.operations)
        yield TableChange(name, steps, all(is_understood_before(step) for step in migration.operations))


def _newer_migrations() -> Iterator[str]:
    known = MigrationExecutor(connection).loader.disk_migrations or {}
    labels = {label for label, _ in known}
    for label, name in sorted(MigrationRecorder(connection).applied_migrations()):
        if label in labels and (label, name) not in known:
            yield f"{label}.{name}"


def _design_changes(show_progress: Callable[[str], None]) -> list[DesignChange]:
    """What sync_views would do, the changes that read most documents first."""
    changes: dict[str, DesignChange] = {}
    names = maintenance.list_all_databases()
    for start in range(0, len(names), _BATCH):
        show_progress(f"Views: {start:,} of {len(names):,} databases")
        batch = names[start : start + _BATCH]
        lines_of = {name: lines for name, lines in zip(batch, in_parallel(_sync_lines, batch), strict=True) if lines}
        infos = couch().infos(list(lines_of)) if lines_of else {}
        for name, lines in lines_of.items():
            info = infos.get(name, {})
            for line in lines:
                change = changes.setdefault(line, DesignChange(line))
                change.databases += 1
                change.documents += int(info.get("doc_count", 0))
                change.size += int(info.get("sizes", {}).get("external", 0))
    return sorted(changes.values(), key=lambda change: (-change.documents, change.change))


def _sync_lines(name: str) -> list[str]:
    try:
        return maintenance.sync_database(name, dry_run=True)
    except MissingDatabase:
        return []  # deleted meanwhile
