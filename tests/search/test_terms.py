"""What a typed text is taken for: words and telephone numbers."""

import pytest

from search import terms


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("+1 (415) 555-01", ["141555501"]),
        ("415555", ["415555"]),
        ("415 555 0123", ["4155550123"]),
        ("+49 (0)30 1234567", ["49301234567"]),
        ("4155550123 acme", ["4155550123", "acme"]),
        ("Acme 415 555", ["acme", "415555"]),
        ("Müller & Söhne", ["muller", "sohne"]),
        ("o'brien", ["obrien"]),
        ("jane.doe@example.com", ["janedoeexamplecom"]),
        ("202611-0a1b2c", ["2026110a1b2c"]),
        ("\uff17\uff12\uff15", ["725"]),
        ("  ", []),
        ("\" OR * ) \\ ' - \x00", ["or"]),
        ("\ud800", []),
    ],
)
def test_a_text_has_these_terms(text: str, words: list[str]) -> None:
    assert [term.word for term in terms.parse(text)] == words


def test_a_text_has_eight_terms_at_most() -> None:
    assert len(terms.parse("a b c d e f g h i j")) == 8
