"""Texts as searches compare them: without case, accents, punctuation, or the many spellings of one letter or number.

`words` is what couch_views/shared/words.js emits: a change of one is a change of the other.
"""

import re
import unicodedata
from collections.abc import Iterable

_MAX_TEXT_LENGTH = 1_000
_MAX_WORD_LENGTH = 100
_MARKS = re.compile("[\u0300-\u036f]")
_PUNCTUATION = re.compile("[!-/:-@\\[-`{-~\u0080-\u00bf\u2000-\u206f\u3000-\u303f]+")
_WIDE_OFFSET = 0xFEE0  # from the characters of ASCII to their wide forms
_FOLDED_RANGES = (range(0xC0, 0x250), range(0x370, 0x530), range(0x1E00, 0x2000))  # Latin, Greek, Cyrillic letters
_NOT_DECOMPOSED = {
    "ß": "ss",
    "æ": "ae",
    "œ": "oe",
    "ø": "o",
    "đ": "d",
    "ð": "d",
    "ł": "l",
    "þ": "th",
    "ħ": "h",
    "\u0131": "i",  # without its dot
    "\u03c2": "\u03c3",  # sigma at the end of a word
}


def _base_letters(letter: str) -> str:
    decomposed = _MARKS.sub("", unicodedata.normalize("NFD", letter))
    return "".join(_NOT_DECOMPOSED.get(part, part) for part in decomposed)


_BASE_LETTERS = {
    code: _base_letters(chr(code))
    for codes in _FOLDED_RANGES
    for code in codes
    if unicodedata.category(chr(code)).startswith("L")
}
_NARROW = {code + _WIDE_OFFSET: code for code in range(0x21, 0x7F)}
_NUMBER = re.compile(r"(?:tel:)?[+0-9 ().\-/\u00a0\u2010-\u2015]+", re.IGNORECASE)
_NOT_DIGITS = re.compile(r"[^0-9]+")
_TRUNK_ZERO = re.compile(r"\(0\)")
_SHORTEST_SUBSCRIBER_NUMBER = 7
_LONGEST_PREFIX = 4
"""The digits of an international prefix without its zeros, and of a country code: 011 1."""


def fold(text: str) -> str:
    """A text in lower case, without accents: é, É and e with a combining accent are all e."""
    return _MARKS.sub("", text.translate(_NARROW).lower()).translate(_BASE_LETTERS)


def words(texts: Iterable[object]) -> set[str]:
    """The words of texts, folded, each from its start and from each of its parts on: ``o'brien`` is obrien and brien.

    What is not a text has none.
    """
    result: set[str] = set()
    for text in texts:
        if isinstance(text, str):
            for chunk in fold(text[:_MAX_TEXT_LENGTH]).split():
                parts = [part for part in _PUNCTUATION.split(chunk) if part]
                result |= {"".join(parts[start:])[:_MAX_WORD_LENGTH] for start in range(len(parts))}
    return result


def search_words(text: str) -> set[str]:
    """The words of a search; a telephone number is one word, however it is written."""
    digits = telephone_digits(text)
    if digits is not None:
        return {digits[:_MAX_WORD_LENGTH]}
    chunks = ("".join(_PUNCTUATION.split(chunk)) for chunk in search_parts(text[:_MAX_TEXT_LENGTH]))
    return {chunk[:_MAX_WORD_LENGTH] for chunk in chunks if chunk}


def search_parts(text: str) -> list[str]:
    """The parts of a search, folded, for `has_parts`."""
    return fold(unicodedata.normalize("NFC", text)).split()


def has_parts(text: str, parts: Iterable[str]) -> bool:
    """Whether a text contains all parts of a search, anywhere in its words.

    Punctuation may differ: ``o'neill`` and ``oneill`` are in ``O-Neill``, ``acme,inc`` is in ``Acme, Inc.``
    """
    folded = fold(unicodedata.normalize("NFC", text))
    pieces = [piece for piece in _PUNCTUATION.split(folded) if piece]
    joined, spaced = "".join(pieces), " ".join(" ".join(pieces).split())
    return all(part in folded or _is_bare_part(part, joined, spaced) for part in parts)


def _is_bare_part(part: str, joined: str, spaced: str) -> bool:
    """Whether a part of a search is in a text when both have no punctuation, or spaces in its place."""
    pieces = [piece for piece in _PUNCTUATION.split(part) if piece]
    return bool(pieces) and ("".join(pieces) in joined or " ".join(pieces) in spaced)


def telephone_digits(text: str) -> str | None:
    """The digits of a telephone number as people write it, ``+49 (0)30 123-4567``; None for any other text."""
    text = unicodedata.normalize("NFKC", text).strip()
    if not _NUMBER.fullmatch(text):
        return None
    is_international = text.lower().removeprefix("tel:").startswith(("+", "00"))
    return _NOT_DIGITS.sub("", _TRUNK_ZERO.sub("", text) if is_international else text) or None


def is_number_found(digits: str, stored_number: str) -> bool:
    """Whether digits that are searched for are a part of a stored number, or the same number with more of its prefix.

    Zeros in front, which stand for a country or a town, count on neither side.
    """
    stored = _NOT_DIGITS.sub("", stored_number)
    if not stored:
        return False
    short, stored_short = digits.lstrip("0"), stored.lstrip("0")
    if digits in stored or (len(short) >= _SHORTEST_SUBSCRIBER_NUMBER and short in stored):
        return True
    has_prefix = 0 < len(short) - len(stored_short) <= _LONGEST_PREFIX
    return has_prefix and len(stored_short) >= _SHORTEST_SUBSCRIBER_NUMBER and short.endswith(stored_short)
