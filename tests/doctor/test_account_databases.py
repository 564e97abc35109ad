"""What the doctor says of an account's databases and design documents, and what it repairs."""

from collections.abc import Callable
from typing import Any

from accounts import account_index
from couch.client import couch
from couch.database import Database
from doctor.outcome import Entry
from storage import modbs
from tests.support.api_client import Account

Examine = Callable[..., dict[str, Entry]]


def repair(entry: Entry) -> list[str]:
    """What the repair of a finding says that it did."""
    assert entry.finding.repair is not None
    return entry.finding.repair()


def test_missing_months_are_told_and_created(account: Account, modb: Any, examine: Examine) -> None:
    this_month, next_month = modbs.months_ahead()
    modbs.ensure_ahead(account.id)
    assert examine("databases") == {}
    couch().drop(modb(next_month).name)
    entries = examine("databases")
    assert list(entries) == ["next_month_missing"]
    couch().drop(modb(this_month).name)
    entries = examine("databases")
    assert set(entries) == {"month_missing", "next_month_missing"}
    for entry in entries.values():
        (sentence,) = repair(entry)
        assert sentence.startswith("Created the database account/")
    assert examine("databases", "views") == {}


def test_an_account_whose_databases_are_gone_is_told(account: Account, db: Database, examine: Examine) -> None:
    couch().drop(db.name)
    assert examine("databases")["account_database_missing"].finding.subjects == (account.id,)


def test_databases_of_no_account_are_told(account: Account, db: Database, examine: Examine) -> None:
    copy = account_index.database().get(account.id)
    assert copy is not None
    account_index.database().delete(account.id, copy["_rev"])
    entries = examine("databases")
    assert db.name in entries["database_of_nobody"].finding.subjects
    assert "account_unknown" in entries


def test_a_document_and_its_copy_that_differ_are_told(account: Account, db: Database, examine: Examine) -> None:
    db.update(account.id, lambda doc: {**doc, "name": "Another"})
    assert examine("databases")["account_copy_differs"].finding.subjects == (account.id,)
    db.update(account.id, lambda doc: {**doc, "pvt_deleted": True})
    assert examine("databases")["account_document_missing"].finding.subjects == (account.id,)


def test_missing_and_outdated_views_are_told_and_repaired(db: Database, examine: Examine) -> None:
    modified = {"vmboxes": {}, "vmboxes_users": {}, "vmboxes_numbers": {"by_number": {"map": "function (doc) {}"}}}
    for name, views in modified.items():
        design = db.get_design(f"_design/{name}")
        assert design is not None
        db.put_design({**design, "views": views})
    entries = examine("views")
    assert entries["kazoos_views_missing"].finding.subjects == (f"{db.name}: _design/vmboxes",)
    assert entries["views_missing"].finding.subjects == (f"{db.name}: _design/vmboxes_users",)
    assert entries["views_outdated"].finding.subjects == (f"{db.name}: _design/vmboxes_numbers",)
    assert len(repair(entries["views_outdated"])) == 3
    assert examine("views") == {}


def test_design_documents_of_others_are_told(db: Database, examine: Examine) -> None:
    views = {"by_name": {"map": "function (doc) {}"}}
    db.put_design({"_id": "_design/vmboxes_former", "views": views})
    db.put_design({"_id": "_design/guard", "validate_doc_update": "function (doc) {}"})
    design = db.get_design("_design/users")
    assert design is not None
    db.put_design({**design, "views": dict.fromkeys(design["views"], views["by_name"])})
    design = db.get_design("_design/media")
    assert design is not None
    db.put_design({**design, "views": {}, "language": "erlang"})
    entries = examine("views")
    subjects = {key: entry.finding.subjects for key, entry in entries.items()}
    assert subjects == {
        "designs_left_over": (f"{db.name}: _design/vmboxes_former",),
        "writes_validated": (f"{db.name}: _design/guard",),
        "kazoos_own_views": (f"{db.name}: _design/users",),
        "views_in_another_language": (f"{db.name}: _design/media",),
    }
