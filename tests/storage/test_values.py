"""Booleans and numbers as old documents hold them."""

import pytest

from storage import values


@pytest.mark.parametrize("value", [True, "true"])
def test_true_may_be_text(value: object) -> None:
    assert values.is_true(value)
    assert not values.is_false(value)


@pytest.mark.parametrize("value", [False, "false"])
def test_false_may_be_text(value: object) -> None:
    assert values.is_false(value)
    assert not values.is_true(value)


@pytest.mark.parametrize("value", [None, "", "yes", [], {}, [True]])
def test_anything_else_is_neither(value: object) -> None:
    assert not values.is_true(value)
    assert not values.is_false(value)


@pytest.mark.parametrize(
    ("value", "integer"),
    [
        (5, 5),
        (5.9, 5),
        ("5", 5),
        (" 5.9 ", 5),
        (10**20, 10**20),
        (True, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("\u0665", None),  # a digit, but no ASCII
        (float("nan"), None),
        (float("inf"), None),
        (None, None),
        ([5], None),
    ],
)
def test_numbers_may_be_text(value: object, integer: int | None) -> None:
    assert values.as_integer(value) == integer


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("3000", "3000"),
        (3000, "3000"),
        (3000.0, "3000"),
        (1.5, "1.5"),
        ("", None),
        (True, None),
        (None, None),
        ([], None),
    ],
)
def test_texts_may_be_numbers(value: object, text: str | None) -> None:
    assert values.as_text(value) == text
