"""How long messages are kept, by Kazoo's settings, and what counts as their age."""

import pytest

from couch.client import couch
from couch.database import Database
from storage import database_names, documents, gregorian
from tests.support.api_client import Account
from voicemail.messages import folders, retention

NOW = 63_961_000_000


@pytest.fixture
def system_retention(couchdb: str) -> None:
    """Require that the CouchDB under test sets no retention for the whole system."""
    doc = couch().database(database_names.CONFIG).get("callflow") or {}
    assert "message_retention_duration" not in doc.get("default", {}).get("voicemail", {})


def set_for_account(db: Database, days: object) -> None:
    documents.put(db, {"_id": "configs_callflow", "voicemail": {"message_retention_duration": days}})


def test_messages_are_kept_for_93_days_and_an_hour_by_default(
    account: Account, db: Database, system_retention: None
) -> None:
    assert retention.duration_days(account.id) == 93
    assert retention.limit(account.id, NOW) == NOW - (93 * 86_400 + 3_600)


def test_an_account_overrides_the_duration(account: Account, db: Database) -> None:
    set_for_account(db, 10)
    assert retention.duration_days(account.id) == 10
    assert retention.limit(account.id, NOW) == NOW - (10 * 86_400 + 3_600)


def test_a_duration_may_be_text(account: Account, db: Database) -> None:
    set_for_account(db, "10")
    assert retention.duration_days(account.id) == 10


@pytest.mark.parametrize("days", [None, "soon", 0, -5, True, {}, []])
def test_an_invalid_duration_is_ignored(account: Account, db: Database, system_retention: None, days: object) -> None:
    set_for_account(db, days)
    assert retention.duration_days(account.id) == 93


def test_a_huge_duration_reaches_back_to_the_first_time(account: Account, db: Database) -> None:
    set_for_account(db, 10**9)
    assert retention.limit(account.id, NOW) == gregorian.FIRST


def test_a_deleted_setting_no_longer_counts(account: Account, db: Database, system_retention: None) -> None:
    set_for_account(db, 10)
    documents.update(db, "configs_callflow", lambda doc: {**doc, "pvt_deleted": True})
    assert retention.duration_days(account.id) == 93


def test_the_first_time_of_a_message_is_its_age() -> None:
    doc = {"pvt_created": 4, "metadata": {"timestamp": 3}, "timestamp": 2, "utc_seconds": 1}
    assert retention.age(doc) == 1
    for missing, expected in (("utc_seconds", 2), ("timestamp", 3), ("metadata", 4), ("pvt_created", None)):
        del doc[missing]
        assert retention.age(doc) == expected


def test_a_time_that_is_no_number_is_skipped() -> None:
    assert (
        retention.age({"utc_seconds": "undefined", "timestamp": None, "pvt_created": "63675605708"}) == 63_675_605_708
    )


def test_a_message_is_expired_once_it_is_older_than_the_limit() -> None:
    assert retention.is_expired({"utc_seconds": 99}, 100)
    assert not retention.is_expired({"utc_seconds": 100}, 100)
    assert not retention.is_expired({}, 100)


def test_an_expired_message_is_shown_as_deleted_with_the_reason() -> None:
    stored = {"folder": "saved", "length": 5}
    shown = folders.show_folder(stored, 99, 100)
    assert shown["folder"] == "deleted"
    assert shown["retention"] == "enforced"
    assert "no update is permitted" in shown["retention_message"]
    assert shown["length"] == 5
    assert stored["folder"] == "saved"
