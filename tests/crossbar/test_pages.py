"""What a client may say about pages and times."""

from typing import Any

import pytest

from crossbar.errors import FaultyRequest, ValidationFailed
from crossbar.pages import MAX_RANGE, PageRequest, decode_start_key, encode_start_key, parse_time_range

NOW = 63_900_000_000


@pytest.mark.parametrize("value", [["202611", ["box", 1], "id"], {"é": None}, [], "text/with?signs&"])
def test_a_start_key_survives_its_way_through_a_url(value: Any) -> None:
    text = encode_start_key(value)
    assert text.replace("-", "").replace("_", "").isalnum()
    assert decode_start_key(text) == value


@pytest.mark.parametrize("text", ["%", "a", "!!!!", "bm8ganNvbg", "A" * 5_000, "é"])
def test_any_other_text_is_told_to_be_no_start_key(text: str) -> None:
    with pytest.raises(FaultyRequest):
        decode_start_key(text)


def test_a_page_holds_50_newest_first_unless_told_otherwise() -> None:
    assert PageRequest.from_query({}) == PageRequest(50, None, True, False)
    assert PageRequest.from_query({"paginate": "false"}).size is None
    assert PageRequest.from_query({"paginate": "true"}).is_paginated
    assert not PageRequest.from_query({"ascending": "true"}).descending
    assert not PageRequest.from_query({"descending": "false"}).descending


@pytest.mark.parametrize("size", ["0", "-1", "ten", "1.5", "٣", "9" * 30])
def test_a_size_that_is_none_is_told(size: str) -> None:
    with pytest.raises(FaultyRequest):
        PageRequest.from_query({"page_size": size})


def test_without_a_begin_a_listing_covers_the_retention() -> None:
    found = parse_time_range({}, now=NOW, default_from=5)
    assert (found.first, found.last) == (5, NOW)


def test_a_range_may_be_31_days_and_no_more() -> None:
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
def test_a_range_that_is_none_is_told(query: dict[str, str]) -> None:
    with pytest.raises(ValidationFailed):
        parse_time_range(query, now=NOW, default_from=0)
