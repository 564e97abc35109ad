"""Pages of messages over what CouchDB may hold: any times, missing months, more than is read at once."""

from collections.abc import Iterator
from typing import Any

import pytest

from couch.client import couch
from crossbar.filters import Filter
from crossbar.pages import PageRequest, TimeRange, decode_start_key
from storage import database_names, gregorian, modbs
from tests.support.api_client import Account
from tests.support.kazoo_messages import DAY, document, leave
from voicemail.messages import listing as message_listing

BOX = {"id": "3a63acc3694ba189947235ae4727941b", "mailbox": "3000"}
OTHER = {"id": "3a63acc3694ba189947235ae4727941c", "mailbox": "3001"}
# Noon of the 15th of four months of 2026.
MAY, APRIL, MARCH, FEBRUARY = 63_946_065_600, 63_943_473_600, 63_940_795_200, 63_938_376_000
ALL_TIME = TimeRange(FEBRUARY - 60 * DAY, MAY + 60 * DAY)
Walk = list[list[str]]


def walk(
    account: Account,
    box: dict[str, Any] | None = BOX,
    *,
    size: int | None,
    descending: bool = True,
    time: TimeRange = ALL_TIME,
    passing: Filter | None = None,
) -> Walk:
    """The ids of all pages."""
    return list(pages(account, box, size, descending, time, passing or Filter()))


def pages(
    account: Account, box: dict[str, Any] | None, size: int | None, descending: bool, time: TimeRange, passing: Filter
) -> Iterator[list[str]]:
    key = None
    while True:
        wanted = PageRequest(size=size, start_key=key, descending=descending)
        page = message_listing.list_messages(
            account.id, {"_id": box["id"]} if box else None, wanted, time, passing, None
        )
        yield [entry.summary["media_id"] for entry in page.entries]
        if page.next_start_key is None:
            return
        key = decode_start_key(page.next_start_key)


def flat(found: Walk) -> list[str]:
    return [message_id for page in found for message_id in page]


def test_the_months_are_what_the_tests_take_them_for() -> None:
    months = [gregorian.month_of(time) for time in (MAY, APRIL, MARCH, FEBRUARY)]
    assert months == ["202605", "202604", "202603", "202602"]


@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 50])
def test_pages_of_any_size_give_every_message_once_and_in_order(
    account: Account, size: int, descending: bool
) -> None:
    left = leave(account, BOX, [FEBRUARY, FEBRUARY + 1, MARCH, APRIL, APRIL + 5, MAY, MAY + 2])
    leave(account, OTHER, [FEBRUARY, MARCH, APRIL, MAY])
    found = walk(account, size=size, descending=descending)
    assert flat(found) == (left[::-1] if descending else left)
    assert [len(page) for page in found[:-1]] == [size] * (len(found) - 1)


def test_a_last_page_that_is_just_full_is_known_as_the_last(account: Account) -> None:
    leave(account, BOX, [FEBRUARY, MARCH, APRIL, MAY])
    assert [len(page) for page in walk(account, size=2)] == [2, 2]


def test_a_month_without_database_and_one_without_messages_make_no_seam(account: Account) -> None:
    modbs.ensure(account.id, "202604")
    old, new = leave(account, BOX, [FEBRUARY, MAY])
    assert not couch().exists(database_names.modb(account.id, "202603"))
    assert walk(account, size=1) == [[new], [old]]
    assert not couch().exists(database_names.modb(account.id, "202603"))


def test_a_month_that_is_archived_is_left_out_from_then_on(account: Account) -> None:
    old, new = leave(account, BOX, [FEBRUARY, MAY])
    assert flat(walk(account, size=50)) == [new, old]
    couch().drop(database_names.modb(account.id, "202605"))
    assert flat(walk(account, size=50)) == [old]
    assert not couch().exists(database_names.modb(account.id, "202605"))


def test_the_first_message_of_a_past_month_is_listed_at_once_where_it_was_stored(account: Account) -> None:
    (new,) = leave(account, BOX, [MAY])
    assert flat(walk(account, size=50)) == [new]
    (old,) = leave(account, BOX, [MARCH])
    assert flat(walk(account, size=50)) == [new, old]


@pytest.mark.parametrize("descending", [True, False])
def test_more_messages_of_one_second_than_are_read_at_once(account: Account, descending: bool) -> None:
    left = leave(account, BOX, [MAY] * 1_203 + [APRIL] * 2)
    found = walk(account, size=400, descending=descending)
    assert [len(page) for page in found] == [400, 400, 400, 5]
    assert sorted(flat(found)) == sorted(left)
    (everything,) = walk(account, size=None, descending=descending)
    assert everything == flat(found)


def test_a_page_of_what_few_messages_have_is_full(account: Account) -> None:
    rare = leave(account, BOX, [FEBRUARY, MARCH, APRIL, MAY], caller_id_name="Grace")
    for month in (FEBRUARY, APRIL, MAY):
        leave(account, BOX, [month + n for n in range(1, 600)])
    graces = Filter([lambda entry: entry["caller_id_name"] == "Grace"])
    assert walk(account, size=2, passing=graces) == [[rare[3], rare[2]], [rare[1], rare[0]]]


@pytest.mark.parametrize("box", [BOX, None])
def test_a_message_in_the_wrong_month_is_where_its_month_is(account: Account, box: dict[str, Any] | None) -> None:
    early, late = leave(account, BOX, [APRIL, APRIL + 9])
    stray = document(account, BOX, APRIL + 5)
    stray["metadata"]["timestamp"] = MARCH  # its id and database say April
    modbs.ensure(account.id, "202604").put(stray)
    before, after = leave(account, BOX, [MARCH + 1, MAY])
    for size in (1, 2, 3, 50):
        assert flat(walk(account, box, size=size)) == [after, late, early, stray["_id"], before]
        assert flat(walk(account, box, size=size, descending=False)) == [before, stray["_id"], early, late, after]


def test_times_that_are_text_or_have_fractions_are_times(account: Account) -> None:
    first, last = leave(account, BOX, [MAY, MAY + 9])
    text, fraction = document(account, BOX, MAY + 3), document(account, BOX, MAY + 6)
    text["metadata"]["timestamp"] = str(MAY + 3)
    fraction["metadata"]["timestamp"] = MAY + 6.25
    modbs.ensure(account.id, "202605").put_all([text, fraction])
    assert walk(account, size=1) == [[last], [fraction["_id"]], [text["_id"]], [first]]


def test_views_of_kazoos_own_that_tell_less_and_keep_fractions_will_do(account: Account) -> None:
    source = "function (doc) { emit([doc.source_id, doc.metadata.timestamp], {timestamp: doc.metadata.timestamp}); }"
    month = database_names.modb(account.id, "202605")
    couch().create(month)
    couch().database(month).put_design(
        {"_id": "_design/mailbox_messages", "views": {"listing_by_mailbox": {"map": source}}}
    )
    fraction = document(account, BOX, MAY + 3)
    fraction["metadata"]["timestamp"] = MAY + 3.5
    couch().database(month).put(fraction)
    first, last = leave(account, BOX, [MAY, MAY + 9])
    assert walk(account, size=1) == [[last], [fraction["_id"]], [first]]


def test_a_start_key_that_the_range_has_left_behind_shows_what_is_left_of_the_range(account: Account) -> None:
    left = leave(account, BOX, [MARCH, APRIL, APRIL + 1, MAY])
    first = message_listing.list_messages(
        account.id, {"_id": BOX["id"]}, PageRequest(size=2), ALL_TIME, Filter(), None
    )
    assert first.next_start_key is not None
    following = PageRequest(size=5, start_key=decode_start_key(first.next_start_key))

    def shown(time: TimeRange) -> list[str]:
        page = message_listing.list_messages(account.id, {"_id": BOX["id"]}, following, time, Filter(), None)
        return [entry.summary["media_id"] for entry in page.entries]

    assert shown(ALL_TIME) == [left[1], left[0]]
    assert shown(TimeRange(APRIL + 1, MAY)) == []
    assert shown(TimeRange(FEBRUARY, MARCH)) == [left[0]]
