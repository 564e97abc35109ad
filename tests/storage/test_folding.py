"""What searches take for equal: spellings of letters, and of telephone numbers."""

import pytest

from storage import folding

STORED = ["+12025550178", "2025550178", "12025550178", "+1 (202) 555-0178", "(202) 555-0178", "202.555.0178"]


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Jos\u00e9", "jose"),
        ("JOSE\u0301", "jose"),
        ("Straße", "strasse"),
        ("STRASSE", "strasse"),
        ("Łódź Ørsted Æon", "lodz orsted aeon"),
        ("İstanbul", "istanbul"),
        ("ΟΔΟΣ", "οδοσ"),
        ("\uff11\uff10\uff11", "101"),
    ],
)
def test_letters_are_compared_without_case_and_accents(text: str, folded: str) -> None:
    assert folding.fold(text) == folding.fold(folded) == folded


def test_words_start_at_each_part_and_have_no_punctuation() -> None:
    assert folding.words(["O'Brien & Söhne-Bau", None, 7]) == {"obrien", "brien", "sohnebau", "bau"}
    assert folding.search_words("O\u2019Brien  &  söhne-B") == {"obrien", "sohneb"}
    assert folding.search_words(" & ") == folding.words([" & "]) == set()


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("+1 202 555 0178", "12025550178"),
        ("(202) 555-0178", "2025550178"),
        ("202.555.0178", "2025550178"),
        ("202/5550178", "2025550178"),
        ("202\u2011555\u20110178", "2025550178"),
        ("tel:+1-202-555-0178", "12025550178"),
        ("+49 (0)30 1234567", "49301234567"),
        ("(0)30", "030"),
        ("\uff12\uff10\uff12", "202"),
        ("Ada 202", None),
        ("()", None),
        ("", None),
    ],
)
def test_a_telephone_number_is_its_digits(text: str, digits: str | None) -> None:
    assert folding.telephone_digits(text) == digits


@pytest.mark.parametrize("stored", STORED)
@pytest.mark.parametrize(
    "text", [*STORED, "001 202 555 0178", "011 1 202 555 0178", "555-0178", "5550178", "0178", "+1 202"]
)
def test_all_spellings_of_a_number_find_it(text: str, stored: str) -> None:
    digits = folding.telephone_digits(text)
    assert digits is not None
    has_country = "1202" in "".join(filter(str.isdigit, stored))
    assert folding.is_number_found(digits, stored) == (has_country or text != "+1 202")


@pytest.mark.parametrize(
    "text", ["0170 1234567", "+49 170 1234567", "0049 170 1234567", "+49 (0)170 1234567", "1701234567"]
)
@pytest.mark.parametrize("stored", ["+491701234567", "01701234567", "00491701234567"])
def test_a_zero_that_stands_for_a_country_or_town_does_not_count(text: str, stored: str) -> None:
    digits = folding.telephone_digits(text)
    assert digits is not None
    assert folding.is_number_found(digits, stored)


@pytest.mark.parametrize(
    ("text", "stored"),
    [("2025550179", "2025550178"), ("1202", "202"), ("0", ""), ("5", "anonymous")],
)
def test_another_number_is_not_found(text: str, stored: str) -> None:
    assert not folding.is_number_found(text, stored)


@pytest.mark.parametrize(
    ("search", "text"),
    [
        ("O'Neill", "Sean O\u2019Neill"),
        ("oneill", "Sean O\u2019Neill"),
        ("d\u2019angelo maria", "D'Angelo, Maria"),
        ("Jean\u2010Luc", "Jean-Luc Picard"),
        ("jeanluc picard", "Jean-Luc Picard"),
        ("acme,inc", "Acme, Inc."),
        ("202-555-0178 x12", "1 (202) 555-0178 x12"),
        ("ann@example", "ann@example.com"),
    ],
)
def test_parts_of_a_text_are_found_whatever_their_punctuation(search: str, text: str) -> None:
    assert folding.has_parts(text, folding.search_parts(search))


@pytest.mark.parametrize("search", ["o'neil x", "acme & co", "%", "nab"])
def test_parts_that_a_text_does_not_have_are_not_found(search: str) -> None:
    assert not folding.has_parts("Sean O'Neill, Acme Inc. Ian Abel", folding.search_parts(search))
