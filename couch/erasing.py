"""Delete documents so that nothing of what they held stays, in any of their revisions.

A document that is only deleted leaves a last revision, which may hold members, and old revisions with their bodies
and attachments until the database is compacted. Here each of its leaf revisions gets a successor that says nothing
but that it is deleted; then a compaction drops what was before.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import zip_longest
from typing import Any

from couch.client import Couch
from couch.errors import MissingDatabase, NotFound, Rejected, Unreachable

BATCH_SIZE = 100
"""CouchDB looks up so many ids in a feed of changes, and reads the whole feed for more."""
_TOMBSTONE = frozenset({"_id", "_rev", "_deleted"})


def erase_documents(server: Couch, name: str, revisions: Mapping[str, str]) -> list[str]:
    """Replace every leaf revision of documents, BATCH_SIZE at most, by an empty deleted one; ids that were changed.

    `revisions` has the revision of each document that its content may be erased in, empty for any. A document that
    has another one by now is left as it is. One that is gone, or was never there, counts as erased.
    Raises MissingDatabase.
    """
    resource = server.resource(name)
    leaves, deleted = _read_leaves(server, name, list(revisions))
    changed_ids = [doc_id for doc_id, revs in leaves.items() if revisions[doc_id] and revisions[doc_id] not in revs]
    per_document = [
        [{"_id": doc_id, "_rev": rev, "_deleted": True} for rev in _first(revs, revisions[doc_id])]
        for doc_id, revs in leaves.items()
        if doc_id not in changed_ids
    ]
    # One leaf of each document at a time: that of the expected revision first, whose conflict decides.
    for tombstones in zip_longest(*per_document):
        docs = [doc for doc in tombstones if doc is not None and doc["_id"] not in changed_ids]
        if docs:
            _, _, results = resource.post_json("_bulk_docs", body={"docs": docs})
            changed_ids += [row["id"] for row in results if row.get("error")]
    successors = [_successor(doc_id, rev) for doc_id, rev in deleted if doc_id not in changed_ids]
    if successors:
        resource.post_json("_bulk_docs", body={"docs": successors, "new_edits": False})
    return changed_ids


def _successor(doc_id: str, rev: str) -> dict[str, Any]:
    """An empty revision after one that is deleted, which CouchDB takes from a replication alone."""
    generation, _, parent = rev.partition("-")
    digest, start = uuid.uuid4().hex, int(generation) + 1
    history = {"start": start, "ids": [digest, parent]}
    return {"_id": doc_id, "_rev": f"{start}-{digest}", "_deleted": True, "_revisions": history}


def is_any_readable(server: Couch, name: str, revisions: Iterable[tuple[str, str]]) -> bool:
    """Whether the body of any of some revisions (id and revision) can still be read; False without the database."""
    pairs = [{"id": doc_id, "rev": rev} for doc_id, rev in revisions]
    try:
        return any(_is_content(doc) for doc in _bulk_get(server, name, pairs)) if pairs else False
    except MissingDatabase:
        return False


def is_compacting(server: Couch, name: str) -> bool:
    """Whether a compaction of a database runs; False if there is no such database."""
    try:
        return bool(server.database(name).info().get("compact_running"))
    except NotFound:
        return False


def start_compaction(server: Couch, name: str) -> None:
    """Start the compaction of a database, on all its nodes, and of its views, whose files have old rows, too."""
    resource = server.resource(name)
    try:
        resource.post_json("_compact", body={})
        _, _, answer = resource.get_json("_all_docs", startkey='"_design/"', endkey='"_design0"')
    except NotFound:
        return
    for row in answer["rows"]:
        with suppress(NotFound, Rejected):  # a design document without views
            resource.post_json(["_compact", row["id"].partition("/")[2]], body={})
    with suppress(NotFound, Rejected):
        resource.post_json("_view_cleanup", body={})


def _read_leaves(server: Couch, name: str, ids: Sequence[str]) -> tuple[dict[str, list[str]], list[tuple[str, str]]]:
    """The live leaf revisions of documents by id, and pairs of id and revision of deleted ones that say something."""
    resource = server.resource(name)
    try:
        _, _, feed = resource.post_json("_changes", body={"doc_ids": ids}, filter="_doc_ids", style="all_docs")
    except NotFound as error:
        raise MissingDatabase(name) from error
    pairs = [{"id": row["id"], "rev": leaf["rev"]} for row in feed["results"] for leaf in row["changes"]]
    leaves: dict[str, list[str]] = {}
    deleted: list[tuple[str, str]] = []
    for doc in _bulk_get(server, name, pairs) if pairs else []:
        if not doc.get("_deleted"):
            leaves.setdefault(doc["_id"], []).append(doc["_rev"])
        elif _is_content(doc):
            deleted.append((doc["_id"], doc["_rev"]))
    return leaves, deleted


def _bulk_get(server: Couch, name: str, pairs: Sequence[Mapping[str, str]]) -> list[dict[str, Any]]:
    """The revisions that can be read. Raises Unreachable if CouchDB says of any neither that it has nor lacks it."""
    try:
        _, _, answer = server.resource(name).post_json("_bulk_get", body={"docs": list(pairs)})
    except NotFound as error:
        raise MissingDatabase(name) from error
    docs = []
    for result in answer["results"]:
        for entry in result["docs"]:
            if "ok" in entry:
                docs.append(entry["ok"])
            elif entry.get("error", {}).get("error") != "not_found":
                raise Unreachable("a revision can't be read")
    return docs


def _is_content(doc: Mapping[str, Any]) -> bool:
    return not doc.get("_deleted") or bool(doc.keys() - _TOMBSTONE - {"_revisions"})


def _first(revs: Sequence[str], expected: str) -> list[str]:
    """The revisions with the expected one, if it is among them, before the others."""
    return sorted(revs, key=lambda rev: rev != expected)
