"""Pages and time ranges as clients request them."""

from typing import Any

import pytest

from crossbar.errors import FaultyRequest, ValidationFailed
from crossbar.pages import (
    MAX_RANGE,
    PageRequest,
    decode_start_key,
    encode_start_key,
    has_long_pages,
    parse_time_range,
)

NOW = 63_900_000_000


@pytest.mark.parametrize("value", [["202611", ["box", 1], "id"], {"é": None}, [], "text/with?signs&"])
def test_a_start_key_can_be_part_of_a_url(value: Any) -> None:
    text = encode_start_key(value)
    assert text.replace("-", "").replace("_", "").isalnum()
    assert decode_start_key(text) == value


@pytest.mark.parametrize("text", ["%", "a", "!!!!", "bm8ganNvbg", "A" * 5_000, "é"])
def test_a_malformed_start_key_is_refused(text: str) -> None:
    with pytest.raises(FaultyRequest):
        decode_start_key(text)


def test_a_page_has_50_entries_in_descending_order_by_default() -> None:
    assert PageRequest.from_query({}) == PageRequest(50, None, True, False)
    assert PageRequest.from_query({"paginate": "false"}).size is None
    assert PageRequest.from_query({"paginate": "true"}).is_paginated
    assert not PageRequest.from_query({"ascending": "true"}).descending
    assert not PageRequest.from_query({"descending": "false"}).descending


@pytest.mark.parametrize("size", ["0", "-1", "ten", "1.5", "٣", "9" * 30])
def test_a_malformed_page_size_is_refused(size: str) -> None:
    with pytest.raises(FaultyRequest):
        PageRequest.from_query({"page_size": size})


def test_without_created_from_a_listing_covers_the_retention() -> None:
    time = parse_time_range({}, now=NOW, default_from=5)
    assert (time.first, time.last) == (5, NOW)


def test_a_time_range_may_be_31_days_long_and_no_longer() -> None:
    ends = {"created_from": str(NOW - MAX_RANGE), "created_to": str(NOW)}
    assert parse_time_range(ends, now=NOW, default_from=0).first == NOW - MAX_RANGE
    ends["created_from"] = str(NOW - MAX_RANGE - 1)
    with pytest.raises(ValidationFailed) as raised:
        parse_time_range(ends, now=NOW, default_from=0)
    assert list(raised.value.data) == ["created_from"]
    assert list(raised.value.data["created_from"]) == ["date_range"]


@pytest.mark.parametrize(
    "query",
    [
        {"created_from": "20", "created_to": "10"},
        {"created_from": "soon"},
        {"created_to": "-1"},
        {"created_from": "9" * 40},
    ],
)
def test_a_malformed_time_range_is_refused(query: dict[str, str]) -> None:
    with pytest.raises(ValidationFailed):
        parse_time_range(query, now=NOW, default_from=0)


@pytest.mark.parametrize(
    ("query", "is_long"),
    [
        ({}, False),
        ({"page_size": "500"}, False),
        ({"page_size": "501"}, True),
        ({"page_size": "9" * 5_000}, True),
        ({"page_size": "many"}, False),
        ({"paginate": "true"}, False),
        ({"paginate": "False"}, True),
    ],
)
def test_pages_are_long_without_end_or_by_their_size(query: dict[str, str], is_long: bool) -> None:
    assert has_long_pages(query) is is_long
