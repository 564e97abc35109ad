"""Design documents: missing and outdated views, views of others by the same names, what refuses writes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from couch.client import couch
from couch.database import Document
from couch.errors import MissingDatabase
from couch.parallel import in_parallel
from couch_views.loader import KAZOO_DOCUMENTS, design_documents
from doctor.findings import Finding, Repair, error, note, warning
from doctor.scope import Scope
from storage import database_names, maintenance

_BATCH = 100
_OWN_PREFIX = "_design/vmboxes_"


@dataclass
class Designs:
    """What is the matter with design documents: lines such as ``account/aa/bb/cc: _design/vmboxes``."""

    missing: list[str] = field(default_factory=list)
    """Views that the service adds when it needs them."""
    missing_in_kazoos: list[str] = field(default_factory=list)
    """Views in documents of Kazoo's, which only `sync_views` adds to."""
    outdated: list[str] = field(default_factory=list)
    foreign_language: list[str] = field(default_factory=list)
    validating: list[str] = field(default_factory=list)
    left_over: list[str] = field(default_factory=list)
    different: list[str] = field(default_factory=list)
    repairable: list[str] = field(default_factory=list)
    """The names of databases that `sync_views` would change."""


def check_designs(scope: Scope) -> Iterator[Finding]:
    """Yield what is the matter with the design documents of all databases."""
    names = list(scope.databases)
    if scope.account_id is None:
        existing = set(couch().names())
        names += [name for name in (database_names.ACCOUNTS, database_names.WEBHOOKS) if name in existing]
    designs = Designs()
    for start in range(0, len(names), _BATCH):
        scope.show_progress(f"Views: {start:,} of {len(names):,} databases")
        batch = names[start : start + _BATCH]
        for name, docs in zip(batch, in_parallel(_read_designs, batch), strict=True):
            examine(designs, name, docs)
    yield from _describe_missing(designs)
    yield from _describe_foreign(designs)


def examine(designs: Designs, name: str, docs: Mapping[str, Document]) -> None:
    """Add what is the matter with a database's design documents, by their ids."""
    expected = design_documents(maintenance.kind_of(name) or "account")
    before = len(designs.missing) + len(designs.missing_in_kazoos) + len(designs.outdated)
    for doc_id, design in expected.items():
        line, is_kazoos = f"{name}: {doc_id}", doc_id in KAZOO_DOCUMENTS
        stored = docs.get(doc_id)
        views = _views(stored)
        if stored is not None and is_kazoos and stored.get("language", "javascript") != "javascript":
            if not design["views"].keys() <= views.keys():
                designs.foreign_language.append(line)
        elif not design["views"].keys() <= views.keys():
            (designs.missing_in_kazoos if is_kazoos else designs.missing).append(line)
        elif any(views[view] != function for view, function in design["views"].items()):
            (designs.different if is_kazoos else designs.outdated).append(line)
    if len(designs.missing) + len(designs.missing_in_kazoos) + len(designs.outdated) > before:
        designs.repairable.append(name)
    for doc_id, doc in docs.items():
        if "validate_doc_update" in doc:
            designs.validating.append(f"{name}: {doc_id}")
        if doc_id.startswith(_OWN_PREFIX) and doc_id not in expected:
            designs.left_over.append(f"{name}: {doc_id}")


def _read_designs(name: str) -> dict[str, Document]:
    try:
        rows = couch().database(name).all_docs(startkey="_design/", endkey="_design0", include_docs=True)
    except MissingDatabase:
        return {}
    return {row["id"]: row["doc"] for row in rows if isinstance(row.get("doc"), dict)}


def _views(doc: Mapping[str, Any] | None) -> Mapping[str, Any]:
    views = (doc or {}).get("views")
    return views if isinstance(views, Mapping) else {}


def _describe_missing(designs: Designs) -> Iterator[Finding]:
    """Yield what `sync_views` would change, and so --fix does."""
    repair, advice = _add_views(designs.repairable), "Run ./manage.py sync_views; --fix does the same for them."
    if designs.missing_in_kazoos:
        problem = "Views are missing in design documents of Kazoo's: what reads them fails."
        yield error("kazoos_views_missing", problem, advice, tuple(designs.missing_in_kazoos), repair)
    if designs.missing:
        problem = "Views are missing: the first request that needs one has to wait until it is built."
        yield warning("views_missing", problem, advice, tuple(designs.missing), repair)
    if designs.outdated:
        problem = "Views of this service are other than this version's: answers may be wrong."
        yield error("views_outdated", problem, advice, tuple(designs.outdated), repair)


def _describe_foreign(designs: Designs) -> Iterator[Finding]:
    """Yield what is others' to change."""
    if designs.foreign_language:
        yield error(
            "views_in_another_language",
            "Design documents of Kazoo's lack views, and are written in another language than JavaScript.",
            "Add the views in that language, or replace the documents by those of a current Kazoo.",
            tuple(designs.foreign_language),
        )
    if designs.validating:
        yield warning(
            "writes_validated",
            "Design documents have a validate_doc_update: it may refuse what the service stores.",
            "Find out who added them; delete validate_doc_update if nobody needs it.",
            tuple(designs.validating),
        )
    if designs.left_over:
        yield note(
            "designs_left_over",
            "Design documents of another version of this service are left, and their indexes take room.",
            "Delete them once no instance of that version runs.",
            tuple(designs.left_over),
        )
    if designs.different:
        yield note(
            "kazoos_own_views",
            "Views of Kazoo's are other than the ones that this service would add. They are left as they are.",
            "Nothing, as long as Kazoo's views emit what its version 4 or 5 does.",
            tuple(designs.different),
        )


def _add_views(names: list[str]) -> Repair:
    def sync() -> list[str]:
        return [f"{name}: {line}." for name in names for line in maintenance.sync_database(name)]

    return sync
