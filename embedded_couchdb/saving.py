"""A whole write, from check to commit: validation, the revision tree, and the indexes of changed designs."""

from __future__ import annotations

import sqlite3

from . import jsontext
from .designs import Validation, check_design, design_changed
from .javascript import Engine
from .revisions import Revision
from .storage import Database
from .writing import Edit, KeptAttachment, NewAttachment, add_revision, graft, replaced_revision


def save(database: Database, engine: Engine, validation: Validation, edit: Edit, *, grafted: bool = False) -> str:
    """Write a document and return the name of its new revision.

    ``grafted`` adds a replicated revision.  Raises ``CouchError``: 409 if the document
    has another current revision, 401 or 403 if a validation function refuses, 400 for a design document
    that can't work, 412 for a missing attachment stub.
    """
    check_edit(engine, edit)
    with database.writing() as connection:
        rev = save_in(database, connection, validation, edit, grafted=grafted)
        if edit.id.startswith("_design/"):
            design_changed(database, connection)
    return rev


def check_edit(engine: Engine, edit: Edit) -> None:
    """Check what can be checked without the database.  Raises a 400 ``CouchError``."""
    if edit.id.startswith("_design/") and not edit.deleted:
        check_design(engine, jsontext.loads(edit.body))


def save_in(
    database: Database,
    connection: sqlite3.Connection,
    validation: Validation,
    edit: Edit,
    *,
    grafted: bool = False,
) -> str:
    """Like ``save``, for a checked edit, in the caller's transaction."""
    if grafted:
        graft(connection, edit)
        return "{}-{}".format(*edit.history[0])
    parent = replaced_revision(connection, edit)
    if not edit.id.startswith("_design/"):
        validation.check(database, connection, _as_validated(edit), _visible(parent))
    return "{}-{}".format(*add_revision(connection, edit, parent))


def _as_validated(edit: Edit) -> dict[str, object]:
    document: dict[str, object] = {"_id": edit.id, **jsontext.loads(edit.body)}
    if edit.history:
        document["_rev"] = "{}-{}".format(*edit.history[0])
    if edit.deleted:
        document["_deleted"] = True
    if edit.attachments:
        document["_attachments"] = {name: _as_stub(attachment) for name, attachment in edit.attachments.items()}
    return document


def _as_stub(attachment: NewAttachment | KeptAttachment) -> dict[str, object]:
    kind = {"content_type": attachment.content_type} if isinstance(attachment, NewAttachment) else {}
    return {**kind, "stub": True}


def _visible(parent: Revision | None) -> Revision | None:
    return None if parent is None or parent.deleted else parent
