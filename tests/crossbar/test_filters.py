"""The filters of listings."""

import pytest
from django.http import QueryDict

from crossbar.errors import FaultyRequest
from crossbar.filters import has_filters, parse_filters

ENTRY = {
    "folder": "new",
    "length": 3140,
    "transcribed": True,
    "empty": "",
    "notify": {"callback": {"number": "+1"}},
    "flags": ["a", "b"],
}


@pytest.mark.parametrize(
    ("query", "passes"),
    [
        ("filter_folder=new", True),
        ("filter_folder=saved", False),
        ("filter_length=3140", True),
        ("filter_transcribed=true", True),
        ("filter_absent=x", False),
        ("filter_not_folder=saved", True),
        ("filter_not_folder=new", False),
        ("filter_not_absent=x", True),
        ("filter_notify.callback.number=%2B1", True),
        ("filter_notify.callback.number.deeper=1", False),
        ("has_key=empty", True),
        ("has_key=absent", False),
        ("key_missing=absent", True),
        ("has_value=empty", False),
        ("has_value=folder", True),
        ("value_missing=empty", True),
        ("missing_value=folder", False),
        ('filter_any_folder=["saved","new"]', True),
        ("filter_any_length=[1,3140]", True),
        ('filter_none_folder=["saved","new"]', False),
        ('filter_array_intersect_any_flags=["b","z"]', True),
        ('filter_array_intersect_all_flags=["b","z"]', False),
        ('filter_array_intersect_all_flags=["b","a"]', True),
        ('filter_array_intersect_none_flags=["z"]', True),
        ("filter_folder=new&filter_length=1", False),
        ("paginate=false&unknown=1", True),
    ],
)
def test_a_filter_matches_some_entries(query: str, passes: bool) -> None:
    assert parse_filters(QueryDict(query)).matches(ENTRY) is passes


def test_parameters_that_are_no_filters_are_ignored() -> None:
    assert parse_filters(QueryDict("page_size=3&folder=new")).is_empty


@pytest.mark.parametrize(
    "query",
    ['filter_any_folder={"a":1}', "modified_from=soon", "modified_to=" + "9" * 5_000, "&".join(["has_key=a"] * 60)],
)
def test_a_malformed_filter_is_refused(query: str) -> None:
    with pytest.raises(FaultyRequest):
        parse_filters(QueryDict(query))


@pytest.mark.parametrize(
    ("query", "expected"),
    [("", False), ("page_size=3&folder=new", False), ("page_size=3&has_value=a", True), ("filter_a=", True)],
)
def test_a_query_has_filters_or_none(query: str, expected: bool) -> None:
    assert has_filters(QueryDict(query)) is expected
