"""Pages of messages: any times, missing months, more messages than one read takes."""

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
THIRD = {"id": "3a63acc3694ba189947235ae4727941d", "mailbox": "3002"}
# Noon of the 15th of four months of 2026.
MAY, APRIL, MARCH, FEBRUARY = 63_946_065_600, 63_943_473_600, 63_940_795_200, 63_938_376_000
ALL_TIME = TimeRange(FEBRUARY - 60 * DAY, MAY + 60 * DAY)
Pages = list[list[str]]


def read_pages(
    account: Account,
    box: dict[str, Any] | None = BOX,
    *,
    size: int | None,
    descending: bool = True,
    time: TimeRange = ALL_TIME,
    filters: Filter | None = None,
    boxes: list[dict[str, Any]] | None = None,
) -> Pages:
    """The ids of all pages."""
    return list(iterate_pages(account, box, size, descending, time, filters or Filter(), boxes))


def iterate_pages(
    account: Account,
    box: dict[str, Any] | None,
    size: int | None,
    descending: bool,
    time: TimeRange,
    filters: Filter,
    boxes: list[dict[str, Any]] | None,
) -> Iterator[list[str]]:
    key = None
    while True:
        request = PageRequest(size=size, start_key=key, descending=descending)
        page = message_listing.list_messages(
            account.id, {"_id": box["id"]} if box else None, request, time, filters, None, boxes=boxes
        )
        yield [entry.summary["media_id"] for entry in page.entries]
        if page.next_start_key is None:
            return
        key = decode_start_key(page.next_start_key)


def flatten(pages: Pages) -> list[str]:
    return [message_id for page in pages for message_id in page]


def test_the_constants_are_in_the_months_they_are_named_after() -> None:
    months = [gregorian.month_of(time) for time in (MAY, APRIL, MARCH, FEBRUARY)]
    assert months == ["202605", "202604", "202603", "202602"]


@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 50])
def test_pages_of_any_size_have_every_message_once_and_in_order(
    account: Account, size: int, descending: bool
) -> None:
    ids = leave(account, BOX, [FEBRUARY, FEBRUARY + 1, MARCH, APRIL, APRIL + 5, MAY, MAY + 2])
    leave(account, OTHER, [FEBRUARY, MARCH, APRIL, MAY])
    pages = read_pages(account, size=size, descending=descending)
    assert flatten(pages) == (ids[::-1] if descending else ids)
    assert [len(page) for page in pages[:-1]] == [size] * (len(pages) - 1)


@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize("others", [0, 60])
def test_messages_of_some_mailboxes_are_listed_in_the_order_of_the_account(
    account: Account, others: int, descending: bool
) -> None:
    times = [FEBRUARY, FEBRUARY + 1, MARCH, MARCH, APRIL, MAY]
    own = [*leave(account, BOX, times), *leave(account, OTHER, times)]
    leave(account, THIRD, times)
    # However many mailboxes there are: few are read one by one, many together.
    boxes = [{"_id": BOX["id"]}, {"_id": OTHER["id"]}, *({"_id": f"{number:032}"} for number in range(others))]
    (whole_account,) = read_pages(account, None, size=None, descending=descending)
    expected = [message_id for message_id in whole_account if message_id in own]
    for size in (1, 3, 12):
        pages = read_pages(account, None, size=size, descending=descending, boxes=boxes)
        assert flatten(pages) == expected
        assert [len(page) for page in pages[:-1]] == [size] * (len(pages) - 1)


def test_a_full_last_page_has_no_next_one(account: Account) -> None:
    leave(account, BOX, [FEBRUARY, MARCH, APRIL, MAY])
    assert [len(page) for page in read_pages(account, size=2)] == [2, 2]


def test_months_without_a_database_or_without_messages_leave_no_gap(account: Account) -> None:
    modbs.ensure(account.id, "202604")
    old, new = leave(account, BOX, [FEBRUARY, MAY])
    assert not couch().exists(database_names.modb(account.id, "202603"))
    assert read_pages(account, size=1) == [[new], [old]]
    assert not couch().exists(database_names.modb(account.id, "202603"))


def test_an_archived_month_is_left_out_from_then_on(account: Account) -> None:
    old, new = leave(account, BOX, [FEBRUARY, MAY])
    assert flatten(read_pages(account, size=50)) == [new, old]
    couch().drop(database_names.modb(account.id, "202605"))
    assert flatten(read_pages(account, size=50)) == [old]
    assert not couch().exists(database_names.modb(account.id, "202605"))


def test_the_first_message_of_a_past_month_is_listed_at_once_by_the_process_that_stored_it(account: Account) -> None:
    (new,) = leave(account, BOX, [MAY])
    assert flatten(read_pages(account, size=50)) == [new]
    (old,) = leave(account, BOX, [MARCH])
    assert flatten(read_pages(account, size=50)) == [new, old]


@pytest.mark.parametrize("descending", [True, False])
def test_more_messages_of_one_second_than_one_read_takes_are_listed_once(account: Account, descending: bool) -> None:
    ids = leave(account, BOX, [MAY] * 1_203 + [APRIL] * 2)
    pages = read_pages(account, size=400, descending=descending)
    assert [len(page) for page in pages] == [400, 400, 400, 5]
    assert sorted(flatten(pages)) == sorted(ids)
    (everything,) = read_pages(account, size=None, descending=descending)
    assert everything == flatten(pages)


def test_a_page_is_full_though_few_messages_pass_the_filter(account: Account) -> None:
    from_grace = leave(account, BOX, [FEBRUARY, MARCH, APRIL, MAY], caller_id_name="Grace")
    for month in (FEBRUARY, APRIL, MAY):
        leave(account, BOX, [month + n for n in range(1, 600)])
    graces = Filter([lambda entry: entry["caller_id_name"] == "Grace"])
    assert read_pages(account, size=2, filters=graces) == [
        [from_grace[3], from_grace[2]],
        [from_grace[1], from_grace[0]],
    ]


@pytest.mark.parametrize("box", [BOX, None])
def test_a_message_in_the_wrong_month_is_listed_with_the_month_of_its_database(
    account: Account, box: dict[str, Any] | None
) -> None:
    early, late = leave(account, BOX, [APRIL, APRIL + 9])
    misdated = document(account, BOX, APRIL + 5)
    misdated["metadata"]["timestamp"] = MARCH  # its id and database say April
    modbs.ensure(account.id, "202604").put(misdated)
    before, after = leave(account, BOX, [MARCH + 1, MAY])
    for size in (1, 2, 3, 50):
        assert flatten(read_pages(account, box, size=size)) == [after, late, early, misdated["_id"], before]
        assert flatten(read_pages(account, box, size=size, descending=False)) == [
            before,
            misdated["_id"],
            early,
            late,
            after,
        ]


def test_times_may_be_text_or_have_fractions(account: Account) -> None:
    first, last = leave(account, BOX, [MAY, MAY + 9])
    text, fraction = document(account, BOX, MAY + 3), document(account, BOX, MAY + 6)
    text["metadata"]["timestamp"] = str(MAY + 3)
    fraction["metadata"]["timestamp"] = MAY + 6.25
    modbs.ensure(account.id, "202605").put_all([text, fraction])
    assert read_pages(account, size=1) == [[last], [fraction["_id"]], [text["_id"]], [first]]


def test_kazoos_view_may_have_fewer_members_and_times_with_fractions(account: Account) -> None:
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
    assert read_pages(account, size=1) == [[last], [fraction["_id"]], [first]]


def test_a_page_may_start_outside_a_range_that_has_moved_on(account: Account) -> None:
    ids = leave(account, BOX, [MARCH, APRIL, APRIL + 1, MAY])
    first = message_listing.list_messages(
        account.id, {"_id": BOX["id"]}, PageRequest(size=2), ALL_TIME, Filter(), None
    )
    assert first.next_start_key is not None
    following = PageRequest(size=5, start_key=decode_start_key(first.next_start_key))

    def shown(time: TimeRange) -> list[str]:
        page = message_listing.list_messages(account.id, {"_id": BOX["id"]}, following, time, Filter(), None)
        return [entry.summary["media_id"] for entry in page.entries]

    assert shown(ALL_TIME) == [ids[1], ids[0]]
    assert shown(TimeRange(APRIL + 1, MAY)) == []
    assert shown(TimeRange(FEBRUARY, MARCH)) == [ids[0]]
