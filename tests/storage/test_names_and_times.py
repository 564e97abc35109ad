"""Ids, names of databases, Gregorian time and private fields."""

from datetime import UTC, datetime

import pytest

from storage import database_names, gregorian, private_fields

ACCOUNT = "aeac33d0c8f2b4e6a1b2c3d4e5f60718"
ACCOUNT_DB = "account/ae/ac/33d0c8f2b4e6a1b2c3d4e5f60718"


def test_an_accounts_database_is_named_after_its_id() -> None:
    assert database_names.account_db(ACCOUNT) == ACCOUNT_DB
    assert database_names.modb(ACCOUNT, "201605") == f"{ACCOUNT_DB}-201605"


@pytest.mark.parametrize("text", ["", "aeac33", ACCOUNT.upper(), ACCOUNT + "0", "../" + ACCOUNT[3:], ACCOUNT + "\n"])
def test_a_malformed_account_id_is_refused(text: str) -> None:
    assert not database_names.is_account_id(text)
    with pytest.raises(ValueError, match="is not an account id"):
        database_names.account_db(text)


def test_a_name_in_either_form_says_whose_database_it_is() -> None:
    encoded = database_names.encode(database_names.modb(ACCOUNT, "202512"))
    assert encoded == "account%2Fae%2Fac%2F33d0c8f2b4e6a1b2c3d4e5f60718-202512"
    assert (
        database_names.parse(encoded) == database_names.parse(database_names.decode(encoded)) == (ACCOUNT, "202512")
    )
    assert database_names.parse(ACCOUNT_DB) == (ACCOUNT, None)
    assert database_names.parse("system_config") is None
    assert database_names.parse(ACCOUNT_DB + "-202513") is None


def test_a_messages_id_says_its_month() -> None:
    assert database_names.month_of_message("201605-6aadef09f6fcf5fd8bcdfca312e923ba") == "201605"
    assert database_names.month_of_message("201613-6aadef09f6fcf5fd8bcdfca312e923ba") is None
    assert database_names.month_of_message("6aadef09f6fcf5fd8bcdfca312e923ba") is None


def test_gregorian_seconds_count_from_the_year_0() -> None:
    moment = datetime(2016, 5, 9, 10, 4, 7, tzinfo=UTC)
    assert gregorian.from_datetime(moment) == int(moment.timestamp()) + 62_167_219_200
    assert gregorian.to_datetime(gregorian.from_datetime(moment)) == moment
    assert gregorian.month_of(63_630_058_722) == "201605"


def test_the_bounds_of_a_month_are_its_first_and_last_second() -> None:
    first, last = gregorian.month_bounds("202402")
    assert gregorian.month_of(first) == gregorian.month_of(last) == "202402"
    assert gregorian.month_of(last + 1) == gregorian.next_month("202402") == "202403"
    assert gregorian.month_of(first - 1) == "202401"
    assert gregorian.next_month("202412") == "202501"


@pytest.mark.parametrize("seconds", [-1, 0, 10**18])
def test_a_time_outside_the_calendar_is_refused(seconds: int) -> None:
    with pytest.raises(ValueError, match="no Gregorian time"):
        gregorian.month_of(seconds)


def test_private_members_are_stamped_kept_and_removed() -> None:
    actor = private_fields.Actor(account_id=ACCOUNT, user_id="u", request_id="r")
    doc = private_fields.stamp_new(
        {"_id": "b", "name": "VMBox 0"}, pvt_type="vmbox", account_id=ACCOUNT, db_name=ACCOUNT_DB, actor=actor, now=5
    )
    assert doc["pvt_type"] == "vmbox"
    assert doc["pvt_created"] == doc["pvt_modified"] == 5
    assert doc["pvt_account_db"] == database_names.encode(ACCOUNT_DB)
    assert doc["pvt_alphanum_name"] == "vmbox0"
    assert doc["pvt_auth_user_id"] == "u"
    assert private_fields.public(doc) == {"id": "b", "name": "VMBox 0"}
    changed = private_fields.replace_public(doc, {"name": "New", "_id": "evil", "pvt_type": "account"})
    assert (changed["_id"], changed["pvt_type"], changed["name"]) == ("b", "vmbox", "New")
