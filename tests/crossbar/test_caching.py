"""The cache for functions of texts that clients send."""

from collections.abc import Callable

import pytest

from crossbar.caching import cache_short_texts


@pytest.fixture
def calls() -> list[str]:
    """The texts that the function was really called with."""
    return []


def counting(calls: list[str]) -> Callable[[str], int]:
    def length(text: str) -> int:
        calls.append(text)
        return len(text)

    return length


def test_the_result_for_a_short_text_is_cached(calls: list[str]) -> None:
    length = cache_short_texts(10)(counting(calls))
    assert [length("abc"), length("abc")] == [3, 3]
    assert calls == ["abc"]


def test_the_result_for_a_long_text_is_not_cached(calls: list[str]) -> None:
    length = cache_short_texts(10)(counting(calls))
    assert [length("x" * 301), length("x" * 301)] == [301, 301]
    assert len(calls) == 2


def test_an_exception_is_not_cached(calls: list[str]) -> None:
    @cache_short_texts(10)
    def refuse(text: str) -> str:
        calls.append(text)
        raise LookupError(text)

    for _ in range(2):
        with pytest.raises(LookupError):
            refuse("abc")
    assert calls == ["abc", "abc"]


def test_the_least_recently_used_results_are_dropped(calls: list[str]) -> None:
    length = cache_short_texts(2)(counting(calls))
    for text in ("a", "b", "c", "c", "a"):
        length(text)
    assert calls == ["a", "b", "c", "a"]
