"""The sync of design documents: it adds missing views, keeps our own current, and leaves the others alone."""

import secrets
from collections.abc import Iterable, Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from couch.client import couch
from couch.database import Database
from couch_views.loader import KAZOO_DOCUMENTS, KINDS, design_documents
from couch_views.sync import sync
from storage import database_names

OWN = "_design/mailbox_message_counts"
LISTS = "_design/mailbox_message_lists"
KAZOO = "_design/mailbox_messages"
ATTEMPTS = "_design/webhooks"
FOREIGN_MAP = "function(doc) { emit(doc.foreign, 1); }"


@pytest.fixture
def account_id(couchdb: str) -> Iterator[str]:
    """The id of an account that has databases and nothing else."""
    account_id = f"5c{secrets.token_hex(15)}"
    yield account_id
    for name in couch().names(database_names.account_db(account_id)):
        couch().drop(name)


@pytest.fixture
def database(account_id: str) -> Database:
    """An empty MODb."""
    return _create(database_names.modb(account_id, "202605"))


def _create(name: str) -> Database:
    couch().create(name)
    return couch().database(name)


def _documents(database: Database) -> dict[str, Any]:
    """All documents by their ids."""
    return {row["id"]: row["doc"] for row in database.all_docs(include_docs=True)}


def _run(*arguments: str) -> list[str]:
    """Run the command and return the lines that it prints."""
    call_command("sync_views", *arguments, stdout=(printed := StringIO()), stderr=StringIO())
    return printed.getvalue().splitlines()


class Rival:
    """A database in which another writer stores a design document between our read and our write of it."""

    def __init__(self, database: Database, *docs: dict[str, Any]) -> None:
        self.database = database
        self.rival_docs = list(docs)

    def get_design(self, doc_id: str, /) -> dict[str, Any] | None:
        return self.database.get_design(doc_id)

    def fetch_designs(self, ids: Iterable[str], /) -> dict[str, dict[str, Any]]:
        return self.database.fetch_designs(ids)

    def put_design(self, doc: dict[str, Any], /) -> dict[str, Any]:
        if self.rival_docs and self.rival_docs[0]["_id"] == doc["_id"]:
            rival_doc = self.rival_docs.pop(0)
            self.database.put_design({**(self.database.get_design(doc["_id"]) or {}), **rival_doc})
        return self.database.put_design(doc)

    def view(self, ddoc: str, view: str, /, **options: Any) -> Any:
        return self.database.view(ddoc, view, **options)


# --- one database ---


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_database_gets_every_view(database: Database, kind: str) -> None:
    changes = sync(database, kind)
    shipped = design_documents(kind)
    assert {change.design: change.views for change in changes} == {
        name: tuple(doc["views"]) for name, doc in shipped.items()
    }
    assert {change.action for change in changes} == {"create"}
    stored = _documents(database)
    assert {name: {**doc, "_rev": stored[name]["_rev"]} for name, doc in shipped.items()} == stored


@pytest.mark.parametrize("kind", KINDS)
def test_a_second_sync_changes_nothing(database: Database, kind: str) -> None:
    sync(database, kind)
    before = _documents(database)
    assert sync(database, kind) == []
    assert _documents(database) == before


def test_a_dry_run_returns_the_same_changes_and_writes_nothing(database: Database) -> None:
    announced = sync(database, "modb", dry_run=True)
    assert _documents(database) == {}
    assert announced == sync(database, "modb")
    assert sync(database, "modb", dry_run=True) == []


def test_a_view_that_kazoo_has_in_another_form_is_kept(database: Database) -> None:
    theirs = {"map": FOREIGN_MAP, "reduce": "_count"}
    database.put_design({"_id": KAZOO, "language": "javascript", "views": {"listing_by_mailbox": theirs}})
    [change] = [change for change in sync(database, "modb") if change.design == KAZOO]
    assert change.action == "add"
    assert "listing_by_mailbox" not in change.views
    views = _documents(database)[KAZOO]["views"]
    assert views["listing_by_mailbox"] == theirs
    assert set(views) == set(design_documents("modb")[KAZOO]["views"])


def test_foreign_views_members_and_documents_are_kept(database: Database) -> None:
    theirs: dict[str, Any] = {
        "_id": KAZOO,
        "language": "javascript",
        "kazoo": {"version": "5.1"},
        "filters": {"mine": "function(doc) { return true; }"},
        "views": {"foreign": {"map": FOREIGN_MAP}, "lib": {"code": "exports.x = 1;"}},
    }
    database.put_design(theirs)
    other = database.put_design(
        {"_id": "_design/foreign", "language": "javascript", "views": {"v": {"map": FOREIGN_MAP}}}
    )
    sync(database, "modb")
    stored = _documents(database)
    assert stored["_design/foreign"] == other
    for name in ("language", "kazoo", "filters"):
        assert stored[KAZOO][name] == theirs[name]
    assert stored[KAZOO]["views"] == {**design_documents("modb")[KAZOO]["views"], **theirs["views"]}


def test_a_complete_document_of_kazoo_is_not_written(database: Database) -> None:
    views = {name: {"map": FOREIGN_MAP} for name in design_documents("modb")[KAZOO]["views"]}
    stored = database.put_design({"_id": KAZOO, "views": views})
    assert [change.design for change in sync(database, "modb")] == [OWN, LISTS, ATTEMPTS]
    assert _documents(database)[KAZOO] == stored


def test_views_are_not_added_to_a_document_in_another_language(database: Database) -> None:
    stored = database.put_design({"_id": KAZOO, "language": "erlang", "views": {}})
    assert [change.design for change in sync(database, "modb")] == [OWN, LISTS, ATTEMPTS]
    assert _documents(database)[KAZOO] == stored


@pytest.mark.parametrize(
    "outdated",
    [
        {"views": {"by_box_folder": {"map": FOREIGN_MAP}}, "language": "javascript"},
        {"views": {"by_box_folder": {"map": FOREIGN_MAP}, "retired": {"map": FOREIGN_MAP}}},
        {"views": {}, "language": "javascript"},
        {},
    ],
)
def test_an_outdated_document_of_our_own_is_updated(database: Database, outdated: dict[str, Any]) -> None:
    database.put_design({"_id": OWN, "autoupdate": False, **outdated})
    [change] = [change for change in sync(database, "modb") if change.design == OWN]
    assert change.action == "update"
    stored = _documents(database)[OWN]
    assert stored == {**design_documents("modb")[OWN], "autoupdate": False, "_rev": stored["_rev"]}
    assert sync(database, "modb") == []


def test_another_writer_of_a_kazoo_document_is_not_overwritten(database: Database) -> None:
    database.put_design({"_id": KAZOO, "views": {"first": {"map": FOREIGN_MAP}}})
    theirs: dict[str, Any] = {
        "_id": KAZOO,
        "views": {"second": {"map": FOREIGN_MAP}, "missing_metadata": {"map": FOREIGN_MAP}},
    }
    changes = sync(Rival(database, theirs), "modb")
    assert {change.design for change in changes} == {KAZOO, OWN, LISTS, ATTEMPTS}
    views = _documents(database)[KAZOO]["views"]
    assert views == {**design_documents("modb")[KAZOO]["views"], **theirs["views"]}


def test_if_another_process_syncs_first_nothing_remains_to_be_done(database: Database) -> None:
    rival = Rival(database, *design_documents("modb").values())
    assert sync(rival, "modb") == []
    assert set(_documents(database)) == {KAZOO, OWN, LISTS, ATTEMPTS}


def test_a_broken_foreign_view_does_not_stop_the_sync(database: Database) -> None:
    database.put_design({"_id": KAZOO, "views": {"listing_by_mailbox": {"map": "function(doc) { throw 1; }"}}})
    database.put({"_id": "201605-1", "pvt_type": "mailbox_message", "source_id": "box"})
    assert len(sync(database, "modb")) == 4
    rows = database.view("mailbox_messages", "count_per_box_folder")
    assert [row["key"] for row in rows] == [["box", "new", None]]


def test_callers_may_change_the_documents_that_the_loader_returns() -> None:
    design_documents("modb")[OWN]["views"].clear()
    assert design_documents("modb")[OWN]["views"]


def test_all_includes_are_resolved() -> None:
    functions = [
        text
        for kind in KINDS
        for doc in design_documents(kind).values()
        for view in doc["views"].values()
        for text in view.values()
    ]
    assert functions
    assert not [text for text in functions if "!code" in text]


def test_an_unknown_kind_of_database_is_refused() -> None:
    with pytest.raises(ValueError, match="phones"):
        design_documents("phones")


# --- the command ---


def test_the_command_syncs_an_account_and_its_modbs(account_id: str) -> None:
    account_db = _create(database_names.account_db(account_id))
    modbs = [_create(database_names.modb(account_id, month)) for month in ("202604", "202605")]
    lines = _run("--account", account_id)
    assert f"{account_db.name}: create _design/attributes: owned" in lines
    assert f"{modbs[1].name}: create {OWN}: by_age, by_box_folder, by_day" in lines
    assert lines[-1] == "3 databases checked, 3 changed, 0 failed"
    assert set(_documents(account_db)) == set(design_documents("account"))
    assert [set(_documents(modb)) for modb in modbs] == [set(design_documents("modb"))] * 2
    assert _run("--account", account_id) == ["3 databases checked, 0 changed, 0 failed"]


def test_a_dry_run_of_the_command_prints_what_it_would_change(account_id: str) -> None:
    account_db = _create(database_names.account_db(account_id))
    lines = _run("--account", account_id, "--dry-run")
    assert lines[-1] == "1 databases checked, 1 to change, 0 failed"
    assert len(lines) == 1 + len(design_documents("account"))
    assert _documents(account_db) == {}


@pytest.mark.alone
def test_the_command_syncs_the_systems_databases_and_every_account(account_id: str) -> None:
    modb = _create(database_names.modb(account_id, "202605"))
    _run()
    assert all(couch().exists(name) for name in database_names.SYSTEM)
    assert set(design_documents("accounts")) <= set(_documents(couch().database(database_names.ACCOUNTS)))
    assert set(_documents(modb)) == set(design_documents("modb"))


@pytest.mark.alone
def test_the_command_leaves_databases_alone_that_belong_to_no_account(couchdb: str) -> None:
    name = f"account/5c/00/{secrets.token_hex(14)}-archive"
    couch().create(name)
    try:
        assert not [line for line in _run("--dry-run") if line.startswith(name)]
    finally:
        couch().drop(name)


def test_the_command_names_a_broken_database_and_goes_on(account_id: str) -> None:
    broken = _create(database_names.account_db(account_id))
    # Too large for anything to be added to it.
    broken.put_design({"_id": "_design/vmboxes", "views": {}, "notes": "x" * 7_999_900})
    modb = _create(database_names.modb(account_id, "202605"))
    output, errors = StringIO(), StringIO()
    with pytest.raises(CommandError, match=broken.name):
        call_command("sync_views", "--account", account_id, stdout=output, stderr=errors)
    assert broken.name in errors.getvalue()
    assert output.getvalue().splitlines()[-1] == "2 databases checked, 1 changed, 1 failed"
    assert set(_documents(modb)) == set(design_documents("modb"))


@pytest.mark.parametrize("unknown", ["5c" * 16, "no-id", "5C" * 16])
def test_the_command_refuses_an_account_that_does_not_exist(couchdb: str, unknown: str) -> None:
    with pytest.raises(CommandError, match=unknown[:2]):
        _run("--account", unknown)


def test_all_documents_but_kazoos_have_names_of_our_own() -> None:
    shipped = {name for kind in KINDS for name in design_documents(kind)}
    assert shipped >= KAZOO_DOCUMENTS
    assert {
        name for name in shipped - KAZOO_DOCUMENTS if not name.startswith(("_design/vmboxes_", OWN, LISTS))
    } == set()
