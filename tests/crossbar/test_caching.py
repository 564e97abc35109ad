"""What is remembered of texts that clients send: short ones, and no error."""

from collections.abc import Callable

import pytest

from crossbar.caching import cache_short_texts


@pytest.fixture
def asked() -> list[str]:
    """The texts that the function was really called with."""
    return []


def counting(asked: list[str]) -> Callable[[str], int]:
    def length(text: str) -> int:
        asked.append(text)
        return len(text)

    return length


def test_a_short_text_is_looked_at_once(asked: list[str]) -> None:
    length = cache_short_texts(10)(counting(asked))
    assert [length("abc"), length("abc")] == [3, 3]
    assert asked == ["abc"]


def test_a_long_text_is_looked_at_each_time_and_not_kept(asked: list[str]) -> None:
    length = cache_short_texts(10)(counting(asked))
    assert [length("x" * 301), length("x" * 301)] == [301, 301]
    assert len(asked) == 2


def test_an_error_is_found_again_each_time(asked: list[str]) -> None:
    @cache_short_texts(10)
    def refuse(text: str) -> str:
        asked.append(text)
        raise LookupError(text)

    for _ in range(2):
        with pytest.raises(LookupError):
            refuse("abc")
    assert asked == ["abc", "abc"]


def test_only_so_many_texts_are_remembered(asked: list[str]) -> None:
    length = cache_short_texts(2)(counting(asked))
    for text in ("a", "b", "c", "c", "a"):
        length(text)
    assert asked == ["a", "b", "c", "a"]
